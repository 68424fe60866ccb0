"""Columns counted under noise, and what values they may have had: all that a private fit knows before it trains.

Numbers are counted in cells of their public range, and cells that hold much are cut and counted again, so that a value
that half of all rows have stands out even where the range is wide (as in PrivTree, Zhang et al. 2016). A row is in one
cell of each column: it changes a count of k columns by the square root of k at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.tasks.batches import Floats
from isthmus.training.private import Chance

CELLS = 64
"""Cells that a range is cut into at a time."""

FINEST = 2**40
"""Most different numbers of a range that are told apart."""

SHARE = 1 / 128
"""Share of the rows from which on a cell is cut: half a bin of a histogram."""

SURE = 4.0
"""Standard deviations of the noise that it has to hold, too."""

MOST_ROWS = 32_768
"""Rows that are made of counts at most."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Domain:
    """What is known of a column without its rows.

    Parameters
    ----------
    values
        How many values a category has; None for a number.
    missing
        Whether cells may be missing.
    low, high, decimals
        Range of a number, and its decimals; None for any.
    """

    values: int | None
    missing: bool
    low: float = 0.0
    high: float = 0.0
    decimals: int | None = None

    @property
    def grain(self) -> float:
        """How far neighbouring numbers are apart that are told from one another."""
        whole = self.high - self.low
        fine = 0.0 if self.decimals is None else 10.0**-self.decimals
        return max(fine, whole / FINEST) if whole > 0 else 1.0

    @property
    def different(self) -> int:
        """How many numbers, or values, there are."""
        return self.values if self.values is not None else round((self.high - self.low) / self.grain) + 1

    def places(self, x: Floats) -> Ints:
        """Turn present values into places 0..different - 1, those out of range into the nearest."""
        place = x if self.values is not None else np.rint((np.clip(x, self.low, self.high) - self.low) / self.grain)
        return np.clip(place, 0, self.different - 1).astype(np.int64)

    def numbers(self, places: Floats) -> Floats:
        """Turn places, whole or in between, into values of the column."""
        if self.values is not None:
            return np.floor(places)
        exact = self.decimals is not None and self.grain == 10.0**-self.decimals
        value = self.low + (np.floor(places) if exact else places) * self.grain
        return np.clip(value if self.decimals is None else np.round(value, self.decimals), self.low, self.high)


@dataclass(frozen=True)
class Counted:
    """A column as it was counted: cells that begin at `starts`, how many rows each holds, and how many lack a value."""

    domain: Domain
    starts: Ints
    rows: Floats
    absent: float

    @property
    def widths(self) -> Ints:
        """Values in each cell."""
        return np.diff(self.starts, append=self.domain.different)

    def column(self, rows: int, rng: np.random.Generator) -> Floats:
        """Make so many values, as evenly as can be, in random order; NaN for those that are missing."""
        whole = self.rows.sum() + self.absent
        absent = min(round(rows * self.absent / whole) if whole > 0 else 0, rows - 1)
        mass = self.rows if self.rows.sum() > 0 else np.ones(len(self.rows))
        at = (np.arange(rows - absent) + 0.5) / (rows - absent) * mass.sum()
        above = mass.cumsum()
        cell = np.minimum(np.searchsorted(above, at, side="right"), len(mass) - 1)
        part = (at - above[cell] + mass[cell]) / np.maximum(mass[cell], 1e-300)
        place = self.starts[cell] + np.clip(part, 0, 1 - 1e-9) * self.widths[cell]
        return np.asarray(rng.permutation(np.append(self.domain.numbers(place), np.full(absent, np.nan))))


def count(
    x: Floats, domains: Sequence[Domain], rows: int, multiplier: float, rounds: int, chance: Chance
) -> list[Counted]:
    """Count values (rows, columns) so many times under noise.

    Parameters
    ----------
    x
        Categories as indices, -1 for a value not in the domain, NaN where missing.
    domains
        What is known of the columns.
    rows
        How many there are, as far as is known.
    multiplier
        Standard deviation of the noise, in lengths of what a row can change.
    """
    noise = multiplier * np.sqrt(len(domains))
    found = [_first(x[:, j], domain, rows, noise, chance) for j, domain in enumerate(domains)]
    for _ in range(rounds - 1):
        cuts = [_worth(each, rows, multiplier, len(domains)) for each in found]
        asked = [j for j, cut in enumerate(cuts) if cut.any()]
        noise = multiplier * np.sqrt(len(asked))
        for j in asked:
            found[j] = _finer(x[:, j], found[j], cuts[j], noise, chance)
    return found


