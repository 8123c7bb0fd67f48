#!/bin/sh
# test_tree.sh - checks on the source tree itself, as TAP: rooms, doors, headers, names, habits.
#
#     test_tree.sh SOURCE_ROOT BUILD_ROOT [CC]
#
# Not a linter of style: clang-format and the compiler's warnings do that. The rules are those of docs/architecture.md.
# Names of source files hold no blanks: the compiler's command lines rest on that too.
set -u
export LC_ALL=C
. "$(dirname "$0")/tap.sh"
cd "$1" || exit 1
build=$(cd "$2" && pwd) || exit 1
shift 2
compiler=${*:-cc}

# What each room may include from, besides itself. The order is the order of the build.
rooms='base:
learn: base
reason: learn base
store: base
audio: base
dsp: base
voice: dsp audio base
synth: voice dsp audio base
draw: base
nn: base
infant: nn learn base
models: nn dsp base
detect: dsp base
hear: detect models nn dsp audio reason learn base
data: audio dsp base
lab: data hear detect models infant nn draw synth voice dsp audio reason learn base
cli: lab store data hear detect models infant nn draw synth voice dsp audio reason learn base'

# Outside headers (how the name in the #include begins) and the only files that may include them.
doors='jansson ^src/base/json[.]h$
libav ^src/audio/|^src/dsp/fft_complex[.][ch]$
libsw ^src/audio/
alsa/ ^src/audio/
pulse/ ^src/audio/
cairo ^src/draw/
dnnl ^src/nn/
oneapi/ ^src/nn/
zip.h ^src/models/
zlib ^src/models/
sqlite3 ^src/store/
ini.h ^src/data/|^src/cli/settings[.]c$
curl/ ^src/data/
archive ^src/data/
libsvm/ ^src/learn/svm_solve[.]c$
lapacke ^src/learn/table[.]c$'

# What comes with the C library and compiler; anything else in <> needs a door above.
system='^(assert|ctype|dirent|dlfcn|errno|fcntl|fenv|float|ftw|getopt|glob|immintrin|inttypes|langinfo|limits|locale|math|'
system=$system'malloc|omp|poll|pthread|pwd|sched|semaphore|setjmp|signal|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|'
system=$system'stdio|stdlib|stdnoreturn|string|strings|termios|threads|time|unistd|wchar|libgen|netdb|fnmatch|complex|'
system=$system'endian|execinfo)[.]h$|^(sys|netinet|arpa|net|linux)/'

# The cases are functions: what one prints is what is wrong.

# sources FOLDERS...: their C files, one a line, in a fixed order.
sources() {
    find "$@" -type f -name '*.[ch]' | sort
}

headers() {
    find "$@" -type f -name '*.h' | sort
}

