"""What sets some rows apart from the rest: for each variable, the values that they take and the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BINS = 24
"""Parts, of about as many rows each, that numbers are compared in."""
TWO = 0.15
"""A second value is named if that much more of the rows inside take it than of those outside."""
LEAST = 0.1
"""Difference of shares below which nothing is worth saying."""


@dataclass(frozen=True)
class Contrast:
    """What sets rows apart in one variable.

    Parameters
    ----------
    column
        Its place.
    bits
        What the variable's value tells of whether a row is inside (mutual information), less what chance would.
    inside, outside
        Shares of the rows inside and of the others that have one of `values`, or lie between `low` and `high`.
    values
        Values of a category; NaN for missing. Empty for numbers.
    low, high
        Ends of a range of numbers; None where it has none.
    """

    column: int
    bits: float
    inside: float
    outside: float
    values: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None


def contrast(x: Floats, inside: Mask, numeric: Sequence[int]) -> list[Contrast]:
    """Tell what sets rows apart, the most telling variable first.

    Parameters
    ----------
    x
        Values (rows, columns) as a codec gives them; NaN for missing.
    inside
        Which rows (rows,) are asked about; the others are what they are compared with.
    numeric
        Columns of ordered numbers; all others hold positions of values.

    Examples
    --------
    >>> x = np.array([[0.0, 3.1], [0.0, 2.9], [1.0, 3.0], [1.0, 3.2]] * 50)
    >>> found = contrast(x, x[:, 0] == 1, numeric=[1])
    >>> [(each.column, each.values, each.inside, each.outside) for each in found[:1]]
    [(0, (1.0,), 1.0, 0.0)]
    """
    if not inside.any() or inside.all():
        return []
    found = [
        _in_numbers(x[:, j], inside, j) if j in numeric else _in_values(x[:, j], inside, j) for j in range(x.shape[1])
    ]
    said = [each for each in found if each is not None and each.bits > 0 and each.inside - each.outside >= LEAST]
    return sorted(said, key=lambda each: -each.bits)


def _in_values(column: Floats, inside: Mask, place: int) -> Contrast | None:
    values, parts = np.unique(column, return_inverse=True)  # all NaN are one
    more = _more(parts, inside, len(values))
    first, *others = np.argsort(-more, kind="stable")
    chosen = [first, *(j for j in others[:1] if more[j] > TWO)]
    return _told(place, parts, inside, np.isin(parts, chosen), values=tuple(float(values[j]) for j in sorted(chosen)))


def _in_numbers(column: Floats, inside: Mask, place: int) -> Contrast | None:
    known = np.isfinite(column)
    if not known.any():
        return None
    edges = np.unique(np.quantile(column[known], np.linspace(0, 1, BINS + 1)))
    parts = np.searchsorted(edges, column, side="right") - 1
    parts = np.where(known, np.clip(parts, 0, max(len(edges) - 2, 0)), max(len(edges) - 1, 1))  # missing last
    more = _more(parts, inside, int(parts.max()) + 1)
    missing = more[-1] if not known.all() else 0.0
    of_numbers = more[:-1] if not known.all() else more
    start, end = _best_run(of_numbers)
    if missing > of_numbers[start : end + 1].sum():
        return _told(place, parts, inside, ~known, values=(np.nan,))
    has = known & (parts >= start) & (parts <= end)
    low, high = float(column[has].min()), float(column[has].max())
    last = len(of_numbers) - 1
    return _told(place, parts, inside, has, low=None if start == 0 else low, high=None if end == last else high)


def _more(parts: npt.NDArray[np.int64], inside: Mask, count: int) -> Floats:
    """Give how much larger the share of each part is inside than outside."""
    one, other = (np.bincount(parts[which], minlength=count) for which in (inside, ~inside))
    return np.asarray(one / one.sum() - other / other.sum())


def _best_run(gains: Floats) -> tuple[int, int]:
    """Find the neighbouring parts whose gains add up to most (Kadane)."""
    best, ends, total, start = -np.inf, (0, 0), 0.0, 0
    for j, gain in enumerate(gains):
        if total <= 0:
            total, start = 0.0, j
        total += gain
        if total > best + 1e-12:
            best, ends = total, (start, j)
    return ends


def _told(place: int, parts: npt.NDArray[np.int64], inside: Mask, has: Mask, **what: object) -> Contrast:
    count = int(parts.max()) + 1
    table = np.stack([np.bincount(parts[which], minlength=count) for which in (inside, ~inside)]).astype(np.float64)
    joint = table / table.sum()
    alone = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    there = joint > 0
    bits = float((joint[there] * np.log2(joint[there] / alone[there])).sum())
    # Miller and Madow's correction: so much is seen where there is nothing.
    chance = (np.count_nonzero(table.sum(0)) - 1) / (2 * table.sum() * np.log(2))
    return Contrast(place, bits - float(chance), float(has[inside].mean()), float(has[~inside].mean()), **what)  # type: ignore[arg-type]
