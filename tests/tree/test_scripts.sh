#!/bin/sh
# test_scripts.sh - tests of ./run, ./test and their helpers, with pretended package tools, as TAP.
#
#     test_scripts.sh SOURCE_ROOT
set -u
. "$(dirname "$0")/tap.sh"
root=$(cd "$1" && pwd) || exit 1

# expect WHAT GOT: says so when two texts differ.
expect() {
    [ "$1" = "$2" ] || printf 'not as expected: %s\nbut: %s\n' "$1" "$2"
}

# expect_in PIECE TEXT
expect_in() {
    case $2 in
    *"$1"*) ;;
    *) printf 'expected: %s\nin: %s\n' "$1" "$2" ;;
    esac
}

# tool NAME TEXT: a pretended program.
tool() {
    printf '#!/bin/sh\n%s\n' "$2" >"$tools/$1"
    chmod +x "$tools/$1"
}

# pretend [UID]: an empty machine with the few programs that the scripts need, and this user.
pretend() {
    tools=$scratch/tools
    rm -rf "$tools"
    mkdir "$tools"
    for name in cat sed mktemp tail grep rm env sh; do
        ln -s "$(command -v $name)" "$tools/$name"
    done
    tool id "echo ${1:-0}"
    printf 'gcc\nlibone-dev\nlibtwo-dev\n' >"$tools/list.txt"
    : >"$tools/calls"
}

# A package that was removed but left its settings is not there.
query='echo "installed gcc"; echo "config-files libone-dev"; exit 1'
# What is written is an echo of what apt-get was asked.
# shellcheck disable=SC2016
apt='echo "apt-get $*" >>"$calls"'

# install: runs packages_install on a list of three packages; sets code, words (of stderr) and calls.
install() {
    words=$(env -i PATH="$tools" TMPDIR="$tools" calls="$tools/calls" /bin/sh -c \
        "root=/nowhere; . '$root/tools/setup.sh'; packages_install '$tools/list.txt'" 2>&1 >/dev/null)
    code=$?
    calls=$(cat "$tools/calls")
}

nothing_is_done_when_all_is_there() {
    pretend
    tool dpkg-query 'printf "installed %s\n" gcc libone-dev libtwo-dev'
    tool apt-get "$apt"
    install
    expect '0--' "$code-$words-$calls"
}

missing_packages_are_named_and_installed() {
    pretend
    tool dpkg-query "$query"
    tool apt-get "$apt"
    install
    expect 0 "$code"
    expect 'mewl: installing the Debian packages libone-dev libtwo-dev' "$words"
    expect_in --no-install-recommends "$calls"
    expect_in 'update
apt-get ' "$calls" # the lists come first
    expect 'install libone-dev libtwo-dev' "$(printf %s "$calls" | grep -o 'install lib.*')"
}

without_root_it_goes_through_sudo() {
    pretend 1000
    tool dpkg-query "$query"
    tool apt-get "$apt"
    # shellcheck disable=SC2016
    tool sudo 'echo "sudo $*" >>"$calls"; shift; exec "$@"'
    install
    expect 0 "$code"
    expect 2 "$(printf '%s\n' "$calls" | grep -c '^sudo')"
}

without_root_and_sudo_it_says_what_to_do() {
    pretend 1000
    tool dpkg-query "$query"
    tool apt-get "$apt"
    install
    expect 1- "$code-$calls"
    expect_in 'apt-get install --no-install-recommends libone-dev libtwo-dev' "$words"
    expect_in root "$words"
}

without_a_network_it_says_so() {
    pretend
    tool dpkg-query "$query"
    tool apt-get "$apt; echo 'E: Failed to fetch x Temporary failure resolving y'; exit 100"
    install
    expect 1 "$code"
    expect_in 'is the network there?' "$words"
    expect_in 'apt-get install --no-install-recommends libone-dev libtwo-dev' "$words"
}

another_failure_shows_apts_words() {
    pretend
    tool dpkg-query "$query"
    tool apt-get "$apt; echo 'E: Unable to locate package libtwo-dev'; exit 100"
    install
    expect 1 "$code"
    expect_in 'Unable to locate package libtwo-dev' "$words"
    expect "$words" "$(printf %s "$words" | grep -v network)"
}

not_debian_is_left_alone() {
    pretend
    tool apt-get "$apt"
    install
    expect '0--' "$code-$words-$calls"
}

# tap BUILD/PROGRAM TEXT: one file for the tally.
tap() {
    mkdir -p "$scratch/taps/${1%/*}"
    # shellcheck disable=SC2059
    printf "$2" >"$scratch/taps/$1.tap"
}

# tally: what tools/tally.sh says of these files, and its code.
tally() {
    "$root/tools/tally.sh" "$scratch/taps" 2>&1
    echo "code $?"
    rm -rf "$scratch/taps"
}

good='1..2\nok 1 - a\nok 2 - b\n# exit 0\n'

