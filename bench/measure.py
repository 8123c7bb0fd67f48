"""What the benchmark scripts share: running mewl on one core with its memory watched, sounds made by ffmpeg."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time


def fail(text):
    sys.exit(f"bench: {text}")


def find_mewl(given):
    """The program: as given, or in a build folder of this tree."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    places = [given] if given else [os.path.join(root, d, "src/cli/mewl") for d in ("build", "build-main")]
    for place in places:
        if place and os.access(place, os.X_OK):
            return os.path.abspath(place)
    fail("name the program with --mewl PATH")


def need_ffmpeg():
    if shutil.which("ffmpeg") is None:
        fail("ffmpeg makes the sounds; install it")


def data_folder():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.environ.get("MEWL_DATA", os.path.join(root, "..", "shared", "data"))


def make_night(folder, seconds, ending):
    """A recording of `seconds` at 44.1 kHz stereo: ten minutes of pink noise with tones, repeated without re-encoding."""
    need_ffmpeg()
    part = os.path.join(folder, "part." + ending)
    whole = os.path.join(folder, "whole." + ending)
    codec = ["-c:a", "pcm_s16le"] if ending == "wav" else ["-c:a", "aac", "-b:a", "96k"]
    sound = "anoisesrc=d=600:c=pink:a=0.05:r=44100:seed=1[n];sine=f=450:d=600:r=44100,volume=0.05[s];[n][s]amix"
    base = ["ffmpeg", "-v", "error", "-y"]
    subprocess.run(base + ["-filter_complex", sound, "-ac", "2", *codec, part], check=True)
    loops = max(0, round(seconds / 600.0) - 1)
    subprocess.run(base + ["-stream_loop", str(loops), "-i", part, "-c", "copy", whole], check=True)
    os.unlink(part)
    return whole


def resident_mb(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) / 1024.0
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


class MemoryWatch(threading.Thread):
    """Resident memory of a process, sampled until it ends."""

    def __init__(self, pid, every_s):
        super().__init__(daemon=True)
        self.pid, self.every_s, self.samples = pid, every_s, []

    def run(self):
        start = time.monotonic()
        while (mb := resident_mb(self.pid)) is not None:
            self.samples.append((time.monotonic() - start, mb))
            time.sleep(self.every_s)

    def figures(self):
        """Peak, and the growth from the first to the last tenth of the run, after its first twentieth (start-up)."""
        mb = [m for _, m in self.samples]
        steady = mb[len(mb) // 20:] or mb
        tenth = max(1, len(steady) // 10)
        growth = statistics.median(steady[-tenth:]) - statistics.median(steady[:tenth])
        return {"peak_rss_mb": round(max(mb), 1), "growth_mb": round(growth, 1), "samples": len(mb)}


def one_core(command):
    """The command pinned to one core, OpenMP included."""
    core = min(os.sched_getaffinity(0))
    return ["taskset", "-c", str(core), "env", "OMP_NUM_THREADS=1", *command]


def timed(command, every_s=0.05):
    """Runs a command; its wall and processor seconds, memory figures and exit code."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    watch = MemoryWatch(process.pid, every_s)
    watch.start()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - start
    watch.join(1.0)
    return {"wall_s": round(wall, 2), "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
            "exit": process.returncode, **watch.figures(), "max_rss_mb": round(usage.ru_maxrss / 1024.0, 1)}


def print_result(result):
    print(json.dumps(result, indent=2))


def scratch():
    return tempfile.TemporaryDirectory(prefix="mewl-bench-")
