"""What sets some rows apart from the rest: of each column, in bits, and in values that are frequent there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.tasks.batches import Flags, Floats

BINS = 24
"""Parts that the values of a column of numbers are cut into at most, each of about as many rows."""
NAMED = 4
"""Values of a category that are named at most."""
REPEATS = 0.6
"""Share of what one column says that another has said already, from which it adds nothing to a name."""

Levels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fact:
    """How one column of some rows differs from that of the rest.

    Attributes
    ----------
    column
        Its place in the matrix.
    bits
        What one cell tells of whether its row is one of them, were half of all rows so: the Jensen-Shannon divergence
        (Lin 1991, IEEE Trans. Inf. Theory 37), from 0 for the same distribution to 1 for no value in common, less what
        chance alone would give.
    sure
        Whether it is more than chance gives.
    low, high
        Of a number: the range that is most more frequent here, ends included, in few digits; infinite where it is open.
    values
        Of a category: the places of the values that are more frequent here, the most first.
    missing
        Whether it is the missing cells that are more frequent here.
    inside, outside
        Share of these rows, and of the rest, of which that holds.
    """

    column: int
    bits: float
    sure: bool
    low: float = -math.inf
    high: float = math.inf
    values: tuple[int, ...] = ()
    missing: bool = False
    inside: float = 0.0
    outside: float = 0.0


def contrast(x: Floats, sizes: Sequence[int | None], chosen: Flags) -> list[Fact]:
    """Say of each column of x (rows, columns) how the `chosen` rows (rows,) differ in it, those that differ most first.

    `sizes` says how many values each column has, None for numbers. Missing cells (NaN) count as a value of their own.
    """
    facts = [_fact(x[:, j], j, size, chosen) for j, size in enumerate(sizes)]
    return sorted(facts, key=lambda fact: (-fact.sure, -fact.bits, fact.column))


def telling(
    x: Floats, sizes: Sequence[int | None], facts: Sequence[Fact], most: int = 3, least: float = 0.1
) -> list[int]:
    """Choose, of facts in order, the few to name rows by: no two say the same, and none says little beside the first.

    A fact is left out where the column of one already chosen tells most of what its own holds (mutual information over
    the smaller entropy), or where it has fewer than `least` of the first one's bits.
    """
    chosen: list[int] = []
    levels: list[Levels] = []
    for place, fact in enumerate(facts):
        if not fact.sure or fact.bits < least * facts[0].bits or len(chosen) == most:
            break
        own = _levels(x[:, fact.column], sizes[fact.column], len(x))[0]
        if all(_shared(own, other) < REPEATS for other in levels):
            chosen.append(place)
            levels.append(own)
    return chosen


def _fact(column: Floats, j: int, size: int | None, chosen: Flags) -> Fact:
    """Compare one column (rows,)."""
    level, starts, ends = _levels(column, size, int(min(chosen.sum(), (~chosen).sum())))
    n = int(level.max()) + 1
    counts = np.stack([np.bincount(level[flags], minlength=n) for flags in (chosen, ~chosen)])
    inside, outside = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    bits, sure = _divergence(counts)
    more = inside - outside
    if more[0] > 0 and more[0] >= more[1:].clip(min=0).sum():
        return Fact(j, bits, sure, missing=True, inside=float(inside[0]), outside=float(outside[0]))
    if size is not None:
        named = _named(more[1:])
        hold = [float(each[1:][list(named)].sum()) for each in (inside, outside)]
        return Fact(j, bits, sure, values=named, inside=hold[0], outside=hold[1])
    low, high = _range(more[1:], starts, ends)
    held = [float(((column[flags] >= low) & (column[flags] <= high)).sum()) for flags in (chosen, ~chosen)]
    of = [max(int(flags.sum()), 1) for flags in (chosen, ~chosen)]
    return Fact(j, bits, sure, low=low, high=high, inside=held[0] / of[0], outside=held[1] / of[1])


def _levels(column: Floats, size: int | None, fewer: int) -> tuple[Levels, Floats, Floats]:
    """Give each cell's level (rows,), 0 for missing, and where the levels of numbers start and end.

    Values of a category never seen in training share the last level. Where the rows to be compared are few, so are the
    parts that numbers are cut into: there is little to tell them apart by.
    """
    there = ~np.isnan(column)
    none: Floats = np.zeros(0)
    if size is not None:
        return np.where(there, np.where(column < 0, size, np.nan_to_num(column)) + 1, 0).astype(np.int64), none, none
    seen = np.unique(column[there])
    if not len(seen):
        return np.zeros(len(column), np.int64), none, none
    bins = int(np.clip(2 * math.sqrt(fewer), 4, BINS))
    starts = (
        seen if len(seen) <= bins else np.unique(np.quantile(column[there], np.arange(bins) / bins, method="higher"))
    )
    level = np.where(there, np.searchsorted(starts, np.nan_to_num(column), side="right"), 0)
    last = np.searchsorted(seen, starts[1:]) - 1
    return level.astype(np.int64), starts, np.append(seen[last], seen[-1])


def _divergence(counts: npt.NDArray[np.int64]) -> tuple[float, bool]:
    """Give the bits of two lines of counts (2, levels), and whether they are more than chance gives.

    By chance the divergence is chi-squared with one degree of freedom less than levels, times (1/n + 1/m) / (8 log 2):
    that on average is taken off, and four standard deviations more are asked for.
    """
    counts = counts[:, counts.sum(0) > 0]
    of = counts.sum(1)
    if of.min() == 0 or counts.shape[1] < 2:
        return 0.0, False
    shares = counts / of[:, None]
    middle = shares.mean(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = float(np.nansum(np.where(shares > 0, shares * np.log2(shares / middle), 0.0)) / 2)
    unit, free = float((1 / of).sum()) / (8 * math.log(2)), counts.shape[1] - 1
    return max(0.0, bits - free * unit), bits > unit * (free + 4 * math.sqrt(2 * free))


def _named(more: Floats) -> tuple[int, ...]:
    """Choose values that are more frequent, the most first, until nine tenths of all that is more are named."""
    if not len(more):
        return ()
    order = np.argsort(-more, kind="stable")
    gains = np.cumsum(more[order].clip(min=0))
    enough = int(np.searchsorted(gains, 0.9 * gains[-1])) + 1
    return tuple(int(each) for each in order[: min(enough, NAMED)] if more[each] > 0)


def _range(more: Floats, starts: Floats, ends: Floats) -> tuple[float, float]:
    """Find the run of levels that is most more frequent (Kadane's); an end that no level lies beyond is infinite."""
    best, first, last, run, begun = -math.inf, 0, len(more) - 1, 0.0, 0
    for place, each in enumerate(more):
        if run <= 0:
            run, begun = 0.0, place
        run += float(each)
        if run > best:
            best, first, last = run, begun, place
    low, high = -math.inf, math.inf
    if first > 0:
        low = _round(float(starts[first]), float(ends[first - 1]))
    if last < len(more) - 1:
        high = -_round(-float(ends[last]), -float(starts[last + 1]))
    return low, high


def _round(end: float, before: float) -> float:
    """Give the number of fewest digits above `before` and not above `end`, between which no value lies."""
    size = math.floor(math.log10(max(abs(end), abs(before))))
    for digits in range(1, 12):
        step = 10.0 ** (size - digits + 1)
        rounded = float(f"{math.floor(end / step + 1e-9) * step:.12g}")
        if before < rounded <= end:
            return rounded
    return end


def _shared(one: Levels, other: Levels) -> float:
    """Give the mutual information of two columns of levels (rows,) as a share of the smaller entropy."""
    table = np.zeros((int(one.max()) + 1, int(other.max()) + 1))
    np.add.at(table, (one, other), 1 / len(one))
    of_one, of_other, both = _entropy(table.sum(1)), _entropy(table.sum(0)), _entropy(table.ravel())
    return (of_one + of_other - both) / max(min(of_one, of_other), 1e-9)


def _entropy(shares: Floats) -> float:
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())
