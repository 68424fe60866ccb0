"""Arrow columns as plain numpy values and back: the few conversions every variable shares."""

import re
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "Column",
    "Floats",
    "arrow_type",
    "as_type",
    "is_number",
    "is_text",
    "is_time",
    "plain",
    "tick",
    "to_floats",
    "to_ticks",
    "value_type",
]

Column: TypeAlias = pa.ChunkedArray
Floats: TypeAlias = npt.NDArray[np.float64]

_DICTIONARY = re.compile(r"dictionary<values=(.+), indices=(\w+), ordered=([01])>")
_DECIMAL = re.compile(r"decimal(32|64|128|256)\((\d+), (-?\d+)\)")
_ZONED = re.compile(r"timestamp\[(\w+), tz=(.+)\]")


@cache
def arrow_type(name: str) -> pa.DataType:
    """Return the Arrow type that prints as `name`; ValueError for a name that no plain Arrow type has.

    >>> arrow_type("timestamp[ns, tz=Europe/Berlin]")
    TimestampType(timestamp[ns, tz=Europe/Berlin])
    >>> arrow_type("dictionary<values=string, indices=int8, ordered=0>").value_type
    DataType(string)
    """
    if match := _DICTIONARY.fullmatch(name):
        values, indices, ordered = match.groups()
        return pa.dictionary(arrow_type(indices), arrow_type(values), ordered == "1")
    if match := _DECIMAL.fullmatch(name):
        bits, precision, scale = match.groups()
        return getattr(pa, f"decimal{bits}")(int(precision), int(scale))
    if match := _ZONED.fullmatch(name):
        return pa.timestamp(*match.groups())
    return pa.type_for_alias(name)


def value_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of the cells: a dictionary's values, any other type itself."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def is_number(kind: pa.DataType) -> bool:
    """Tell whether cells of this type are integers, floats or decimals."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_text(kind: pa.DataType) -> bool:
    """Tell whether cells of this type are strings."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_time(kind: pa.DataType) -> bool:
    """Tell whether cells of this type are dates, time stamps, times of day or durations."""
    return bool(pa.types.is_temporal(kind) and not pa.types.is_interval(kind))


def plain(column: Column) -> Column:
    """Return `column` with its dictionary, if any, looked up."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def as_type(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return `values` (plain cells) as `kind`, encoding a dictionary where `kind` is one."""
    if not pa.types.is_dictionary(kind):
        return values.cast(kind)
    encoded = values.cast(kind.value_type).dictionary_encode()
    indices = encoded.indices.cast(kind.index_type)
    return pa.DictionaryArray.from_arrays(indices, encoded.dictionary, ordered=kind.ordered)


def to_floats(column: Column) -> Floats:
    """Return a number or Boolean column as float64, NaN where it is null."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    elif pa.types.is_decimal(column.type):  # by way of text, which alone gives the nearest float64
        column = column.cast(pa.string()).cast(pa.float64())
    return np.asarray(column.to_numpy(), dtype=np.float64)


def to_ticks(column: Column) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], str]:
    """Return a time column as whole numbers of its own unit, which of them are null, and that unit.

    Units are "D", "s", "ms", "us" and "ns"; null cells are 0.
    """
    bits = pa.int32() if column.type.bit_width == 32 else pa.int64()
    null = column.is_null().to_numpy()
    ticks = pc.fill_null(column.cast(bits), 0).to_numpy().astype(np.int64)
    return ticks, null, tick(column.type)


def tick(kind: pa.DataType) -> str:
    """Return the unit that cells of a time type count."""
    return "D" if pa.types.is_date32(kind) else "ms" if pa.types.is_date64(kind) else str(kind.unit)
