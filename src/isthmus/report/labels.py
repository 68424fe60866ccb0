"""What colours the points of a map: a scale of numbers or dates, or a few named groups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import MaxNLocator

__all__ = ["NAMES", "Groups", "Scale", "read_labels", "short"]

NAMES = 12
"""Groups that get a colour and a name of their own; the rest are 'other'."""


@dataclass(frozen=True)
class Scale:
    """Numbers (rows,), NaN where missing, and the ticks of their colour bar, which leaves extremes out."""

    numbers: npt.NDArray[np.float64]
    low: float
    high: float
    ticks: list[float]
    names: list[str]


@dataclass(frozen=True)
class Groups:
    """Names, most frequent first, and the place in them (rows,) of each row; the last may be 'other'."""

    names: list[str]
    places: npt.NDArray[np.int64]


def read_labels(labels: npt.ArrayLike) -> Scale | Groups:
    """Tell numbers and dates from categories.

    Examples
    --------
    >>> read_labels(range(101)).names
    ['20', '40', '60', '80']
    >>> read_labels(["hill", "bay", "hill", None]).names
    ['hill', 'bay', 'missing']
    """
    array = np.asarray(labels)
    if array.dtype.kind in "iuf":
        return _scale(array.astype(np.float64))
    if array.dtype.kind == "M":
        return _moments(array)
    return _groups(array)


def _scale(numbers: npt.NDArray[np.float64]) -> Scale | Groups:
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return Groups(["missing"], np.zeros(len(numbers), dtype=np.int64))
    low, high = np.quantile(known, [0.02, 0.98])
    if low == high:
        low, high = known.min(), known.max()
    ticks = [float(t) for t in MaxNLocator(5).tick_values(low, high) if low <= t <= high] or [float(low)]
    whole = all(t == round(t) for t in ticks) and high >= 10_000  # a year is no 2,010
    return Scale(numbers, float(low), float(high), ticks, [f"{t:,.0f}" if whole else f"{t:g}" for t in ticks])


def _moments(moments: npt.NDArray[np.datetime64]) -> Scale | Groups:
    seconds = moments.astype("datetime64[s]")
    numbers = np.where(np.isnat(seconds), np.nan, seconds.astype(np.int64).astype(np.float64))
    scale = _scale(numbers)
    if isinstance(scale, Groups):
        return scale
    ticks = [float(t) for t in np.linspace(scale.low, scale.high, 5)]
    return Scale(numbers, scale.low, scale.high, ticks, [str(np.datetime64(round(t), "s"))[:10] for t in ticks])


def _groups(array: npt.NDArray[np.object_]) -> Groups:
    words = ["missing" if _missing(each) else str(each) for each in array.tolist()]
    names, counts = np.unique(words, return_counts=True)
    ordered = [str(name) for name in names[np.argsort(-counts, kind="stable")]]
    shown = ordered[:NAMES] + (["other"] if len(ordered) > NAMES else [])
    place = {name: min(i, NAMES) for i, name in enumerate(ordered)}
    return Groups(shown, np.asarray([place[word] for word in words], dtype=np.int64))


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def short(name: object, length: int = 28) -> str:
    """Cut a name that would not fit.

    Examples
    --------
    >>> short("One_Story_1946_and_Newer_All_Styles", 16)
    'One_Story_1946_…'
    """
    text = str(name)
    return text if len(text) <= length else f"{text[: length - 1]}…"