# includes FOLDERS...: "path quote name" for each #include, the quote being " or <.
includes() {
    # shellcheck disable=SC2046
    awk 'match($0, /^[ \t]*#[ \t]*include[ \t]*[<"][^>"]+[>"]/) {
        line = substr($0, 1, RLENGTH - 1)
        at = match(line, /[<"]/)
        print FILENAME, substr(line, at, 1), substr(line, at + 1)
    }' $(sources "$@") /dev/null
}

includes_go_along_the_rooms() {
    for path in $(sources src); do
        room=${path#src/}
        printf '%s\n' "$rooms" | grep -q "^${room%%/*}:" || echo "$path: ${room%%/*} is no room of the table"
    done
    find src -type f >"$scratch/files"
    includes src | awk -v rooms="$rooms" -v files="$scratch/files" '
        BEGIN {
            count = split(rooms, rows, "\n")
            for (i = 1; i <= count; i++) {
                room = substr(rows[i], 1, index(rows[i], ":") - 1)
                there[room] = 1
                may[room] = substr(rows[i], index(rows[i], ":") + 1) " "
            }
            while ((getline path < files) > 0) {
                exists[path] = 1
            }
        }
        $2 == "\"" {
            split($1, parts, "/")
            room = parts[2]
            split($3, parts, "/")
            other = parts[1]
            if (!(room in there)) {
                next
            }
            if ($3 == "mewl.h") {
                if (room != "hear" && room != "cli") {
                    print $1 ": only hear and cli know the public header"
                }
            } else if (!(("src/" $3) in exists)) {
                print $1 ": includes \"" $3 "\", which is not below src/"
            } else if (other != room && !index(may[room], " " other " ")) {
                print $1 ": includes \"" $3 "\"; " room " may use" (may[room] == " " ? " nothing" : may[room])
            }
        }'
}

outside_libraries_stay_behind_their_door() {
    includes src include | awk -v doors="$doors" -v system_headers="$system" '
        BEGIN {
            count = split(doors, rows, "\n")
            for (i = 1; i <= count; i++) {
                split(rows[i], columns, " ")
                begins[i] = columns[1]
                behind[i] = columns[2]
            }
        }
        $2 == "<" && $3 !~ system_headers {
            for (i = 1; i <= count && index($3, begins[i]) != 1; i++) {
            }
            if (i > count) {
                print $1 ": <" $3 "> has no door in the table"
            } else if ($1 !~ behind[i]) {
                print $1 ": <" $3 "> belongs behind " behind[i]
            }
        }'
}

no_room_depends_on_itself_in_a_circle() {
    printf '%s\n' "$rooms" | awk '{
        sub(/:/, "")
        for (i = 2; i <= NF; i++) {
            if (!($i in seen)) {
                print $1 " uses " $i ", which is not built before it"
            }
        }
        seen[$1] = 1
    }'
    for folder in src/*/; do
        room=$(basename "$folder")
        printf '%s\n' "$rooms" | grep -q "^$room:" || echo "src/$room has no row in the table"
    done
}

libraries_never_print_or_exit() {
    # Comments and what stands in quotes are taken out before a line is looked at.
    # shellcheck disable=SC2046
    awk '
        FNR == 1 {
            in_comment = 0
        }
        {
            rest = $0
            code = ""
            while (rest != "") {
                if (in_comment) {
                    at = index(rest, "*/")
                    rest = at ? substr(rest, at + 2) : ""
                    in_comment = at == 0
                } else if (match(rest, /\/\*|\/\/|"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047/)) {
                    piece = substr(rest, RSTART, 2)
                    code = code substr(rest, 1, RSTART - 1) " "
                    in_comment = piece == "/*"
                    rest = piece == "//" ? "" : substr(rest, RSTART + (in_comment ? 2 : RLENGTH))
                } else {
                    code = code rest
                    rest = ""
                }
            }
            calls = "(printf|puts|putchar|perror|vprintf|exit|_exit|_Exit|abort|quick_exit|system|popen|assert)[ \t]*[(]"
            if (code !~ /^[ \t]*#/ && match(" " code " ", "[^A-Za-z0-9_.>](" calls "|(stdout|stderr|stdin)[^A-Za-z0-9_])")) {
                print FILENAME ":" FNR ": " substr(code, RSTART, RLENGTH - 1)
            }
        }' $(sources src | grep -v '^src/cli/') /dev/null
}

# compile_alone PATH LANGUAGE FLAGS...: says what is wrong with a header that is included alone, and twice: one without its
# guard fails the second time. $part tells those that run at once apart.
part=
compile_alone() {
    path=$1 language=$2
    shift 2
    # shellcheck disable=SC2086
    if ! printf '#include "%s"\n#include "%s"\nint unit_is_not_empty;\n' "${path#*/}" "${path#*/}" |
        $compiler -x "$language" -fsyntax-only -Wall -Wextra -Wpedantic -Werror "$@" -I"${path%%/*}" - 2>"$scratch/alone$part"; then
        printf '%s: %s\n' "$path" "$(grep -m 1 error "$scratch/alone$part" || head -c 200 "$scratch/alone$part")"
    fi
}

every_header_compiles_alone() {
    # In as many parts as there are processors.
    parts=$(nproc)
    for part in $(seq "$parts"); do
        (for path in $(headers src | awk -v n="$parts" -v part="$part" 'NR % n == part % n'); do
            compile_alone "$path" c -std=gnu11 -D_GNU_SOURCE -I/usr/include/cairo
        done) >"$scratch/part-$part" &
    done
    wait
    cat "$scratch"/part-*
}

the_public_header_is_plain_c() {
    [ -n "$(headers include)" ] || echo 'include/ holds no header'
    for path in $(headers include); do
        compile_alone "$path" c -std=c99
        # shellcheck disable=SC2086
        if $compiler -x c++ -fsyntax-only /dev/null 2>/dev/null; then
            compile_alone "$path" c++ -std=c++11
        fi
        sed -n 's/^typedef struct \([A-Za-z0-9_]*\) {.*/\1/p' "$path" | grep -v '^mewl_' | sed "s|.*|$path: & lacks the mewl_ prefix|"
    done
    includes include | awk '$3 !~ /^std(def|int|bool)[.]h$/ {
        print $1 ": includes " $3 "; the public header stands on the C library alone"
    }'
}

guards_have_the_names_of_their_files() {
    for path in $(headers src include); do
        guard=${path#*/}
        guard=${guard%.h}
        [ "$guard" = mewl ] || guard=mewl_$guard
        echo "$path $(printf '%s' "$guard" | tr -c 'a-zA-Z0-9_' _ | tr a-z A-Z)_H"
    done | while read -r path guard; do
        grep -A 1 -x "#ifndef $guard" "$path" | grep -q -x "#define $guard" || echo "$path: no guard $guard"
    done
}

# A file's first line says what it is; a source may leave that to its header, which it then includes first.
files_open_with_what_they_are() {
    for path in $(sources src include fuzz bench); do
        own=${path#*/}
        case $(head -n 1 "$path") in
        "#include \"${own%.?}.h\"") ;;
        '/* '[!\ ]??????????*) ;;
        *) echo "$path: does not open with a comment that says what it is" ;;
        esac
    done
}

