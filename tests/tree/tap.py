"""What the tests written in Python share: cases as functions, results as TAP, skipping with a reason."""
import sys
import traceback


class Skip(Exception):
    """Raised by a case that cannot run here; its text is the reason."""


def run(cases):
    """Runs (name, function) pairs; prints TAP as cmocka does; returns the exit code."""
    failed = 0
    print(f'1..{len(cases)}', flush=True)
    for number, (name, case) in enumerate(cases, 1):
        try:
            case()
            print(f'ok {number} - {name}', flush=True)
        except Skip as reason:
            print(f'skipped: {reason}\nnot ok {number} # SKIP {name}', flush=True)
        except Exception as problem:  # a case fails by any exception, AssertionError among them
            failed += 1
            print(f'not ok {number} - {name}')
            text = str(problem) if isinstance(problem, AssertionError) and str(problem) else traceback.format_exc()
            print('\n'.join(f'# {line}' for line in text.splitlines()), flush=True)
    return 1 if failed else 0


def main(cases):
    sys.exit(run(cases))
