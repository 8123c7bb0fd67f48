#!/usr/bin/env python3
"""Counts test cases from TAP files and says what failed and what was skipped.

Usage: tally.py FOLDER     FOLDER/<build>/<program>.tap, as tools/tap-run.sh leaves them
A case that ran in several builds (plain, with sanitizers) counts once: failed when it failed in any of them, skipped when
it ran in none. A program that died, timed out or ran fewer cases than it announced has one more, failed case.
The last line printed is `N passed, N failed, N skipped`; the exit code is 1 when anything failed or nothing ran.
"""
import re
import sys
from pathlib import Path

RESULT = re.compile(r'^(not )?ok (\d+)(?: - | # SKIP | )?(.*)$')


def cases_of(path):
    """(name, outcome, lines said since the last result) of each case in one file; the lines that follow a failure."""
    cases, said, planned, code = [], [], 0, None
    for line in path.read_text(encoding='utf-8', errors='replace').splitlines():
        match = RESULT.match(line)
        if match:
            name = re.sub(r'^- ', '', match.group(3)).strip()
            skipped = '# SKIP' in line  # cmocka writes "not ok 2 # SKIP name"
            outcome = 'skipped' if skipped else 'failed' if match.group(1) else 'passed'
            cases.append([name, outcome, said])
            said = []
        elif re.match(r'^1\.\.\d+$', line):
            planned += int(line[3:])
        elif line.startswith('# exit '):
            code = int(line[7:])
        elif line.startswith('# ') and cases and cases[-1][1] == 'failed' and not said:
            cases[-1][2] = cases[-1][2] + [line[2:]]
        elif line.strip():
            said.append(line)
    failures = sum(outcome == 'failed' for _, outcome, _ in cases)
    if code == 77 and not cases:  # a script that cannot run here, by Automake's and Meson's convention
        cases.append(['(the program)', 'skipped', said[-30:]])
    elif code is None:
        cases.append(['(the program)', 'failed', said[-30:] + ['did not end in time']])
    elif len(cases) < planned or (code != 0 and failures == 0):
        cases.append(['(the program)', 'failed', said[-60:] + [f'ended with code {code} after {len(cases)} of {planned} cases']])
    elif not cases:
        cases.append(['(the program)', 'failed' if code else 'passed', said[-30:]])
    return cases


def main():
    outcomes, words = {}, {}
    for path in sorted(Path(sys.argv[1]).glob('*/*.tap')):
        build, program = path.parent.name, path.stem
        for name, outcome, said in cases_of(path):
            key = f'{program}: {name}'
            outcomes.setdefault(key, set()).add(outcome)
            if outcome == 'failed':
                words.setdefault(key, []).append((build, said))
            elif outcome == 'skipped':
                words.setdefault((key, 'skip'), said)
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    skipped = []
    for key, seen in sorted(outcomes.items()):
        outcome = 'failed' if 'failed' in seen else 'passed' if 'passed' in seen else 'skipped'
        counts[outcome] += 1
        if outcome == 'failed':
            print(f'FAILED ({", ".join(build for build, _ in words[key])}) {key}')
            for said in {tuple(said[-40:]): None for _, said in words[key]}:  # each different one once
                print('\n'.join(f'    {line}' for line in said))
        elif outcome == 'skipped':
            said = words.get((key, 'skip'), [])
            skipped.append((said[-1].strip() if said else 'what it needs is not there', key))
    for reason in sorted({reason for reason, _ in skipped}):
        print(f'SKIPPED, {reason}:')
        for _, key in [item for item in skipped if item[0] == reason]:
            print(f'    {key}')
    print(f'{counts["passed"]} passed, {counts["failed"]} failed, {counts["skipped"]} skipped')
    return 1 if counts['failed'] or not counts['passed'] else 0


if __name__ == '__main__':
    sys.exit(main())
