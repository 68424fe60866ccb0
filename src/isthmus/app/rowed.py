"""A model of a table, and rows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.app.subjects import Codeable, Codes, Rows
from isthmus.data.frames import Flavour
from isthmus.data.sources import Table, open_table
from isthmus.data.variables import Moment
from isthmus.data.variables.numeric import Numeric
from isthmus.errors import DataError, UsageError
from isthmus.model import Autoencoder

TOLD = 8
"""Variables that are named of what rows have in common."""


class Rowed(Codeable):
    """A model of a table, and rows of it."""

    kind = "table"
    model: Autoencoder

    def __init__(self, model: Autoencoder, name: str) -> None:
        model = copy(model)
        model.flavour_ = Flavour()  # rows go to the browser: the user's own kind of table would be a detour
        super().__init__(model, name)
        self.table: Table | None = None
        width = len(model.schema_.coded)
        self.blank: pa.Schema = model.codec_.decode(np.full((1, width), np.nan)).schema

    def open(self, path: Path) -> None:
        """Open a table that has at least some of the model's columns."""
        table = self.read(path)
        known = [name for name in self.blank.names if name in table.columns.column_names]
        if not known:
            raise DataError(f"'{path.name}' has none of the columns that '{self.name}' was fitted to")
        self.model.codec_.encode(table)  # faults of its cells are told now
        self.table, self.data_name = table, path.name
        self.__dict__.pop("codes", None)

    def read(self, path: Path) -> Table:
        """Read a table."""
        return open_table(path, missing=self.model.missing)

    @property
    def rows(self) -> int:
        """Count the rows."""
        return 0 if self.table is None else self.table.columns.num_rows

    def columns(self) -> list[dict[str, Any]]:
        """Tell names, kinds, and values or ranges."""
        described = []
        for variable in self.model.schema_.coded:
            values = getattr(variable, "values", None)
            words: dict[str, Any] = {"name": variable.name, "kind": variable.kind, "domain": variable.domain}
            if values is not None:
                words["values"] = list(values)
            elif isinstance(variable, Numeric | Moment):
                low, high = variable.from_numbers(np.array([variable.low, variable.high])).to_pylist()
                words |= {"low": low, "high": high, "decimals": getattr(variable, "decimals", 0)}
            described.append(words)
        return described

    @cached_property
    def codes(self) -> Codes:
        """The codes (rows, size) of the rows."""
        return np.asarray(self.model.encode(self.table), np.float32)

    def usual_codes(self) -> Codes:
        """Codes that the model keeps of what it was fitted to."""
        return np.asarray(self.model.reference_.codes, np.float32)

    def places(self, dim: int) -> npt.NDArray[Any]:
        """Give places (rows, dim) on the model's map."""
        return np.asarray(self.model.map(self.table, dim=dim))

    def column(self, name: str) -> npt.NDArray[Any]:
        """Give the cells of a column."""
        if self.table is None or name not in self.table.columns.column_names:
            raise UsageError(f"there is no column '{name}' in these data")
        cells: npt.NDArray[Any] = self.table.columns[name].to_numpy()
        return cells

    def show(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        """Give rows, each with its number and its cells by column."""
        if self.table is None:
            return []
        taken = self.table.columns.take(pa.array(rows, pa.int64())).to_pylist()
        return [{"row": int(row), "cells": cells} for row, cells in zip(rows, taken, strict=True)]

    def apart(self, rows: Rows) -> list[dict[str, Any]]:
        """Tell what rows have in common that others have not."""
        return [] if len(rows) == self.rows else self.model.contrast(self.table, rows)[:TOLD]

    def decode(self, codes: npt.ArrayLike, given: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Give the rows that codes say."""
        condition = self.model.condition
        asked = {name: given[name] for name in condition if given and given.get(name) is not None}
        made: pa.Table = self.model.decode(codes, asked or None)
        return [{"row": None, "cells": cells} for cells in made.rename_columns(self.blank.names).to_pylist()]

    def typed(self, row: Mapping[str, Any]) -> pa.Table:
        """Make a table of one row, of which what is not named is missing.

        Raises
        ------
        UsageError
            An unknown column, or a value that is none of its kind.
        """
        unknown = [name for name in row if name not in self.blank.names]
        if unknown:
            raise UsageError(f"there is no column '{unknown[0]}' in this model")
        columns = {}
        for field in self.blank:
            value = row.get(field.name)
            kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
            try:
                columns[field.name] = pa.array([None if value == "" else value]).cast(kind)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
                raise UsageError(f"column '{field.name}': {value!r} is not {kind}") from None
        return pa.table(columns)

    def allowed(self, where: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
        """Tell which rows fulfil conditions on any columns of the data."""
        kept = np.ones(self.rows, bool)
        for name, wanted in where.items():
            if self.table is None or name not in self.table.columns.column_names:
                raise UsageError(f"there is no column '{name}' in these data")
            cells = self.table.columns[name]
            cells = cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells
            kept &= _fulfils(name, cells, wanted)
        return kept


def _fulfils(name: str, cells: pa.ChunkedArray, wanted: Any) -> npt.NDArray[np.bool_]:
    try:
        if isinstance(wanted, Mapping) and "any" in wanted:
            found = pc.is_in(cells, value_set=pa.array(wanted["any"]).cast(cells.type))
        elif isinstance(wanted, Mapping):
            found = cells.is_valid()
            for end, compare in (("low", pc.greater_equal), ("high", pc.less_equal)):
                if wanted.get(end) is not None:
                    found = pc.and_(found, compare(cells, pa.scalar(wanted[end]).cast(cells.type)))
        else:
            found = pc.equal(cells, pa.scalar(wanted).cast(cells.type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        raise UsageError(f"column '{name}': {wanted!r} is not {cells.type}") from None
    return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False), bool)
