"""`make bench-series`: when a series was odd, on the labelled series of the Numenta anomaly benchmark.

python benchmarks/series.py           everything, results to benchmarks/results and the README
python benchmarks/series.py --quick   does it run? Three series, results to the screen

Half of the series, every second by name, were looked at while isthmus was made; the other half was not.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from results import OURS, Page, Section
from runner import ROOT, Bench, MissingSourceError, main
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors

from isthmus import SeriesAutoencoder
from isthmus.data.series import around
from isthmus.report.series import draw_series
from isthmus.series import REACH, stretches

Floats = npt.NDArray[np.float64]

WINDOW, PAST, NEIGHBOURS, TOP = 32, 288, 5, 10
DRAWN = "realKnownCause/ec2_request_latency_system_failure.csv"


@dataclass(frozen=True)
class Settings:
    """How much is measured."""

    seed: int = 0
    series: int | None = None


@dataclass(frozen=True)
class Labelled:
    """A series, and when (rows,) it was odd."""

    name: str
    table: pd.DataFrame
    odd: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Source:
    """Every second series by name, from the first or from the second on."""

    name: str
    title: str
    start: int
    goals: Mapping[str, str] = field(default_factory=dict)

    def load(self, folder: Path) -> list[Labelled]:
        """Read them, those that have an odd stretch."""
        path = folder / "nab"
        if not (path / "labels" / "combined_windows.json").is_file():
            raise MissingSourceError(f"there are no labels in {path}: name the shared data with --data")
        windows = json.loads((path / "labels" / "combined_windows.json").read_text())
        names = sorted(name for name, own in windows.items() if own and (path / name).is_file())
        found = []
        for name in names[self.start :: 2]:
            table = pd.read_csv(path / name, parse_dates=["timestamp"])
            odd = np.zeros(len(table), np.bool_)
            for first, last in windows[name]:
                odd |= table["timestamp"].between(pd.Timestamp(first), pd.Timestamp(last)).to_numpy()
            found.append(Labelled(name, table, odd))
        return found


def isthmus(own: Labelled, settings: Settings) -> Floats:
    """Learn and score."""
    model = SeriesAutoencoder(seed=settings.seed, device="cpu").fit(own.table)
    found = model.outliers(own.table)
    if own.name == DRAWN and settings.series is None:
        draw_series(found, ROOT / "docs" / "pictures" / "series.png", top=4)
    return found.scores


def moving(own: Labelled, settings: Settings) -> Floats:
    """Score by the distance from the mean of the last 288 values, in their standard deviations."""
    del settings
    past = own.table["value"].rolling(PAST, min_periods=10)
    return ((own.table["value"] - past.mean()).abs() / (past.std() + 1e-9)).fillna(0).to_numpy()


def forest(own: Labelled, settings: Settings) -> Floats:
    """Score windows of values around each moment by an Isolation Forest."""
    return _forest(_windows(own), settings)


def neighbours(own: Labelled, settings: Settings) -> Floats:
    """Score windows by the distance to the fifth nearest."""
    del settings
    return _neighbours(_windows(own))


def forest_around(own: Labelled, settings: Settings) -> Floats:
    """Score what isthmus is given of each moment by an Isolation Forest."""
    return _forest(_moments(own), settings)


def neighbours_around(own: Labelled, settings: Settings) -> Floats:
    """Score what isthmus is given of each moment by the distance to the fifth nearest."""
    del settings
    return _neighbours(_moments(own))


PEERS: dict[str, Callable[[Labelled, Settings], Floats]] = {
    OURS: isthmus,
    "moving mean": moving,
    "windows, IForest": forest,
    "windows, KNN": neighbours,
    "same means, IForest": forest_around,
    "same means, KNN": neighbours_around,
}


def measure(source: Source, held: list[Labelled], settings: Settings) -> list[Section]:
    """Score all series by all, each told nothing but the series itself."""
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in PEERS}
    taken = dict.fromkeys(PEERS, 0.0)
    for own in held[: settings.series]:
        for name, peer in PEERS.items():
            started = time.perf_counter()
            scores = peer(own, settings)
            taken[name] += time.perf_counter() - started
            found[name].append(
                (roc_auc_score(own.odd, scores), average_precision_score(own.odd, scores), *_hit(scores, own.odd))
            )
        print(f"{own.name}: " + ", ".join(f"{name} {rows[-1][0]:.3f}" for name, rows in found.items()), file=sys.stderr)
    means = {name: np.mean(rows, 0) for name, rows in found.items()}
    section = Section(
        "when it was odd",
        f"Means over {len(held[: settings.series])} series of 1,200 to 22,700 moments, each learnt from and scored "
        f"without labels. Moments in a labelled stretch count as odd. Windows are of {WINDOW} values around a moment; "
        "the same means are those that isthmus is given, which is told the hour and the weekday as well. Found: "
        f"labelled stretches with a moment in one of the {TOP} oddest stretches; the wider these, the easier.",
    )
    for place, (figure, headline) in enumerate(
        (
            ("AUROC", True),
            ("average precision", True),
            ("stretches found (%)", False),
            ("moments in the oddest stretches (%)", False),
        )
    ):
        times = 100 if "%" in figure else 1
        values = {name: times * float(mean[place]) for name, mean in means.items()}
        section.add(f"mean {figure}", values, digits=1 if times == 100 else 3, headline=headline)
    section.add("seconds / isthmus's", {name: seconds / taken[OURS] for name, seconds in taken.items()}, digits=2)
    return [section]


def _hit(scores: Floats, odd: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Give the share of labelled stretches that one of the oddest stretches touches, and that of moments in these."""
    marked = np.zeros(len(odd), np.bool_)
    for _, first, last in stretches(scores, TOP):
        marked[first : last + 1] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[0], odd.astype(int), [0]])))
    touched = [marked[start:stop].any() for start, stop in zip(edges[::2], edges[1::2], strict=True)]
    return float(np.mean(touched)), float(marked.mean())


def _windows(own: Labelled) -> Floats:
    padded = np.pad(own.table["value"].to_numpy(float), (WINDOW // 2, WINDOW - WINDOW // 2 - 1), mode="reflect")
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW)


def _moments(own: Labelled) -> Floats:
    reach = min(REACH, int(np.log2(len(own.table) / 4)))
    return np.column_stack([*around(own.table["value"].to_numpy(float), reach).values()])


def _forest(rows: Floats, settings: Settings) -> Floats:
    scores: Floats = -IsolationForest(random_state=settings.seed).fit(rows).score_samples(rows)
    return scores


def _neighbours(rows: Floats) -> Floats:
    even = (rows - rows.mean(0)) / (rows.std(0) + 1e-9)
    found: Floats = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(even).kneighbors(even)[0][:, -1]
    return found


BENCH = Bench(
    Page(
        "series",
        "Benchmark of odd stretches in series",
        "The Numenta anomaly benchmark's labelled series. Every method has one setting for all of them.",
    ),
    {
        "unseen": Source("unseen", "Every second series, not looked at while isthmus was made", 1),
        "seen": Source("seen", "The other half, looked at while it was made", 0),
    },
    measure,
    Settings(),
    Settings(series=3),
)

if __name__ == "__main__":
    torch.set_num_threads(2)
    sys.exit(main(BENCH))
