#!/usr/bin/python3
"""Full-width CNN10, CNN14 and the detector against PyTorch: too large to commit, so made and compared on the spot.

    tools/check_nn.py TEST_MODELS_CNN     the built program tests/models/test-models-cnn

Exit code 77 (skipped, as Meson understands it) where PyTorch or the memory for CNN14 is missing.
"""
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile

if importlib.util.find_spec("torch") is None or importlib.util.find_spec("numpy") is None:
    print("SKIPPED: no PyTorch here (Debian: python3-torch)")
    sys.exit(77)
if os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") < 5 << 30:
    print("SKIPPED: less than 5 GiB of memory free")
    sys.exit(77)
tool = pathlib.Path(__file__).resolve().parent / "golden_nn.py"
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.executable, str(tool), "--full", folder], check=True)
    files = sorted(str(path) for path in pathlib.Path(folder).glob("*.safetensors"))
    sys.exit(subprocess.run([sys.argv[1], *files]).returncode)
