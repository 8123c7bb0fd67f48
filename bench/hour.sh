#!/bin/sh
# hour.sh - an hour of 44.1 kHz stereo through `mewl analyze` on one core, decoding included. Bar: 8 s.
#
#     bench/hour.sh [--mewl build/release/src/cli/mewl] [--form wav|m4a] [--runs 3] [--seconds 3600] [-- OPTIONS OF ANALYZE]
set -u
root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
. "$root/bench/measure.sh"

mewl='' form=wav runs=3 seconds=3600
while [ $# != 0 ]; do
    case $1 in
    --mewl) mewl=${2:-} ;;
    --form) form=${2:-} ;;
    --runs) runs=${2:-} ;;
    --seconds) seconds=${2:-} ;;
    --)
        shift
        break
        ;;
    *) fail "what is $1? See the head of bench/hour.sh" ;;
    esac
    [ $# -ge 2 ] || fail "$1 needs a value"
    shift 2
done
mewl=$(find_mewl "$mewl") || exit 1
recording=$(make_night "$seconds" "$form") || exit 1
for run in $(seq "$runs"); do
    printf '{%s}\n' "$(measure 0.05 "$mewl" analyze -q "$@" "$recording")"
done >"$scratch/runs"

# median MEMBER: of all runs.
median() {
    sed "s/.*\"$1\": \([0-9.]*\).*/\1/" "$scratch/runs" | sort -n | awk '{ v[NR] = $1 }
        END { printf "%.2f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

printf '{"bench": "hour", "form": "%s", "seconds": %s, "median_wall_s": %s, "median_cpu_s": %s, "bar_s": %s, "runs": [\n' \
    "$form" "$seconds" "$(median wall_s)" "$(median cpu_s)" "$(awk -v s="$seconds" 'BEGIN { print 8 * s / 3600 }')"
sed '$!s/$/,/; s/^/  /' "$scratch/runs"
echo ']}'
