"""Text cells: which of them mean "missing", and what the others are when they spell numbers or times."""

import math
import re
from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.data.arrays import Column, is_text, plain, value_type

__all__ = [
    "MISSING",
    "TOO_LONG",
    "blank_missing",
    "common",
    "nan_to_null",
    "parse",
    "parse_as",
    "parse_numbers",
    "parse_times",
    "spelt",
]

MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "?")

# A leading zero ("007") is a code, not a number: as an integer it could not be written back as it was.
_INTEGER = r"^-?(0|[1-9]\d*)$"
_FLOAT = r"^((-?(0|[1-9]\d*)|[+-]?(0|[1-9]\d*)?\.\d+|[+-]?(0|[1-9]\d*)\.)([eE][+-]?\d+)?|[+-]?[iI]nf(inity)?)$"
_BOOLEAN = r"^([tT]rue|[fF]alse|TRUE|FALSE)$"
TOO_LONG = pa.decimal128(38, 0)
"""Stands for whole numbers beyond 64 bits, which are text unless other cells of their column are floats."""

_FAMILIES = (
    (pa.int64(), TOO_LONG, pa.float64()),
    (pa.date32(), pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("ns")),
    (pa.timestamp("s", "UTC"), pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC")),
    (pa.time32("s"), pa.time64("us"), pa.time64("ns")),
)
"""Types of cells that can share a column, the later ones holding all the earlier ones do."""

_TIME_OF_DAY = re.compile(r"\d\d:\d\d(:\d\d(\.\d{1,9})?)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME_STAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d.*?(Z|[+-]\d\d(:?\d\d)?)?")


def blank_missing(column: Column, declared: Collection[object] = ()) -> Column:
    """Return `column` with null for every cell that means missing.

    NaN in a column of floats, the words of `MISSING` in a column of text (blanks around them do not
    matter), and the values `declared` in either.
    """
    kind = value_type(column.type)
    if is_text(kind):
        words = [*MISSING, *(str(word).strip() for word in declared)]
        cells = plain(column)
        gone = pc.is_in(pc.utf8_trim_whitespace(cells), value_set=pa.array(words, kind))
    elif pa.types.is_floating(kind) or (pa.types.is_integer(kind) and declared):
        cells = plain(column).cast(pa.float64(), safe=False)
        numbers = [number for word in declared if (number := _number(word)) is not None]
        gone = pc.or_(pc.is_nan(cells), pc.is_in(cells, value_set=pa.array(numbers, pa.float64())))
    else:
        return column
    gone = pc.fill_null(gone, False)
    return pc.if_else(gone, pa.scalar(None, column.type), column) if pc.any(gone).as_py() else column


def nan_to_null(column: Column) -> Column:
    """Return `column` with null for NaN."""
    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)


def _number(word: object) -> float | None:
    try:
        number = float(str(word))
    except ValueError:
        return None
    return None if math.isnan(number) else number


def parse(column: Column, decimal_comma: bool = False) -> Column:
    """Return a text column as what all its cells spell: integers, floats, Booleans, times, or text."""
    cells = pc.utf8_trim_whitespace(column.drop_null())
    if not len(cells):
        return column
    if _all_match(cells, _BOOLEAN):
        return pc.utf8_lower(pc.utf8_trim_whitespace(column)).cast(pa.bool_())
    for parsed in (parse_numbers(column, decimal_comma), parse_times(column)):
        if parsed is not None:
            return parsed
    return column


def spelt(column: Column, decimal_comma: bool = False) -> pa.DataType:
    """Tell what the cells of a block of a text column spell; null where none is filled."""
    if column.null_count == len(column):
        return pa.null()
    kind = parse(column, decimal_comma).type
    too_long = is_text(kind) and _all_match(pc.utf8_trim_whitespace(column.drop_null()), _INTEGER)
    return TOO_LONG if too_long else kind


def common(first: pa.DataType, second: pa.DataType) -> pa.DataType:
    """Tell what two blocks of a column spell together, as `parse` would tell of the whole.

    >>> common(pa.int64(), pa.float64()), common(pa.int64(), pa.date32())
    (DataType(double), DataType(string))
    """
    if first == second or pa.types.is_null(second):
        return first
    if pa.types.is_null(first):
        return second
    for family in _FAMILIES:
        if first in family and second in family:
            return max(first, second, key=family.index)
    return pa.string()


def parse_as(column: Column, kind: pa.DataType, decimal_comma: bool = False) -> Column:
    """Return a block of a text column as the type that all its blocks spell."""
    if is_text(kind):
        return column
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column), kind)])
    if kind in (pa.int64(), pa.float64()):
        cells = pc.utf8_trim_whitespace(column)
        return (pc.replace_substring(cells, ",", ".") if decimal_comma else cells).cast(kind)
    return parse(column, decimal_comma).cast(kind)


def _all_match(cells: Column, pattern: str) -> bool:
    # One look at the first cells spares most text columns a pass over all of them.
    return all(bool(pc.all(pc.match_substring_regex(part, pattern)).as_py()) for part in (cells.slice(0, 16), cells))


def parse_numbers(column: Column, decimal_comma: bool = False) -> Column | None:
    """Return a text column as int64 or float64, or None when some cell is no number of 64 bits."""
    cells = pc.utf8_trim_whitespace(column)
    if decimal_comma:
        cells = pc.replace_substring(cells, ",", ".")
    present = cells.drop_null()
    if _all_match(present, _INTEGER):
        try:
            return cells.cast(pa.int64())
        except pa.ArrowInvalid:  # beyond 64 bits: digits of an identifier, kept as text
            return None
    return cells.cast(pa.float64()) if _all_match(present, _FLOAT) else None


def parse_times(column: Column) -> Column | None:
    """Return a text column of ISO 8601 dates, time stamps or times of day as such, or None when it is not."""
    cells = pc.utf8_trim_whitespace(column)
    present = cells.drop_null()
    first = present[0].as_py() if len(present) else ""
    if _TIME_OF_DAY.fullmatch(first):
        today = pc.binary_join_element_wise("1970-01-01", cells, " ")
        stamps = _cast_first(today, [pa.timestamp(unit) for unit in ("s", "us", "ns")])
        width = {"s": pa.time32("s"), "us": pa.time64("us"), "ns": pa.time64("ns")}
        return None if stamps is None else stamps.cast(width[stamps.type.unit])
    if _DATE.fullmatch(first):
        kinds = [pa.date32(), *(pa.timestamp(unit) for unit in ("s", "us", "ns"))]
        return _cast_first(cells, kinds)
    if match := _TIME_STAMP.fullmatch(first):
        zone = "UTC" if match.group(1) else None
        return _cast_first(cells, [pa.timestamp(unit, zone) for unit in ("s", "us", "ns")])
    return None


def _cast_first(cells: Column, kinds: list[pa.DataType]) -> Column | None:
    for kind in kinds:
        try:
            return cells.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None
