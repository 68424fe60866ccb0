"""`make bench-workers`: what workers of Ray add to one process, what a lost one costs, what a large fit would.

python benchmarks/workers.py               all, results to benchmarks/results
python benchmarks/workers.py --quick       does it run? Results to the screen
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from large import GROUP, rows_of
from pyarrow import parquet
from results import OURS, Page, Section
from runner import Bench, main

import isthmus as im
from isthmus.engine import Engine
from isthmus.training.logs import telling

HERE, APART, ONE, TWO = "one process", "two processes that share nothing", "one worker", OURS
BILLION = 1e9


@dataclass(frozen=True)
class Settings:
    """How many files there are to learn from, how often, and how many to encode."""

    seed: int = 0
    files: int = 4
    passes: float = 2.0
    encoded: int = 16


@dataclass(frozen=True)
class Table:
    """The table of `make bench-large`, in several files."""

    name: str = "large"
    title: str = "20 columns, in Parquet files"
    goals: Any = None

    def load(self, _: Path) -> str:
        """Nothing is read: the table is made."""
        return self.name


def measure(_: Any, __: Any, settings: Settings) -> list[Section]:
    """Time one process, one worker and two, and kill a worker."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="isthmus-workers-") as name:
        folder, more, storage = (Path(name) / each for each in ("table", "more", "shared"))
        parts, many = _write(folder, settings.files, settings), _write(more, settings.encoded, settings)
        engines = {HERE: Engine(), ONE: im.Ray(1, storage=storage), TWO: im.Ray(2, storage=storage)}
        fits = {each: _fit(engine, parts, settings) for each, engine in engines.items()}
        speeds = {each: fit.speed for each, fit in fits.items()} | {APART: _apart(folder, settings)}
        model = fits[HERE].model
        scoring = {each: _scoring(engine, model, parts, many, settings) for each, engine in engines.items()}
        lost = _lost(fits[TWO], engines[TWO], storage, parts, settings)
    return [_speeds(speeds, scoring), lost, _plan(speeds[HERE], scoring[HERE])]


def _write(folder: Path, files: int, settings: Settings) -> im.Parts:
    folder.mkdir()
    for number in range(files):
        parquet.write_table(rows_of(number, settings.seed), folder / f"part-{number}.parquet", row_group_size=8192)
    return im.Parts.open(folder)


@dataclass(frozen=True)
class Fit:
    """A fit: the seconds of all of it, and the rows a second of its training, between its first check and its last."""

    model: im.Autoencoder
    seconds: float
    speed: float


def _fit(engine: Engine, parts: im.Parts, settings: Settings) -> Fit:
    model = im.Autoencoder(epochs=settings.passes, seed=settings.seed, drop=["row_id"], engine=engine)
    with tempfile.TemporaryDirectory() as folder:
        log, began = Path(folder) / "log.jsonl", time.monotonic()
        with telling(log=log):
            model.fit(parts)
        seconds = time.monotonic() - began
        checks = [check for check in map(json.loads, log.read_text("utf-8").splitlines()) if check["run"] == 1]
    first, last = checks[0], checks[-1]
    rows = (last["step"] - first["step"]) * model.batch_size * engine.shards
    return Fit(model, seconds, rows / max(last["seconds"] - first["seconds"], 1e-3))


def _apart(folder: Path, settings: Settings) -> float:
    """Rows a second of two processes that train at once, each for itself: what the machine has to give."""
    with ProcessPoolExecutor(2, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        return sum(pool.map(_alone, [folder] * 2, [settings] * 2))


def _alone(folder: Path, settings: Settings) -> float:
    return _fit(Engine(), im.Parts.open(folder), settings).speed


def _scoring(engine: Engine, model: im.Autoencoder, few: im.Parts, many: im.Parts, settings: Settings) -> float:
    """Rows a second that are encoded: what many rows take more than few."""
    times = []
    for parts in (few, few, many):  # once for what is done but once
        began = time.monotonic()
        for _ in engine.map(model.encode, parts):
            pass
        times.append(time.monotonic() - began)
    return (settings.encoded - settings.files) * GROUP / max(times[-1] - times[-2], 1e-3)


def _lost(undisturbed: Fit, engine: Any, storage: Path, parts: im.Parts, settings: Settings) -> Section:
    """Fit again, with a worker killed in the middle."""
    killed: list[int] = []
    killer = threading.Thread(target=_kill, args=(storage, killed), daemon=True)
    killer.start()
    disturbed = _fit(engine, parts, settings)
    weights = undisturbed.model.net_.state_dict()
    same = all(torch.equal(weight, weights[name]) for name, weight in disturbed.model.net_.state_dict().items())
    section = Section("A worker killed", "kill -9 of one of two workers when the first state of the run was kept.")
    section.add("workers killed", {OURS: len(killed)}, digits=0)
    section.add("seconds that it costs", {OURS: disturbed.seconds - undisturbed.seconds}, digits=0, headline=True)
    section.add("weights are those of the undisturbed fit (1: to the last bit)", {OURS: int(same)}, digits=0)
    return section


def _kill(storage: Path, killed: list[int]) -> None:
    while not list(storage.glob("training/*/checkpoint*")):
        time.sleep(0.05)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (folder / "cmdline").exists():
            words = (folder / "cmdline").read_bytes()
            if words.startswith(b"ray::") and b"TrainWorker" in words:
                os.kill(int(folder.name), signal.SIGKILL)
                killed.append(int(folder.name))
                return


def _speeds(speeds: dict[str, float], scoring: dict[str, float]) -> Section:
    cores = len(os.sched_getaffinity(0))
    section = Section(
        "Rows a second",
        f"Each worker has one of the {cores} cores, and one process one thread; two workers learn from twice the rows "
        f"a step. isthmus: two workers. Starting up is not counted.",
    )
    section.add("training: rows a second", speeds, digits=0, headline=True)
    times = {TWO: speeds[TWO] / speeds[ONE], APART: speeds[APART] / speeds[HERE]}
    section.add("training: times one alone", times, digits=2, headline=True)
    section.add("training: rows a second and core", {ONE: speeds[ONE], TWO: speeds[TWO] / 2}, digits=0)
    section.add("encode: rows a second", scoring, digits=0)
    section.add("encode: times one alone", {TWO: scoring[TWO] / scoring[ONE]}, digits=2)
    return section


def _plan(training: float, encoding: float) -> Section:
    """Put on paper what a billion rows take, by the speed of one core here."""
    section = Section("On paper: a billion rows", "By the speeds of one process on one core, above; of 20 columns.")
    hours: Callable[[float], float] = lambda speed: BILLION / speed / 3600  # noqa: E731 (one line, said once)
    section.add("core hours a pass of training", {OURS: hours(training)}, digits=0)
    section.add("core hours to encode", {OURS: hours(encoding)}, digits=1)
    section.add("rows as numbers on shared storage, GB", {OURS: BILLION * 19 * np.float64().itemsize / 1e9}, digits=0)
    return section


BENCH = Bench(
    page=Page("workers", "Benchmark of several workers", "One process, and workers of Ray on the same machine."),
    sources={"large": Table(goals={"training: times one alone": "≥ 1.6", "seconds that it costs": "< 60"})},
    measure=measure,
    settings=Settings(),
    quick=Settings(files=1, passes=0.3, encoded=2),
    packages=("ray",),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
