"""Codes as points in the plane or in space, for looking at."""

from __future__ import annotations

import numpy as np

from isthmus.errors import UsageError
from isthmus.tasks.batches import Codes, Floats


class Projection:
    """The principal axes of the codes that a model was fitted on; new codes land on the same map.

    A code that is as wide as the map is shown as it is.
    """

    def __init__(self, mean: Floats, axes: Floats) -> None:
        self.mean, self.axes = mean, axes

    @classmethod
    def learn(cls, codes: Codes, dimensions: int = 3) -> Projection:
        """Find the axes (dimensions, size) along which codes vary most, each pointing its larger way."""
        mean = codes.mean(0, dtype=np.float64)
        _, _, axes = np.linalg.svd(codes - mean, full_matrices=False)
        axes = axes[:dimensions]
        largest = np.abs(axes).argmax(1)
        return cls(mean, axes * np.sign(axes[np.arange(len(axes)), largest])[:, None])

    def __call__(self, codes: Codes, dimensions: int) -> Floats:
        """Codes (rows, size) to points (rows, dimensions)."""
        if not 1 <= dimensions <= 3:
            raise UsageError(f"a map has 1, 2 or 3 dimensions, not {dimensions!r}")
        if codes.shape[1] == dimensions:
            return codes.astype(np.float64)
        if len(self.axes) < dimensions:
            raise UsageError(f"a code of {codes.shape[1]} numbers has no map of {dimensions} dimensions")
        return (codes - self.mean) @ self.axes[:dimensions].T
