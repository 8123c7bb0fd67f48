#!/bin/sh
# pytorch.sh - Mewl's networks beside PyTorch 1.13 of Debian (python3-torch), in one run on one machine: tables on stdout.
#
#     meson setup build/bench -Dbench=true && ninja -C build/bench bench/bench-speed
#     bench/pytorch.sh [--program build/bench/bench/bench-speed] [OPTIONS OF bench/pytorch.py, see --help]
#
# CNN10 and CNN14 at full width, clips of 10 s in batches of 8 forward, of 7 s in training, one and two threads: some ten
# minutes of processor time and 8 GB.
set -u
root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
program=$root/build/bench/bench/bench-speed
if [ "${1:-}" = --program ]; then
    program=${2:?--program needs a path}
    shift 2
fi
[ -x "$program" ] || {
    echo "pytorch.sh: no $program: see the head of bench/pytorch.sh" >&2
    exit 1
}
/usr/bin/python3 -c 'import torch' 2>/dev/null || {
    echo "pytorch.sh: needs Debian's python3-torch" >&2
    exit 1
}
# As many threads as are asked for and no more; each stays where it is.
OMP_PROC_BIND=true OMP_WAIT_POLICY=passive
export OMP_PROC_BIND OMP_WAIT_POLICY
exec /usr/bin/python3 "$root/bench/pytorch.py" "$program" "$@"
