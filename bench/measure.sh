# shellcheck shell=sh
# measure.sh - what the benchmark scripts share: sounds made by ffmpeg, mewl run on one core with its memory watched.
# Sourced by them, not run. Expects $root, the project's folder; gives $scratch, a folder that goes when the script ends.
export LC_ALL=C

fail() {
    printf 'bench: %s\n' "$*" >&2
    exit 1
}

[ -x /usr/bin/time ] || fail 'install the package time: /usr/bin/time measures'
command -v ffmpeg >/dev/null || fail 'ffmpeg makes the sounds; install it'
scratch=$(mktemp -d "${TMPDIR:-/tmp}/mewl-bench-XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
# What runs in the background does not hear Ctrl-C.
trap 'kill "$(cat "$scratch/pid" 2>/dev/null)" 2>/dev/null; exit 130' INT TERM

# find_mewl GIVEN: prints the program: as given, or in a build folder of this tree.
find_mewl() {
    for place in ${1:+"$1"} "$root"/build/release/src/cli/mewl "$root"/build/plain/src/cli/mewl "$root"/build/src/cli/mewl; do
        if [ -x "$place" ]; then
            echo "$place"
            return
        elif [ -n "$1" ]; then
            break
        fi
    done
    fail 'name the program with --mewl PATH'
}

# make_night SECONDS wav|m4a: prints the path of a recording at 44.1 kHz stereo: ten minutes of pink noise with tones,
# repeated without encoding them again.
make_night() {
    case $2 in
    wav) codec='-c:a pcm_s16le' ;;
    m4a) codec='-c:a aac -b:a 96k' ;;
    *) fail "there is no form '$2'; there are wav and m4a" ;;
    esac
    sound='anoisesrc=d=600:c=pink:a=0.05:r=44100:seed=1[n];sine=f=450:d=600:r=44100,volume=0.05[s];[n][s]amix'
    # shellcheck disable=SC2086
    ffmpeg -v error -y -filter_complex "$sound" -ac 2 $codec "$scratch/part.$2" || fail 'ffmpeg could not make the sound'
    loops=$(awk -v s="$1" 'BEGIN { n = int(s / 600 + 0.5) - 1; print (n > 0 ? n : 0) }')
    ffmpeg -v error -y -stream_loop "$loops" -i "$scratch/part.$2" -c copy "$scratch/whole.$2" || fail 'ffmpeg could not repeat it'
    rm "$scratch/part.$2"
    echo "$scratch/whole.$2"
}

# measure EVERY_S COMMAND...: runs a command on one core, its output unheard; prints the members of a JSON object: wall and
# processor seconds, exit code, the peak of resident memory, and its growth from the first to the last tenth of the samples
# that were taken every EVERY_S seconds, without their first twentieth (start-up).
measure() {
    every_s=$1
    shift
    core=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
    rm -f "$scratch/pid" "$scratch/time"
    : >"$scratch/samples"
    # shellcheck disable=SC2016
    OMP_NUM_THREADS=1 /usr/bin/time -q -f '%e %U %S %M %x' -o "$scratch/time" taskset -c "$core" \
        sh -c 'echo $$ >"$0"; exec "$@"' "$scratch/pid" "$@" >/dev/null &
    timer=$!
    while kill -0 "$timer" 2>/dev/null; do
        sleep "$every_s"
        sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(cat "$scratch/pid" 2>/dev/null)/status" \
            >>"$scratch/samples" 2>/dev/null
    done
    wait "$timer"
    awk '
        function median(from, to,    n, i, j, item, part) {
            for (i = from; i <= to; i++) {
                item = mb[i]
                for (j = n++; j > 0 && part[j] > item; j--) {
                    part[j + 1] = part[j]
                }
                part[j + 1] = item
            }
            return n % 2 ? part[(n + 1) / 2] : (part[n / 2] + part[n / 2 + 1]) / 2
        }
        FILENAME == ARGV[1] {
            mb[++count] = $1 / 1024
            next
        }
        {
            printf "\"wall_s\": %.2f, \"cpu_s\": %.2f, \"exit\": %d, \"peak_rss_mb\": %.1f, ", $1, $2 + $3, $5, $4 / 1024
        }
        END {
            first = int(count / 20) + 1
            tenth = int((count - first + 1) / 10)
            tenth = tenth > 0 ? tenth : 1
            growth = "null"
            if (count > 0) {
                growth = sprintf("%.1f", median(count - tenth + 1, count) - median(first, first + tenth - 1))
            }
            printf "\"growth_mb\": %s, \"samples\": %d", growth, count
        }' "$scratch/samples" "$scratch/time"
}
