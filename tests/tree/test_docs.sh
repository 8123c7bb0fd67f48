#!/bin/sh
# test_docs.sh - runs the commands that the documents show, as TAP.
#
#     test_docs.sh SOURCE_ROOT MEWL_PROGRAM
#
# Every block of shell commands in README.md and docs/*.md says in its first line what becomes of it here:
#     ```sh run            run as it stands, each time
#     ```sh run with-data  run where MEWL_DATA has the recordings, else skipped
#     ```sh not run: WHY   not run; but the options it uses must exist
# Blocks of C marked `c run` are compiled against include/mewl.h and libmewl, and run on the shipped model and some sound.
# They run in a folder of their own, where ./run is this build of the program and where lie night.m4a, nursery.wav, clips/
# and quiet.wav, made here. Also: the manual page has no errors and names every command and option there is, and no other.
set -u
. "$(dirname "$0")/tap.sh"
root=$(cd "$1" && pwd) || exit 1
program=$(cd "$(dirname "$2")" && pwd)/$(basename "$2") || exit 1
cd "$root" || exit 1
documents="README.md $(find docs -name '*.md' | LC_ALL=C sort)"

# cry_like PATH SECONDS RATE_HZ START_S STOP_S SEED: harmonics of a wandering tone in breaths, in faint noise: what a cry
# looks like, for running commands on.
cry_like() {
    # The phase is the integral of 440 + 60 sin(2 pi 0.9 t) Hz.
    harmonics='st(0,2*PI*(440*t-60/(1.8*PI)*cos(1.8*PI*t)));sin(ld(0))+sin(2*ld(0))/2+sin(3*ld(0))/3+sin(4*ld(0))/4'
    harmonics="$harmonics+sin(5*ld(0))/5"
    breath="0.25*max(0,sin(2*PI*(t-$4)/1.5))*gte(t,$4)*lt(t,$5)"
    noise="if(eq(n,0),st(1,$6));0.007*(random(1)-0.5)"
    ffmpeg -v error -f lavfi -i "aevalsrc=exprs='($noise)+$breath*($harmonics)':s=$3:d=$2" -c:a pcm_s16le "$1"
}

# What the documents' commands find around them.
furnish() {
    mkdir "$scratch/room" "$scratch/room/clips" "$scratch/room/clips/cry" "$scratch/room/clips/other"
    cd "$scratch/room" || exit 1
    printf '#!/bin/sh\nexec "%s" "$@"\n' "$program" >run
    chmod +x run
    for name in recipes models docs include src tools; do
        [ ! -e "$root/$name" ] || ln -s "$root/$name" "$name"
    done
    cry_like nursery.wav 12 16000 4 9 1
    cry_like quiet.wav 5 16000 9 9 2
    for seed in 3 4 5; do
        cry_like clips/cry/$((seed - 3)).wav 3 8000 0.5 2.5 "$seed"
        cry_like clips/other/$((seed - 3)).wav 3 8000 99 2.5 "$seed"
    done
    ffmpeg -v error -i nursery.wav -c:a aac night.m4a
}

help_of() {
    MEWL_CONFIG='' "$program" "$@" --help 2>/dev/null
}

# options: the --options named on stdin, one a line, each once.
options() {
    grep -o -E '(^|[^A-Za-z0-9_-])--[a-z][a-z-]*' | sed 's/^[^-]//' | LC_ALL=C sort -u
}

# commands: the commands that --help tells of, one a line, those of two words too.
commands() {
    help_of | awk '/^Commands:/ { on = 1 } on && /^$/ { exit } on && /^  [a-z]+  +[^ ]/ { print $1 }' | while read -r name; do
        echo "$name"
        help_of "$name" | awk -v begins="Usage: mewl $name [OPTIONS] " 'index($0, begins) == 1 {
            sub(/[^a-z0-9|].*/, "", $5)
            count = split($5, inner, "|")
            for (i = 1; i <= count && count > 1; i++) {
                print $3, inner[i]
            }
            exit
        }'
    done
}

# Lines like "data fetch --list", and one with the command alone.
there() {
    commands | while read -r words; do
        echo "$words"
        # shellcheck disable=SC2086
        help_of $words | options | sed "s/^/$words /"
    done
}

# check_options WHERE <COMMANDS: each `./run NAME --option` names a command and options that exist.
check_options() {
    sed -e ':joined' -e '/\\$/{N;s/\\\n/ /;b joined' -e '}' | awk -v where="$1" -v there_path="$scratch/there" '
        BEGIN {
            while ((getline line < there_path) > 0) {
                there[line] = 1
            }
        }
        {
            rest = $0
            sub(/^[ \t]*(sudo )?/, "", rest)
            if (!match(rest, /^([.]\/run|mewl) +[a-z]+/)) {
                next
            }
            words = substr(rest, 1, RLENGTH)
            sub(/^[^ ]* +/, "", words)
            rest = substr(rest, RLENGTH + 1)
            if (match(rest, /^ +[a-z][a-z0-9]*/)) {
                second = substr(rest, 1, RLENGTH)
                sub(/^ +/, "", second)
                if (substr(rest, RLENGTH + 1) !~ /^[A-Za-z0-9_]/ && (words " " second) in there) {
                    words = words " " second
                }
            }
            if (!(words in there)) {
                print where ": there is no command \"" words "\""
                next
            }
            sub(/ #.*/, "", rest)
            while (match(rest, /(^|[^A-Za-z0-9_-])--[a-z][a-z-]*/)) {
                option = substr(rest, RSTART, RLENGTH)
                rest = substr(rest, RSTART + RLENGTH)
                sub(/^[^-]/, "", option)
                if (!((words " " option) in there)) {
                    print where ": " words " has no option " option
                }
            }
        }'
}

# One block of commands: shell_block WHERE WORDS FILE
shell_block() {
    check_options "$1" <"$3" >"$scratch/wrong"
    if [ -s "$scratch/wrong" ]; then
        cat "$scratch/wrong"
        return 1
    fi
    case $2 in
    'run with-data') [ -n "${MEWL_DATA:-}" ] || skip 'no recordings (MEWL_DATA)' ;;
    run) ;;
    'not run: '[A-Za-z0-9_]*) return 0 ;;
    *)
        echo "$1: \"$2\" says neither run nor why not"
        return 1
        ;;
    esac
    cp -R -P "$scratch/room" "$scratch/here"
    (cd "$scratch/here" && MEWL_CONFIG='' HOME=$PWD timeout 240 sh -eu -c "$(cat "$3")" >"$scratch/out" 2>"$scratch/err")
    code=$?
    rm -rf "$scratch/here"
    if [ "$code" = 124 ]; then
        echo "$1: not done in 240 s"
    elif [ "$code" != 0 ]; then
        echo "$1: exit code $code"
        cat "$3"
        tail -c 500 "$scratch/out"
        tail -c 1500 "$scratch/err"
    fi
    [ "$code" = 0 ] # and not that code: 77 would be a skipped case
}

