#!/usr/bin/python3
"""Writes tests/dsp/golden: synthetic signals and what torch makes of them (float64, rounded to float32 at the end).

    golden_dsp.py [FOLDER]

Signals: at 16 and 32 kHz, 0.31 s each, a cry-like harmonic glide with breaks, clicks, a whisper of noise and a stretch
of digital silence; and 150 samples of noise, shorter than half a window. Needs torch and torchaudio; the tests do not.
"""
import math
import os
import sys

import numpy
import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frontends_torch as twin

KINDS = ("logmel", "hybrid")


def cry(rate):
    random = numpy.random.RandomState(20)
    t = numpy.arange(int(0.31 * rate)) / rate
    pitch = 430.0 + 160.0 * numpy.sin(2.0 * math.pi * 1.7 * t)
    phase = 2.0 * math.pi * numpy.cumsum(pitch) / rate
    x = sum(0.4 / k * numpy.sin(k * phase) for k in range(1, 12))
    x *= numpy.where(t < 0.05, 0.002, 1.0) * numpy.exp(-3.0 * t)
    x += 1e-4 * random.randn(len(t))
    x[int(0.11 * rate)] += 0.8
    x[int(0.2 * rate):int(0.25 * rate)] = 0.0
    return torch.tensor(x, dtype=torch.float32)


def noise():
    return torch.tensor(0.1 * numpy.random.RandomState(21).randn(150), dtype=torch.float32)


def write(folder, name, values):
    path = os.path.join(folder, name + ".npy")
    numpy.save(path, values.to(torch.float32).contiguous().numpy())
    return os.path.getsize(path)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "..", "tests", "dsp", "golden")
    os.makedirs(folder, exist_ok=True)
    total = 0
    signals = {16000: cry(16000), 32000: cry(32000)}
    for rate, x in signals.items():
        total += write(folder, f"cry-{rate}", x)
    total += write(folder, "noise-150", noise())
    for name, rate in twin.RATE_HZ.items():
        for kind in KINDS:
            total += write(folder, f"{name}-{kind}", twin.features(name, kind, signals[rate].double()))
        total += write(folder, f"{name}-mel", twin.features(name, "mel", signals[rate].double()))
    # torch refuses to reflect more than a signal holds; zeros it does not mind, and no padding gives no frame.
    total += write(folder, "ecapa-short", twin.features("ecapa", "logmel", noise().double()))
    print(f"{folder}: {total} bytes")


main()
