# shellcheck shell=sh
# tap.sh - what the tests written in sh share: cases that are functions, results as TAP. Sourced by them, not run.
# Gives $scratch, a folder that goes when the script ends.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/mewl-tree-XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
number=0 failed=0

# run_case NAME COMMAND...: a case fails when its command says anything or ends with a code other than 0; code 77 is for
# those that cannot run here, and the last word is the reason. Each runs in a shell of its own.
run_case() {
    name=$1
    shift
    number=$((number + 1))
    ("$@") >"$scratch/said" 2>&1
    code=$?
    if [ "$code" = 77 ]; then
        printf 'skipped: %s\nnot ok %d # SKIP %s\n' "$(tail -n 1 "$scratch/said")" "$number" "$name"
    elif [ "$code" != 0 ] || [ -s "$scratch/said" ]; then
        failed=1
        printf 'not ok %d - %s\n' "$number" "$name"
        sed 's/^/# /' "$scratch/said"
        [ -s "$scratch/said" ] || echo "# ended with code $code"
    else
        printf 'ok %d - %s\n' "$number" "$name"
    fi
}

# run_cases FUNCTIONS...: each under its own name.
run_cases() {
    for function in "$@"; do
        run_case "$function" "$function"
    done
}

# skip REASON: ends the case that runs.
skip() {
    echo "$*"
    exit 77
}
