"""Rows as they are sent and answered: JSON records and Arrow streams, to and from a table in a model's own types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from isthmus.data.arrays import is_number, is_time, plain, value_type
from isthmus.data.schema import Schema
from isthmus.data.sources import Table
from isthmus.data.tables import Coded, TableCodec
from isthmus.data.text import blank_missing
from isthmus.data.variables import Variable
from isthmus.errors import DataError
from isthmus.serve import streams

if TYPE_CHECKING:
    from isthmus.serve.limits import Limits

Record = dict[str, Any]


class Rows:
    """Makes tables of what is sent, with all columns of a schema, each in its own type whatever rows hold.

    A column that is not sent is missing. That every table has the same types is what lets rows of several requests be
    joined.

    Parameters
    ----------
    schema
        A model's.
    missing
        Values that mean "missing" besides the usual ones.
    """

    def __init__(self, schema: Schema, missing: Sequence[object] = ()) -> None:
        self.codec, self.missing = TableCodec(schema), missing
        self.kinds = {variable.name: cell_type(variable) for variable in schema.variables}
        self._alike: dict[pa.DataType, list[str]] = {}
        for name, kind in self.kinds.items():
            self._alike.setdefault(kind, []).append(name)

    def check(self, records: Any) -> list[Record]:
        """Refuse what are no records, or have other columns."""
        if not isinstance(records, list):
            raise DataError("the body: a list of rows was expected, such as [{...}, {...}]")
        if not records:
            raise DataError("the body: an empty list; send at least one row")
        for number, record in enumerate(records, start=1):
            if not isinstance(record, dict):
                raise DataError(f"row {number}: cells by column were expected, such as {{...}}")
            if not record.keys() <= self.kinds.keys():
                self._refuse(next(name for name in record if name not in self.kinds))
        return records

    def from_records(self, records: Sequence[Record]) -> pa.Table:
        """Make a table of records, each cell strictly of its column's type."""
        here = set().union(*records)
        return pa.table(
            {
                name: _cells(name, kind, [record.get(name) for record in records])
                if name in here
                else pa.nulls(len(records), kind)
                for name, kind in self.kinds.items()
            }
        )

    def from_stream(self, body: bytes, limits: Limits | None = None) -> pa.Table:
        """Make a table of an Arrow stream, whose columns may be of any type that can be cast without loss."""
        sent = read_stream(body, limits)
        for name in sent.column_names:
            if name not in self.kinds:
                self._refuse(name)
        columns = {}
        for name, kind in self.kinds.items():
            try:
                columns[name] = plain(sent[name]).cast(kind) if name in sent.column_names else pa.nulls(len(sent), kind)
            except pa.ArrowException as error:
                raise DataError(f"column '{name}': {sent[name].type} is no {kind} ({_line(error)})") from None
        return pa.table(columns)

    def open(self, columns: pa.Table) -> Coded:
        """Make missing cells null, and work out the numbers of all others."""
        for kind, names in self._alike.items():  # columns of a type in one go: of few rows, each takes as long as all
            cells = pa.chunked_array([chunk for name in names for chunk in columns[name].chunks], kind)
            cleaned = blank_missing(cells, self.missing)
            if cleaned is cells:
                continue
            for place, name in enumerate(names):
                own = cleaned.slice(place * len(columns), len(columns))
                columns = columns.set_column(columns.column_names.index(name), name, own)
        return Coded(columns, numbers=self.codec.numbers(Table(columns)))

    def _refuse(self, name: str) -> None:
        _ = self.codec.schema[name]  # which says what the name might have been


def cell_type(variable: Variable) -> pa.DataType:
    """Give the plain Arrow type of a variable's cells; of text that is carried, such as have no plain one, text."""
    try:
        return value_type(variable.type)
    except ValueError:
        return pa.string()


def read_stream(body: bytes, limits: Limits | None = None) -> pa.Table:
    """Read an Arrow stream, checked to its last cell; what is beyond limits is refused before it is unpacked."""
    if limits is not None:
        rows, size = streams.told(body)
        limits.check_rows(rows)
        limits.check_bytes(size)
    try:
        with pa.ipc.open_stream(body) as reader:
            sent = reader.read_all()
        sent.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"the body is no Arrow stream, or is cut short: {_line(error)}") from None
    if limits is not None:
        limits.check_bytes(sum(streams.plain_bytes(column) for column in sent.columns))
    if len(set(sent.column_names)) < sent.num_columns:
        raise DataError("the body: column names must differ")
    if not len(sent):
        raise DataError("the body: a table without rows; send at least one")
    return sent


def to_stream(table: pa.Table) -> bytes:
    """Write a table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def to_records(table: pa.Table) -> list[Record]:
    """Give a table as records of what JSON has: times as text, durations as whole numbers of their unit."""
    columns = {name: _spelled(plain(table[name])) for name in table.column_names}
    return list(pa.table(columns).to_pylist())


def _spelled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_duration(kind):
        return column.cast(pa.int64())
    if is_time(kind):
        return column.cast(pa.string())
    return column.cast(pa.float64()) if pa.types.is_decimal(kind) else column


def _cells(name: str, kind: pa.DataType, values: list[Any]) -> pa.Array:
    """Make a column; in one go if all cells are of its type, else find the one that is not."""
    try:
        return _convert(kind, values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        pass
    for row, value in enumerate(values, start=1):
        try:
            _convert(kind, [value])
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            raise DataError(f"column '{name}' row {row}: {_short(value)} is no {kind}") from None
    raise DataError(f"column '{name}': cells that are no {kind}")


def _convert(kind: pa.DataType, values: list[Any]) -> pa.Array:
    found = {type(value) for value in values} - {type(None)}
    if not found <= json_types(kind):
        raise TypeError("cells of another type")
    if not found:
        return pa.nulls(len(values), kind)
    if pa.types.is_time(kind):  # Arrow reads times of day only as part of time stamps
        stamps = [None if value is None else f"1970-01-01 {value}" for value in values]
        return pa.array(stamps, pa.string()).cast(pa.timestamp("ns")).cast(kind)
    if is_number(kind) and not pa.types.is_integer(kind):
        return pa.array([None if value is None else float(value) for value in values], pa.float64()).cast(kind)
    return pa.array(values).cast(kind)


def json_types(kind: pa.DataType) -> set[type]:
    """Give the Python types of what JSON may hold for cells of an Arrow type."""
    if pa.types.is_boolean(kind):
        return {bool}
    if pa.types.is_duration(kind):
        return {int}
    return {int, float} if is_number(kind) else {str}


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 60 else f"{words[:57]}..."


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