# A block of C: compiled without a warning, linked with the shared library, run. c_block WHERE FILE
c_block() {
    library=$(dirname "$(dirname "$program")")/hear
    model=${MEWL_MODEL:-$root/models/detector.safetensors}
    demo=$scratch/demo
    cp "$2" "$demo.c"
    cc -std=c99 -Wall -Wextra -Wpedantic -Werror -I"$root/include" "$demo.c" -o "$demo" -L"$library" -lmewl \
        -Wl,-rpath,"$library" || return 1
    # Then half a minute of a dead microphone.
    ffmpeg -v error -y -i "$scratch/room/nursery.wav" -f s16le "$scratch/sound"
    head -c 960000 /dev/zero >>"$scratch/sound"
    timeout 120 "$demo" "$model" <"$scratch/sound" >"$scratch/out" || echo "$1: exit code $?" # its stderr fails the case too
    grep -q 'not hearing, noticed at' "$scratch/out" || echo "$1: does not tell of the dead microphone"
    timeout 120 "$demo" "$scratch/none" </dev/null >"$scratch/out" 2>"$scratch/err"
    code=$?
    [ "$code" = 1 ] || echo "$1: exit code $code without a model"
    grep -q none "$scratch/err" || echo "$1: does not say which model is not there"
}

the_manual_page_has_no_errors() {
    command -v man >/dev/null || skip 'there is no man'
    MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$root/docs/mewl.1" >"$scratch/out" || echo "man: exit code $?"
    [ "$(wc -c <"$scratch/out")" -gt 1000 ] || echo 'the page is empty'
}

the_manual_page_tells_all_and_no_more() {
    sed 's/\\-/-/g' docs/mewl.1 >"$scratch/page"
    [ "$(wc -l <"$scratch/commands")" -gt 1 ] || echo 'mewl --help lists no commands'
    { cat "$scratch/there"; help_of; } | options >"$scratch/all" # commands' options, and those of mewl alone
    options <"$scratch/page" >"$scratch/named"
    LC_ALL=C comm -23 "$scratch/all" "$scratch/named" | sed 's/^/docs\/mewl.1 does not name /'
    LC_ALL=C comm -13 "$scratch/all" "$scratch/named" | sed 's/.*/docs\/mewl.1 names &, which no command has/'
    while read -r words; do
        grep -q -w -e "$words" "$scratch/page" || echo "docs/mewl.1 does not name the command $words"
    done <"$scratch/commands"
}

examples_in_the_help_use_what_there_is() {
    while read -r words; do
        # shellcheck disable=SC2086
        help_of $words | sed '1,/Examples:/d' | check_options "mewl $words --help"
    done <"$scratch/commands"
}

links_between_documents_lead_somewhere() {
    for document in $documents; do
        grep -o -E '\]\([^)#[:space:]]+(#[^)]*)?\)' "$document" | sed 's/^](//; s/)$//; s/#.*//' | grep -v -E '^[a-z]+:' |
            while read -r target; do
                [ -e "$(dirname "$document")/$target" ] || echo "$document: $target"
            done
    done
}

# The blocks: each in a file of its own, and a list of lines "FILE DOCUMENT:LINE LANGUAGE WORDS".
# shellcheck disable=SC2086
awk -v to="$scratch/block-" '
    file == "" && match($0, /^```[A-Za-z0-9_]+/) {
        language = substr($0, 4, RLENGTH - 3)
        words = substr($0, RLENGTH + 1)
        gsub(/^[ \t]+|[ \t]+$/, "", words)
        file = to (++count)
        printf "" >file
        if (language ~ /^(sh|bash|shell|console)$/ || (language == "c" && words == "run")) {
            print file, FILENAME ":" FNR, language, words
        }
        next
    }
    /^```[ \t]*$/ && file != "" {
        close(file)
        file = ""
    }
    file != "" {
        print >file
    }' $documents >"$scratch/blocks"
commands >"$scratch/commands"
there >"$scratch/there"
(furnish) || exit 1

echo "1..$((4 + $(wc -l <"$scratch/blocks")))"
run_cases the_manual_page_has_no_errors the_manual_page_tells_all_and_no_more examples_in_the_help_use_what_there_is \
    links_between_documents_lead_somewhere
while read -r file where language words; do
    if [ "$language" = c ]; then
        run_case "$where c run" c_block "$where" "$file" </dev/null
    else
        run_case "$where ${words:-unmarked}" shell_block "$where" "$words" "$file" </dev/null
    fi
done <"$scratch/blocks"
exit "$failed"
