"""What the parts of the tour share: the model, the houses as values, the features of other methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from matplotlib.figure import Figure

from isthmus import Autoencoder
from isthmus.data.sources import Table
from isthmus.data.tables import TableCodec
from isthmus.data.variables import Variable
from isthmus.report.baselines import Features
from isthmus.report.html import Html

__all__ = ["Part", "Picture", "Tour", "lines", "written"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Picture:
    """A chart on the page, and a .png file of this name; `words` say what it shows."""

    name: str
    drawn: Figure
    words: str


@dataclass(frozen=True)
class Part:
    """A part of the tour: what the page says, the tables, and the maps (places, labels, title), by file."""

    inside: list[Html | Picture]
    tables: dict[str, pa.Table] = field(default_factory=dict)
    maps: dict[str, tuple[Floats, Floats, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Tour:
    """A fitted model, all `table`'s rows as values `x` (rows, columns), and which rows it never saw."""

    model: Autoencoder
    table: pa.Table
    x: Floats
    held_out: npt.NDArray[np.bool_]
    features: Features
    seed: int

    @classmethod
    def start(cls, model: Autoencoder, table: pa.Table, held_out: npt.NDArray[np.bool_], seed: int) -> Tour:
        """Read the values, in the range they have: a house larger than any in training stays so."""
        x = TableCodec(model.schema_).encode(Table(table), clip=False)
        return cls(model, table, x, held_out, Features(model.schema_.coded, x[~held_out]), seed)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The columns."""
        return self.model.schema_.coded

    @property
    def names(self) -> list[str]:
        """The columns' names."""
        return [variable.name for variable in self.variables]

    @property
    def training(self) -> Floats:
        """Values (rows, columns) of the rows that the model saw."""
        return self.x[~self.held_out]

    @property
    def test(self) -> Floats:
        """Values (rows, columns) of the rows that it did not."""
        return self.x[self.held_out]

    def rows(self, chosen: npt.NDArray[np.bool_]) -> pa.Table:
        """Rows of the table."""
        return self.table.filter(pa.array(chosen))

    def values(self, table: pa.Table) -> Floats:
        """Read another table's values (rows, columns)."""
        return TableCodec(self.model.schema_).encode(Table(table), clip=False)

    def column(self, name: str) -> Floats:
        """One column's values (rows,)."""
        return self.x[:, self.names.index(name)]

    def places(self, names: Sequence[str]) -> list[int]:
        """Where columns stand among the values."""
        return [self.names.index(name) for name in names]


def lines(table: pa.Table, names: Sequence[str]) -> list[list[str]]:
    """Write the rows of a table's columns for people."""
    return [[written(row[name], name) for name in names] for row in table.select(names).to_pylist()]


def written(value: Any, name: str = "") -> str:
    """Write a cell for people: 215,000 but 1998.

    Examples
    --------
    >>> written(215000), written(1998, "Year_Built"), written(None), written("No_Pool")
    ('215,000', '1998', '', 'No_Pool')
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:g}" if "Year" in name or isinstance(value, float) else f"{value:,}"
