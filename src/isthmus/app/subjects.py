"""What is looked at: a model and its data, whether these are rows of a table, pictures or activations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import UsageError
from isthmus.sparse import SparseAutoencoder

Codes = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


class Subject:
    """A model, with data or without.

    Parameters
    ----------
    model
        Fitted.
    name
        Of its file.
    """

    kind = ""

    def __init__(self, model: Any, name: str) -> None:
        self.model, self.name = model, name
        self.data_name: str | None = None

    def open(self, path: Path) -> None:
        """Open data for the model."""
        raise UsageError(f"'{self.name}' is a {type(self.model).__name__}: it is not looked at with data here")

    @property
    def rows(self) -> int:
        """Count the rows or pictures; 0 without data."""
        return 0

    def columns(self) -> list[dict[str, Any]]:
        """Tell what the data can be coloured and asked by."""
        return []

    def need_data(self) -> None:
        """Refuse what cannot be shown without data."""
        if not self.rows:
            raise UsageError("this needs data: open a file with the model")

    def need_row(self, row: int) -> int:
        """Refuse a row that is not there."""
        self.need_data()
        if not 0 <= row < self.rows:
            raise UsageError(f"there is no row {row:,}: there are {self.rows:,}, counted from 0")
        return row


class Codeable(Subject, ABC):
    """A model with codes, and what all such have in common."""

    @property
    @abstractmethod
    def codes(self) -> Codes:
        """The codes (rows, size) of the data."""

    @property
    def size(self) -> int:
        """How many numbers a code has."""
        return len(self.model.get_feature_names_out())

    @abstractmethod
    def usual_codes(self) -> Codes:
        """Codes of rows as they usually are, which tell how far each number goes."""

    @abstractmethod
    def column(self, name: str) -> npt.NDArray[Any]:
        """Give the cells (rows,) of a column, to colour by."""

    @abstractmethod
    def show(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        """Give what the page shows of rows."""

    @abstractmethod
    def decode(self, codes: npt.ArrayLike, given: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Give what codes (n, size) say, in the same form."""

    @abstractmethod
    def places(self, dim: int) -> npt.NDArray[Any]:
        """Give places (rows, dim) of the data on the model's map."""

    @abstractmethod
    def apart(self, rows: Rows) -> list[dict[str, Any]]:
        """Tell what rows have in common that others have not."""

    @abstractmethod
    def allowed(self, where: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
        """Tell which rows (rows,) fulfil conditions: a value, `{"low": , "high": }`, or `{"any": [...]}` a column."""

    def nearest(self, code: Codes, n: int, where: Mapping[str, Any], without: int | None = None) -> tuple[Rows, Any]:
        """Find the rows whose codes are nearest to one, and how far they are; nearest first."""
        far = np.square(self.codes - code).sum(1, dtype=np.float64)
        far[~self.allowed(where)] = np.inf
        if without is not None:
            far[without] = np.inf
        few = np.argpartition(far, min(n, len(far) - 1))[:n]
        found = few[np.argsort(far[few], kind="stable")]
        found = found[np.isfinite(far[found])]
        return found, np.sqrt(far[found])


class Dictionaried(Subject):
    """A sparse autoencoder of activations, and those."""

    kind = "dictionary"
    model: SparseAutoencoder

    def __init__(self, model: SparseAutoencoder, name: str) -> None:
        super().__init__(model, name)
        self.path: Path | None = None

    def open(self, path: Path) -> None:
        """Remember where activations are; they are read when features are looked at."""
        self.path, self.data_name = path, path.name


class Other(Subject):
    """A model without codes to look at: a denoiser, a diffusion, half of an autoencoder."""

    @property
    def kind(self) -> str:  # type: ignore[override]
        """What the model is."""
        return str(self.model.kind)
