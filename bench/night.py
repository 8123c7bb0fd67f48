#!/usr/bin/env python3
"""Memory of `mewl analyze` over a long night. Bar: at most 120 MB resident for 12 hours, and flat.

    bench/night.py [--mewl build/src/cli/mewl] [--hours 12] [-- OPTIONS OF ANALYZE]
"""

import argparse

import measure


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mewl")
    parser.add_argument("--hours", type=float, default=12.0)
    parser.add_argument("options", nargs="*")
    args = parser.parse_args()
    mewl = measure.find_mewl(args.mewl)
    with measure.scratch() as folder:
        recording = measure.make_night(folder, args.hours * 3600.0, "m4a")
        figures = measure.timed(measure.one_core([mewl, "analyze", "-q", *args.options, recording]), 0.25)
    measure.print_result({"bench": "night", "hours": args.hours, "bar_mb": 120, **figures})


if __name__ == "__main__":
    main()
