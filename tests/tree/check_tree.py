#!/usr/bin/env python3
"""Checks on the source tree itself, as a test program that speaks TAP: rooms, doors, headers, names, habits.

Usage: check_tree.py SOURCE_ROOT BUILD_ROOT [CC]
Not a linter of style: clang-format and the compiler's warnings do that. The rules are those of docs/architecture.md.
"""
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# What each room may include from, besides itself. The order is the order of the build.
ROOMS = {
    'base': [],
    'audio': ['base'],
    'dsp': ['base'],
    'draw': ['base'],
    'nn': ['base'],
    'models': ['nn', 'dsp', 'base'],
    'detect': ['dsp', 'base'],
    'hear': ['detect', 'models', 'nn', 'dsp', 'audio', 'base'],
    'data': ['audio', 'dsp', 'base'],
    'lab': ['data', 'hear', 'detect', 'models', 'nn', 'draw', 'dsp', 'audio', 'base'],
    'cli': ['lab', 'data', 'hear', 'detect', 'models', 'nn', 'draw', 'dsp', 'audio', 'base'],
}

# Outside headers (a prefix of the name in the #include) and the only files that may include them.
DOORS = {
    'jansson': [r'src/base/json\.h'],
    'libav': [r'src/audio/.*', r'src/dsp/fft_complex\.[ch]'],
    'libsw': [r'src/audio/.*'],
    'alsa/': [r'src/audio/.*'],
    'pulse/': [r'src/audio/.*'],
    'cairo': [r'src/draw/.*'],
    'dnnl': [r'src/nn/.*'],
    'oneapi/': [r'src/nn/.*'],
    'zip.h': [r'src/models/.*'],
    'zlib': [r'src/models/.*'],
    'ini.h': [r'src/data/.*', r'src/cli/settings\.c'],
    'curl/': [r'src/data/.*'],
    'archive': [r'src/data/.*'],
}

# What comes with the C library and compiler; anything else in <> needs a door above.
SYSTEM = re.compile(r'^(assert|ctype|dirent|dlfcn|errno|fcntl|fenv|float|ftw|getopt|glob|immintrin|inttypes|langinfo|limits|'
                    r'locale|math|malloc|omp|poll|pthread|pwd|sched|semaphore|setjmp|signal|stdalign|stdarg|stdatomic|'
                    r'stdbool|stddef|stdint|stdio|stdlib|stdnoreturn|string|strings|termios|threads|time|unistd|wchar|'
                    r'libgen|netdb|fnmatch|complex|endian|execinfo)\.h$|^(sys|netinet|arpa|net|linux)/')

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)

root = Path(sys.argv[1]).resolve()
build = Path(sys.argv[2]).resolve()
compiler = sys.argv[3:] or ['cc']


def sources(*folders, suffixes=('.c', '.h')):
    """Files of these folders, as paths relative to the root, in a fixed order."""
    found = []
    for folder in folders:
        for path in sorted((root / folder).rglob('*')):
            if path.suffix in suffixes and path.is_file():
                found.append(path.relative_to(root).as_posix())
    return found


def read(path):
    return (root / path).read_text(encoding='utf-8')


