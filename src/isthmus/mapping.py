"""A map as an estimator of its own: rows of numbers as points, and new rows on the same map."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from isthmus import store
from isthmus.errors import DataError, UsageError
from isthmus.tasks.places.near import Floats
from isthmus.tasks.places.places import ROWS, Places

__all__ = ["DIMENSIONS", "Map", "Maps"]

DIMENSIONS = (1, 2, 3)


class Map(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Rows of numbers, such as codes, as points in the plane or in space: near rows are near points.

    Rows are laid out by the loss of t-SNE. Others are placed among them one by one, by the same loss, while those that
    lie there stay: the same row always lands on the same point.

    Parameters
    ----------
    dim
        Dimensions of the map: 2, 3 or 1.
    rows
        Rows that are laid out at most, drawn at random; the others are placed among them.
    random_state
        The same rows and number give the same map, on one machine.

    Attributes
    ----------
    places_
        The map itself.
    n_features_in_
        Numbers a row.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> flowers = load_iris().data
    >>> drawn = Map(dim=2).fit(flowers[:100])
    >>> drawn.transform(flowers).shape
    (150, 2)
    """

    kind = "map"

    def __init__(self, dim: int = 2, *, rows: int = ROWS, random_state: int = 0) -> None:
        self.dim = dim
        self.rows = rows
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Lay out rows (rows, size) of numbers; `y` is ignored.

        Raises
        ------
        DataError
            For rows that are no matrix of finite numbers.
        UsageError
            For a number of dimensions or of rows that cannot be.
        """
        check_dimensions(self.dim)
        if self.rows < 1:
            raise UsageError(f"rows is {self.rows!r}; give 1 or more")
        self.places_ = Places.learn(_matrix(X), self.dim, self.random_state, self.rows)
        return self._named()

    def transform(self, X: Any) -> Floats:
        """Place rows (rows, size) on the map (rows, dim)."""
        check_is_fitted(self, "places_")
        return self.places_(_matrix(X))

    def save(self, path: str | PathLike[str]) -> None:
        """Write to one safetensors file, from which `isthmus.load` makes the same again."""
        check_is_fitted(self, "places_")
        held = {name: torch.from_numpy(np.ascontiguousarray(each)) for name, each in self.places_.arrays().items()}
        store.write(path, self.kind, self.get_params(), held)

    @classmethod
    def from_file(cls, facts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> Self:
        """Make one from what a file holds."""
        self = cls(**facts)
        self.places_ = Places.from_arrays({name: tensor.numpy() for name, tensor in tensors.items()})
        return self._named()

    def _named(self) -> Self:
        self.n_features_in_, self._n_features_out = len(self.places_.mean), self.dim
        return self


class Maps:
    """The maps of a model, by dimensions: each is learnt from codes when it is first asked for, and kept.

    Parameters
    ----------
    codes
        Codes (rows, size) that maps are learnt from.
    seed
        As of `Map`.
    known
        Maps that were learnt before.

    Examples
    --------
    >>> codes = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    >>> maps = Maps(codes)
    >>> maps(codes[:3], 2).shape, sorted(maps.known)
    ((3, 2), [2])
    """

    def __init__(self, codes: Floats, seed: int = 0, known: dict[int, Places] | None = None) -> None:
        self.codes, self.seed, self.known = codes, seed, known or {}

    def __call__(self, codes: npt.ArrayLike, dim: int) -> Floats:
        """Place codes (rows, size) on the map (rows, dim); one that has as many numbers is its own."""
        check_dimensions(dim)
        read = np.asarray(codes, np.float32)
        size = self.codes.shape[1]
        if size == dim:
            return read
        if size < dim:
            raise UsageError(f"a code of {size} numbers has no map of {dim} dimensions")
        if dim not in self.known:
            self.known[dim] = Places.learn(self.codes, dim, self.seed)
        return self.known[dim](read)

    def tensors(self) -> dict[str, Tensor]:
        """Give the maps that are known as a file holds them; the codes are to be kept beside."""
        return {
            f"map.{dim}.{name}": torch.from_numpy(np.ascontiguousarray(array))
            for dim, places in self.known.items()
            for name, array in places.arrays().items()
        }

    @classmethod
    def from_tensors(cls, codes: Floats, tensors: Mapping[str, Tensor], seed: int = 0) -> Self:
        """Make the maps of a model from what its file holds."""
        known: dict[int, dict[str, Floats]] = {}
        for name, tensor in tensors.items():
            if name.startswith("map."):
                _, dim, part = name.split(".")
                known.setdefault(int(dim), {})[part] = tensor.numpy()
        return cls(codes, seed, {dim: Places.from_arrays(arrays) for dim, arrays in known.items()})


def check_dimensions(dim: int) -> None:
    """Refuse a map that nobody can look at."""
    if dim not in DIMENSIONS:
        raise UsageError(f"a map has 1, 2 or 3 dimensions, not {dim!r}")


def _matrix(X: Any) -> Floats:
    """Read rows of finite numbers."""
    try:
        read = np.asarray(X, np.float32)
    except (TypeError, ValueError):
        raise DataError("a map is made of rows of numbers: some of these are none; encode them first") from None
    if read.ndim != 2 or 0 in read.shape:
        raise DataError(f"rows of shape {read.shape}: a map is made of a matrix (rows, numbers)")
    if not np.isfinite(read).all():
        raise DataError(f"{int((~np.isfinite(read)).sum()):,} numbers are missing or infinite: a map needs all")
    return read
