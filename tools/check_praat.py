#!/usr/bin/python3
"""Compares the voice room with Praat on real cries: F0 frame by frame, jitter, shimmer, HNR recording by recording.

    check_praat.py DUMP_VOICE [DATA] [--clips N] [--seed S] [--json OUT]

DUMP_VOICE is the test program of that name; DATA the folder of recordings (default: MEWL_DATA, then ../shared/data
beside the repository). Run by hand: ./test needs no Praat. Three quarters of the recordings come from the cleaned
Donate-a-Cry set (8 kHz), one per uuid, the rest from ESC-10's cries (44.1 kHz), all drawn by the seed. Praat reads the same
16-bit samples. Its settings, COST being 0.01 (Praat's standard) and 0.05 (Mewl's default):

    To Pitch (ac): 0.005, 150, 15, "no", 0.03, 0.45, COST, 0.35, 0.14, 3000
    To PointProcess (cc), from sound and pitch
    Get jitter (local): 0, 0, 0.0001, 0.02, 1.3         Get jitter (rap): the same
    Get shimmer (local_dB): 0, 0, 0.0001, 0.02, 1.3, 1.6
    HNR: "Voice report" (mean over voiced frames), and beside it To Harmonicity (cc): 0.005, 150, 0.1, 1

Compared are, at equal settings, both at 0.01 and both at 0.05, without Mewl's test of high frames (pitch_lines.h), which
Praat does not have; then Mewl's default with Praat at 0.05, and with Praat's standard. Bars, at equal settings: at least
95 % of the frames that both call voiced within 10 Hz; correlation of at least 0.9 for jitter, shimmer, HNR. At unequal ones
the two decide differently about octaves and about noise, on purpose; the figures say how often.
Recordings that Praat 6.3 does not come back from (it follows pulses above 2 kHz for ever) are named, and others taken.
Exit 0: within the bars; 1: not; 77: skipped (no praat, no ffmpeg, no recordings).
"""
import argparse
import glob
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile

SKIP = 77
TIMEOUT_S = 30
COSTS = ["0.01", "0.05"]
RUNS = [["0.01", "0"], ["0.05", "0"], ["0.05"]]  # Mewl's cost, and 0: without its test of high frames
PAIRS = [(0, 0), (1, 1), (2, 1), (2, 0)]  # of RUNS, of COSTS; the first two are equal settings
HIGH_HZ = 900  # what that test is about
MORE = 20  # recordings drawn besides, for those that Praat does not come back from
HERE = os.path.dirname(os.path.abspath(__file__))
MEASURES = ["jitter_local", "jitter_rap", "shimmer_local_db", "shimmer_local", "hnr_db"]

SCRIPT = r"""
form run
  sentence Path
  sentence Cost
  sentence Out
endform
cost = number (cost$)
sound = Read from file: path$
pitch = To Pitch (ac): 0.005, 150, 15, "no", 0.03, 0.45, cost, 0.35, 0.14, 3000
selectObject: sound, pitch
pulses = To PointProcess (cc)
jitter = Get jitter (local): 0, 0, 0.0001, 0.02, 1.3
rap = Get jitter (rap): 0, 0, 0.0001, 0.02, 1.3
selectObject: sound, pulses
shimdb = Get shimmer (local_dB): 0, 0, 0.0001, 0.02, 1.3, 1.6
shim = Get shimmer (local): 0, 0, 0.0001, 0.02, 1.3, 1.6
selectObject: sound, pitch, pulses
report$ = Voice report: 0, 0, 150, 3000, 1.3, 1.6, 0.03, 0.45
hnr = extractNumber (report$, "Mean harmonics-to-noise ratio:")
selectObject: sound
harmonicity = To Harmonicity (cc): 0.005, 150, 0.1, 1
cc = Get mean: 0, 0
selectObject: pitch
frames = Get number of frames
first = Get time from frame number: 1
writeFile: out$, "F ", frames, " ", fixed$ (first, 9), " ", fixed$ (jitter, 9), " ", fixed$ (rap, 9), " ", fixed$ (shimdb, 9)
appendFileLine: out$, " ", fixed$ (shim, 9), " ", fixed$ (hnr, 9), " ", fixed$ (cc, 9)
for i to frames
  f = Get value in frame: i, "Hertz"
  if f = undefined
    f = 0
  endif
  appendFile: out$, fixed$ (f, 6), " "
endfor
"""


