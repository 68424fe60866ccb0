"""Shuffled reading of rows of numbers, such as activations, that need not fit into memory."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from isthmus.data.activations import Activations, Rows
from isthmus.errors import DataError

__all__ = ["BLOCK", "ShuffledBlocks", "Stored"]

BLOCK = 256
"""Rows read side by side."""


class Stored(Protocol):
    """Rows of so many numbers each, of which some are read at a time."""

    width: int
    dtype: npt.DTypeLike

    def values(self, rows: Rows) -> npt.NDArray[Any]:
        """Gather rows (n, width)."""


class ShuffledBlocks:
    """The batches of any step, every row once an epoch, in an order that follows from the seed and the epoch alone.

    Blocks of 256 rows that lie side by side are drawn in random order into a pool, and the rows of a pool are
    shuffled: what is in memory is one pool, and the disk reads blocks and not single rows.

    Parameters
    ----------
    acts
        The activations, or other rows of numbers.
    batch_size
        Rows a batch.
    seed
        Of the order.
    rows
        Which rows to draw from, in ascending order; by default all that are no sinks.
    pool_bytes
        How much of them may be in memory.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from isthmus.data.shards import ActivationsWriter
    >>> folder = Path(tempfile.mkdtemp())
    >>> writer = ActivationsWriter(folder, {"width": 1, "dtype": "float32"})
    >>> writer.append(np.arange(1, 5)[:, None], tokens=[0] * 4, passages=[0] * 4)
    >>> writer.close()
    >>> batches = ShuffledBlocks(Activations.open(folder), batch_size=2, seed=0)
    >>> sorted(np.concatenate([batches.batch(0), batches.batch(1)]).ravel().tolist())
    [1.0, 2.0, 3.0, 4.0]
    """

    def __init__(
        self,
        acts: Activations | Stored,
        batch_size: int,
        seed: int = 0,
        *,
        rows: Rows | None = None,
        pool_bytes: int = 1 << 28,
    ) -> None:
        self.acts, self.seed = acts, seed
        if rows is None:
            assert isinstance(acts, Activations)
            rows = acts.usable
        self._rows = np.asarray(rows, dtype=np.int64)
        if not len(self._rows):
            where = f"'{acts.path}': " if isinstance(acts, Activations) else ""
            raise DataError(f"{where}no rows are left to draw from")
        self.batch_size = min(batch_size, len(self._rows))
        self.steps_per_epoch = len(self._rows) // self.batch_size
        self._batches_a_pool = max(1, pool_bytes // (np.dtype(acts.dtype).itemsize * acts.width * self.batch_size))
        self._epoch = self._pool = -1
        self._order: Rows = np.empty(0, np.int64)
        self._held: npt.NDArray[Any] = np.empty((0, acts.width), acts.dtype)
        self._held_rows: Rows = np.empty(0, np.int64)

    def batch(self, step: int) -> npt.NDArray[Any]:
        """Give the numbers (batch_size, width) of a step; what does not fill a batch is left for another epoch."""
        start = self._fill(step)
        return self._held[start : start + self.batch_size]

    def rows_of(self, step: int) -> Rows:
        """Give the rows (batch_size,) of a step."""
        start = self._fill(step)
        return self._held_rows[start : start + self.batch_size]

    def _fill(self, step: int) -> int:
        """Bring a step's pool into memory, and say where in it the batch begins."""
        epoch, part = divmod(step, self.steps_per_epoch)
        pool, place = divmod(part, self._batches_a_pool)
        if epoch != self._epoch:
            self._order, self._epoch, self._pool = self._ordered(epoch), epoch, -1
        if pool != self._pool:
            size = self._batches_a_pool * self.batch_size
            rows = np.sort(self._order[pool * size : (pool + 1) * size])
            mixed = np.random.default_rng([self.seed, epoch, pool]).permutation(len(rows))
            self._held = np.empty((0, self.acts.width), self.acts.dtype)  # let go before the next pool takes its room
            self._held = self.acts.values(rows)[mixed]
            self._held_rows, self._pool = rows[mixed], pool
        return place * self.batch_size

    def _ordered(self, epoch: int) -> Rows:
        """Give all rows in the order in which their blocks are read."""
        blocks = [self._rows[start : start + BLOCK] for start in range(0, len(self._rows), BLOCK)]
        order = np.random.default_rng([self.seed, epoch]).permutation(len(blocks))
        return np.concatenate([blocks[number] for number in order])
