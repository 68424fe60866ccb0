"""`make bench-kills`: kill -9 at random moments while something is written, and what is there afterwards.

python benchmarks/kills.py                     all, results to benchmarks/results
python benchmarks/kills.py --only fit          the others' results stay as they are
python benchmarks/kills.py --quick             does it run? Results to the screen

A job is run to its end once, undisturbed, then again and again in a process of its own that is killed at a moment drawn
from all of that time. Then what lies there is looked at, and the job is started again, which must end as undisturbed.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from killed import JOBS, Job
from results import OURS, Page, Section
from runner import Bench, MissingSourceError, main

KILLS, CAUGHT = "kills", "kills that left a file half written, under a hidden name"
GOALS = {
    "half results in a result's place": "0",
    "acknowledged, then lost": "0",
    "visible files that are no results": "0",
    "did not end as undisturbed when started again": "0",
}
HALF, LOST, STRAY, ENDED = GOALS
PATIENCE = 300
"""Seconds after which a job that was started again is taken to hang."""


@dataclass(frozen=True)
class Settings:
    """How often each job is killed."""

    seed: int = 0
    kills: int = 50


@dataclass(frozen=True)
class Killed:
    """A job, as the runner of benchmarks knows it."""

    job: Job
    goals: Mapping[str, str]

    @property
    def name(self) -> str:
        """Its name on the command line."""
        return self.job.name

    @property
    def title(self) -> str:
        """What it is."""
        return self.job.title

    def load(self, folder: Path) -> Path:
        """Give the folder of data files, of which a language model is needed."""
        if self.job.needs and not (folder / self.job.needs).is_dir():
            raise MissingSourceError(f"needs {folder / self.job.needs}")
        return folder


def measure(killed: Killed, data: Path, settings: Settings) -> list[Section]:
    """Kill a job, look, and start it again."""
    job, draw = killed.job, np.random.default_rng(settings.seed)
    found = dict.fromkeys((CAUGHT, *GOALS), 0)
    with tempfile.TemporaryDirectory() as name:
        start, whole, here = (Path(name) / each for each in ("start", "whole", "here"))
        start.mkdir()
        _finished(job.make, (start, data))
        shutil.copytree(start, whole)
        seconds = _finished(job.work, (whole,))
        for _ in range(settings.kills):
            said = _killed(job, start, here, draw, seconds)
            found[CAUGHT] += any(_hidden(here))
            faults = job.look(here, start, whole, said)
            found[HALF] += faults.half
            found[LOST] += faults.lost
            found[STRAY] += bool(_names(here) - _names(whole) - _names(start) - set(job.leaves))
            found[ENDED] += not _goes_on(job, here, whole)
            shutil.rmtree(here)
    section = Section(
        "After kill -9", f"Undisturbed it takes {seconds:.1f} s, a warm start aside; moments drawn evenly from that."
    )
    section.add(KILLS, {OURS: settings.kills}, digits=0)
    for figure, count in found.items():
        if figure == LOST and not job.says:
            continue
        section.add(figure, {OURS: count}, digits=0)
    return [section]


def _killed(job: Job, start: Path, here: Path, draw: np.random.Generator, seconds: float) -> list[Any]:
    """Run a job in a copy of a folder until it is killed; give what it acknowledged. One that was quicker runs anew."""
    while True:
        shutil.copytree(start, here)
        process, ears = _started(job.work, (here,))
        process.join(draw.uniform(0, seconds))
        process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            return list(_heard(ears))
        shutil.rmtree(here)


def _goes_on(job: Job, here: Path, whole: Path) -> bool:
    """Start a job again; tell whether it ends as the undisturbed one, with nothing beside it."""
    try:
        _finished(job.again, (here,))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return False
    return job.same(here, whole) and _names(here) == _names(whole)


def _finished(work: Any, words: tuple[Any, ...]) -> float:
    """Run something to its end in a process of its own; give the seconds it took."""
    process, _ = _started(work, words)
    began = time.perf_counter()
    process.join(PATIENCE)
    if process.exitcode != 0:
        process.kill()
        raise RuntimeError(f"{work.__name__} ended with {process.exitcode}")
    return time.perf_counter() - began


def _started(work: Any, words: tuple[Any, ...]) -> tuple[Any, Connection]:
    """Start a process that has all modules at hand, and wait until it is about to begin."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["killed", "isthmus.model", "isthmus.compression", "sklearn.decomposition"])
    ears, mouth = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(work, words, mouth))
    process.start()
    mouth.close()
    ears.recv()
    return process, ears


def _run(work: Any, words: tuple[Any, ...], mouth: Connection) -> None:
    """Be the process: quiet, by one thread, and done when the work is."""
    import torch

    torch.set_num_threads(1)
    mouth.send(None)
    if work(*words, say=mouth.send):
        os._exit(1)


def _heard(ears: Connection) -> Iterator[Any]:
    try:
        while True:
            yield ears.recv()
    except (EOFError, OSError):
        return


def _names(folder: Path) -> set[str]:
    """Name the files that are results to whoever lists a folder: no part of their path is hidden."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.parts[0] for path in paths if not any(part.startswith(".") for part in path.parts)}


def _hidden(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob(".*") if not path.name.startswith(".said"))


BENCH = Bench(
    page=Page("kills", "What `kill -9` leaves", "Processes killed at random moments, what they left, and a new start."),
    sources={job.name: Killed(job, GOALS) for job in JOBS},
    measure=measure,
    settings=Settings(),
    quick=Settings(kills=2),
    packages=("lancedb", "transformers"),
)


if __name__ == "__main__":
    sys.exit(main(BENCH))