def skip(reason):
    print("check_praat: SKIPPED:", reason)
    sys.exit(SKIP)


def choose(data, clips, seed):
    rng = random.Random(seed)
    donate = sorted(glob.glob(os.path.join(data, "donateacry-corpus/donateacry_corpus_cleaned*/**/*.wav"), recursive=True))
    rng.shuffle(donate)
    one_each = {}
    for path in donate:
        one_each.setdefault(os.path.basename(path)[:36], path)
    esc = sorted(glob.glob(os.path.join(data, "esc10/004*/*.ogg")))
    rng.shuffle(esc)
    quarter = min(len(esc), clips // 4)
    return esc[:quarter] + list(one_each.values())[:clips - quarter + MORE]


def number(text):
    return math.nan if "undefined" in text else float(text)


def run_praat(wav, cost, scratch):
    script, out = (os.path.join(scratch, name) for name in ("run.praat", "out.txt"))
    with open(script, "w") as f:
        f.write(SCRIPT)
    try:
        subprocess.run(["praat", "--run", script, wav, cost, out], check=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return None
    with open(out) as f:
        head, body = f.read().split("\n", 1)
    fields = head.split()
    return {"first_s": float(fields[2]), "f0": [float(x) for x in body.split()],
            **dict(zip(MEASURES, map(number, fields[3:8]))), "hnr_cc_db": number(fields[8])}


def run_mewl(dump, wav, arguments):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", wav, "-f", "f32le", "-"], stdout=subprocess.PIPE, check=True).stdout
    rate = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=sample_rate", "-of", "csv=p=0", wav],
                          stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    lines = subprocess.run([dump, rate, *arguments], input=raw, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    head = [float(x) for x in lines[0].split()]
    return {"first_s": head[0], "f0": [float(x.split()[0]) for x in lines[1:]], **dict(zip(MEASURES, head[3:8]))}


def gather(args, scratch):
    """One row a recording: what Mewl and Praat say at each cost."""
    rows = []
    for path in choose(args.data, args.clips, args.seed):
        if len(rows) == args.clips:
            break
        wav = os.path.join(scratch, "clip.wav")
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", path, "-ac", "1", "-c:a", "pcm_s16le", wav], check=True)
        theirs = []
        for cost in COSTS:
            theirs.append(run_praat(wav, cost, scratch))
            if theirs[-1] is None:
                print(f"Praat did not come back from {os.path.basename(path)}")
                break
        else:
            rows.append(([run_mewl(args.dump, wav, arguments) for arguments in RUNS], theirs))
    return rows


def correlation(a, b):
    n = len(a)
    ma, mb = sum(a) / n, sum(b) / n
    sab = sum((x - ma) * (y - mb) for x, y in zip(a, b))
    return sab / math.sqrt(sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b))


def interval(pairs, statistic, rounds=1000):
    rng = random.Random(1)
    values = sorted(statistic([rng.choice(pairs) for _ in pairs]) for _ in range(rounds))
    return [values[int(0.025 * rounds)], values[int(0.975 * rounds)]]


def compare_f0(ours, theirs):
    per_clip = []
    for m, p in zip(ours, theirs):
        assert len(m["f0"]) == len(p["f0"]) and abs(m["first_s"] - p["first_s"]) < 1e-6, "frames differ"
        both = [(a, b) for a, b in zip(m["f0"], p["f0"]) if a > 0 and b > 0]
        per_clip.append({"both": len(both), "near": sum(abs(a - b) <= 10 for a, b in both),
                         "frames": len(m["f0"]), "voiced_mewl": sum(a > 0 for a in m["f0"]),
                         "voiced_praat": sum(b > 0 for b in p["f0"]),
                         "agree": sum((a > 0) == (b > 0) for a, b in zip(m["f0"], p["f0"])),
                         "praat_high": sum(b > HIGH_HZ for b in p["f0"]),
                         "praat_high_refused": sum(a == 0 and b > HIGH_HZ for a, b in zip(m["f0"], p["f0"])),
                         "high": sum(a > 1000 for a, _ in both), "high_near": sum(a > 1000 and abs(a - b) <= 10 for a, b in both)})
    return per_clip


def report(ours, theirs, seed):
    f0 = compare_f0(ours, theirs)
    total = {key: sum(c[key] for c in f0) for key in f0[0]}
    share = lambda clips: sum(c["near"] for c in clips) / max(1, sum(c["both"] for c in clips))
    result = {"recordings": len(theirs), "seed": seed, **total, "within_10_hz": share(f0),
              "within_10_hz_interval": interval(f0, share), "voicing_agreement": total["agree"] / total["frames"],
              "measures": {}}
    print(f"{len(theirs)} recordings (seed {seed}), {total['frames']} frames, {total['both']} voiced in both (Mewl "
          f"{total['voiced_mewl']}, Praat {total['voiced_praat']}; voicing agrees in {100 * result['voicing_agreement']:.2f} %)")
    low, high = result["within_10_hz_interval"]
    print(f"within 10 Hz: {100 * result['within_10_hz']:.3f} % ({100 * low:.3f} to {100 * high:.3f}); "
          f"above 1 kHz {total['high_near']} of {total['high']}; "
          f"of Praat's {total['praat_high']} above {HIGH_HZ} Hz {total['praat_high_refused']} are no voice to Mewl")
    result["good"] = result["within_10_hz"] >= 0.95
    for name in MEASURES + ["hnr_cc_db"]:
        own = "hnr_db" if name == "hnr_cc_db" else name
        pairs = [(m[own], p[name]) for m, p in zip(ours, theirs) if not (math.isnan(m[own]) or math.isnan(p[name]))]
        r = lambda some: correlation([a for a, _ in some], [b for _, b in some])
        bias = sum(a - b for a, b in pairs) / len(pairs)
        spread = math.sqrt(sum((a - b - bias) ** 2 for a, b in pairs) / len(pairs))
        row = {"count": len(pairs), "correlation": r(pairs), "interval": interval(pairs, r), "bias": bias, "sd": spread,
               "mean_praat": sum(b for _, b in pairs) / len(pairs)}
        result["measures"][name] = row
        result["good"] = result["good"] and (row["correlation"] >= 0.9 or name == "hnr_cc_db")
        print(f"{name:17} n {row['count']:3}  r {row['correlation']:.4f} ({row['interval'][0]:.4f} to {row['interval'][1]:.4f})  "
              f"bias {bias:+.5f} +- {spread:.5f}  (Praat's mean {row['mean_praat']:.5f})")
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dump")
    parser.add_argument("data", nargs="?", default=os.environ.get("MEWL_DATA") or os.path.join(HERE, "../../shared/data"))
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json")
    args = parser.parse_args()
    for program in ("praat", "ffmpeg", "ffprobe"):
        if shutil.which(program) is None:
            skip(f"{program} is not installed")
    with tempfile.TemporaryDirectory() as scratch:
        rows = gather(args, scratch)
    if not rows:
        skip(f"no recordings below {args.data}")
    results = []
    for mewl, praat in PAIRS:
        untested = " without its test of high frames" if len(RUNS[mewl]) > 1 else ""
        print(f"\nMewl at octave cost {RUNS[mewl][0]}{untested}, Praat at {COSTS[praat]}")
        results.append({"mewl_cost": RUNS[mewl][0], "praat_cost": COSTS[praat], "equal": mewl == praat,
                        **report([ours[mewl] for ours, _ in rows], [theirs[praat] for _, theirs in rows], args.seed)})
    if args.json:
        with open(args.json, "w") as f:
            json.dump(results, f, indent=2)
            f.write("\n")
    sys.exit(0 if all(result["good"] for result in results if result["equal"]) else 1)


if __name__ == "__main__":
    main()
