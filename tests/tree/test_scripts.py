#!/usr/bin/env python3
"""Tests of ./run, ./test and their helpers, with pretended package tools: test_scripts.py SOURCE_ROOT"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import tap

root = Path(sys.argv[1]).resolve()


def script(folder, name, text):
    path = Path(folder) / name
    path.write_text('#!/bin/sh\n' + text, encoding='utf-8')
    path.chmod(0o755)


def install(tools, uid='0', sudo=False):
    """Runs packages_install on a list of three packages, with these pretended tools; returns (code, stderr, calls)."""
    with tempfile.TemporaryDirectory() as folder:
        script(folder, 'id', f'echo {uid}\n')
        for name in ('cat', 'sed', 'mktemp', 'tail', 'grep', 'rm', 'env', 'sh'):
            os.symlink(f'/bin/{name}' if Path(f'/bin/{name}').exists() else f'/usr/bin/{name}', Path(folder) / name)
        for name, text in tools.items():
            script(folder, name, text)
        if sudo:
            script(folder, 'sudo', f'echo "sudo $*" >>{folder}/calls\nshift\nexec "$@"\n')
        (Path(folder) / 'list.txt').write_text('gcc\nlibone-dev\nlibtwo-dev\n', encoding='utf-8')
        run = subprocess.run(['/bin/sh', '-c', f'root=/nowhere; . "{root}/tools/setup.sh"; packages_install {folder}/list.txt'],
                             env={'PATH': folder, 'TMPDIR': folder, 'calls': f'{folder}/calls'}, capture_output=True, text=True)
        calls = Path(folder) / 'calls'
        return run.returncode, run.stderr, calls.read_text(encoding='utf-8') if calls.exists() else ''


# A package that was removed but left its settings is not there.
QUERY = 'echo "installed gcc"\necho "config-files libone-dev"\nexit 1\n'
APT = 'echo "apt-get $*" >>"$calls"\n'


def nothing_is_done_when_all_is_there():
    code, words, calls = install({'dpkg-query': 'printf "installed %s\\n" gcc libone-dev libtwo-dev\n', 'apt-get': APT})
    assert (code, words, calls) == (0, '', ''), (code, words, calls)


def missing_packages_are_named_and_installed():
    code, words, calls = install({'dpkg-query': QUERY, 'apt-get': APT})
    assert code == 0, words
    assert words == 'mewl: installing the Debian packages libone-dev libtwo-dev\n', words
    assert 'install libone-dev libtwo-dev\n' in calls and '--no-install-recommends' in calls, calls
    assert calls.index('update') < calls.index('install'), calls


def without_root_it_goes_through_sudo():
    code, words, calls = install({'dpkg-query': QUERY, 'apt-get': APT}, uid='1000', sudo=True)
    assert code == 0 and calls.count('sudo') == 2, (words, calls)


def without_root_and_sudo_it_says_what_to_do():
    code, words, calls = install({'dpkg-query': QUERY, 'apt-get': APT}, uid='1000')
    assert code == 1 and calls == '', (code, calls)
    assert 'apt-get install --no-install-recommends libone-dev libtwo-dev' in words and 'root' in words, words


def without_a_network_it_says_so():
    failing = APT + 'echo "E: Failed to fetch x Temporary failure resolving y"\nexit 100\n'
    code, words, _ = install({'dpkg-query': QUERY, 'apt-get': failing})
    assert code == 1 and 'is the network there?' in words, words
    assert 'apt-get install --no-install-recommends libone-dev libtwo-dev' in words, words


def another_failure_shows_apts_words():
    failing = APT + 'echo "E: Unable to locate package libtwo-dev"\nexit 100\n'
    code, words, _ = install({'dpkg-query': QUERY, 'apt-get': failing})
    assert code == 1 and 'Unable to locate package libtwo-dev' in words and 'network' not in words, words


def not_debian_is_left_alone():
    code, words, calls = install({'apt-get': APT})
    assert (code, words, calls) == (0, '', ''), (code, words, calls)


def tally(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding='utf-8')
        run = subprocess.run([str(root / 'tools/tally.sh'), folder], capture_output=True, text=True)
        return run.returncode, run.stdout.splitlines()


def cases_are_counted_once_over_all_builds():
    text = '1..2\nok 1 - a\nok 2 - b\n# exit 0\n'
    assert tally({'plain/x.tap': text, 'asan/x.tap': text, 'plain/y.tap': text}) == (0, ['4 passed, 0 failed, 0 skipped'])


def a_failure_in_one_build_is_a_failure():
    good = '1..2\nok 1 - a\nok 2 - b\n# exit 0\n'
    bad = '1..2\nok 1 - a\nnot ok 2 - b\n# 1 != 2\n# exit 1\n'
    code, lines = tally({'plain/x.tap': good, 'asan/x.tap': bad})
    assert code == 1 and lines[-1] == '1 passed, 1 failed, 0 skipped', lines
    assert lines[0] == 'FAILED (asan) x: b' and '1 != 2' in lines[1], lines


def skipped_cases_give_their_reason():
    code, lines = tally({'plain/x.tap': '1..2\nok 1 - a\nno recordings\nnot ok 2 # SKIP b\n# exit 0\n'})
    assert code == 0 and lines == ['SKIPPED, no recordings:', '    x: b', '1 passed, 0 failed, 1 skipped'], lines


def a_program_that_dies_has_failed():
    for text in ('1..2\nok 1 - a\n# exit 139\n', '1..2\nok 1 - a\nok 2 - b\n', '1..1\nok 1 - a\nleak\n# exit 1\n', '# exit 1\n'):
        code, lines = tally({'plain/x.tap': text})
        assert code == 1 and ' 1 failed, ' in lines[-1], (text, lines)


def a_script_that_cannot_run_is_skipped():
    code, lines = tally({'plain/x.tap': 'there is no torch\n# exit 77\n', 'plain/y.tap': '# exit 0\n'})
    assert code == 0 and lines[0] == 'SKIPPED, there is no torch:', lines
    assert lines[-1] == '1 passed, 0 failed, 1 skipped', lines


def nothing_at_all_is_no_success():
    assert tally({})[0] == 1


def the_scripts_have_no_syntax_errors():
    for name in ('run', 'test', '.ci/run', 'tools/setup.sh', 'tools/tap-run.sh', 'tools/tally.sh', 'tools/fresh-machine.sh'):
        run = subprocess.run(['/bin/sh', '-n', str(root / name)], capture_output=True, text=True)
        assert run.returncode == 0, f'{name}: {run.stderr}'
        assert name == 'tools/setup.sh' or os.access(root / name, os.X_OK), f'{name} cannot be run'


def an_unknown_room_is_an_error():
    run = subprocess.run([str(root / 'test'), 'kitchen'], capture_output=True, text=True,
                         env={**os.environ, 'MEWL_BUILD': '/nowhere/at/all'})
    assert run.returncode == 1 and "'kitchen'" in run.stderr and 'base' in run.stderr, run.stderr


tap.main([(name, case) for name, case in list(globals().items())
          if callable(case) and getattr(case, '__module__', '') == '__main__' and name not in ('script', 'install', 'tally')
          and case.__code__.co_argcount == 0])