def code_only(text):
    """The text without comments and without what stands in quotes; line numbers stay."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        piece = match.group(0)
        return '""' if piece[0] == '"' else "' '" if piece[0] == "'" else '\n' * piece.count('\n') or ' '
    return pattern.sub(blank, text)


def includes(path):
    for match in INCLUDE.finditer(read(path)):
        yield match.group(1), match.group(2)


def room_of(path):
    return path.split('/')[1]


def includes_go_along_the_rooms():
    problems = []
    for path in sources('src'):
        room = room_of(path)
        if room not in ROOMS:
            problems.append(f'{path}: {room} is no room of the table')
            continue
        for quote, name in includes(path):
            other = name.split('/')[0]
            if quote == '"' and name == 'mewl.h':
                if room not in ('hear', 'cli'):
                    problems.append(f'{path}: only hear and cli know the public header')
            elif quote == '"' and not (root / 'src' / name).is_file():
                problems.append(f'{path}: includes "{name}", which is not below src/')
            elif quote == '"' and other != room and other not in ROOMS[room]:
                problems.append(f'{path}: includes "{name}"; {room} may use {", ".join(ROOMS[room]) or "nothing"}')
    return problems


def outside_libraries_stay_behind_their_door():
    problems = []
    for path in sources('src', 'include'):
        for quote, name in includes(path):
            if quote != '<' or SYSTEM.search(name):
                continue
            doors = [files for prefix, files in DOORS.items() if name.startswith(prefix)]
            if not doors:
                problems.append(f'{path}: <{name}> has no door in the table')
            elif not any(re.fullmatch(pattern, path) for pattern in doors[0]):
                problems.append(f'{path}: <{name}> belongs behind {" or ".join(doors[0])}')
    return problems


def no_room_depends_on_itself_in_a_circle():
    seen = []
    for room, others in ROOMS.items():
        for other in others:
            if other not in seen:
                return [f'{room} uses {other}, which is not built before it']
        seen.append(room)
    folders = [p.name for p in sorted((root / 'src').iterdir()) if p.is_dir()]
    return [f'src/{name} has no row in the table' for name in folders if name not in ROOMS]


def libraries_never_print_or_exit():
    forbidden = re.compile(r'(?<![\w.>])(printf|puts|putchar|perror|vprintf|exit|_exit|_Exit|abort|quick_exit|system|popen|'
                           r'assert)\s*\(|(?<![\w.>])(stdout|stderr|stdin)\b')
    problems = []
    for path in sources('src'):
        if room_of(path) == 'cli':
            continue
        for number, line in enumerate(code_only(read(path)).splitlines(), 1):
            match = forbidden.search(line)
            if match and not line.lstrip().startswith('#'):
                problems.append(f'{path}:{number}: {match.group(0).strip()}')
    return problems


def compile_alone(path, language, flags):
    with tempfile.TemporaryDirectory() as folder:
        unit = Path(folder) / ('unit.cc' if language == 'c++' else 'unit.c')
        name = path.split('/', 1)[1]
        # Twice: a header without its guard fails the second time.
        unit.write_text(f'#include "{name}"\n#include "{name}"\nint unit_is_not_empty;\n', encoding='utf-8')
        run = subprocess.run(compiler + ['-x', language, '-fsyntax-only', '-Wall', '-Wextra', '-Wpedantic', '-Werror'] +
                             flags + [f'-I{root / path.split("/", 1)[0]}', str(unit)], capture_output=True, text=True)
        first = next((line for line in run.stderr.splitlines() if 'error' in line), run.stderr.strip()[:200])
        return [f'{path}: {first}'] if run.returncode != 0 else []


def every_header_compiles_alone():
    headers = sources('src', suffixes=('.h',))
    cairo = ['-I/usr/include/cairo']
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        results = pool.map(lambda path: compile_alone(path, 'c', ['-std=gnu11', '-D_GNU_SOURCE'] + cairo), headers)
        return [problem for result in results for problem in result]


def the_public_header_is_plain_c():
    headers = sources('include', suffixes=('.h',))
    if not headers:
        return ['include/ holds no header']
    problems = []
    for path in headers:
        problems += compile_alone(path, 'c', ['-std=c99'])
        if subprocess.run(compiler + ['-x', 'c++', '-fsyntax-only', '/dev/null'], capture_output=True).returncode == 0:
            problems += compile_alone(path, 'c++', ['-std=c++11'])
        for quote, name in includes(path):
            if name not in ('stddef.h', 'stdint.h', 'stdbool.h'):
                problems.append(f'{path}: includes {name}; the public header stands on the C library alone')
        text = read(path)
        for match in re.finditer(r'^typedef struct (\w+) \{', text, re.M):
            if not match.group(1).startswith('mewl_'):
                problems.append(f'{path}: {match.group(1)} lacks the mewl_ prefix')
    return problems


def guards_have_the_names_of_their_files():
    problems = []
    for path in sources('src', 'include', suffixes=('.h',)):
        parts = path[:-2].split('/')[1:]
        guard = re.sub(r'\W', '_', '_'.join(([] if parts == ['mewl'] else ['mewl']) + parts)).upper() + '_H'
        if not re.search(rf'^#ifndef {guard}\n#define {guard}\n', read(path), re.M):
            problems.append(f'{path}: no guard {guard}')
    return problems


def files_open_with_what_they_are():
    """A file's first line says what it is; a source may leave that to its header, which it then includes first."""
    problems = []
    for path in sources('src', 'include', 'fuzz', 'bench'):
        text = read(path)
        own_header = f'#include "{path.split("/", 1)[1][:-2]}.h"\n'
        if not re.match(r'/\* \S.{10,}', text) and not text.startswith(own_header):
            problems.append(f'{path}: does not open with a comment that says what it is')
    return problems


