"""Rows as they stand, beside their codes: how far from the nearest others, and how soon random cuts set them apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.ensemble import IsolationForest

from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import ROWS, Floats
from isthmus.tasks.neighbours import Neighbours

PIECE = 16 * ROWS
"""Rows looked at together: many levels make wide rows."""
_FARTHEST = 1e9  # standard deviations; squares and single precision hold these


def units(net: Hourglass) -> Floats:
    """Give mean and spread (columns, 2) of numbers; NaN for categories."""
    found = np.full((len(net.columns.likelihoods), 2), np.nan)
    for j, likelihood in zip(net.columns.numeric, net.columns.numerics, strict=True):
        found[j] = likelihood.unit.cpu().numpy()
    return found


@dataclass(frozen=True)
class Standing:
    """Rows (rows, columns) that others are held against, and the units (columns, 2) that `units` gives."""

    rows: Floats
    units: Floats

    @cached_property
    def levels(self) -> list[tuple[int, Floats, Floats]]:
        """Columns of categories: which, the categories there are, and what shares of the rows they have."""
        found = []
        for j in np.flatnonzero(np.isnan(self.units[:, 0])):
            present = self.rows[:, j][self.rows[:, j] >= 0]
            level, count = np.unique(present, return_counts=True)
            found.append((int(j), level, count / max(len(present), 1)))
        return found

    @cached_property
    def neighbours(self) -> Neighbours:
        """The rows as neighbours, in standard deviations."""
        return Neighbours.learn(self.standardised(self.rows), even=False)

    @cached_property
    def forest(self) -> IsolationForest:
        """Random trees grown on the rows (Liu et al. 2008, "Isolation forest"); the same rows grow the same trees."""
        return IsolationForest(random_state=0).fit(self.standardised(self.rows))

    def standardised(self, x: Floats) -> Floats:
        """Bring values (rows, columns) to numbers (rows, more columns), those of each column with a variance of one.

        A category becomes one number a level, divided by the root of the level's share and of the levels less one, as
        in multiple correspondence analysis (Greenacre 1984); of two levels that is as far as standard deviations are.
        What is missing or never seen stands at nought.
        """
        numbers = ~np.isnan(self.units[:, 0])
        mean, spread = self.units[numbers].T
        parts = [np.clip(np.nan_to_num((x[:, numbers] - mean) / spread), -_FARTHEST, _FARTHEST)]
        for j, level, share in self.levels:
            parts.append((x[:, [j]] == level) / np.sqrt(share * max(len(level) - 1, 1)))
        return np.concatenate(parts, 1)

    def distances(self, x: Floats) -> Floats:
        """Give two views of rows (rows, 2), higher where odder: log distance from the nearest, log forest score."""
        pieces = [self._distances(x[start : start + PIECE]) for start in range(0, len(x), PIECE)]
        return np.concatenate([np.zeros((0, 2)), *pieces])

    def _distances(self, x: Floats) -> Floats:
        standing = self.standardised(x)
        nearest = self.neighbours.distances(standing)[:, 1]
        return np.column_stack([nearest, np.log(-self.forest.score_samples(standing))])
