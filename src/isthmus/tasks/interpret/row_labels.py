"""Labels of features of a table: which cells the rows where a feature fires share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from isthmus.tasks.interpret.aspects import Aspect
from isthmus.tasks.interpret.labels import NO_PATTERN, Background, Label, telling

__all__ = ["row_aspects", "row_label"]

Floats = npt.NDArray[np.float64]

_ENOUGH = 0.6
_STEPS = ((0.05, "very low"), (0.2, "low"), (0.8, "high"), (0.95, "very high"))


def row_aspects(names: Sequence[str], x: Floats, words: Sequence[Sequence[str] | None]) -> list[set[Aspect]]:
    """Say of every row what its cells are: categories by name, numbers as low or high among all rows.

    Parameters
    ----------
    names
        Of the columns.
    x
        (rows, columns), categories as their places, NaN where missing.
    words
        For each column the names of its values, None where it is a number.

    Examples
    --------
    >>> told = row_aspects(["zone", "price"], np.array([[j % 2, j] for j in range(100)]), [["hill", "bay"], None])
    >>> sorted(told[99])
    [('price', 'high'), ('price', 'very high'), ('zone', 'bay')]
    """
    found: list[set[Aspect]] = [set() for _ in range(len(x))]
    for name, column, values in zip(names, x.T, words, strict=True):
        for row in np.flatnonzero(np.isnan(column)).tolist():
            found[row].add((name, "missing"))
        known = np.flatnonzero(~np.isnan(column))
        if values is not None:
            for row in known.tolist():
                place = int(column[row])
                if 0 <= place < len(values):
                    found[row].add((name, values[place]))
        elif len(known) and np.ptp(column[known]) > 0:
            for share, word in _STEPS:
                edge = np.quantile(column[known], share)
                beyond = column <= edge if share < 0.5 else column >= edge
                if beyond[known].mean() < 0.5:  # a frequent value is neither low nor high
                    for row in np.flatnonzero(beyond & ~np.isnan(column)).tolist():
                        found[row].add((name, word))
    return found


def row_label(top: Sequence[set[Aspect]], drawn: Sequence[set[Aspect]], usual: Background) -> Label:
    """Name at most two cells that the strongest rows share and others seldom have.

    Examples
    --------
    >>> rows = [{("pool", "yes")}] * 2 + [{("pool", "no")}] * 98
    >>> row_label(rows[:2], rows[:2], Background(Counter(each for row in rows for each in row), 100)).text
    'pool yes'
    """
    if not top:
        return Label("never fires")
    counts = Counter(each for row in top for each in row)
    ranked = sorted(
        (-telling(count / len(top), usual.share([each])), each)
        for each, count in counts.items()
        if count >= _ENOUGH * len(top)
    )
    chosen: list[Aspect] = []
    for minus, aspect in ranked:
        if minus < 0 and len(chosen) < 2 and aspect[0] not in {each[0] for each in chosen}:
            chosen.append(aspect)
    if not chosen:
        return Label(NO_PATTERN)
    shares = [sum(row.issuperset(chosen) for row in some) / max(len(some), 1) for some in (top, drawn)]
    text = ", ".join(f"{name} {value}" for name, value in chosen)
    return Label(text, shares[0], shares[1] if drawn else None, min(usual.share([each]) for each in chosen))
