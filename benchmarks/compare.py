"""`make bench-compare`: two trainings with different seeds, and how far their codes and answers agree.

python benchmarks/compare.py                    every size of code, results to benchmarks/results
python benchmarks/compare.py --only adult       the default code; the results of the others stay as they are
python benchmarks/compare.py --quick            does it run? Small fits of few rows, results to the screen
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from results import OURS, Page, Section
from runner import Bench, main
from sources import SOURCES, split

from isthmus import Autoencoder, align, compare
from isthmus.tasks.compare import finds_itself, same_neighbours


@dataclass(frozen=True)
class Settings:
    """How long to train, on how many rows; by default as the package does."""

    seed: int = 0
    epochs: float | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Codes:
    """A table, and the size of the codes that two runs learn of it."""

    name: str
    title: str
    load: Callable[[Path], pd.DataFrame]
    size: int | None = None
    goals: Mapping[str, str] = field(default_factory=dict)


def measure(source: Codes, frame: pd.DataFrame, settings: Settings) -> list[Section]:
    """Fit twice on the training rows, and compare on the test rows."""
    train, test = split(frame.iloc[: settings.rows], settings.seed)
    seeds = (settings.seed, settings.seed + 1)
    one, other = (Autoencoder(source.size, epochs=settings.epochs, seed=seed).fit(train) for seed in seeds)
    found = compare(one, other, test, seed=settings.seed)
    old, new = found.codes["one"], found.codes["other"]
    linear = align(one, other, old, method="linear", data=train)
    peers: dict[str, dict[str, float]] = {
        "neighbours aligned": {
            "linear": same_neighbours(linear, new, new),
            "as they are": float(found["neighbours"] or 0.0),
            "chance": float(found.measured["neighbours"]["chance"]),
        },
        "neighbours stored": {"linear": same_neighbours(new, linear, new)},
        "itself": {"linear": finds_itself(linear, new), "chance": 1 / found.rows},
    }
    note = (
        f"{found.rows:,} test rows; codes of {new.shape[1]} numbers. isthmus aligns through the rows that codes stand "
        "for; linear is an affine map learnt from the training rows; as they are: each code in its own space."
    )
    section = Section("Agreement of two seeds", note)
    for name, figure in found.measured.items():
        if figure["value"] is not None and np.isfinite(figure["value"]):
            section.add(name, {OURS: figure["value"]} | peers.get(name, {}), headline=name == "neighbours aligned")
    return [section]


def _adult(size: int | None, **goals: Any) -> Codes:
    words = "the default size" if size is None else f"{size} numbers"
    name = "adult" if size is None else f"adult_{size}"
    return Codes(name, f"Adult, codes of {words}", SOURCES["adult"].load, size, **goals)


TABLES = (_adult(None, goals={"neighbours aligned": "≥ 0.70"}), _adult(16), _adult(8), _adult(2))

BENCH = Bench(
    Page(
        "compare",
        "Benchmark on two runs",
        "Two models of the same training rows, with different seeds, compared on test rows that neither saw.",
    ),
    {source.name: source for source in TABLES},
    measure,
    Settings(),
    Settings(epochs=1, rows=600),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
