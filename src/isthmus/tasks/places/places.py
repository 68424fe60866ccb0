"""A map: rows laid out once, and any others placed among them by what they are near to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA

from isthmus.errors import DataError
from isthmus.tasks.places.cells import Cells
from isthmus.tasks.places.field import Axes, Field
from isthmus.tasks.places.layout import lay_out
from isthmus.tasks.places.near import NEAR, PERPLEXITY, Floats, affinities, graph, nearest

ROWS = 10_000
"""Rows that are laid out at most; all others are placed among them."""
WIDE = 50
"""Numbers a row from which on only so many principal components are looked at."""
FEW = 8
"""Rows that are too few to be anybody's neighbours."""
TOGETHER = 32_768
"""Rows that are placed at once."""

_STEPS, _PULL, _KEEP, _FIRST = 30, 2.0, 0.8, 5
_MARGIN = 5.0
_SMALL = 1e-4  # size of the start, so small that nothing pushes anything away at first
_SAME = 1e-8  # squared distance, in variances of all rows, at which a row is one of those laid out


class Places:
    """Rows that were laid out, and where they are.

    Parameters
    ----------
    mean, axes
        What is taken from a row (size,), and what it is then multiplied by (size, m).
    rows, points
        Rows that were laid out, after that (kept, m), and their places (kept, dim).
    """

    def __init__(self, mean: Floats, axes: Floats, rows: Floats, points: Floats) -> None:
        self.mean, self.axes, self.rows, self.points = mean, axes, rows, points

    @classmethod
    def learn(cls, rows: npt.ArrayLike, dim: int, seed: int = 0, most: int = ROWS) -> Places:
        """Lay out rows (rows, size), or `most` of them drawn by `seed`, in so many dimensions."""
        whole = np.asarray(rows, np.float32)
        drawn = np.sort(np.random.default_rng(seed).permutation(len(whole))[:most])
        kept = whole[drawn]
        if (kept == kept[0]).all():
            nothing = np.zeros((len(kept), dim), np.float32)
            return cls(kept[0], np.eye(kept.shape[1], dtype=np.float32), np.zeros_like(kept), nothing)
        components = PCA(min(WIDE, *kept.shape), random_state=seed).fit(kept)
        mean = components.mean_.astype(np.float32)
        mains = components.components_.astype(np.float32)
        mains *= np.sign(mains[np.arange(len(mains)), np.abs(mains).argmax(1)])[:, None]  # each points its larger way
        axes = mains.T if kept.shape[1] > WIDE else np.eye(kept.shape[1], dtype=np.float32)
        turned = (kept - mean) @ axes
        start = np.zeros((len(kept), dim), np.float32)
        main = (kept - mean) @ mains[:dim].T
        start[:, : main.shape[1]] = main
        spread = float(start[:, 0].std())
        if len(kept) < FEW or spread == 0:
            return cls(mean, axes, turned, start)
        numbers, squares = nearest(turned, turned, min(NEAR, len(kept) - 1), itself=True)
        edges = graph(numbers, affinities(squares, min(PERPLEXITY, (len(kept) - 1) / 3)))
        return cls(mean, axes, turned, lay_out(edges, start * np.float32(_SMALL / spread)))

    @property
    def dim(self) -> int:
        """Dimensions of the map."""
        return int(self.points.shape[1])

    def __call__(self, rows: npt.ArrayLike) -> Floats:
        """Place rows (rows, size): those laid out where they are (rows, dim), others where neighbours draw them.

        Each is placed by itself, by the loss that laid out the others, which stay where they are.
        """
        whole = np.asarray(rows, np.float32)
        if whole.ndim != 2 or whole.shape[1] != len(self.mean):
            raise DataError(f"rows of shape {whole.shape}: this map is of rows of {len(self.mean)} numbers")
        parts = [np.zeros((0, self.dim), np.float32)]
        for start in range(0, len(whole), TOGETHER):
            parts.append(self._place(np.asarray((whole[start : start + TOGETHER] - self.mean) @ self.axes, np.float32)))
        return np.concatenate(parts)

    def _place(self, rows: Floats) -> Floats:
        numbers, squares = self._cells.nearest(rows, min(NEAR, len(self.rows)))
        near, shares = self.points[numbers], affinities(squares, PERPLEXITY)
        found = np.median(near[:, :_FIRST], axis=1)
        if len(self.rows) >= FEW:
            found = self._settle(found, near, shares)
        same = squares <= np.float32(_SAME * self._variance)
        known = same.any(1)
        if known.any():
            first = near[known, same[known].argmax(1)]
            found[known] = first
        return np.asarray(found, np.float32)

    def _settle(self, points: Floats, near: Floats, shares: Floats) -> Floats:
        """Let points (rows, dim) be drawn by `near` (rows, k, dim), each by its share, and pushed by all."""
        at = [axis.astype(np.float32) for axis in points.T]
        speed = [np.zeros(len(points), np.float32) for _ in at]
        for _ in range(_STEPS):
            gaps = [axis[:, None] - near[:, :, j] for j, axis in enumerate(at)]
            square = np.ones(shares.shape, np.float32)
            for gap in gaps:
                square += gap * gap
            pull = np.float32(_PULL) * shares / square
            _, slopes = self._field.read(at)
            for j, (gap, slope) in enumerate(zip(gaps, slopes, strict=True)):
                gradient = np.einsum("rk,rk->r", pull, gap) + self._push * slope
                speed[j] = np.float32(_KEEP) * speed[j] - gradient
                at[j] = at[j] + speed[j]
        return np.stack(at, 1)

    @cached_property
    def _axes_of_points(self) -> Axes:
        return [np.ascontiguousarray(axis) for axis in self.points.T]

    @cached_property
    def _cells(self) -> Cells:
        return Cells(self.rows)

    @cached_property
    def _field(self) -> Field:
        return Field(self._axes_of_points, {}, margin=_MARGIN)

    @cached_property
    def _push(self) -> np.float32:
        value, _ = self._field.read(self._axes_of_points)
        return np.float32(0.5 * len(value) / max(float(value.sum(dtype=np.float64)) - len(value), 1e-12))

    @cached_property
    def _variance(self) -> float:
        return float(self.rows.var(0).sum())

    def arrays(self) -> dict[str, Floats]:
        """Give what a file is to hold, by name."""
        return {"mean": self.mean, "axes": self.axes, "rows": self.rows, "points": self.points}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Floats]) -> Places:
        """Make a map from what a file holds."""
        return cls(*(arrays[name] for name in ("mean", "axes", "rows", "points")))
