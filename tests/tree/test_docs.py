#!/usr/bin/env python3
"""Runs the commands that the documents show: test_docs.py SOURCE_ROOT MEWL_PROGRAM

Every block of shell commands in README.md and docs/*.md says in its first line what becomes of it here:
    ```sh run            run as it stands, each time
    ```sh run with-data  run where MEWL_DATA has the recordings, else skipped
    ```sh not run: WHY   not run; but the options it uses must exist
Blocks of C marked `c run` are compiled against include/mewl.h and libmewl, and run on the shipped model and some sound.
They run in a folder of their own, where ./run is this build of the program and where lie night.m4a, nursery.wav, clips/
and quiet.wav, made here. Also: the manual page has no errors and names every command and option there is, and no other.
"""
import array
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import tap

root = Path(sys.argv[1]).resolve()
program = Path(sys.argv[2]).resolve()
BLOCK = re.compile(r'^```(\w+)([^\n]*)\n(.*?)^```\s*$', re.M | re.S)


def documents():
    return [root / 'README.md'] + sorted((root / 'docs').rglob('*.md'))


def cry_like(seconds, rate_hz, start_s, stop_s, seed):
    """Harmonics of a wandering tone in breaths, in faint noise: what a cry looks like, for running commands on."""
    noise = random.Random(seed)
    samples = array.array('h')
    phase = 0.0
    for i in range(int(seconds * rate_hz)):
        t = i / rate_hz
        value = noise.gauss(0, 0.002)
        if start_s <= t < stop_s:
            breath = max(0.0, math.sin(2 * math.pi * (t - start_s) / 1.5))
            phase += 2 * math.pi * (440 + 60 * math.sin(2 * math.pi * 0.9 * t)) / rate_hz
            value += 0.25 * breath * sum(math.sin(k * phase) / k for k in range(1, 6))
        samples.append(max(-32768, min(32767, int(32767 * value))))
    return samples


def write_wav(path, samples, rate_hz):
    with wave.open(str(path), 'wb') as out:
        out.setparams((1, 2, rate_hz, 0, 'NONE', ''))
        out.writeframes(samples.tobytes())


def furnish(folder):
    """What the documents' commands find around them."""
    (folder / 'run').write_text(f'#!/bin/sh\nexec "{program}" "$@"\n', encoding='utf-8')
    (folder / 'run').chmod(0o755)
    for name in ('recipes', 'models', 'docs', 'include', 'src', 'tools'):
        if (root / name).exists():
            os.symlink(root / name, folder / name)
    write_wav(folder / 'nursery.wav', cry_like(12, 16000, 4, 9, 1), 16000)
    write_wav(folder / 'quiet.wav', cry_like(5, 16000, 9, 9, 2), 16000)
    (folder / 'clips').mkdir()
    for kind, start in (('cry', 0.5), ('other', 99)):
        (folder / 'clips' / kind).mkdir()
        for i in range(3):
            write_wav(folder / 'clips' / kind / f'{i}.wav', cry_like(3, 8000, start, 2.5, 3 + i), 8000)
    subprocess.run(['ffmpeg', '-v', 'error', '-i', str(folder / 'nursery.wav'), '-c:a', 'aac', str(folder / 'night.m4a')],
                   check=True)


def run_block(where, commands, needs_data):
    if needs_data and 'MEWL_DATA' not in os.environ:
        raise tap.Skip('no recordings (MEWL_DATA)')
    with tempfile.TemporaryDirectory(prefix='mewl-docs-') as name:
        folder = Path(name)
        furnish(folder)
        environment = {**os.environ, 'MEWL_CONFIG': '', 'HOME': name}
        try:
            run = subprocess.run(['sh', '-eu', '-c', commands], cwd=folder, env=environment, capture_output=True,
                                 text=True, timeout=240)
        except subprocess.TimeoutExpired:
            raise AssertionError(f'{where}: not done in 240 s')
        assert run.returncode == 0, f'{where}: exit code {run.returncode}\n{commands}\n{run.stdout[-500:]}\n{run.stderr[-1500:]}'
        assert run.stdout or list(folder.glob('*')), f'{where}: nothing came out'


def program_case(path, match):
    """A block of C: compiled without a warning, linked with the shared library, run."""
    number = path.read_text(encoding='utf-8')[:match.start()].count('\n') + 1
    where = f'{path.relative_to(root)}:{number}'

    def case():
        library = program.parent.parent / 'hear'
        model = os.environ.get('MEWL_MODEL', str(root / 'models/detector.safetensors'))
        with tempfile.TemporaryDirectory(prefix='mewl-docs-') as name:
            demo = Path(name) / 'demo'
            (Path(name) / 'demo.c').write_text(match.group(3), encoding='utf-8')
            build = subprocess.run(['cc', '-std=c99', '-Wall', '-Wextra', '-Wpedantic', '-Werror', f'-I{root / "include"}',
                                    f'{name}/demo.c', '-o', str(demo), f'-L{library}', '-lmewl', f'-Wl,-rpath,{library}'],
                                   capture_output=True, text=True)
            assert build.returncode == 0, f'{where}: {build.stderr}'
            sound = cry_like(12, 16000, 4, 9, 1).tobytes() + bytes(16000 * 2 * 30)  # then half a minute of a dead microphone
            run = subprocess.run([str(demo), model], input=sound, capture_output=True, timeout=120)
            assert run.returncode == 0 and not run.stderr, f'{where}: {run.stderr.decode()}'
            assert b'not hearing since' in run.stdout, f'{where}: {run.stdout.decode()}'
            run = subprocess.run([str(demo), f'{name}/none'], input=b'', capture_output=True, timeout=120)
            assert run.returncode == 1 and b'none' in run.stderr, f'{where}: {run.stderr.decode()}'
    return f'{where} c run', case


