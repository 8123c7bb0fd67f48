#!/usr/bin/python3
"""Writes tests/voice/golden/praat.txt: what Praat says of the made sounds of tests/voice/made.h.

    golden_praat.py MADE_WAV

MADE_WAV is the test program of that name. Needs praat; settings as in check_praat.py, octave cost 0.05. A line a sound: name,
time of the first frame, number of frames, jitter (local), jitter (rap), shimmer (local dB), shimmer (local), HNR; then a line
with the F0 of its frames.
"""
import os
import subprocess
import sys
import tempfile

from check_praat import MEASURES, run_praat

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = ["glide", "rough", "hyper", "phone"]

with tempfile.TemporaryDirectory() as scratch:
    subprocess.run([sys.argv[1], scratch], check=True)
    lines = []
    for name in NAMES:
        said = run_praat(os.path.join(scratch, name + ".wav"), "0.05", scratch)
        lines.append(" ".join([name, f"{said['first_s']:.9f}", str(len(said["f0"]))] + [f"{said[m]:.7f}" for m in MEASURES]))
        lines.append(" ".join(f"{f0:.3f}" for f0 in said["f0"]))
folder = os.path.join(HERE, "../tests/voice/golden")
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "praat.txt"), "w") as f:
    f.write("\n".join(lines) + "\n")
