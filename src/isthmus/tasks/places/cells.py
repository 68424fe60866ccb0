"""Rows sorted into cells, so that neighbours are looked for among some and not all."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

from isthmus.tasks.places.near import Floats, Numbers, nearest

MANY = 5000
"""Rows up to which all are compared."""
SHARE = 8
"""Cells around that of a row that are looked into: one in so many."""
_ROUNDS = 8


class Cells:
    """Rows (rows, size) among which neighbours of others are to be found.

    From `MANY` on they are sorted into cells, and a row is compared with those in the cells around its own (an inverted
    file; Jegou et al. 2011, "Product quantization for nearest neighbor search"). What is found for a row does not
    depend on what else is looked for.
    """

    def __init__(self, rows: Floats) -> None:
        self.rows = rows
        self.centres = np.zeros((1, rows.shape[1]), np.float32)
        self.around = [np.arange(len(rows))]
        if len(rows) > MANY:
            cells = round(len(rows) ** 0.5)
            found = KMeans(cells, n_init=1, max_iter=_ROUNDS, random_state=0).fit(rows)
            self.centres = found.cluster_centers_.astype(np.float32)
            own, _ = nearest(rows, self.centres, 1)
            near, _ = nearest(self.centres, self.centres, cells // SHARE)
            self.around = [np.flatnonzero(np.isin(own[:, 0], cell)) for cell in near]

    def nearest(self, rows: Floats, k: int) -> tuple[Numbers, Floats]:
        """Find the `k` nearest to each of `rows` (rows, size): which, and their squared distances (rows, k)."""
        own = nearest(rows, self.centres, 1)[0][:, 0] if len(self.centres) > 1 else np.zeros(len(rows), np.int64)
        numbers, squares = np.empty((len(rows), k), np.int64), np.empty((len(rows), k), np.float32)
        order = np.argsort(own, kind="stable")
        bounds = np.searchsorted(own[order], np.arange(len(self.centres) + 1))
        for cell in np.unique(own):
            mine, others = order[bounds[cell] : bounds[cell + 1]], self.around[cell]
            others = others if len(others) >= k else np.arange(len(self.rows))
            found, far = nearest(rows[mine], self.rows[others], k)
            numbers[mine], squares[mine] = others[found], far
        return numbers, squares