HELP = {}


def help_of(*words):
    if words not in HELP:
        run = subprocess.run([str(program), *words, '--help'], capture_output=True, text=True,
                             env={**os.environ, 'MEWL_CONFIG': ''})
        HELP[words] = run.stdout if run.returncode == 0 else ''
    return HELP[words]


def commands_there_are():
    """Names of the commands, those of two words too: every (words, options) that --help tells of."""
    found = {}
    for name in re.findall(r'^  ([a-z]+)  +\S', help_of().split('Commands:')[1].split('\n\n')[0], re.M):
        text = help_of(name)
        inner = re.search(rf'^Usage: mewl {name} \[OPTIONS\] ([a-z]+(?:\|[a-z]+)+)', text, re.M)
        inner = inner.group(1).split('|') if inner else []
        found[(name,)] = set(re.findall(r'(?<![\w-])--[a-z][a-z-]*', text))
        for second in inner:
            found[(name, second)] = set(re.findall(r'(?<![\w-])--[a-z][a-z-]*', help_of(name, second)))
    return found


def check_options(where, commands):
    """Each `./run NAME --option` names a command and options that exist."""
    there = commands_there_are()
    for line in commands.replace('\\\n', ' ').splitlines():
        match = re.match(r'\s*(?:sudo )?(?:\./run|mewl) +([a-z]+)(?: +([a-z]+)\b)?(.*)', line)
        if not match:
            continue
        words = (match.group(1),)
        if (match.group(1), match.group(2)) in there:
            words = (match.group(1), match.group(2))
        assert words in there, f'{where}: there is no command "{" ".join(words)}"'
        for option in re.findall(r'(?<![\w-])--[a-z][a-z-]*', line.split(' #')[0]):
            assert option in there[words], f'{where}: {" ".join(words)} has no option {option}'


def block_case(path, match):
    number = path.read_text(encoding='utf-8')[:match.start()].count('\n') + 1
    where = f'{path.relative_to(root)}:{number}'
    words, commands = match.group(2).strip(), match.group(3)

    def case():
        check_options(where, commands)
        if words in ('run', 'run with-data'):
            run_block(where, commands, 'with-data' in words)
        else:
            assert re.match(r'not run: \w+', words), f'{where}: "{words}" says neither run nor why not'
    return f'{where} {words or "unmarked"}', case


def the_manual_page_has_no_errors():
    if shutil.which('man') is None:
        raise tap.Skip('there is no man')
    run = subprocess.run(['man', '--warnings', '-E', 'UTF-8', '-l', '-Tutf8', '-Z', str(root / 'docs/mewl.1')],
                         capture_output=True, text=True, env={**os.environ, 'MANROFFSEQ': '', 'MANWIDTH': '80'})
    assert run.returncode == 0 and run.stderr == '', run.stderr
    assert len(run.stdout) > 1000


def the_manual_page_tells_all_and_no_more():
    text = (root / 'docs/mewl.1').read_text(encoding='utf-8').replace('\\-', '-')
    there = commands_there_are()
    assert len(there) > 1, 'mewl --help lists no commands'
    all_options = set().union(*there.values())
    named = set(re.findall(r'(?<![\w-])--[a-z][a-z-]*', text))
    missing = sorted(option for option in all_options if option not in named)
    assert not missing, f'docs/mewl.1 does not name {" ".join(missing)}'
    extra = sorted(option for option in named if option not in all_options)
    assert not extra, f'docs/mewl.1 names {" ".join(extra)}, which no command has'
    absent = [' '.join(words) for words in there if not re.search(rf'\b{" ".join(words)}\b', text)]
    assert not absent, f'docs/mewl.1 does not name the commands {", ".join(absent)}'


def examples_in_the_help_use_what_there_is():
    for words in commands_there_are():
        examples = help_of(*words).split('Examples:')[-1] if 'Examples:' in help_of(*words) else ''
        check_options(f'mewl {" ".join(words)} --help', examples)


def links_between_documents_lead_somewhere():
    broken = []
    for path in documents():
        for target in re.findall(r'\]\(([^)#\s]+)(?:#[^)]*)?\)', path.read_text(encoding='utf-8')):
            if not re.match(r'[a-z]+:', target) and not (path.parent / target).exists():
                broken.append(f'{path.relative_to(root)}: {target}')
    assert not broken, '\n'.join(broken)


CASES = [(case.__name__, case) for case in (the_manual_page_has_no_errors, the_manual_page_tells_all_and_no_more,
                                            examples_in_the_help_use_what_there_is,
                                            links_between_documents_lead_somewhere)]
for document in documents():
    CASES += [block_case(document, match) for match in BLOCK.finditer(document.read_text(encoding='utf-8'))
              if match.group(1) in ('sh', 'bash', 'shell', 'console')]
    CASES += [program_case(document, match) for match in BLOCK.finditer(document.read_text(encoding='utf-8'))
              if match.group(1) == 'c' and match.group(2).strip() == 'run']
tap.main(CASES)
