#!/usr/bin/python3
"""Mewl beside PyTorch, taking turns on one machine: forward and training steps of CNN10 and CNN14. See pytorch.sh.

PyTorch's best is looked for among eager, frozen JIT and channels-last in float32, and autocast, whole-bfloat16 eager,
channels-last and frozen JIT in bfloat16 (batch norm folded by freezing). The best of each is then measured in turn with
Mewl's float32, Winograd, bfloat16 and int8, and medians are compared. One thread is compared by processor time, which
other work on the machine disturbs least; several threads by wall time.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

CHANNELS = {"cnn10": [64, 128, 256, 512], "cnn14": [64, 128, 256, 512, 1024, 2048]}
BANDS, CLASSES = 64, 527


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("program", help="bench-speed")
    p.add_argument("--arch", default="cnn10,cnn14")
    p.add_argument("--threads", default="1,2")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--batch", type=int, default=8)
    p.add_argument("--seconds", type=float, default=10.0, help="of a clip, 100 frames a second")
    p.add_argument("--train-seconds", type=float, default=7.0)
    p.add_argument("--width", type=float, default=1.0, help="of the networks: a small one tries the script")
    p.add_argument("--only", default="infer,train")
    p.add_argument("-o", "--output", help="JSON document")
    return p.parse_args()


OPTS = arguments()
# OMP_PROC_BIND keeps the first thread of this process on one core as soon as PyTorch works; what it starts must not
# inherit that.
CORES = os.sched_getaffinity(0)

import torch  # noqa: E402  after the arguments, so that --help is quick
import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402


class Block(nn.Module):
    def __init__(self, a, b, pool):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, padding=1, bias=False), nn.BatchNorm2d(b)
        self.pool = pool

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.dropout(F.avg_pool2d(x, 2) if self.pool else x, 0.2, self.training)


class Net(nn.Module):
    """PANNs' CNN10 or CNN14 from log-mel frames on."""

    def __init__(self, arch, width):
        super().__init__()
        channels = [1] + [round(c * width) for c in CHANNELS[arch]]
        last = len(channels) - 2 if arch == "cnn14" else -1
        self.bn0 = nn.BatchNorm2d(BANDS)
        self.blocks = nn.Sequential(*[Block(channels[i], channels[i + 1], i != last) for i in range(len(channels) - 1)])
        self.fc1 = nn.Linear(channels[-1], channels[-1])
        self.fc_audioset = nn.Linear(channels[-1], CLASSES)

    def forward(self, x):
        x = self.bn0(x.transpose(1, 3)).transpose(1, 3)
        x = self.blocks(x).mean(3)
        x = x.max(2)[0] + x.mean(2)
        x = F.relu(self.fc1(F.dropout(x, 0.5, self.training)))
        return self.fc_audioset(F.dropout(x, 0.5, self.training))


def gflop(arch, frames, width):
    """Of one clip, forward: multiplications and additions of the convolutions and linear layers."""
    total, t, f, a = 0, frames, BANDS, 1
    for i, c in enumerate(round(c * width) for c in CHANNELS[arch]):
        total += 2 * 9 * t * f * (a * c + c * c)
        a = c
        if arch == "cnn10" or i < 5:
            t, f = t // 2, f // 2
    return (total + 2 * (a * a + a * CLASSES)) * 1e-9


def freeze(net, x):
    with torch.no_grad():
        traced = torch.jit.freeze(torch.jit.trace(net, x))
        traced = torch.jit.optimize_for_inference(traced) if x.dtype == torch.float32 else traced
    return traced


def infer_variants(arch, x):
    """(precision, name, () -> callable); each makes its own network, so that only one is in memory at a time."""
    last = torch.channels_last
    half = torch.bfloat16

    def plain(net, x):
        def run():
            with torch.no_grad():
                net(x)
        return run

    def auto(net, x):
        def run():
            with torch.no_grad(), torch.autocast("cpu", half):
                net(x)
        return run

    def make():
        torch.manual_seed(1)
        return Net(arch, OPTS.width).eval()

    return [
        ("f32", "eager", lambda: plain(make(), x)),
        ("f32", "frozen JIT", lambda: plain(freeze(make(), x), x)),
        ("f32", "channels-last", lambda: plain(make().to(memory_format=last), x.to(memory_format=last))),
        ("f32", "channels-last, frozen JIT",
         lambda: plain(freeze(make().to(memory_format=last), x.to(memory_format=last)), x.to(memory_format=last))),
        ("bf16", "autocast", lambda: auto(make(), x)),
        ("bf16", "autocast, channels-last", lambda: auto(make().to(memory_format=last), x.to(memory_format=last))),
        ("bf16", "bfloat16, channels-last", lambda: plain(make().to(half).to(memory_format=last), x.to(half))),
        ("bf16", "bfloat16, channels-last, frozen JIT",
         lambda: plain(freeze(make().to(half).to(memory_format=last), x.to(half)), x.to(half))),
    ]


def train_variants(arch, x):
    target = torch.zeros(x.shape[0], CLASSES)

    def step(memory_format, half):
        torch.manual_seed(1)
        net = Net(arch, OPTS.width).train().to(memory_format=memory_format)
        optimiser = torch.optim.AdamW(net.parameters(), 1e-4)
        mine = x.to(memory_format=memory_format)

        def run():
            optimiser.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                out = net(mine)
            F.binary_cross_entropy_with_logits(out.float(), target).backward()
            optimiser.step()
        return run

    plain, last = torch.contiguous_format, torch.channels_last
    return [
        ("f32", "eager", lambda: step(plain, False)),
        ("f32", "channels-last", lambda: step(last, False)),
        ("bf16", "autocast", lambda: step(plain, True)),
        ("bf16", "autocast, channels-last", lambda: step(last, True)),
    ]