cases_are_counted_once_over_all_builds() {
    tap plain/x "$good"
    tap asan/x "$good"
    tap plain/y "$good"
    expect '4 passed, 0 failed, 0 skipped
code 0' "$(tally)"
}

a_failure_in_one_build_is_a_failure() {
    tap plain/x "$good"
    tap asan/x '1..2\nok 1 - a\nnot ok 2 - b\n# 1 != 2\n# exit 1\n'
    expect 'FAILED (asan) x: b
    1 != 2
1 passed, 1 failed, 0 skipped
code 1' "$(tally)"
}

skipped_cases_give_their_reason() {
    tap plain/x '1..2\nok 1 - a\nno recordings\nnot ok 2 # SKIP b\n# exit 0\n'
    expect 'SKIPPED, no recordings:
    x: b
1 passed, 0 failed, 1 skipped
code 0' "$(tally)"
}

a_case_skipped_in_one_build_has_run_in_the_other() {
    tap plain/x "$good"
    tap asan/x '1..2\nok 1 - a\nno time\nnot ok 2 # SKIP b\n# exit 0\n'
    expect '2 passed, 0 failed, 0 skipped
code 0' "$(tally)"
}

a_program_that_dies_has_failed() {
    for text in '1..2\nok 1 - a\n# exit 139\n' '1..2\nok 1 - a\nok 2 - b\n' '1..1\nok 1 - a\nleak\n# exit 1\n' '# exit 1\n' ''; do
        tap plain/x "$text"
        said=$(tally)
        expect_in ' 1 failed, ' "$said"
        expect_in 'code 1' "$said"
    done
}

a_script_that_cannot_run_is_skipped() {
    tap plain/x 'there is no torch\n# exit 77\n'
    tap plain/y '# exit 0\n'
    expect 'SKIPPED, there is no torch:
    x: (the program)
1 passed, 0 failed, 1 skipped
code 0' "$(tally)"
}

nothing_at_all_is_no_success() {
    expect '0 passed, 0 failed, 0 skipped
code 1' "$(tally)"
}

# The helper of the tests written in sh: what counts as failed, as skipped, as passed.
cases_in_sh_fail_by_word_or_code() {
    # shellcheck disable=SC2016
    said=$(sh -c '. "$1/tests/tree/tap.sh"; run_cases true false "echo" ; run_case quiet skip "no need"; exit $failed' sh "$root")
    code=$?
    expect 1 "$code"
    expect 'ok 1 - true
not ok 2 - false
# ended with code 1
not ok 3 - echo
# echo
skipped: no need
not ok 4 # SKIP quiet' "$(printf %s "$said" | sed 's/^# $/# echo/')"
}

the_scripts_have_no_syntax_errors() {
    cd "$root" || exit 1
    for script in run test .ci/run tools/*.sh tests/tree/*.sh; do
        /bin/sh -n "$script"
        # Some are sourced, and say so.
        [ -x "$script" ] || head -n 4 "$script" | grep -q 'Sourced by them, not run' || echo "$script cannot be run"
    done
}

an_unknown_room_is_an_error() {
    said=$(MEWL_BUILD=/nowhere/at/all "$root/test" kitchen 2>&1 >/dev/null)
    expect 1 "$?"
    expect_in "'kitchen'" "$said"
    expect_in base "$said"
}

# What results are written with: the commit, whether anything differs from it, and nothing outside a repository.
the_revision_is_told() {
    command -v git >/dev/null || skip "git is not installed"
    tree=$scratch/tree
    mkdir -p "$tree/inner"
    (
        cd "$tree" || exit 1
        export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
        git init -q
        echo one >file
        git add file
        git -c user.name=N -c user.email=n@example.org commit -q -m one
    ) || echo "no repository could be made"
    commit=$(git -C "$tree" rev-parse --short=10 HEAD)
    expect "$commit" "$("$root/tools/revision.sh" "$tree")"
    : >"$tree/not-followed"
    expect "$commit" "$("$root/tools/revision.sh" "$tree")"
    echo two >"$tree/file"
    expect "$commit-dirty" "$("$root/tools/revision.sh" "$tree")"
    # An archive that was unpacked inside somebody else's repository is none itself.
    expect ' 1' "$("$root/tools/revision.sh" "$tree/inner"; echo " $?")"
}

set -- nothing_is_done_when_all_is_there missing_packages_are_named_and_installed without_root_it_goes_through_sudo \
    without_root_and_sudo_it_says_what_to_do without_a_network_it_says_so another_failure_shows_apts_words \
    not_debian_is_left_alone cases_are_counted_once_over_all_builds a_failure_in_one_build_is_a_failure \
    skipped_cases_give_their_reason a_case_skipped_in_one_build_has_run_in_the_other a_program_that_dies_has_failed \
    a_script_that_cannot_run_is_skipped nothing_at_all_is_no_success cases_in_sh_fail_by_word_or_code \
    the_scripts_have_no_syntax_errors an_unknown_room_is_an_error the_revision_is_told
echo "1..$#"
run_cases "$@"
exit "$failed"
