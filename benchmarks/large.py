"""`make bench-large`: a table larger than memory through every verb that takes one, beside a part of it in memory.

python benchmarks/large.py                       5 GB as Parquet and as CSV, results to benchmarks/results
python benchmarks/large.py --only parquet --size 20GB --verbs encode impute
python benchmarks/large.py --quick               does it run? 200 MB, results to the screen
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
    verbs
        Which.
    seed
        Of the rows and the fit.
    """

    size: float = 5e9
    part: int = 200_000
    budget: int = 60
    verbs: tuple[str, ...] = tuple(VERBS)
    seed: int = 0


@dataclass(frozen=True)
class Layout:
    """How the table lies on disk."""

    name: str
    title: str
    size: float = Settings.size
    goals: Any = dataclasses.field(default_factory=lambda: {f"{verb}: peak memory, GB": "< 2" for verb in VERBS})

    def load(self, _: Path) -> str:
        """Give the ending of the file, where the disk has room for it."""
        free = shutil.disk_usage(gettempdir()).free
        if free < ROOM * self.size:
            raise MissingSourceError(
                f"'{gettempdir()}' has {free / 1e9:.1f} GB free of {ROOM * self.size / 1e9:.1f}: set TMPDIR, or --size"
            )
        return self.name


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


def measure(_: Any, ending: str, settings: Settings) -> list[Section]:
    """Run every verb on all rows and on a part of them, each in a process of its own."""
    section = Section(
        "Peak memory and speed",
        "Of the process of each verb; rows a second without the time that a process takes to start and load the model.",
    )
    with TemporaryDirectory(prefix="isthmus-large-") as name:
        folder = Path(name)
        table, model, part = folder / f"table.{ending}", folder / "m.isthmus", folder / f"part.{ending}"
        rows = make(table, settings)
        pieces = (rows_of(number, settings.seed) for number in range(-(-settings.part // GROUP)))
        few = write_tables(iter([pa.concat_tables(pieces).slice(0, settings.part)]), part)
        _run(["fit", part, "-o", model, "--budget", settings.budget])
        start = _run(["inspect", model])[0]
        for verb in settings.verbs:
            found = [_verb(verb, model, *of, folder, start) for of in ((table, rows, "1kB"), (part, few, "1TB"))]
            for figure, digits, values in zip(
                ("peak memory, GB", "rows a second"), (2, 0), zip(*found, strict=True), strict=True
            ):
                section.add(f"{verb}: {figure}", dict(zip((OURS, WHOLE), values, strict=True)), digits=digits)
    return [section]


def _verb(
    verb: str, model: Path, data: Path, rows: int, memory: str, folder: Path, start: float
) -> tuple[float, float]:
    """Run a verb; give its peak memory (GB) and its rows a second."""
    name, more = VERBS[verb]
    out = folder / name
    given = {"sample": [model, "-n", rows]} | {each: [data, "--memory", memory] for each in ("fit", "compress")}
    words = given.get(verb, [model, data, "--memory", memory])
    seconds, peak = _run([verb, *words, "-o", out, *more])
    shutil.rmtree(out) if out.is_dir() else out.unlink()
    print(f"{verb}: {rows:,} rows, {seconds:.0f} s, {peak:.2f} GB", file=sys.stderr, flush=True)
    return peak, rows / max(seconds - start, 1e-3)


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


def bench(size: float = Settings.size, quick: float = 2e8, verbs: Sequence[str] = tuple(VERBS)) -> Bench:
    """Put the benchmark together for tables of so many bytes."""
    layouts = [Layout("parquet", "Parquet, 20 columns", size), Layout("csv", "CSV, 20 columns", size)]
    return Bench(
        Page(
            "large",
            "Benchmark of tables larger than memory",
            "A made-up table of 20 columns, read in parts (isthmus), beside rows of it that are read whole, to which "
            "the model is fitted.",
        ),
        {layout.name: layout for layout in layouts},
        measure,
        Settings(size=size, verbs=tuple(verbs)),
        Settings(size=min(size, quick), part=20_000, budget=5, verbs=tuple(verbs)),
        packages=("pyarrow",),
    )


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark by its command line."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--size", type=parse_size, default=Settings.size)
    parser.add_argument("--verbs", nargs="+", choices=VERBS, default=tuple(VERBS))
    options, others = parser.parse_known_args(arguments)
    size = min(options.size, 2e8) if "--quick" in others else options.size
    return main(bench(size, size, options.verbs), others)


if __name__ == "__main__":
    sys.exit(run())
