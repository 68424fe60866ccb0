"""The best few finds of every feature, kept up to date while more are offered: at most one a passage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Best", "Finds"]

Wholes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Finds:
    """Places where features fire, one an entry: (n,) each.

    `rank` decides which are kept, `row` is the row of the store, `passage` the one it is part of, `value` how strongly
    the feature fires there.
    """

    feature: Wholes
    rank: npt.NDArray[np.float64]
    row: Wholes
    passage: Wholes
    value: Floats

    def __getitem__(self, chosen: npt.NDArray[np.bool_] | Wholes) -> Finds:
        return Finds(
            self.feature[chosen], self.rank[chosen], self.row[chosen], self.passage[chosen], self.value[chosen]
        )

    def __len__(self) -> int:
        return len(self.feature)


class Best:
    """The `keep` finds of highest rank of each feature, best first, and something of `width` numbers beside each.

    Attributes
    ----------
    row
        (features, keep), -1 where fewer were found.
    value
        (features, keep), how strongly the feature fires there.
    beside
        (features, keep, width), what `offer` was given.

    Examples
    --------
    >>> best = Best(features=2, keep=2, width=1)
    >>> feature, value = np.array([0, 0, 0, 1]), np.array([1.0, 3.0, 2.0, 9.0])
    >>> finds = Finds(feature, value, np.array([7, 8, 9, 7]), np.array([0, 1, 1, 0]), value)
    >>> best.offer(finds, np.zeros((4, 1), np.float32))
    >>> best.row.tolist()  # of rows 8 and 9, which are of the same passage, only the better is kept
    [[8, 7], [7, -1]]
    """

    def __init__(self, features: int, keep: int, width: int) -> None:
        self.keep = keep
        self.rank = np.full((features, keep), -np.inf)
        self.row = np.full((features, keep), -1, dtype=np.int64)
        self.value = np.zeros((features, keep), dtype=np.float32)
        self.beside = np.zeros((features, keep, width), dtype=np.float32)
        self._passage = np.full((features, keep), -1, dtype=np.int64)

    def worth(self, feature: Wholes, rank: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Tell which finds (n,) could still be among the best."""
        found: npt.NDArray[np.bool_] = rank > self.rank[feature, -1]
        return found

    def offer(self, finds: Finds, beside: Floats) -> None:
        """Take in finds, each with the numbers (n, width) that are to stand beside it."""
        if not len(finds):
            return
        touched, new = np.unique(finds.feature, return_inverse=True)
        held = self.rank[touched].ravel() > -np.inf
        old = np.repeat(np.arange(len(touched)), self.keep)[held]
        place = np.flatnonzero(held)
        which = np.concatenate([old, new])
        rank = np.concatenate([self.rank[touched].ravel()[held], finds.rank])
        passage = np.concatenate([self._passage[touched].ravel()[held], finds.passage])
        chosen, slot = _best(which, rank, passage, self.keep)
        source = np.concatenate([place, len(held) + np.arange(len(finds))])[
            chosen
        ]  # of what was held, then of what is new
        at = (touched[which[chosen]], slot)

        def renew(kept: npt.NDArray[np.generic], added: npt.NDArray[np.generic], nothing: float) -> None:
            pool = np.concatenate([kept[touched].reshape(len(held), *kept.shape[2:]), added])
            kept[touched] = nothing
            kept[at] = pool[source]

        renew(self.rank, finds.rank, -np.inf)
        renew(self.row, finds.row, -1)
        renew(self._passage, finds.passage, -1)
        renew(self.value, finds.value, 0)
        renew(self.beside, beside, 0)


def _best(which: Wholes, rank: npt.NDArray[np.float64], passage: Wholes, keep: int) -> tuple[Wholes, Wholes]:
    """Choose at most `keep` entries of every group, one a passage: their places, and each one's place in its group."""
    order = np.lexsort((-rank, passage, which))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(which[order]) != 0) | (np.diff(passage[order]) != 0)
    order = order[first]
    order = order[np.lexsort((-rank[order], which[order]))]
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = np.diff(which[order]) != 0
    begin = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    slot = np.arange(len(order)) - begin
    return order[slot < keep], slot[slot < keep]
