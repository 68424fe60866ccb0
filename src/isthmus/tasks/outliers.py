"""Rows unlike the others, and the cells that make them so.

Five views of a row, each turned into a tail probability among the training rows (how rare is a value at
least this odd?), so that they can be compared whatever their units:

- its cells against what the rest of the row makes expected: the error of a hidden number's mean in data
  units, the surprise at a hidden category;
- its code against the bulk of the training rows' codes;
- its code against the training rows' codes nearest to it;
- the row itself against the training rows nearest to it;
- how soon random cuts set it apart from other rows.

A single cell is judged by its error, and by its own column too: what is far out cannot be judged by what lies inside.

The likelihood of a number's histogram is no such view: equal-mass bins flatten the very tails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from isthmus.nets.columns import Cells, TableDistribution
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Codes, Floats, through
from isthmus.tasks.neighbours import Neighbours
from isthmus.tasks.reconstruct import encode
from isthmus.tasks.standing import Standing, units

ROWS = 2048
GROUPS = 16
TAIL = 50
"""The oddest 1 in so many reference rows show how the tail beyond them falls off."""
WEIGHTS = (0.7, 0.7, 1.0, 1.0, 0.8)
"""Of the bits of each view, in the order above: found on 28 tables, both with outliers among the rows learnt from and
without."""
_SURE = 1e-3  # a column that is always known better than this is not judged any finer


@dataclass(frozen=True)
class Views:
    """Each cell's error and own tail (rows, columns), and each row's distances from others (rows, 4)."""

    error: Floats
    tail: Floats
    distance: Floats


@dataclass(frozen=True)
class Reference:
    """What is usual: codes of training rows, and what is seen of them, ascending along the last axis.

    Attributes
    ----------
    codes
        Codes (rows, size).
    error, tail
        Errors and tails of cells (columns, rows).
    rows, units
        The training rows themselves (rows, columns), and the units of their numbers (columns, 2).
    distance
        The five views of a row (5, rows): its cells together, then its distances.
    total
        How odd rows are in all (rows,).
    """

    codes: Codes
    rows: Floats
    units: Floats
    error: Floats
    tail: Floats
    distance: Floats
    total: Floats

    @classmethod
    def learn(cls, net: Hourglass, x: Floats, seed: int) -> Reference:
        """Learn from training values (rows, columns), at most `ROWS` of them."""
        x = np.ascontiguousarray(x[np.random.default_rng(seed).permutation(len(x))[:ROWS]])
        empty = np.zeros(0)
        bare = cls(encode(net, x), x, units(net), error=empty, tail=empty, distance=empty, total=empty)
        seen = bare.look(net, x)
        celled = replace(bare, error=_ascending(seen.error), tail=_ascending(seen.tail))
        viewed = replace(celled, distance=_ascending(celled.views(seen)))
        return replace(viewed, total=np.sort(viewed.oddness(seen)))

    @cached_property
    def neighbours(self) -> Neighbours:
        """The codes as neighbours."""
        return Neighbours.learn(self.codes)

    @cached_property
    def standing(self) -> Standing:
        """The rows as they stand."""
        return Standing(self.rows, self.units)

    def look(self, net: Hourglass, x: Floats) -> Views:
        """Look at rows (rows, columns) cell by cell, and at what is near them."""
        distance = [self.neighbours.distances(encode(net, x)), self.standing.distances(x)]
        return Views(*_cells(net, x), np.concatenate(distance, 1))

    def rarity(self, seen: Views) -> Floats:
        """Bits (rows, columns) of surprise at each cell: -log2 of the share of usual rows as odd there."""
        pairs = zip(seen.error.T, self.error, seen.tail.T, self.tail, strict=True)
        return np.stack([np.maximum(_rarity(e, es), _rarity(t, ts)) for e, es, t, ts in pairs], 1)

    def views(self, seen: Views) -> Floats:
        """Five views of each row (rows, 5), higher where odder: its cells, and its distances from others."""
        usual = np.sqrt((self.error**2).mean(1)).clip(_SURE)
        cells = np.log(np.sqrt(((seen.error / usual) ** 2).mean(1)) + _SURE)
        return np.column_stack([cells, seen.distance])

    def oddness(self, seen: Views) -> Floats:
        """How odd each row (rows,) is in all views together: the bits of the view in which it is oddest.

        A view that sees nothing says nothing (Tippett 1931, the smallest of several p-values). Neighbours, which see
        most where others see little, count more than the rest.
        """
        pairs = zip(self.views(seen).T, self.distance, strict=True)
        each = np.column_stack([bits(view, usual) for view, usual in pairs])
        return np.asarray((each * WEIGHTS).max(1), dtype=np.float64)

    def scores(self, seen: Views) -> Floats:
        """Bits (rows,): a score of s means that about one training row in 2^s is as odd as this.

        Among and beyond the oddest of them rows become rarer exponentially, as in most tails (Pickands 1975,
        "Statistical inference using extreme order statistics").
        """
        return bits(self.oddness(seen), self.total)


def bits(values: Floats, usual: Floats) -> Floats:
    """-log2 of the share of `usual`, ascending, that is at least each value, and beyond its tail what that promises.

    Examples
    --------
    >>> usual = np.arange(1000.0)
    >>> bits(np.array([500.0, 750.0]), usual).round(2).tolist()
    [1.0, 2.0]
    """
    n = len(usual)
    table = -np.log2((n - np.arange(n)) / (n + 1))
    tail = max(n // TAIL, 1)
    start = usual[-tail]
    scale = max(float((usual[-tail:] - start).mean()), 1e-3 * max(abs(float(start)), 1e-9))
    steps, first = np.unique(usual, return_index=True)  # at values that repeat, interpolation would leap
    inside = np.interp(values, steps, table[first])
    beyond = table[-tail] + (values - start) / (scale * np.log(2))
    return np.where(values > start, beyond, inside)


def expected(net: Hourglass, x: Floats) -> Floats:
    """Give what the rest of each row makes expected in each cell (rows, columns)."""
    return _hiding(net, x, lambda said, cells, which: said.mode(which))


def _cells(net: Hourglass, x: Floats) -> tuple[Floats, Floats]:
    """Errors and own tails (rows, columns) of cells: standard deviations of numbers, nats of categories; 0 unknown."""

    def told(said: TableDistribution, cells: Cells, which: list[int]) -> Tensor:
        answers = said.mean(which)
        for i, j in enumerate(which):
            if j not in net.columns.numeric:
                nats = -said.probabilities(j).gather(1, cells.token[:, j, None])[:, 0].log()
                answers[:, i] = nats.masked_fill(cells.hidden[:, j], 0.0)
        return answers

    errors, tails = _hiding(net, x, told), np.zeros(x.shape)
    for j, likelihood in zip(net.columns.numeric, net.columns.numerics, strict=True):
        mean, spread = likelihood.unit.cpu().numpy()
        errors[:, j] = np.nan_to_num(np.abs(x[:, j] - errors[:, j]) / spread)
        tails[:, j] = np.nan_to_num(np.abs(x[:, j] - mean) / spread)
    return errors, tails


def _hiding(net: Hourglass, x: Floats, ask: Callable[[TableDistribution, Cells, list[int]], Tensor]) -> Floats:
    """Ask about every cell (rows, columns) while it is hidden, a sixteenth of the columns at a time."""
    every = range(x.shape[1])

    def look(rows: Tensor) -> Tensor:
        cells, answers = net.columns.tokenize(rows), torch.zeros_like(rows)
        for group in every[:GROUPS]:
            which = list(every[group::GROUPS])
            hidden = torch.zeros_like(cells.hidden)
            hidden[:, which] = True
            answers[:, which] = ask(net(net.columns.hide(cells, hidden)), cells, which)
        return answers

    return through(net, look, x)


def _ascending(seen: Floats) -> Floats:
    """Sort each column (rows, columns) into a row, laid out as a file gives it back: sums then round alike."""
    return np.ascontiguousarray(np.sort(seen, axis=0).T)


def _rarity(values: Floats, usual: Floats) -> Floats:
    """-log2 of the share of `usual`, ascending, that is at least each value, itself counted in."""
    above = len(usual) - np.searchsorted(usual, values, side="left")
    return -np.log2((above + 1) / (len(usual) + 1))
