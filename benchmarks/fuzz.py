"""`make fuzz`: spoilt inputs for every reader of what comes from outside.

python benchmarks/fuzz.py                                10,000 cases, results to the screen
python benchmarks/fuzz.py --cases 1000000 --seconds 3600 as many as an hour allows
python benchmarks/fuzz.py --only csv --case 4711         one of them again, by itself, with its traceback

A reader either reads a case or raises isthmus's own error, of one line: no other error, no end of the process, no more
memory than `MEMORY`, no longer than `PATIENCE`. Cases follow from the seed, the target's name and their number.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from fuzzed import TARGETS, Target
from results import OURS, Page, Result, Section, save

from isthmus.errors import IsthmusError

MEMORY = 2 << 30
"""Bytes that a reader may take beside what the process has when it begins."""
PATIENCE = 20.0
"""Seconds that a case may take."""
LONGEST = 1000
"""Characters of an error: names of columns may be among them."""
READ, REFUSED = "read", "refused in one line"
PAGE = Page("fuzz", "Spoilt inputs", "Every reader of files from outside, given what valid files become when spoilt.")


@dataclass
class Found:
    """What became of a target's cases; of each fault its first case and how often it came."""

    read: int = 0
    refused: int = 0
    faults: dict[str, tuple[int, int]] = field(default_factory=dict)

    def note(self, case: int, says: str) -> None:
        """Count a case."""
        if says == READ:
            self.read += 1
        elif says == REFUSED:
            self.refused += 1
        else:
            first, often = self.faults.get(says, (case, 0))
            self.faults[says] = (first, often + 1)

    @property
    def cases(self) -> int:
        """Count all cases."""
        return self.read + self.refused + sum(often for _, often in self.faults.values())


def case_of(target: Target, seeds: Path, case: int, seed: int) -> tuple[bytes, str]:
    """Make a case: its bytes, and the name of the valid file that they were made of."""
    draw = np.random.default_rng([seed, zlib.crc32(target.name.encode()), case])
    files = sorted(path for path in seeds.iterdir() if path.is_file())
    file = files[int(draw.integers(len(files)))]
    return target.spoil(file.read_bytes(), draw), file.name


def try_case(target: Target, held: bytes, path: Path) -> str:
    """Give a reader bytes in a file; tell what came of it."""
    path.write_bytes(held)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.read(path)
    except IsthmusError as error:
        text = str(error)
        if not text.strip() or len(text.splitlines()) > 1 or len(text) > LONGEST:
            return f"an error of {len(text.splitlines())} lines, {len(text)} characters: {text[:80]!r}"
        return REFUSED
    except Exception as error:
        return f"{type(error).__name__} in {_where(error)}"
    return READ


def _where(error: BaseException) -> str:
    frames = [each for each in traceback.extract_tb(error.__traceback__) if f"isthmus{os.sep}" in each.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "no line of isthmus"


def _work(name: str, seeds: Path, cases: range, seed: int, mouth: Connection) -> None:
    """Be the process that tries cases, one after another, and says what came of each before the next begins."""
    import torch

    target = TARGETS[name]
    torch.set_num_threads(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    target.warm()
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            held, source = case_of(target, seeds, case, seed)
            mouth.send((case, try_case(target, held, Path(folder) / source)))


def run(target: Target, cases: int, seconds: float, seed: int, first: int = 0) -> Found:
    """Try cases of a target, for so many seconds at most."""
    found, until, last = Found(), time.monotonic() + seconds, first + cases
    with tempfile.TemporaryDirectory() as name:
        seeds = Path(name)
        _aside(target, seeds)
        while first < last and time.monotonic() < until:
            process, ears = _started(_work, target.name, seeds, range(first, last), seed)
            with contextlib.suppress(EOFError):
                while first < last and time.monotonic() < until:
                    if not ears.poll(PATIENCE if first else 3 * PATIENCE):
                        found.note(first, f"no answer in {PATIENCE:.0f} s")
                        first += 1
                        break
                    case, says = ears.recv()
                    found.note(case, says)
                    first = case + 1
            process.join(1)
            if process.exitcode is None:
                process.kill()
                process.join()
            elif process.exitcode:
                found.note(first, f"the process ended with {_ended(process.exitcode)}")
                first += 1
    return found


def _ended(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else str(code)


def _started(work: Any, *words: Any) -> tuple[Any, Connection]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fuzzed", "isthmus.model", "isthmus.compression"])
    ears, mouth = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(*words, mouth))
    process.start()
    mouth.close()
    return process, ears


def _aside(target: Target, seeds: Path) -> None:
    """Make valid files in a process of their own."""
    process, _ = _started(_made, target.name, seeds)
    process.join()
    if process.exitcode:
        raise RuntimeError(f"the valid files could not be made: {process.exitcode}")


def _made(name: str, seeds: Path, mouth: Connection) -> None:
    TARGETS[name].make(seeds)


def section_of(target: Target, found: Found) -> Section:
    """Tell what became of a target's cases."""
    section = Section(target.title, target.about)
    section.add("cases", {OURS: found.cases}, digits=0)
    section.add(READ, {OURS: found.read}, digits=0)
    section.add(REFUSED, {OURS: found.refused}, digits=0)
    section.add("anything else", {OURS: found.cases - found.read - found.refused}, digits=0)
    return section


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 1 where something was found."""
    parser = argparse.ArgumentParser(prog="fuzz", description=PAGE.intro)
    parser.add_argument("--only", nargs="+", choices=TARGETS, metavar="NAME", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--cases", type=int, default=10_000, help="of all targets together (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no longer than that, all together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case of each target")
    parser.add_argument("--case", type=int, help="one case again, with its traceback")
    parser.add_argument("--out", type=Path, help="folder for fuzz.json and fuzz.md, such as benchmarks/results")
    options = parser.parse_args(arguments)
    chosen = {name: TARGETS[name] for name in options.only or TARGETS}
    if options.case is not None:
        return _again(next(iter(chosen.values())), options.case, options.seed)
    weight, faults, sections, began = sum(each.weight for each in chosen.values()), 0, [], time.monotonic()
    for name, target in chosen.items():
        share = target.weight / weight
        found = run(target, max(1, round(share * options.cases)), share * options.seconds, options.seed, options.first)
        print(f"{name}: {found.cases:,} cases, {found.read:,} read, {found.refused:,} refused", flush=True)
        for says, (first, often) in found.faults.items():
            print(f"  {often:,} times {says}; --only {name} --case {first} --seed {options.seed}", flush=True)
        faults += len(found.faults)
        sections.append(section_of(target, found))
    if options.out:
        minutes = (time.monotonic() - began) / 60
        about = {"seed": options.seed, "minutes": round(minutes, 1)}
        save({"fuzz": Result("fuzz", "All readers", about, _summed(sections))}, options.out, PAGE)
    return 1 if faults else 0


def _summed(sections: list[Section]) -> list[Section]:
    """Put the sum of all before each."""
    whole = Section("All", "Of all readers together.")
    for at, row in enumerate(sections[0].rows):
        whole.add(row.figure, {OURS: sum(each.rows[at].values[OURS] for each in sections)}, digits=0)
    return [whole, *sections]


def _again(target: Target, case: int, seed: int) -> int:
    """Try one case here, and leave its bytes to be looked at."""
    with tempfile.TemporaryDirectory() as name:
        target.make(Path(name))
        held, source = case_of(target, Path(name), case, seed)
        path = Path(tempfile.mkdtemp()) / source
        path.write_bytes(held)
        print(f"{path}: {len(held):,} bytes", file=sys.stderr)
        target.warm()
        target.read(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