def files_and_lines_are_of_readable_length():
    problems = []
    for path in sources('src', 'include', 'fuzz', 'bench', 'tests'):
        lines = read(path).splitlines()
        if len(lines) > 600 and not path.startswith('tests/'):
            problems.append(f'{path}: {len(lines)} lines, at most 600')
        problems += [f'{path}:{i}: {len(line)} columns, at most 120' for i, line in enumerate(lines, 1) if len(line) > 120]
    return problems


def nothing_is_left_for_later():
    mark = re.compile(r'\b(' + '|'.join(['TO' + 'DO', 'FIX' + 'ME', 'X' * 3, 'HA' + 'CK']) + r')\b')
    problems = []
    for path in sources('src', 'include', 'fuzz', 'bench', 'tests', 'tools', suffixes=('.c', '.h', '.py', '.sh', '.build')):
        for number, line in enumerate(read(path).splitlines(), 1):
            if mark.search(line):
                problems.append(f'{path}:{number}: {line.strip()[:80]}')
    return problems


def libraries_define_only_their_own_names():
    """Every global symbol of the rooms' libraries starts with mewl_, so that an integrator's link never clashes."""
    problems, checked = [], 0
    for archive in sorted((build / 'src').glob('*/libmewl-*.a')):
        run = subprocess.run(['nm', '-g', '--defined-only', '--format=posix', str(archive)], capture_output=True, text=True)
        for line in run.stdout.splitlines():
            fields = line.split()
            if len(fields) < 2 or fields[0].endswith(':'):
                continue
            checked += 1
            if not re.match(r'(mewl_|MEWL_|__|_?asan|__odr_asan)', fields[0]):
                problems.append(f'{archive.name}: {fields[0]}')
    if checked == 0:
        problems.append(f'no libraries found below {build}/src')
    return problems


# FFmpeg's message callback and its list of devices belong to the whole process: they are installed once, and each thread
# knows whom its messages are for.
PROCESS_WIDE = {('audio', 'once'), ('audio', 'current')}


def no_variables_are_global():
    """Libraries hold no writable data: nothing is shared between two users of the library in one process."""
    problems, checked = [], 0
    for archive in sorted((build / 'src').glob('*/libmewl-*.a')):
        run = subprocess.run(['objdump', '-t', str(archive)], capture_output=True, text=True)
        for line in run.stdout.splitlines():
            # "0000… l     O .bss  0000…04 name"; tables made read-only after relocation are no variables.
            match = re.match(r'^[0-9a-f]+ .{7} (\S+)\s+[0-9a-f]+\s+(?:\.hidden )?(\S+)$', line)
            if match is None:
                continue
            checked += 1
            section, name = match.groups()
            if (archive.stem[len('libmewl-'):], name.split('.')[0]) in PROCESS_WIDE:
                continue
            if re.match(r'\.(data|bss|tdata|tbss)(\.(?!rel\.ro)|$)|\*COM\*', section) and not name.startswith(('.', '__')):
                problems.append(f'{archive.name}: {name} in {section}')
    return problems if checked > 0 else [f'no libraries found below {build}/src']


CASES = [
    includes_go_along_the_rooms,
    outside_libraries_stay_behind_their_door,
    no_room_depends_on_itself_in_a_circle,
    libraries_never_print_or_exit,
    every_header_compiles_alone,
    the_public_header_is_plain_c,
    guards_have_the_names_of_their_files,
    files_open_with_what_they_are,
    files_and_lines_are_of_readable_length,
    nothing_is_left_for_later,
    libraries_define_only_their_own_names,
    no_variables_are_global,
]


def main():
    failed = 0
    print(f'1..{len(CASES)}')
    for number, case in enumerate(CASES, 1):
        problems = case()
        print(f'{"not ok" if problems else "ok"} {number} - {case.__name__}', flush=True)
        for problem in problems:
            print(f'# {problem}', flush=True)
        failed += bool(problems)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
