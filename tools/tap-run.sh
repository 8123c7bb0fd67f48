#!/bin/sh
# tap-run.sh - runs one test program for `meson test --wrapper`, keeping its TAP output and its exit code in the folder
# named by MEWL_TAP, for tally.sh:  tap-run.sh PROGRAM [ARGUMENTS]
program=$(basename "$1")
case $program in
*.sh) program=${program%.sh} ;;
*) program=$program${2:+-$(basename "$2")} ;;
esac
name=$(printf '%s' "$program" | tr -c 'A-Za-z0-9._\n-' '_')
out=$MEWL_TAP/$name.tap
# MEWL_UNDER is a command to run it under, with its arguments.
# shellcheck disable=SC2086
CMOCKA_MESSAGE_OUTPUT=TAP ${MEWL_UNDER:-} "$@" >"$out" 2>&1
code=$?
printf '\n# exit %d\n' "$code" >>"$out"
exit "$code"
