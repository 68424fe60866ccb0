"""Whole numbers as symbols: which values a distribution is kept for, and where in a range of them a cell lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isthmus.tasks.compress.coder import Ints
from isthmus.tasks.compress.relations import NOTHING

MOST = 8192
"""Symbols an alphabet may have."""
RANGES = (16, 32, 64, 128, 256)
"""Symbols that an alphabet whose values hardly repeat may have."""
_SYMBOL = 16.0
"""Bits that a symbol is taken to cost: its value, how frequent it is, and what others say of it."""


@dataclass(frozen=True, eq=False)
class Alphabet:
    """Symbols of a column of whole numbers.

    Attributes
    ----------
    starts, widths
        For each symbol the least of its numbers, ascending, and how many they are (symbols,).
    absent
        The cell that is no number and has the last symbol, if there is one.

    Examples
    --------
    >>> letters = Alphabet.learn(np.array([7, 7, 7, 9, 9, 7]))
    >>> letters.starts, letters.symbols(np.array([9, 7, 8]))
    (array([7, 9]), array([ 1,  0, -1]))
    """

    starts: Ints
    widths: Ints
    absent: int | None

    @classmethod
    def learn(cls, cells: Ints) -> Alphabet:
        """Learn from cells (rows,): a symbol a value, or where these are too many or too rare, a symbol a range."""
        there = cells[cells > NOTHING]
        gone = cells[cells <= NOTHING]
        absent = int(gone.min()) if gone.size else None
        values, counts = np.unique(there, return_counts=True)
        if not values.size:
            return cls(values, values, absent)
        singles = cls(values, np.ones_like(values), absent)
        if len(values) <= 16:
            return singles
        tries = [cls._ranged(values, counts, ranges, absent) for ranges in RANGES]
        return min([*tries, singles] if len(values) <= MOST else tries, key=lambda each: each.cost(there))

    @classmethod
    def _ranged(cls, values: Ints, counts: Ints, ranges: int, absent: int | None) -> Alphabet:
        """Give frequent values a symbol of their own, and cut what lies between into ranges of as many cells each.

        Each range ends where the next symbol begins, so that values not seen so far can be written too.
        """
        own = counts >= max(counts.sum() / ranges, 2)
        share = (np.cumsum(counts * ~own) - 1) // max(int((counts * ~own).sum()) // ranges + 1, 1)
        begins = np.ones(len(values), bool)
        begins[1:] = own[1:] | own[:-1] | (share[1:] != share[:-1])
        starts, single = values[begins], own[begins]
        widths = np.diff(starts, append=values[-1] + 1)
        return cls(starts, np.where(single, 1, widths), absent)

    def shape(self) -> Ints:
        """Give what `of` needs beside the starts: widths, in the fewest numbers that tell them."""
        return self.widths[:0] if (self.widths == 1).all() else self.widths

    @classmethod
    def of(cls, starts: Ints, shape: Ints, absent: int | None) -> Alphabet:
        """Undo `shape`."""
        return cls(starts, shape if len(shape) else np.ones_like(starts), absent)

    @property
    def size(self) -> int:
        """Number of symbols."""
        return len(self.starts) + (self.absent is not None)

    def symbols(self, cells: Ints) -> Ints:
        """Give symbols (rows,) of cells, -1 of those that have none."""
        if not len(self.starts):
            return np.where(cells == self.absent, 0, -1)
        at = np.searchsorted(self.starts, cells, side="right") - 1
        inside = (at >= 0) & (cells - self.starts[at] < self.widths[at])
        found = np.where(inside & (cells > NOTHING), at, -1)
        return found if self.absent is None else np.where(cells == self.absent, len(self.starts), found)

    def nearest(self, cell: int) -> int:
        """Give the cell nearest to one (any) that has a symbol."""
        if not len(self.starts) or (cell <= NOTHING and self.absent is not None):
            return int(self.absent or 0)
        at = max(int(np.searchsorted(self.starts, cell, side="right")) - 1, 0)
        start = int(self.starts[at])
        return min(max(cell, start), start + int(self.widths[at]) - 1)

    def width(self, symbols: Ints) -> Ints:
        """How many numbers symbols (rows,) stand for."""
        return np.append(self.widths, 1)[symbols]

    def offsets(self, cells: Ints, symbols: Ints) -> Ints:
        """Where in its symbol's range each cell (rows,) lies."""
        return np.where(cells > NOTHING, cells - np.append(self.starts, 0)[symbols], 0)

    def cells(self, symbols: Ints, offsets: Ints) -> Ints:
        """Undo `symbols` and `offsets`."""
        starts = np.append(self.starts, 0 if self.absent is None else self.absent)
        return starts[symbols] + offsets

    def cost(self, cells: Ints) -> float:
        """Bits that cells (rows,) take by how frequent their symbols are, and the symbols themselves."""
        symbols = self.symbols(cells)
        count = np.bincount(symbols, minlength=self.size).astype(np.float64)
        there = count > 0
        bits = -(count[there] * np.log2(count[there] / len(cells))).sum() + np.log2(self.width(symbols)).sum()
        return float(bits + _SYMBOL * (len(self.starts) + (self.widths > 1).sum()))


def contexts(cells: Ints, level: bool) -> Alphabet:
    """Learn the symbols by which other columns know this one: all levels that repeat, or some quantiles of numbers."""
    values, counts = np.unique(cells[cells > NOTHING], return_counts=True)
    most = 4096 if level else 64
    if len(values) <= most or (counts.sum() > 128 * len(values) and len(values) <= 2048):
        return Alphabet(values, np.ones_like(values), Alphabet.learn(cells[cells <= NOTHING]).absent)
    absent = Alphabet.learn(cells[cells <= NOTHING]).absent
    if level:
        kept = np.sort(values[np.argsort(-counts, kind="stable")[:most]])
        return Alphabet(kept, np.ones_like(kept), absent)
    share = (np.cumsum(counts) - 1) * most // counts.sum()
    starts = values[np.concatenate([[True], share[1:] != share[:-1]])]
    return Alphabet(starts, np.append(np.diff(starts), values[-1] - starts[-1] + 1), absent)
