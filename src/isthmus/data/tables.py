"""The codec of tables: a schema's columns as one float64 matrix, and back."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.data.arrays import Column, Floats, plain
from isthmus.data.schema import Schema
from isthmus.data.sources import Table
from isthmus.data.variables import UNSEEN, Numeric, Text, Variable
from isthmus.errors import DataError, IsthmusWarning

__all__ = ["Coded", "TableCodec", "append_rows", "fill_missing"]


@dataclass(frozen=True, kw_only=True)
class Coded(Table):
    """A table and what `TableCodec.numbers` made of it, so that several jobs need not work it out again."""

    numbers: Floats


@dataclass(frozen=True)
class TableCodec:
    """Turns a table into numbers and back, exactly, as its schema says.

    `decode(encode(table))` has the values, types and missing cells of the table the schema was learnt from.

    Examples
    --------
    >>> from isthmus.data.sources import open_table
    >>> table = open_table([[1.5, 4.0], [2.25, 5.0], [-0.5, 7.0]])
    >>> codec = TableCodec(Schema.learn(table))
    >>> codec.encode(table)
    array([[ 1.5 ,  4.  ],
           [ 2.25,  5.  ],
           [-0.5 ,  7.  ]])
    >>> codec.decode(codec.encode(table)) == table.columns
    True
    """

    schema: Schema

    def encode(self, table: Table, strict_columns: bool = True, clip: bool = True) -> Floats:
        """Return the coded columns of `table` as a float64 matrix (rows, variables).

        Warns (`IsthmusWarning`) of columns that are not there and taken as missing, of values never seen in
        training (-1) and of numbers outside the range seen, which are clipped to it unless `clip` is false.

        Parameters
        ----------
        table
            An opened table; columns that the schema does not have are ignored.
        strict_columns
            Whether a table without some of the columns is worth a warning, and one without any an error.
        clip
            Whether numbers stay in the range seen in training.

        Raises
        ------
        DataError
            A column's cells are of another type than in training, infinite, or no column is there at all.
        """
        if strict_columns:
            self._check_columns(set(table.columns.column_names))
        numbers = table.numbers if isinstance(table, Coded) else self.numbers(table)
        for note in self.notes(numbers, clip):
            warnings.warn(note, IsthmusWarning, stacklevel=3)
        return np.clip(numbers, *self._range) if clip else numbers

    def numbers(self, table: Table) -> Floats:
        """Return what `encode` does, unclipped and without a word on what is not as in training."""
        here = set(table.columns.column_names)
        matrix = np.full((table.rows, len(self.schema.coded)), np.nan)
        for i, variable in enumerate(self.schema.coded):
            if variable.name in here:
                try:
                    matrix[:, i] = variable.to_numbers(table.columns[variable.name])
                except DataError as error:
                    if not table.start:
                        raise
                    raise DataError(f"after row {table.start:,}, rows counted from there: {error}") from error
        return matrix

    def notes(self, numbers: Floats, clip: bool = True) -> list[str]:
        """Say in a line or two which unclipped numbers (rows, variables) are not as in training."""
        low, high = self._range
        clipped = ((numbers < low) | (numbers > high)).sum(0) if clip else np.zeros(len(low), int)
        unseen = ((numbers == UNSEEN) & np.isinf(low)).sum(0)
        told = (
            _note(self.schema.coded, clipped, "outside {} seen in training", "clipped"),
            _note(self.schema.coded, unseen, "never seen in training", "taken as unseen"),
        )
        return [note for note in told if note]

    @cached_property
    def _range(self) -> tuple[Floats, Floats]:
        """Return the ends (variables,) of what was seen of numbers; those of categories are infinite."""
        numbers = [variable if isinstance(variable, Numeric) else None for variable in self.schema.coded]
        low = np.array([-np.inf if variable is None else variable.low for variable in numbers])
        high = np.array([np.inf if variable is None else variable.high for variable in numbers])
        return low, high

    def _check_columns(self, here: set[str]) -> None:
        absent = [variable.name for variable in self.schema.coded if variable.name not in here]
        if len(absent) == len(self.schema.coded):
            raise DataError(f"none of the training data's {len(absent)} columns is here: {_list(absent)}")
        if absent:
            count = "1 column" if len(absent) == 1 else f"{len(absent)} columns"
            warnings.warn(
                f"{count} of the training data not here, taken as missing: {_list(absent)}",
                IsthmusWarning,
                stacklevel=4,
            )

    def decode(self, matrix: Floats, carried: pa.Table | None = None, *, means: bool = False) -> pa.Table:
        """Return a matrix (rows, variables) as typed columns, in the schema's order.

        The columns that are carried and not coded come from `carried`, as far as it has them, and are left
        out otherwise. Numbers that are `means` are not rounded to such as the column holds.
        """
        coded = {variable.name: i for i, variable in enumerate(self.schema.coded)}
        columns: dict[str, pa.Array | pa.ChunkedArray] = {}
        for variable in self.schema.variables:
            if not isinstance(variable, Text):
                read = variable.from_means if means else variable.from_numbers
                columns[variable.name] = read(matrix[:, coded[variable.name]])
            elif carried is not None and variable.name in carried.column_names:
                columns[variable.name] = carried[variable.name]
        return pa.table(columns)


def _list(names: list[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in names[:8])
    return listed if len(names) <= 8 else f"{listed}, ..."


def _note(variables: Sequence[Variable], counts: npt.NDArray[np.int64], what: str, taken: str) -> str:
    """Say in one line which values are not as in training, however many columns have some."""
    most = sorted(((v, int(n)) for v, n in zip(variables, counts, strict=True) if n), key=lambda pair: -pair[1])
    if not most:
        return ""
    if len(most) == 1:
        variable, count = most[0]
        words = f"column '{variable.name}': {_values(count)} {what.format(variable.domain)}"
    else:
        listed = ", ".join(f"'{variable.name}' {count:,}" for variable, count in most[:8])
        words = f"{_values(sum(count for _, count in most))} in {len(most)} columns {what.format('the ranges')}"
        words += f" ({listed}{', ...' if len(most) > 8 else ''})"
    return f"{words}: {taken}"


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count:,} values"


def fill_missing(column: Column, values: Column) -> Column:
    """Fill the null cells of a column; its type gives way where it cannot hold the values."""
    column, values = _alike(column, values)
    return pc.if_else(column.is_null(), values, column)


def append_rows(columns: pa.Table, more: pa.Table) -> pa.Table:
    """Put rows under a table's own, in its columns and types; cells of columns that they lack are null."""
    joined = []
    for name in columns.column_names:
        if name in more.column_names:
            first, second = _alike(columns[name], more[name])
        else:
            first = plain(columns[name])
            second = pa.chunked_array([pa.nulls(len(more), first.type)])
        joined.append(pa.chunked_array([*first.chunks, *second.chunks], first.type))
    return pa.table(joined, names=columns.column_names)


def _alike(column: Column, values: Column) -> tuple[Column, Column]:
    """Return plain cells of one type: the column's, unless that cannot hold the values."""
    column, values = plain(column), plain(values)
    if column.type != values.type:
        try:
            values = values.cast(column.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # nothing was there, or whole numbers only
            column = column.cast(values.type)
    return column, values
