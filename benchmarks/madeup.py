"""Measures of made-up rows beside their likeness: whether they keep rules, and whether they are anyone's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations

import numpy as np
import numpy.typing as npt
import pandas as pd
from baselines import Matrix, Scale
from sklearn.neighbors import NearestNeighbors
from sources import numeric

FEW = 64
"""Most different values of a column that a dependency is looked for in."""


def dcr_share(made: pd.DataFrame, train: pd.DataFrame, held: pd.DataFrame) -> float:
    """Give the share, in per cent, of made-up rows that lie nearer to a training row than to any held-out row.

    The held-out rows are from the same table and as many, so that 50 is what a stranger to both would have; rows as
    near to both count half. Numbers are in units of their standard deviation, and two categories that differ count as
    much as two numbers one deviation apart.

    Examples
    --------
    >>> rows = pd.DataFrame({"size": [1.0, 2.0, 3.0, 9.0]})
    >>> dcr_share(rows, rows[:2], rows[2:])
    50.0
    >>> dcr_share(rows[:2], rows[:2], rows[2:])
    100.0
    """
    if len(train) != len(held):
        raise ValueError(f"{len(train)} training and {len(held)} held-out rows: give as many of both")
    scale = Scale.learn(train)
    numbers = [name in numeric(train) for name in train]
    near, far = (_nearest(scale, numbers, made[list(train)], rows) for rows in (train, held))
    return 100 * float(np.mean((near < far) + 0.5 * (near == far)))


def _nearest(scale: Scale, numbers: list[bool], rows: pd.DataFrame, others: pd.DataFrame) -> Matrix:
    """Distance (rows,) from each row to the nearest of the others."""
    widths = [1 if number else len(scale.levels[name]) for name, number in zip(scale.columns, numbers, strict=True)]
    weight = np.repeat(np.where(numbers, 1.0, 0.5**0.5), widths)
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(scale.encode(others) * weight)
    return np.asarray(search.kneighbors(scale.encode(rows) * weight)[0][:, 0].round(9))


def exact_copies(made: pd.DataFrame, train: pd.DataFrame) -> float:
    """Give the share, in per cent, of made-up rows that are also training rows, cell for cell.

    Examples
    --------
    >>> rows = pd.DataFrame({"size": [1.0, 2.0], "zone": ["hill", "centre"]})
    >>> exact_copies(rows.assign(zone="hill"), rows)
    50.0
    """
    known = set(_hashed(train).tolist())
    return 100 * float(np.mean([each in known for each in _hashed(made[list(train)]).tolist()]))


def _hashed(frame: pd.DataFrame) -> npt.NDArray[np.uint64]:
    numbers = {name: float for name in numeric(frame)}  # 1 and 1.0 are the same cell
    return pd.util.hash_pandas_object(frame.astype(numbers), index=False).to_numpy()


def dependencies(train: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Find pairs of columns the first of which decides the second in all rows, and not by accident.

    Looked for in columns of at most `FEW` values; by accident one is found where values are seen only once or the
    second column hardly varies: they count when shuffling the second column breaks them in at least 20 rows.

    Examples
    --------
    >>> rows = pd.DataFrame({"grade": list("aabbcc") * 20, "passed": list("yyyynn") * 20})
    >>> list(dependencies(rows))
    [('grade', 'passed')]
    """
    values = {name: pd.factorize(train[name], use_na_sentinel=False)[0] for name in train}
    few = [name for name in values if 1 < len(np.unique(values[name])) <= FEW]
    rng = np.random.default_rng(0)
    for first, second in permutations(few, 2):
        by_chance = _breaks(values[first], rng.permutation(values[second]))
        if by_chance >= 20 and _breaks(values[first], values[second]) == 0:
            yield first, second


def _breaks(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> int:
    """Count the rows that do not have the commonest second value for their first."""
    table = np.zeros((first.max() + 1, second.max() + 1), dtype=int)
    np.add.at(table, (first, second), 1)
    return int(len(first) - table.max(1).sum())


def broken(made: pd.DataFrame, train: pd.DataFrame, pairs: Iterable[tuple[str, str]]) -> float:
    """Give the share, in per cent, of made-up rows that break one of the training rows' dependencies.

    Examples
    --------
    >>> rows = pd.DataFrame({"grade": ["a", "b"], "passed": ["y", "n"]})
    >>> broken(rows.assign(passed="y"), rows, [("grade", "passed")])
    50.0
    """
    wrong = np.zeros(len(made), dtype=bool)
    for first, second in pairs:
        decided = train.drop_duplicates(first).set_index(first)[second]
        wrong |= made[second].to_numpy() != made[first].map(decided).to_numpy()
    return 100 * float(wrong.mean())
