"""`make bench-outliers`: isthmus on the outlier sets of ADBench against PyOD's detectors.

python benchmarks/outliers.py                everything, results to benchmarks/results and the README
python benchmarks/outliers.py --only twelve  the twelve sets that goals were set for
python benchmarks/outliers.py --quick        does it run? Two small sets and small fits, results to the screen
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from detectors import PEERS, Floats, isthmus
from results import OURS, Page, Section
from runner import Bench, MissingSourceError, main
from sklearn.metrics import average_precision_score, roc_auc_score

TWELVE = (
    *("6_cardio", "38_thyroid", "30_satellite", "32_shuttle", "23_mammography", "28_pendigits", "2_annthyroid"),
    *("4_breastw", "18_Ionosphere", "29_Pima", "42_WBC", "40_vowels"),
)
OTHERS = ("25_musk", "26_optdigits", "34_smtp", "10_cover")


@dataclass(frozen=True)
class Case:
    """Rows to score (rows, columns), with rows to fit on and which of those to score are outliers."""

    fit: Floats
    score: Floats
    odd: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Labelled:
    """A set of rows (rows, columns), and which of them (rows,) are outliers."""

    name: str
    rows: Floats
    odd: npt.NDArray[np.bool_]

    @property
    def title(self) -> str:
        """Name, size and share of outliers."""
        rows, columns = self.rows.shape
        return f"{self.name} ({rows:,} x {columns}, {100 * self.odd.mean():.1f} %)"

    def first(self, rows: int) -> Labelled:
        """Keep only so many rows, chosen at random."""
        kept = np.random.default_rng(0).permutation(len(self.rows))[:rows]
        return Labelled(self.name, self.rows[kept], self.odd[kept])


@dataclass(frozen=True)
class Settings:
    """How much is measured."""

    seed: int = 0
    rows: int = 50_000
    sets: int = 99
    peers: tuple[str, ...] = tuple(PEERS)
    ours: Mapping[str, Any] = field(default_factory=dict)


QUICK = Settings(rows=300, sets=1, peers=("IForest", "PCA"), ours={"epochs": 2})


def unsupervised(found: Labelled, seed: int) -> Case:
    """Fit on all rows, outliers among them, and score the same rows."""
    del seed
    return Case(found.rows, found.rows, found.odd)


def normals(found: Labelled, seed: int) -> Case:
    """Fit on half of the normal rows, and score the other half and the outliers."""
    usual = np.random.default_rng(seed).permutation(np.flatnonzero(~found.odd))
    half = len(usual) // 2
    scored = np.concatenate([usual[half:], np.flatnonzero(found.odd)])
    return Case(found.rows[usual[:half]], found.rows[scored], found.odd[scored])


SETTINGS = {"unsupervised": unsupervised, "trained on normals": normals}


@dataclass(frozen=True)
class Source:
    """Sets of outliers, and what is expected of isthmus on them."""

    name: str
    title: str
    load: Callable[[Path], list[Labelled]]
    goals: Mapping[str, str] = field(default_factory=dict)


def adbench(names: tuple[str, ...], folder: Path) -> list[Labelled]:
    """Read sets of ADBench (Han et al. 2022), its folder `Classical`."""
    found = []
    for name in names:
        path = folder / "adbench" / f"{name}.npz"
        if not path.is_file():
            raise MissingSourceError(f"there is no file {path}: name its data folder with --data or ISTHMUS_DATA")
        with np.load(path) as arrays:
            rows, odd = arrays["X"].astype(np.float64), arrays["y"] == 1
        found.append(Labelled(name.partition("_")[2], rows, odd))
    return found


def measure(source: Source, sets: list[Labelled], settings: Settings) -> list[Section]:
    """Measure every detector on every set, in both settings."""
    del source
    return [section for how in SETTINGS for section in _sections(how, sets[: settings.sets], settings)]


def _sections(how: str, sets: list[Labelled], settings: Settings) -> Iterator[Section]:
    """Measure in one setting: ranks (AUROC), alarms (average precision), and times, a set a line and their mean."""
    told = {"unsupervised": unsupervised.__doc__, "trained on normals": normals.__doc__}[how]
    sections = {
        figure: Section(f"{how}: {figure}", str(told)) for figure in ("AUROC", "average precision", "seconds a set")
    }
    all_figures: dict[str, list[dict[str, float]]] = {figure: [] for figure in sections}
    for found in sets:
        few = found.first(settings.rows)
        figures = _compare(SETTINGS[how](few, settings.seed), settings)
        for figure, values in figures.items():
            sections[figure].add(few.title, values, digits=2 if figure == "seconds a set" else 3)
            all_figures[figure].append(values)
    for figure, section in sections.items():
        mean = {
            name: float(np.mean([values[name] for values in all_figures[figure]])) for name in all_figures[figure][0]
        }
        section.add(f"mean {figure}, {how}", mean, digits=2 if figure == "seconds a set" else 3, headline=True)
    yield from sections.values()


def _compare(case: Case, settings: Settings) -> dict[str, dict[str, float]]:
    """Give each figure of each detector on one case."""
    detectors = {OURS: partial(isthmus, **settings.ours)} | {name: PEERS[name] for name in settings.peers}
    figures: dict[str, dict[str, float]] = {"AUROC": {}, "average precision": {}, "seconds a set": {}}
    for name, detect in detectors.items():
        started = time.perf_counter()
        scores = detect(case.fit, case.score, settings.seed)
        figures["seconds a set"][name] = time.perf_counter() - started
        figures["AUROC"][name] = float(roc_auc_score(case.odd, scores))
        figures["average precision"][name] = float(average_precision_score(case.odd, scores))
    return figures


GOALS = {
    "mean AUROC, unsupervised": "≥ 0.880",
    "mean average precision, unsupervised": "≥ 0.550",
    "mean seconds a set, unsupervised": "≤ VAE",
    "mean AUROC, trained on normals": "≥ 0.942",
    "mean average precision, trained on normals": "≥ 0.830",
    "mean seconds a set, trained on normals": "≤ VAE",
}

SOURCES = {
    source.name: source
    for source in (
        Source("twelve", "Twelve sets of ADBench", partial(adbench, TWELVE), GOALS),
        Source("others", "Four more sets of ADBench", partial(adbench, OTHERS)),
    )
}

BENCH = Bench(
    Page(
        "outliers",
        "Benchmark on outliers",
        "Peers and isthmus run in the same process, on the same rows, with the same number of threads and one setting "
        "for all sets: their defaults. Peers read standardised columns. Of sets of more than 50,000 rows, 50,000 are "
        "taken. Seconds are those of fitting and scoring together.",
    ),
    SOURCES,
    measure,
    Settings(),
    QUICK,
    packages=("pyod",),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