def timed(run):
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return [(time.perf_counter() - wall) * 1e3, (time.process_time() - processor) * 1e3]


class Mewl:
    """One precision of ours in a process of its own."""

    def __init__(self):
        self.process = subprocess.Popen([OPTS.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=lambda: os.sched_setaffinity(0, CORES))

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if answer == "" or answer.startswith("failed"):
            sys.exit(f"bench-speed: {line}: {answer}")
        return [float(x) for x in answer.split()] if answer[0].isdigit() else answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def note(text):
    print(text, file=sys.stderr, flush=True)


def pytorch_best(variants, which):
    """{precision: (name, ms, callable)} after one warm run and one that counts; what fails is said."""
    best, tried = {}, []
    for precision, name, make in variants:
        try:
            run = make()
            run()
            took = timed(run)
        except (RuntimeError, NotImplementedError) as e:
            note(f"  PyTorch {precision} {name}: {str(e).splitlines()[0]}")
            continue
        tried.append({"precision": precision, "variant": name, "ms": took[which]})
        note(f"  PyTorch {precision} {name}: {took[which]:.0f} ms")
        if precision not in best or took[which] < best[precision][1]:
            best[precision] = (name, took[which], run)
    return best, tried


def compare(arch, threads, what):
    """One architecture on so many threads: forward, or training steps."""
    seconds = OPTS.seconds if what == "infer" else OPTS.train_seconds
    frames = round(seconds * 100) + 1
    which = 1 if threads == 1 else 0  # processor or wall time
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    x = torch.randn(OPTS.batch, 1, frames, BANDS)
    note(f"{arch}, {threads} thread(s), {what}")
    peak = {}
    ours = {}
    best, tried = pytorch_best((infer_variants if what == "infer" else train_variants)(arch, x), which)
    samples = {("PyTorch", p): [] for p in best}
    for precision in ["f32", "winograd", "bf16", "int8"] if what == "infer" else ["f32", "bf16"]:
        ours[precision] = Mewl()
        megabytes = ours[precision].ask(f"open {arch} {OPTS.width} {OPTS.batch} {frames} {threads} {precision} {what}")
        note(f"  Mewl {precision}: {megabytes[0]:.0f} MB of activations")
        samples[("Mewl", precision)] = []
    for _ in range(OPTS.rounds):
        for precision in best:
            samples[("PyTorch", precision)].append(timed(best[precision][2])[which])
        for precision, mewl in ours.items():
            samples[("Mewl", precision)].append(mewl.ask("run")[which])
        for precision in ["f32", "bf16", "int8"]:
            peak.setdefault(precision, []).append(next(iter(ours.values())).ask(f"peak {precision} {threads}")[0])
    errors = {p: m.ask("error")[0] for p, m in ours.items()} if what == "infer" else {}
    for mewl in ours.values():
        mewl.close()
    work = gflop(arch, frames, OPTS.width) * OPTS.batch
    rows = []
    for (side, precision), ms in samples.items():
        median = statistics.median(ms)
        top = max(peak["f32" if precision == "winograd" else precision])
        row = {"side": side, "precision": precision, "ms_per_clip": median / OPTS.batch, "samples_ms": ms,
               "variant": best[precision][0] if side == "PyTorch" else precision,
               "share_of_peak": None if what == "train" else work / median * 1e3 / top}
        for base in best:
            row[f"times_pytorch_{base}"] = statistics.median(samples[("PyTorch", base)]) / median
        if side == "Mewl" and precision in errors:
            row["probability_error"] = errors[precision]
        rows.append(row)
    return {"arch": arch, "threads": threads, "what": what, "seconds": seconds, "batch": OPTS.batch,
            "clock": "processor" if which == 1 else "wall", "peak_gflops": {k: max(v) for k, v in peak.items()},
            "gflop_per_clip_forward": gflop(arch, frames, OPTS.width), "rounds": OPTS.rounds, "rows": rows,
            "pytorch_tried": tried}


def show(result):
    peaks = ", ".join(f"{k} {v:.0f}" for k, v in result["peak_gflops"].items())
    print(f"\n{result['arch']}, {result['what']}, {result['threads']} thread(s), {result['clock']} time, "
          f"{result['gflop_per_clip_forward']:.1f} GFLOP a clip forward; matrix product, GFLOP/s: {peaks}\n")
    print("| | ms a clip | of peak | x PyTorch's f32 | x PyTorch's bf16 | error |\n|---|---|---|---|---|---|")
    for row in result["rows"]:
        name = f"{row['side']} {row['precision']}" + (f" ({row['variant']})" if row["side"] == "PyTorch" else "")
        share = "" if row["share_of_peak"] is None else f"{100 * row['share_of_peak']:.0f} %"
        times = [f"{row['times_pytorch_' + b]:.2f}" if "times_pytorch_" + b in row else "" for b in ("f32", "bf16")]
        error = f"{row['probability_error']:.1e}" if "probability_error" in row else ""
        print(f"| {name} | {row['ms_per_clip']:.1f} | {share} | {times[0]} | {times[1]} | {error} |")
    sys.stdout.flush()


def machine():
    for line in open("/proc/cpuinfo", encoding="ascii", errors="replace"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def main():
    results = []
    for threads in [int(t) for t in OPTS.threads.split(",")]:
        for arch in OPTS.arch.split(","):
            for what in OPTS.only.split(","):
                results.append(compare(arch, threads, what))
                show(results[-1])
    if OPTS.output:
        with open(OPTS.output, "w", encoding="utf-8") as f:
            json.dump({"machine": machine(), "pytorch": torch.__version__, "results": results}, f, indent=1)
            f.write("\n")


main()
