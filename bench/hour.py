#!/usr/bin/env python3
"""An hour of 44.1 kHz stereo through `mewl analyze` on one core, decoding included. Bar: 8 s.

    bench/hour.py [--mewl build/src/cli/mewl] [--form wav|m4a] [--runs 3] [-- OPTIONS OF ANALYZE]
"""

import argparse
import statistics

import measure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mewl")
    parser.add_argument("--form", default="wav", choices=["wav", "m4a"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("options", nargs="*")
    args = parser.parse_args()
    mewl = measure.find_mewl(args.mewl)
    with measure.scratch() as folder:
        recording = measure.make_night(folder, args.seconds, args.form)
        command = measure.one_core([mewl, "analyze", "-q", *args.options, recording])
        runs = [measure.timed(command) for _ in range(args.runs)]
    measure.print_result({"bench": "hour", "form": args.form, "seconds": args.seconds,
                          "median_wall_s": statistics.median(r["wall_s"] for r in runs),
                          "median_cpu_s": statistics.median(r["cpu_s"] for r in runs),
                          "bar_s": 8.0 * args.seconds / 3600.0, "runs": runs})


if __name__ == "__main__":
    main()
