#!/usr/bin/python3
"""Compares the front ends with torch on real recordings: at most 1e-3 dB apart wherever a band lies within 80 dB of the
clip's maximum.

    check_frontends.py DUMP_FRONTEND [DATA] [--clips N] [-v]

DUMP_FRONTEND is the test program of that name; DATA the folder of recordings (default: MEWL_DATA, then ../shared/data
beside the repository). Recordings are decoded and
resampled by the ffmpeg program. Exit 0: within the bar; 1: not; 77: skipped (no torch, no recordings, no ffmpeg).
"""
import argparse
import glob
import os
import shutil
import subprocess
import sys

BAR_DB = 1e-3
SKIP = 77
HERE = os.path.dirname(os.path.abspath(__file__))


def skip(reason):
    print("check_frontends: SKIPPED:", reason)
    sys.exit(SKIP)


try:
    import torch

    sys.path.insert(0, HERE)
    import frontends_torch as twin
except ImportError as missing:
    skip(f"{missing.name} is not installed (Debian: python3-torch, python3-torchaudio)")

PATTERNS = ["esc10/004*/*.ogg", "donateacry-corpus/**/*.wav", "catmeows/*.flac", "urbansound8k/fold1/*.flac",
            "baby-laugh/*.flac", "librispeech-test-other/**/*.flac", "esc10/001*/*.ogg", "donateacry-corpus/**/*.3gp"]


def choose(data, clips):
    chosen = []
    lists = [sorted(glob.glob(os.path.join(data, p), recursive=True)) for p in PATTERNS]
    lists = [found for found in lists if found]
    turn = 0
    while len(chosen) < clips and lists:
        found = lists[turn % len(lists)]
        index = (turn // len(lists)) * 7
        if index >= len(found) and turn // len(lists) > clips:
            break
        if index < len(found):
            chosen.append(found[index])
        turn += 1
    return chosen


def decode(path, rate):
    command = ["ffmpeg", "-v", "error", "-i", path, "-ac", "1", "-ar", str(rate), "-t", "30", "-f", "f32le", "-"]
    raw = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return torch.frombuffer(bytearray(raw), dtype=torch.float32) if raw else torch.zeros(0)


def ours(program, name, kind, x):
    raw = subprocess.run([program, name, kind], input=x.numpy().tobytes(), stdout=subprocess.PIPE, check=True).stdout
    return torch.frombuffer(bytearray(raw), dtype=torch.float32).to(torch.float64)


def worst(name, kind, got, want, level_db):
    """Largest difference in dB where level_db lies within 80 dB of its maximum."""
    loud = level_db >= level_db.max() - 80.0
    apart = (twin.to_db(name, kind, got) - twin.to_db(name, kind, want)).abs()
    return apart[loud].max().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    default = os.environ.get("MEWL_DATA") or os.path.join(HERE, "../../shared/data")
    parser.add_argument("data", nargs="?", default=default)
    parser.add_argument("--clips", type=int, default=24)
    parser.add_argument("-v", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if shutil.which("ffmpeg") is None:
        skip("no ffmpeg program")
    clips = choose(args.data, args.clips)
    if not clips:
        skip(f"no recordings under {args.data!r} (set MEWL_DATA)")
    failed = False
    print(f"{len(clips)} clips; largest difference in dB within 80 dB of the clip's maximum, ours and torch's float32,"
          " from torch's float64")
    for name, rate in twin.RATE_HZ.items():
        result = {"logmel": [0.0, 0.0], "mel": [0.0, 0.0]}
        frames = 0
        for path in clips:
            x = decode(path, rate)
            if len(x) < rate // 4 or x.abs().max() == 0.0:
                continue
            level = twin.to_db(name, "mel", twin.features(name, "mel", x.double()))
            for kind, figures in result.items():
                want = twin.features(name, kind, x.double())
                got = ours(args.program, name, kind, x)
                if got.numel() != want.numel():
                    print(f"{name} {kind}: {path}: {got.numel()} values where {want.numel()} were expected")
                    failed = True
                    continue
                mine = worst(name, kind, got.reshape(want.shape), want, level)
                theirs = worst(name, kind, twin.features(name, kind, x).double(), want, level)
                if args.v and mine > BAR_DB / 4:
                    print(f"  {name} {kind} {mine:.2e} {theirs:.2e} {path}")
                figures[0] = max(figures[0], mine)
                figures[1] = max(figures[1], theirs)
            frames += len(level)
        for kind, (mine, theirs) in result.items():
            verdict = "ok" if mine <= BAR_DB else "TOO FAR"
            failed = failed or mine > BAR_DB
            print(f"{name:10s} {kind:7s} {frames:6d} frames  ours {mine:.2e}  torch float32 {theirs:.2e}  {verdict}")
    sys.exit(1 if failed else 0)


main()
