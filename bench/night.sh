#!/bin/sh
# night.sh - memory of `mewl analyze` over a long night. Bar: at most 120 MB resident for 12 hours, and flat.
#
#     bench/night.sh [--mewl build/release/src/cli/mewl] [--hours 12] [-- OPTIONS OF ANALYZE]
set -u
root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
. "$root/bench/measure.sh"

mewl='' hours=12
while [ $# != 0 ]; do
    case $1 in
    --mewl) mewl=${2:-} ;;
    --hours) hours=${2:-} ;;
    --)
        shift
        break
        ;;
    *) fail "what is $1? See the head of bench/night.sh" ;;
    esac
    [ $# -ge 2 ] || fail "$1 needs a value"
    shift 2
done
mewl=$(find_mewl "$mewl") || exit 1
recording=$(make_night "$(awk -v h="$hours" 'BEGIN { print h * 3600 }')" m4a) || exit 1
printf '{"bench": "night", "hours": %s, "bar_mb": 120, %s}\n' "$hours" "$(measure 0.25 "$mewl" analyze -q "$@" "$recording")"
