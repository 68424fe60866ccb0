"""Rows unlike the others, and the cells that make them so.

Three views of a row, each turned into a tail probability among the training rows (how rare is a value at
least this odd?), so that they can be added whatever their units:

- each cell against what the rest of its row makes expected: the error of a hidden number's mean in data
  units, the surprise at a hidden category;
- each number against its own column, because what is far out cannot be judged by what lies inside;
- the row's code against the codes of training rows near it.

The likelihood of a number's histogram is no such view: equal-mass bins flatten the very tails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from isthmus.nets.columns import TableDistribution
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Codes, Floats, device_of, through
from isthmus.tasks.reconstruct import encode

ROWS = 2048
GROUPS = 16
NEIGHBOURS = 5
_SURE = 1e-3  # a column that is always known better than this is not judged any finer


@dataclass(frozen=True)
class Views:
    """Each cell's error and own tail (rows, columns), and each row's distance to its neighbours (rows,)."""

    error: Floats
    tail: Floats
    distance: Floats


@dataclass(frozen=True)
class Reference:
    """What is usual: codes of training rows, and every view of them, ascending along the last axis."""

    codes: Codes
    error: Floats
    tail: Floats
    distance: Floats
    total: Floats

    @classmethod
    def learn(cls, net: Hourglass, x: Floats, seed: int) -> Reference:
        """Learn from training values (rows, columns), at most `ROWS` of them."""
        chosen = np.random.default_rng(seed).permutation(len(x))[:ROWS]
        x = x[np.sort(chosen)]
        codes = encode(net, x)
        seen = Views(*_cells(net, x), _distance(codes, codes, itself=True))
        error, tail, distance = (np.sort(view, axis=0).T for view in (seen.error, seen.tail, seen.distance))
        bare = cls(codes, error, tail, distance, total=np.zeros(0))
        return replace(bare, total=np.sort(bare.oddness(seen)))

    def look(self, net: Hourglass, x: Floats) -> Views:
        """Look at rows (rows, columns) in all three ways."""
        return Views(*_cells(net, x), _distance(encode(net, x), self.codes, itself=False))

    def rarity(self, seen: Views) -> Floats:
        """Bits (rows, columns) of surprise at each cell: -log2 of the share of usual rows as odd there."""
        pairs = zip(seen.error.T, self.error, seen.tail.T, self.tail, strict=True)
        return np.stack([np.maximum(_rarity(e, es), _rarity(t, ts)) for e, es, t, ts in pairs], 1)

    def oddness(self, seen: Views) -> Floats:
        """How odd each row (rows,) is in all three views together, in no unit."""
        cells = np.log1p((seen.error / self.error.mean(1).clip(_SURE)).mean(1))
        tails = np.log1p(seen.tail.max(1))
        near = np.log1p(seen.distance / max(float(np.median(self.distance)), 1e-9))
        return np.asarray(cells + tails + near, dtype=np.float64)

    def scores(self, seen: Views) -> Floats:
        """Bits (rows,): a score of s means that about one training row in 2^s is as odd as this.

        Rows odder than all of the reference go on by how much they exceed the oddest of it.
        """
        odd = self.oddness(seen)
        return _rarity(odd, self.total) + np.maximum(odd / max(float(self.total[-1]), 1e-9) - 1, 0)


def expected(net: Hourglass, x: Floats) -> Floats:
    """Give what the rest of each row makes expected in each cell (rows, columns)."""
    return _hiding(net, x, lambda said, rows: said.mode())


def _cells(net: Hourglass, x: Floats) -> tuple[Floats, Floats]:
    """Errors and own tails (rows, columns) of cells."""
    tails = np.zeros(x.shape)
    for j, numeric in zip(net.columns.numeric, net.columns.numerics, strict=True):
        mean, spread = numeric.unit.cpu().numpy()
        tails[:, j] = np.nan_to_num(np.abs(x[:, j] - mean) / spread)
    return _hiding(net, x, lambda said, rows: _errors(net, said, rows)), tails


def _hiding(net: Hourglass, x: Floats, ask: Callable[[TableDistribution, Tensor], Tensor]) -> Floats:
    """Ask about every cell (rows, columns) while it is hidden, a sixteenth of the columns at a time."""
    answers = np.zeros(x.shape)
    for group in range(min(GROUPS, x.shape[1])):
        hidden = torch.zeros(x.shape[1], dtype=torch.bool, device=device_of(net))
        hidden[group::GROUPS] = True

        def answer(rows: Tensor, hidden: Tensor = hidden) -> Tensor:
            return ask(net(net.columns.tokenize(rows, hidden.expand(rows.shape))), rows)

        answers[:, group::GROUPS] = through(net, answer, x)[:, group::GROUPS]
    return answers


def _errors(net: Hourglass, said: TableDistribution, rows: Tensor) -> Tensor:
    """Errors (rows, columns): standard deviations of numbers, nats of categories, 0 where unknown."""
    cells = net.columns.tokenize(rows)
    errors = (-said.log_prob(cells.token)).clamp(min=0)  # rounding may take a sure thing past zero
    errors[:, net.columns.numeric] = (net.columns.standardise(said.mean()) - cells.number).abs()
    numeric = torch.zeros_like(cells.hidden)
    numeric[:, net.columns.numeric] = True
    return torch.where(cells.hidden | (numeric & rows.isnan()), 0.0, errors)


def _distance(codes: Codes, others: Codes, *, itself: bool) -> Floats:
    """Mean distance (rows,) to the nearest of the other codes, a code's distance to itself left out."""
    first = int(itself)
    k = min(NEIGHBOURS, len(others) - first)
    if k < 1:
        return np.zeros(len(codes))
    near = [
        torch.cdist(part, torch.from_numpy(others)).topk(k + first, largest=False).values[:, first:].mean(1)
        for part in torch.split(torch.from_numpy(codes), 1024)
    ]
    return torch.cat(near).double().numpy()


def _rarity(values: Floats, usual: Floats) -> Floats:
    """-log2 of the share of `usual`, ascending, that is at least each value, itself counted in."""
    above = len(usual) - np.searchsorted(usual, values, side="left")
    return -np.log2((above + 1) / (len(usual) + 1))
