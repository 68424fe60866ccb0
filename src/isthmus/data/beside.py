"""Two layers' activations of the same tokens, read as one wider matrix."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isthmus.data.activations import Activations
from isthmus.errors import DataError

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]


class Beside(Activations):
    """Activations, and behind each row's those of another layer: (rows, width + width of the other)."""

    inner: Activations
    other: Activations

    @classmethod
    def of(cls, acts: Activations, other: Activations | None) -> Activations:
        """Put two stores side by side; one alone stays what it is.

        Raises
        ------
        DataError
            When they are not of the same tokens.
        """
        if other is None:
            return acts
        every = np.arange(acts.rows)
        same = acts.rows == other.rows and np.array_equal(acts.tokens(every), other.tokens(every))
        if not same:
            raise DataError(
                f"'{other.path}' ({other.rows:,} rows) is not of the same tokens as '{acts.path}' ({acts.rows:,}): "
                "harvest both layers in one run"
            )
        both = cls(acts.path, acts.facts)
        both.inner, both.other, both.width = acts, other, acts.width + other.width
        return both

    def values(self, rows: Numbers) -> Floats:
        """Gather both layers' activations of some rows."""
        return np.concatenate([self.inner.values(rows), self.other.values(rows)], axis=1)
