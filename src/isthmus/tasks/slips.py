"""What may have gone wrong in a cell, and how likely each way makes what stands there.

A way to go wrong is a distribution of what is written in place of the right value. What it is compared with is what
the rest of the row makes expected, given as probabilities of the column's tokens. Here are words; how numbers go wrong
is in `tasks/numbers.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from isthmus.tasks.batches import Floats

SWAPPED, RANDOM, SCALED, MISSPELT, MISPLACED = range(5)
"""Another row's value; any value at all; a number times a power of ten; a word misspelt; a word of another column."""

SEEN = 5
"""A value seen so often in training is one that repeats."""


class Ways(Protocol):
    """How cells of one column go wrong."""

    def ratios(self, p: Floats, x: Floats) -> Floats:
        """Likelihoods (ways, rows) of cells (rows,) gone wrong, over those when they are right.

        `p` (rows, values) is what the rest of each row makes expected.
        """

    def propose(self, p: Floats, x: Floats, rates: Floats) -> Proposals:
        """Propose what wrong cells (rows,) should be, the `rates` (ways,) of slips being known."""


class Proposals(NamedTuple):
    """What cells (rows,) should be, the probability that this is right if they are wrong, and what went wrong."""

    value: Floats
    right: Floats
    way: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Words:
    """Categories.

    `usual` (values,) are their shares; `near` and `spelt` tell which words are likely misspellings, `strays` which
    belong to other columns. All but `usual` go on beyond the values, with words that were never seen in training.
    """

    usual: Floats
    near: Sequence[Sequence[int]]
    spelt: Floats
    strays: Floats
    rows: int

    def ratios(self, p: Floats, x: Floats) -> Floats:
        """See `Ways`."""
        other, misspelt, strays = self._weights(p, x)
        return np.stack([*other, np.zeros(len(x)), misspelt.sum(1), strays])

    def propose(self, p: Floats, x: Floats, rates: Floats) -> Proposals:
        """See `Ways`."""
        other, misspelt, strays = self._weights(p, x)
        rest = p.copy()
        known = x < p.shape[1]
        rest[known, x[known].astype(int)] = 0.0
        rest /= rest.sum(1, keepdims=True).clip(1e-30)
        strays = rates[MISPLACED] * strays
        swapped = rates[: RANDOM + 1] @ other
        replaced = (swapped + strays)[:, None] * rest
        misspelt = rates[MISSPELT] * misspelt
        weight = replaced + misspelt
        best = weight.argmax(1)
        at = np.arange(len(x)), best
        way = np.where(misspelt[at] > replaced[at], MISSPELT, np.where(strays > swapped, MISPLACED, SWAPPED))
        return Proposals(best.astype(float), weight[at] / weight.sum(1).clip(1e-300), way)

    def _weights(self, p: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
        """Ratios (2, rows) of values from elsewhere, (rows, values) of misspellings of each, and (rows,) of strays.

        A rare word that the rest of its row makes likelier than usual is the less a slip for it, but only by as many
        times as it was seen: one seen once fits its own row by heart.
        """
        at = x.astype(int)
        known = at < p.shape[1]
        right = np.where(known, np.take_along_axis(p, np.where(known, at, 0)[:, None], 1)[:, 0], 1 / self.rows)
        usual = np.append(self.usual, 1 / self.rows)[np.where(known, at, -1)]
        right = right.clip(1e-30)
        misspelt = np.zeros_like(p)
        for value in np.unique(at[self.spelt[at] > 0]):
            mine, near = at == value, list(self.near[value])
            misspelt[np.ix_(mine, near)] = self.spelt[value] * p[mine][:, near] / self.usual[near].sum()
        often = self.usual * self.rows >= SEEN
        anything = np.append(often / max(often.sum(), 1), 0.0)[np.where(known, at, -1)]
        fits = np.clip(right / usual, 1.0, np.maximum(usual * self.rows, 1.0))
        return np.stack([usual, anything]) / right, misspelt / fits[:, None], self.strays[at] / fits
