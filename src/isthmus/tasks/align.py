"""Codes of one run as codes of another: codes have no axes that a second training would find again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Codes, Floats
from isthmus.tasks.reconstruct import decode, encode


def through_rows(
    old: Hourglass, new: Hourglass, codes: Codes, read: Callable[[Floats], Floats], given: Floats | None = None
) -> Codes:
    """Rebuild the row that each old code (rows, size) stands for, and encode it anew (rows, new size).

    As exact as the old code keeps its row, and no row need be stored. `read` turns the old model's values (rows,
    columns) into the new one's; `given` (rows, columns) holds the old model's condition columns.
    """
    return encode(new, read(decode(old, codes, given)))


class Affine:
    """The affine map that comes nearest, in squared error, to taking old codes to new ones of the same rows.

    What a straight line cannot say of how two curved codes correspond is lost, but the codes of the same rows are all
    it needs. Ridge regression, weakly: where rows are few, directions that hardly vary stay small.
    """

    def __init__(self, old: Codes, new: Codes) -> None:
        from sklearn.linear_model import Ridge

        self._ridge = Ridge(alpha=1.0).fit(old.astype(np.float64), new.astype(np.float64))

    def __call__(self, codes: Codes) -> Codes:
        """Old codes (rows, size) to new ones (rows, new size)."""
        mapped = self._ridge.predict(codes.astype(np.float64)).reshape(len(codes), -1)
        return np.asarray(mapped, dtype=np.float32)
