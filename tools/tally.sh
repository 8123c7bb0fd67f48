#!/bin/sh
# tally.sh - counts test cases from TAP files and says what failed and what was skipped.
#
#     tools/tally.sh FOLDER     FOLDER/<build>/<program>.tap, as tools/tap-run.sh leaves them
#
# A case that ran in several builds (plain, with sanitizers) counts once: failed when it failed in any of them, skipped when
# it ran in none. A program that died, timed out or ran fewer cases than it announced has one more, failed case.
# The last line printed is `N passed, N failed, N skipped`; the exit code is 1 when anything failed or nothing ran.
set -u
export LC_ALL=C
set -- "${1:?usage: tally.sh FOLDER}"/*/*.tap
[ -e "$1" ] || set --

exec awk '
# The last `most` lines of a text.
function tail(text, most,    lines, n, i, out) {
    n = split(text, lines, "\n") - 1
    for (i = n > most ? n - most + 1 : 1; i <= n; i++) {
        out = out lines[i] "\n"
    }
    return out
}

function trimmed(text) {
    gsub(/^[ \t]+|[ \t]+$/, "", text)
    return text
}

# Takes down one case of the file being read; `text` is what was said before it.
function case_add(name, outcome, text) {
    cases++
    case_name[cases] = name
    case_outcome[cases] = outcome
    case_said[cases] = text
    said = ""
}

function line_read(line,    rest, not_ok) {
    if (match(line, /^(not )?ok [0-9]+/)) {
        not_ok = line ~ /^not/
        rest = substr(line, RLENGTH + 1)
        sub(/^( - | # SKIP | )/, "", rest)
        sub(/^- /, "", rest)
        # cmocka writes "not ok 2 # SKIP name".
        case_add(trimmed(rest), index(line, "# SKIP") ? "skipped" : not_ok ? "failed" : "passed", said)
        failures += case_outcome[cases] == "failed"
    } else if (line ~ /^1\.\.[0-9]+$/) {
        planned += substr(line, 4)
    } else if (line ~ /^# exit /) {
        code = substr(line, 8) + 0
    } else if (line ~ /^# / && case_outcome[cases] == "failed" && said == "") {
        case_said[cases] = case_said[cases] substr(line, 3) "\n"
    } else if (line ~ /[^ \t]/) {
        said = said line "\n"
    }
}

function file_read(path,    line, pieces, n, i) {
    cases = failures = planned = 0
    said = code = ""
    while ((getline line < path) > 0) {
        n = split(line, pieces, "\r")
        for (i = 1; i <= n; i++) {
            line_read(pieces[i])
        }
    }
    close(path)
    if (code == 77 && cases == 0) { # a script that cannot run here, by the convention of Automake and Meson
        case_add("(the program)", "skipped", said)
    } else if (code == "") {
        case_add("(the program)", "failed", tail(said, 30) "did not end in time\n")
    } else if (cases < planned || (code != 0 && failures == 0)) {
        case_add("(the program)", "failed", said "ended with code " code " after " cases " of " planned " cases\n")
    } else if (cases == 0) {
        case_add("(the program)", "passed", "")
    }
}

# Merges the cases of the file just read into those of all files.
function file_merge(path,    parts, n, build, program, i, key, words) {
    n = split(path, parts, "/")
    build = parts[n - 1]
    program = substr(parts[n], 1, length(parts[n]) - 4)
    for (i = 1; i <= cases; i++) {
        key = program ": " case_name[i]
        if (!((key, "there") in seen)) {
            seen[key, "there"] = 1
            keys[++total] = key
        }
        seen[key, case_outcome[i]] = 1
        if (case_outcome[i] == "failed") {
            builds[key] = builds[key] (builds[key] == "" ? "" : ", ") build
            words = tail(case_said[i], 40)
            if (!((key, words) in told)) { # each different one once
                told[key, words] = 1
                gsub(/\n/, "\n    ", words)
                failed_words[key] = failed_words[key] "    " substr(words, 1, length(words) - 4)
            }
        } else if (case_outcome[i] == "skipped" && !(key in reason)) {
            words = tail(case_said[i], 1)
            reason[key] = words == "" ? "what it needs is not there" : trimmed(substr(words, 1, length(words) - 1))
        }
    }
}

function sort(list, n,    i, j, item) {
    for (i = 2; i <= n; i++) {
        item = list[i]
        for (j = i - 1; j >= 1 && list[j] > item; j--) {
            list[j + 1] = list[j]
        }
        list[j + 1] = item
    }
}

BEGIN {
    for (i = 1; i < ARGC; i++) {
        file_read(ARGV[i])
        file_merge(ARGV[i])
    }
    sort(keys, total)
    for (i = 1; i <= total; i++) {
        key = keys[i]
        if ((key, "failed") in seen) {
            failed++
            printf "FAILED (%s) %s\n%s", builds[key], key, failed_words[key]
        } else if ((key, "passed") in seen) {
            passed++
        } else {
            skipped++
            if (!(reason[key] in skips)) {
                reasons[++reason_count] = reason[key]
            }
            skips[reason[key]] = skips[reason[key]] "    " key "\n"
        }
    }
    sort(reasons, reason_count)
    for (i = 1; i <= reason_count; i++) {
        printf "SKIPPED, %s:\n%s", reasons[i], skips[reasons[i]]
    }
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0 || passed == 0
}' "$@"
