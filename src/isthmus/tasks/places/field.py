"""How all points push one: a field on a grid, found by one Fourier transform there and one back.

Every point pushes every other by the gradient of 1 / (1 + d^2). Points are spread over the cells around them by a cubic
spline, the grid is convolved, and the field is read off by the same spline, whose blur is divided out (a particle mesh;
Hockney and Eastwood 1988, "Computer simulation using particles", chapter 5; for t-SNE Linderman et al. 2019, "Fast
interpolation-based t-SNE"). Time grows with the points and with the area of the map, not with pairs of points.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import fft

Floats = npt.NDArray[np.float32]
Axes = Sequence[Floats]

CELL = {1: 0.5, 2: 0.5, 3: 1.2}
"""Side of a cell by dimensions: with these, neighbours are kept as well as by exact forces."""
MOST = {1: 4096, 2: 448, 3: 40}
"""Cells a side at most; a larger map has larger cells."""

EXACT = {1: 200, 2: 300, 3: 900}
"""Points up to which comparing all pairs is quicker than the grid."""


def pushes(points: Axes, kernels: dict[tuple[int, float], Floats]) -> tuple[Floats, list[Floats]]:
    """Read the field of points, and its slopes, at the points themselves."""
    if len(points[0]) > EXACT[len(points)]:
        return Field(points, kernels).read(points)
    near = np.ones((len(points[0]), len(points[0])), np.float32)
    for axis in points:
        near += np.square(axis[:, None] - axis)
    np.reciprocal(near, out=near)
    value = near.sum(1)
    np.square(near, out=near)
    weight = near.sum(1)
    return value, [-2 * (axis * weight - near @ axis) for axis in points]


def _spline(share: Floats) -> tuple[tuple[Floats, ...], tuple[Floats, ...]]:
    """Give the weights of the four cells around a point, by its share (points,) of its cell, and their slopes."""
    less, square = 1 - share, share * share
    cube = square * share
    values = (less * less * less / 6, (3 * cube - 6 * square + 4) / 6, (3 * (share + square - cube) + 1) / 6, cube / 6)
    slopes = (-less * less / 2, (3 * square - 4 * share) / 2, (1 + 2 * share - 3 * square) / 2, square / 2)
    return tuple(np.asarray(each, np.float32) for each in values), tuple(
        np.asarray(each, np.float32) for each in slopes
    )


class Field:
    """The field of some points, to be read at any others.

    Parameters
    ----------
    points
        One array (points,) a dimension.
    kernels
        Transforms of the kernel that were made before; those of the last size are kept there.
    margin
        How far from the points the field can be read; further out it is that of the edge.

    Examples
    --------
    >>> field = Field([np.float32([0, 3]), np.float32([0, 4])], {}, margin=1.0)
    >>> value, _ = field.read([np.float32([0.0]), np.float32([0.0])])
    >>> bool(abs(value[0] - (1 + 1 / 26)) < 0.05)
    True
    """

    def __init__(
        self, points: Axes, kernels: dict[tuple[int, float], npt.NDArray[np.float32]], margin: float = 0.0
    ) -> None:
        self.low = [float(axis.min()) - margin for axis in points]
        span = max(float(axis.max()) + margin - low for axis, low in zip(points, self.low, strict=True))
        dim = len(points)
        self.cell = max(CELL[dim], span / MOST[dim])
        self.cells = int(span / self.cell) + 6
        self.side = 2 * int(fft.next_fast_len(self.cells, real=True))
        shape = (self.side,) * dim
        kernel = kernels.get((self.side, self.cell))
        if kernel is None:
            kernel = _kernel(self.side, self.cell, dim)
            kernels.clear()
            kernels[self.side, self.cell] = kernel
        at, weights, _ = self._around(points)
        mass = np.bincount(at.ravel(), _product(weights).ravel(), self.side**dim).astype(np.float32)
        self._values = fft.irfftn(fft.rfftn(mass.reshape(shape)) * kernel, s=shape).ravel()

    def read(self, points: Axes) -> tuple[Floats, list[Floats]]:
        """Read the field (points,), and its slope (points,) in every dimension."""
        at, weights, slopes = self._around(points)
        found = self._values[at]
        value = (found * _product(weights)).sum(0)
        steep = []
        for j in range(len(points)):
            mixed = [slopes[i] if i == j else weights[i] for i in range(len(points))]
            steep.append((found * _product(mixed)).sum(0) / np.float32(self.cell))
        return value, steep

    def _around(self, points: Axes) -> tuple[npt.NDArray[np.int64], list[tuple[Floats, ...]], list[tuple[Floats, ...]]]:
        """Find the cells around points (cells, points), and by dimension the weights of each and their slopes."""
        base: npt.NDArray[np.int64] = np.zeros(len(points[0]), np.int64)
        weights, slopes = [], []
        for axis, low in zip(points, self.low, strict=True):
            place = np.clip((axis - np.float32(low)) / np.float32(self.cell), 0, self.cells - 5)
            cell = place.astype(np.int64)
            weight, slope = _spline((place - cell).astype(np.float32))
            weights.append(weight)
            slopes.append(slope)
            base = base * self.side + cell
        steps = [sum(o * self.side**i for i, o in enumerate(reversed(each))) for each in _cells(len(points))]
        return base + np.array(steps)[:, None], weights, slopes


def _cells(dim: int) -> list[tuple[int, ...]]:
    return list(itertools.product(range(4), repeat=dim))


def _product(weights: Sequence[tuple[Floats, ...]]) -> Floats:
    """Multiply weights by dimension into those of all cells (cells, points), in the order of `_cells`."""
    whole = np.stack(weights[0])
    for more in weights[1:]:
        whole = (whole[:, None] * np.stack(more)[None]).reshape(-1, whole.shape[1])
    return whole


def _kernel(side: int, cell: float, dim: int) -> Floats:
    """Transform the kernel on a grid that is twice as wide as the map, less the blur of the spline there and back."""
    steps = np.minimum(np.arange(side), side - np.arange(side))
    far = sum(np.square(steps * cell).reshape([-1 if i == j else 1 for j in range(dim)]) for i in range(dim))
    kernel = fft.rfftn(1 / (1 + far)).real
    for i in range(dim):
        waves = np.arange(side // 2 + 1) if i == dim - 1 else steps
        kernel /= (np.sinc(waves / side) ** 8).reshape([-1 if i == j else 1 for j in range(dim)])
    return np.asarray(kernel, np.float32)