def _first(x: Floats, domain: Domain, rows: int, noise: float, chance: Chance) -> Counted:
    present = domain.places(x[~np.isnan(x) & (x >= 0 if domain.values is not None else True)])
    starts = np.arange(domain.different) if domain.values is not None else _cut(0, domain.different)
    counts = np.bincount(np.searchsorted(starts, present, side="right") - 1, minlength=len(starts))
    found = noisy(np.append(counts, np.isnan(x).sum()) if domain.missing else counts, noise, chance)
    if domain.values is None:
        found[: len(starts)] = trimmed(found[: len(starts)], noise)
    held = projected(found, rows)
    return Counted(domain, starts, held[: len(starts)], float(held[len(starts) :].sum()))


def _worth(counted: Counted, rows: int, multiplier: float, columns: int) -> npt.NDArray[np.bool_]:
    """Say which cells are worth being cut."""
    enough = max(rows * SHARE, SURE * multiplier * np.sqrt(columns))
    worth = (counted.widths > 1) & (counted.rows > enough) & (counted.domain.values is None)
    return np.asarray(worth, dtype=bool)


def _finer(x: Floats, counted: Counted, cut: npt.NDArray[np.bool_], noise: float, chance: Chance) -> Counted:
    """Cut some cells, and count the rows in each part."""
    place = counted.domain.places(x[~np.isnan(x)])
    parts = [
        _cut(start, width) if chosen else np.array([start])
        for start, width, chosen in zip(counted.starts, counted.widths, cut, strict=True)
    ]
    starts = np.concatenate(parts)
    counts = noisy(np.bincount(np.searchsorted(starts, place, side="right") - 1, minlength=len(starts)), noise, chance)
    ends = np.cumsum([len(part) for part in parts])
    held = [
        projected(trimmed(counts[end - len(part) : end], noise), mass) if chosen else np.array([mass])
        for part, end, mass, chosen in zip(parts, ends, counted.rows, cut, strict=True)
    ]
    return Counted(counted.domain, starts, np.concatenate(held), counted.absent)


def _cut(start: int, width: int) -> Ints:
    return np.arange(start, start + width, -(-width // CELLS), dtype=np.int64)


def noisy(counts: npt.NDArray[np.int64], noise: float, chance: Chance) -> Floats:
    """Add normal noise and round, so that what is told are whole numbers again, without a floating-point trace."""
    return np.asarray(np.rint(counts + noise * chance.normal(counts.shape).numpy()), dtype=np.float64)


def trimmed(counts: Floats, noise: float) -> Floats:
    """Leave out what lies beyond the outermost cells of a range that surely hold something.

    A range may be much wider than its rows: a few that noise puts far out would be most of the column's spread.

    >>> trimmed(np.array([2.0, -1.0, 90.0, 3.0, 70.0, 5.0]), 3.0).tolist()
    [-inf, -inf, 90.0, 3.0, 70.0, -inf]
    """
    sure = np.flatnonzero(counts > SURE * noise)
    if not len(sure):
        return counts
    place = np.arange(len(counts))
    return np.where((place < sure[0]) | (place > sure[-1]), -np.inf, counts)


def projected(counts: Floats, total: float) -> Floats:
    """Give the nearest counts that are not negative and have this sum (Norm-Sub, Wang et al. 2020).

    Cutting off at 0 alone would make something of the noise of every empty cell. What is -inf stays empty.

    >>> projected(np.array([6.0, 3.0, -2.0]), 8.0).tolist()
    [5.5, 2.5, 0.0]
    """
    ordered = np.sort(counts[np.isfinite(counts)])[::-1]
    over = (ordered.cumsum() - total) / np.arange(1, len(ordered) + 1)
    last = np.flatnonzero(ordered > over)
    return np.asarray(np.maximum(counts - over[last[-1] if len(last) else 0], 0.0))
