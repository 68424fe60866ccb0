"""`make bench-large`: a table larger than memory through every verb that takes one, beside a part of it in memory.

python benchmarks/large.py                                   5 GB as Parquet and as CSV, results to benchmarks/results
python benchmarks/large.py --only csv-impute --size 20GB     the others' results stay as they are
python benchmarks/large.py --quick                           does it run? 200 MB, results to the screen
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet
from results import OURS, Page, Section
from runner import Bench, MissingSourceError, main

from isthmus.data.parts import parse_size
from isthmus.data.sources import write_table, write_tables

WHOLE = "a part of it, in memory"
GROUP = 1 << 16
"""Rows made at a time."""
ROOM = 3
"""Times its own size that a table and what a verb writes of it take on disk."""

ENDINGS = {"parquet": "Parquet", "csv": "CSV"}
# Verb: what it writes, and its other options.
VERBS: dict[str, tuple[str, tuple[str, ...]]] = {
    "fit": ("again.isthmus", ("--epochs", "1")),
    "encode": ("codes.npy", ()),
    "reconstruct": ("again.parquet", ()),
    "impute": ("full.parquet", ()),
    "outliers": ("odd.parquet", ()),
    "index": ("rows.index", ()),
    "sample": ("new.parquet", ()),
    "compress": ("rows.isz", ("--budget", "60")),
}


@dataclass(frozen=True)
class Settings:
    """How much is done; the defaults are the benchmark, all else is for trying it out.

    Parameters
    ----------
    size
        Bytes of the table.
    part
        Rows that the model is fitted to, and that the verbs are run on in memory.
    budget
        Seconds of the fit.
    seed
        Of the rows and the fit.
    """

    size: float = 5e9
    part: int = 200_000
    budget: int = 60
    seed: int = 0


class Ground:
    """What is measured on, made when it is first asked for: one table at a time, gone with the process."""

    def __init__(self) -> None:
        self._place: TemporaryDirectory[str] | None = None
        self._made: tuple[str, float] = ("", 0.0)
        self.rows = self.few = 0
        self.start = 0.0

    @property
    def folder(self) -> Path:
        """Where it lies."""
        self._place = self._place or TemporaryDirectory(prefix="isthmus-large-")
        return Path(self._place.name)

    @property
    def model(self) -> Path:
        """The model, fitted to the part."""
        return self.folder / "m.isthmus"

    def of(self, ending: str, settings: Settings) -> tuple[Path, Path]:
        """Give the table and the part of it."""
        if self._made != (ending, settings.size):
            if self._place is not None:
                self._place.cleanup()
                self._place = None
            self.rows = make(self.folder / f"table.{ending}", settings)
            pieces = (rows_of(number, settings.seed) for number in range(-(-settings.part // GROUP)))
            part = pa.concat_tables(pieces).slice(0, settings.part)
            self.few = write_tables(iter([part]), self.folder / f"part.{ending}")
            _run(["fit", self.folder / f"part.{ending}", "-o", self.model, "--budget", settings.budget])
            self.start = _run(["inspect", self.model])[0]
            self._made = ending, settings.size
        return self.folder / f"table.{ending}", self.folder / f"part.{ending}"


@dataclass(frozen=True)
class Layout:
    """How the table lies on disk, and a verb that it goes through."""

    ending: str
    verb: str
    ground: Ground
    size: float = Settings.size
    goals: Any = dataclasses.field(default_factory=lambda: {"peak memory, GB": "< 2"})

    @property
    def name(self) -> str:
        """Its name on the command line."""
        return f"{self.ending}-{self.verb}"

    @property
    def title(self) -> str:
        """Say it."""
        return f"{self.verb}: {ENDINGS[self.ending]}, 20 columns"

    def load(self, _: Path) -> str:
        """Give the ending of the file, where the disk has room for it."""
        free = shutil.disk_usage(gettempdir()).free
        if free < ROOM * self.size:
            raise MissingSourceError(
                f"'{gettempdir()}' has {free / 1e9:.1f} GB free of {ROOM * self.size / 1e9:.1f}: set TMPDIR, or --size"
            )
        return self.ending


def rows_of(number: int, seed: int) -> pa.Table:
    """Make rows of 20 columns: numbers that hang together, counts, words, dates, switches, an identifier, holes."""
    rng = np.random.default_rng([seed, number])
    hidden = rng.normal(size=(GROUP, 3))
    columns: dict[str, Any] = {"row_id": np.arange(number * GROUP, (number + 1) * GROUP)}
    mix = np.random.default_rng(seed).normal(size=(3, 10))
    for i, column in enumerate((hidden @ mix + 0.3 * rng.normal(size=(GROUP, 10))).T):
        columns[f"number{i}"] = pa.array(np.round(column, 3), mask=rng.random(GROUP) < 0.02)
    for i in range(3):
        columns[f"count{i}"] = rng.poisson(np.exp(0.4 * hidden[:, i]) * 3)
    for i, values in enumerate((4, 12, 60)):
        place = np.clip((hidden[:, i] + 3) / 6 * values, 0, values - 1).astype(int)
        words = np.array([f"kind {value}" for value in range(values)])
        columns[f"word{i}"] = pa.array(words[place], mask=rng.random(GROUP) < 0.02)
    columns["day"] = np.datetime64("2015-01-01") + rng.integers(0, 3650, GROUP).astype("timedelta64[D]")
    columns["sure"] = hidden[:, 0] > rng.normal(size=GROUP)
    columns["odd"] = hidden[:, 1] * hidden[:, 2] > 0
    return pa.table(columns)


def make(path: Path, settings: Settings) -> int:
    """Write a table of so many bytes; give the number of its rows."""
    number = 0
    if path.suffix == ".parquet":
        with parquet.ParquetWriter(path, rows_of(0, settings.seed).schema, compression="none") as writer:
            while path.stat().st_size < settings.size:
                writer.write_table(rows_of(number, settings.seed))
                number += 1
        return number * GROUP
    write_table(rows_of(0, settings.seed), path)
    groups = max(1, round(settings.size / path.stat().st_size))
    return write_tables((rows_of(number, settings.seed) for number in range(groups)), path)


def measure(source: Layout, ending: str, settings: Settings) -> list[Section]:
    """Run a verb on all rows and on a part of them, each in a process of its own."""
    section = Section(
        "Peak memory and speed",
        "Of the verb's process; rows a second without the time that a process takes to start and load the model.",
    )
    ground = source.ground
    whole, part = ground.of(ending, settings)
    of = ((OURS, whole, ground.rows, "1kB"), (WHOLE, part, ground.few, "1TB"))
    found = {who: _verb(source.verb, ground, path, rows, memory) for who, path, rows, memory in of}
    section.add("rows", {OURS: ground.rows, WHOLE: ground.few}, digits=0)
    section.add("peak memory, GB", {who: peak for who, (peak, _) in found.items()}, digits=2, headline=True)
    section.add("rows a second", {who: speed for who, (_, speed) in found.items()}, digits=0, headline=True)
    return [section]


def _verb(verb: str, ground: Ground, data: Path, rows: int, memory: str) -> tuple[float, float]:
    """Run a verb; give its peak memory (GB) and its rows a second."""
    name, more = VERBS[verb]
    out, model = ground.folder / name, ground.model
    given = {"sample": [model, "-n", rows]} | {each: [data, "--memory", memory] for each in ("fit", "compress")}
    words = given.get(verb, [model, data, "--memory", memory])
    seconds, peak = _run([verb, *words, "-o", out, *more])
    shutil.rmtree(out) if out.is_dir() else out.unlink()
    print(f"{verb}: {rows:,} rows, {seconds:.0f} s, {peak:.2f} GB", file=sys.stderr, flush=True)
    return peak, rows / max(seconds - ground.start, 1e-3)


def _run(words: Sequence[Any]) -> tuple[float, float]:
    """Run a command line in its own process; give its seconds and its peak memory in GB."""
    code, peak, began = "from isthmus.cli.main import run; run()", 0.0, time.monotonic()
    with tempfile.TemporaryFile("w+") as told:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)], stdout=subprocess.DEVNULL, stderr=told
        )
        while process.poll() is None:
            peak = max(peak, _peak(process.pid))
            time.sleep(0.01)
        seconds = time.monotonic() - began
        told.seek(0)
        if process.returncode:
            raise RuntimeError(f"isthmus {' '.join(map(str, words))}: {told.read().strip().splitlines()[-1]}")
    return seconds, peak


def _peak(process: int) -> float:
    """Peak memory of a process in GB, as Linux tells; `wait4` tells that of the process it was forked from, if more."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text("utf-8"))
    return int(found[1]) * 1024 / 1e9 if found else 0.0


def bench(size: float = Settings.size, quick: float = 2e8) -> Bench:
    """Put the benchmark together for tables of so many bytes."""
    ground = Ground()
    layouts = [Layout(ending, verb, ground, size) for ending in ENDINGS for verb in VERBS]
    return Bench(
        Page(
            "large",
            "Benchmark of tables larger than memory",
            "A made-up table of 20 columns, read in parts (isthmus), beside rows of it that are read whole, to which "
            "the model is fitted.",
        ),
        {layout.name: layout for layout in layouts},
        measure,
        Settings(size=size),
        Settings(size=min(size, quick), part=20_000, budget=5),
        packages=("pyarrow",),
    )


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark by its command line."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--size", type=parse_size, default=Settings.size)
    options, others = parser.parse_known_args(arguments)
    size = min(options.size, 2e8) if "--quick" in others else options.size
    return main(bench(size, size), others)


if __name__ == "__main__":
    sys.exit(run())
