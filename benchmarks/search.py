"""`make bench-search`: a million codes searched, with conditions and without, beside usearch and faiss.

python benchmarks/search.py --quick    does it run? Few rows, results to the screen

Rows are those of a table drawn with replacement, a third of their cells exchanged with other rows' so that codes
differ. Peers hold codes in memory and know no conditions; they are left out where they are not installed.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from results import OURS, Page, Section
from runner import Bench, main
from sources import SOURCES, split

from isthmus import Autoencoder
from isthmus.data.codestore import COMPRESSIONS, ROW, CodeStore

USEARCH, FAISS = "usearch HNSW", "faiss HNSW"
N = 10

Codes = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """How many codes and queries, and how long the model is trained."""

    seed: int = 0
    rows: int = 1_000_000
    queries: int = 200
    epochs: float | None = 10.0


@dataclass(frozen=True)
class Table:
    """A table, the size of its codes, and a condition that some of its rows fulfil."""

    name: str
    title: str
    load: Callable[[Path], pd.DataFrame]
    size: int
    where: str
    holds: Callable[[pd.DataFrame], Any]
    goals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What a search found (queries, N), and how long each query took."""

    rows: list[set[int]]
    seconds: list[float]


def measure(source: Table, frame: pd.DataFrame, settings: Settings) -> list[Section]:
    """Encode many rows, index them, and search for rows held out."""
    train, test = split(frame, settings.seed)
    model = Autoencoder(source.size, epochs=settings.epochs, seed=settings.seed).fit(train)
    rows = _many(train, settings.rows, settings.seed)
    codes = np.concatenate([model.encode(part) for _, part in rows.groupby(np.arange(len(rows)) // 100_000)])
    queries = np.asarray(model.encode(test.head(settings.queries)), np.float32)
    codes = np.asarray(codes, np.float32)
    truth = [_nearest(codes, query) for query in queries]
    among = np.asarray(source.holds(rows))
    true_among = [_nearest(codes, query, among) for query in queries]
    build: dict[str, float] = {}
    recall: dict[str, float] = {}
    median: dict[str, float] = {}
    section = Section(
        "a million codes" if len(codes) == 1_000_000 else f"{len(codes):,} codes",
        f"{len(codes):,} codes of {source.size} numbers, {len(queries)} queries one at a time, the {N} nearest. "
        f"The condition, {source.where}, holds for {100 * among.mean():.0f} % of the rows.",
    )
    arrow = pa.Table.from_pandas(rows, preserve_index=False)
    with tempfile.TemporaryDirectory() as folder:
        for compress in COMPRESSIONS:
            name = OURS if compress == "none" else f"{OURS}, {compress}"
            started = time.monotonic()
            store = CodeStore.create(Path(folder) / compress, [(arrow, codes)], {"compress": compress})
            build[name] = time.monotonic() - started
            found = _ask(queries, _searched(store))
            recall[name], median[name] = _share(found, truth), 1e3 * statistics.median(found.seconds)
            if compress == "none":
                asked = _ask(queries, _searched(store, source.where))
    for name, make in PEERS.items():
        started = time.monotonic()
        ask = make(codes)
        build[name] = time.monotonic() - started
        found = _ask(queries, ask)
        recall[name], median[name] = _share(found, truth), 1e3 * statistics.median(found.seconds)
    section.add("recall", recall, headline=True)
    section.add("median query (ms)", median, digits=1, headline=True)
    section.add("recall with a condition", {OURS: _share(asked, true_among)}, headline=True)
    seconds = asked.seconds
    median_asked = {OURS: 1e3 * statistics.median(seconds)}
    section.add("median query with a condition (ms)", median_asked, digits=1, headline=True)
    section.add("first query with that condition (ms)", {OURS: 1e3 * seconds[0]}, digits=1)
    section.add("second, which looks up its rows to remember them (ms)", {OURS: 1e3 * seconds[1]}, digits=1)
    section.add("index built (s)", build, digits=1, headline=True)
    return [section]


def _many(rows: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Draw rows, and exchange a third of their cells with other rows'."""
    random = np.random.default_rng(seed)
    columns = {}
    first = random.integers(len(rows), size=count)
    for name in rows.columns:
        other = random.integers(len(rows), size=count)
        columns[name] = rows[name].to_numpy()[np.where(random.random(count) < 1 / 3, other, first)]
    return pd.DataFrame(columns)


def _nearest(codes: Codes, query: Codes, among: Any = None) -> npt.NDArray[np.intp]:
    """Give the numbers of the true nearest, of those for which a condition holds."""
    far = np.square(codes - query).sum(axis=1)
    far = far if among is None else np.where(among, far, np.inf)
    kept: npt.NDArray[np.intp] = np.argpartition(far, N)[:N]
    return kept


def _ask(queries: Codes, ask: Callable[[Codes], list[int]]) -> Found:
    rows, seconds = [], []
    for query in queries:
        started = time.monotonic()
        found = ask(query)
        seconds.append(time.monotonic() - started)
        rows.append({int(row) for row in found})
    return Found(rows, seconds)


def _searched(store: CodeStore, where: str | None = None) -> Callable[[Codes], list[int]]:
    return lambda code: store.search(code, N, where)[ROW].to_pylist()


def _share(found: Found, truth: list[Any]) -> float:
    """Give the share of the true nearest that were found."""
    hits = sum(len(rows & {int(row) for row in true}) for rows, true in zip(found.rows, truth, strict=True))
    return hits / (N * len(truth))


def _usearch(codes: Codes) -> Callable[[Codes], list[int]]:
    from usearch.index import Index

    index = Index(ndim=codes.shape[1], metric="l2sq")
    index.add(np.arange(len(codes)), codes)
    return lambda code: index.search(code, N).keys.tolist()


def _faiss(codes: Codes) -> Callable[[Codes], list[int]]:
    import faiss

    index = faiss.IndexHNSWFlat(codes.shape[1], 32)
    index.add(codes)
    index.hnsw.efSearch = 64
    return lambda code: index.search(code[None], N)[1][0].tolist()


PEERS: dict[str, Callable[[Codes], Callable[[Codes], list[int]]]] = {}
if find_spec("usearch") is not None:
    PEERS[USEARCH] = _usearch
if find_spec("faiss") is not None:
    PEERS[FAISS] = _faiss

GOALS = {
    "recall": "≥ 0.95",
    "median query (ms)": "< 10",
    "recall with a condition": "≥ 0.95",
    "median query with a condition (ms)": "< 10",
    "index built (s)": "< 300",
}

BENCH = Bench(
    Page("search", "Search", "Codes of a fitted table, searched one query at a time."),
    {
        "adult": Table(
            "adult", "Adult", SOURCES["adult"].load, 32, "age < 30", lambda rows: rows["age"].to_numpy() < 30, GOALS
        )
    },
    measure,
    Settings(),
    Settings(rows=30_000, queries=20, epochs=1.0),
    packages=("lancedb", "usearch", "faiss-cpu"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