files_and_lines_are_of_readable_length() {
    for path in $(sources src include fuzz bench); do
        lines=$(wc -l <"$path")
        [ "$lines" -le 600 ] || echo "$path: $lines lines, at most 600"
    done
    # Columns are characters, so without the bytes that go on one in UTF-8.
    # shellcheck disable=SC2046
    awk '{
        gsub(/[\200-\277]/, "")
        if (length($0) > 120) {
            print FILENAME ":" FNR ": " length($0) " columns, at most 120"
        }
    }' $(sources src include fuzz bench tests) /dev/null
}

nothing_is_left_for_later() {
    grep -r -n -w -E 'TO[D]O|FIX[M]E|X[X]X|HA[C]K' --include='*.[ch]' --include='*.py' --include='*.sh' --include='*.build' \
        src include fuzz bench tests tools
    [ $? = 1 ] # found nothing, and had no trouble looking
}

# archives: the rooms' libraries; says so when there are none.
archives() {
    set -- "$build"/src/*/libmewl-*.a
    if [ -e "$1" ]; then
        printf '%s\n' "$@"
    else
        echo "no libraries found below $build/src" >&2
    fi
}

# Every global symbol of the rooms' libraries starts with mewl_, so that an integrator's link never clashes.
libraries_define_only_their_own_names() {
    for archive in $(archives); do
        nm -g --defined-only --format=posix "$archive" | awk -v archive="$(basename "$archive")" '
            NF < 2 || $1 ~ /:$/ {
                next
            }
            {
                checked++
            }
            $1 !~ /^(mewl_|MEWL_|__|_?asan)/ {
                print archive ": " $1
            }
            END {
                if (!checked) {
                    print archive ": no symbols found"
                }
            }'
    done
}

# Libraries hold no writable data: nothing is shared between two users of the library in one process. But FFmpeg's message
# callback and its list of devices belong to the whole process: they are installed once, and each thread knows whom its
# messages are for (audio: once, current).
no_variables_are_global() {
    for archive in $(archives); do
        # Lines like "0000… l     O .bss  0000…04 name"; tables made read-only after relocation are no variables.
        objdump -t "$archive" | awk -v archive="$(basename "$archive")" '
            !match($0, /^[0-9a-f]+ /) {
                next
            }
            {
                n = split(substr($0, RLENGTH + 9), fields, " ")
                section = fields[1]
                name = fields[n]
                plain = name
                sub(/[.].*/, "", plain)
                checked += n == 3 || n == 4
            }
            archive == "libmewl-audio.a" && (plain == "once" || plain == "current") {
                next
            }
            section ~ /^([.](data|bss|tdata|tbss)([.]|$)|[*]COM[*])/ && section !~ /^[.]t?(data|bss)[.]rel[.]ro/ &&
            name !~ /^([.]|__)/ {
                print archive ": " name " in " section
            }
            END {
                if (!checked) {
                    print archive ": no symbols found"
                }
            }'
    done
}

# ThreadSanitizer runs the tests marked so, and only those: a room that comes to have threads needs one.
rooms_with_threads_have_tests_for_them() {
    (cd src && grep -l -E '<(pthread|threads|stdatomic)\.h>' -- */*.c */*.h) | cut -d/ -f1 | sort -u | while read -r room; do
        grep -q "'threads'" "tests/$room/meson.build" || echo "tests/$room/meson.build: no test of suite 'threads'"
    done
}

# A card is about one file: the one whose sha256 it gives first.
cards_name_the_bytes_of_their_models() {
    for model in models/*.safetensors; do
        card=${model%.safetensors}.md
        said=$(grep -o -E '[0-9a-f]{64}' "$card" | head -n 1)
        [ "$said" = "$(sha256sum "$model" | cut -d' ' -f1)" ] || echo "$card: not the sha256 of $model"
    done
}

echo 1..14
run_cases includes_go_along_the_rooms outside_libraries_stay_behind_their_door no_room_depends_on_itself_in_a_circle \
    libraries_never_print_or_exit every_header_compiles_alone the_public_header_is_plain_c \
    guards_have_the_names_of_their_files files_open_with_what_they_are files_and_lines_are_of_readable_length \
    nothing_is_left_for_later libraries_define_only_their_own_names no_variables_are_global \
    rooms_with_threads_have_tests_for_them cards_name_the_bytes_of_their_models
exit "$failed"
