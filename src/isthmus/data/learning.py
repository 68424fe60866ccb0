"""Which typed variable a column is: a cascade that says why whenever it leaves a column out of the code."""

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.data.arrays import Column, Floats, is_number, is_text, is_time, plain, value_type
from isthmus.data.variables import KINDS, Boolean, Category, Count, Moment, Number, Text, Variable
from isthmus.data.variables.numeric import finite
from isthmus.errors import DataError, UsageError

__all__ = ["Counted", "learn_variable"]

MOST_COUNTS, WIDEST_COUNT = 64, 255
FEWEST_NAMES = 20  # so few different texts are a category in a table of any length
MOST_NAMES, NAMES_SHARE = 1_000, 0.2  # beyond both, a value has too few rows to be learnt from
ID_SHARE = 0.05
LONG_TEXT = 60

# Names of columns that number the rows; words that, first or last in a name (snake_case, dots, camelCase),
# make it an identifier's.
_ROW_NAMES = {"index", "idx", "rownames", "rowname", "rownum", "rownumber", "row", "unnamed", "indexlevel"}
_ID_WORD = re.compile(
    r"ids?|uuid|guid|(account|case|client|customer|device|employee|event|house|item|member|order|p|parcel|patient"
    r"|person|product|record|row|sample|session|student|subject|ticket|transaction|user|visit)ids?"
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


class Counted(NamedTuple):
    """How many different values a column has, in how many filled cells."""

    different: int
    rows: int


def learn_variable(
    name: str, column: Column, declared: str | None = None, named: bool = True, counted: Counted | None = None
) -> Variable:
    """Return the variable that `column` is.

    `declared` is a kind that its owner knows better ("category", "number", ...); `named` is false where the
    name was made up (an array's columns), and then no column of numbers is taken for an identifier. Where
    `column` has only some cells of one, `counted` is told of all of them.
    Raises `DataError` when the cells cannot be of the declared kind or hold infinities.
    """
    if declared is not None and declared not in KINDS:
        raise UsageError(f"column '{name}': unknown kind '{declared}'; known are {', '.join(KINDS)}")
    if declared is not None:
        refusal = KINDS[declared].refusal(column)
        if refusal:
            raise DataError(f"column '{name}' cannot be a {declared}, as declared: {refusal}")
        return KINDS[declared].learn(name, column)
    kind = _guess(name, column, named, counted)
    reason = kind if isinstance(kind, str) else kind.refusal(column)
    return Text.learn(name, column, reason) if reason or isinstance(kind, str) else kind.learn(name, column)


def _guess(name: str, column: Column, named: bool, counted: Counted | None) -> type[Variable] | str:
    """Return the likeliest kind of variable, or the reason to carry the column along as text."""
    kind = value_type(column.type)
    if column.null_count == len(column):
        return "no cell is filled"
    if pa.types.is_boolean(kind):
        return Boolean
    if is_time(kind):
        return Moment
    if is_text(kind):
        return _carried(name, plain(column).drop_null(), counted) or _discrete(column)
    if is_number(kind) and pa.types.is_dictionary(column.type):
        return _discrete(column)
    if is_number(kind):
        return _numeric(name, column, named, counted)
    return f"cells of type {kind}"


def _discrete(column: Column) -> type[Variable]:
    return Category if Boolean.refusal(column) else Boolean


def _carried(name: str, cells: Column, told: Counted | None) -> str:
    """Say why text is no category, or nothing when it is one."""
    different, rows = told or (pc.count_distinct(cells).as_py(), len(cells))
    counted = _counted(different, rows)
    if _names_an_id(name, different, rows):
        return f"{counted}, an identifier"
    if different <= FEWEST_NAMES:
        return ""
    if different == rows:
        return f"{counted}, an identifier"
    if different > 0.5 * rows or (different > MOST_NAMES and different > NAMES_SHARE * rows):
        return f"{counted}, free text or an identifier"
    long = different > 0.1 * rows and pc.mean(pc.utf8_length(cells)).as_py() > LONG_TEXT
    if long and pc.any(pc.match_substring(cells, " ")).as_py():
        return f"{counted}, long free text"
    return ""


def _counted(different: int, rows: int) -> str:
    return f"{different:,} different values in {rows:,} rows"


def _numeric(name: str, column: Column, named: bool, told: Counted | None) -> type[Variable] | str:
    numbers = finite(name, column)
    if Number.refusal(column):
        return Number
    different = np.unique(numbers)
    integers = bool((different == np.rint(different)).all())
    counted = told or Counted(len(different), len(numbers))
    if named and integers and _is_identifier(name, different, counted):
        return f"{_counted(*counted)}, an identifier"
    if len(different) <= 2 and not pa.types.is_decimal(column.type):
        return _discrete(column)
    few = len(different) <= MOST_COUNTS and different[-1] <= different[0] + WIDEST_COUNT
    return Count if integers and few and different[0] >= 0 else Number


def _is_identifier(name: str, different: Floats, counted: Counted) -> bool:
    """Tell whether integers name the rows: called an identifier, or counting them 1, 2, ... n."""
    if _names_an_id(name, *counted):
        return True
    if counted.different < counted.rows:
        return False
    counting = different[0] in (0, 1) and different[-1] - different[0] == counted.different - 1
    return (counting and counted.rows > FEWEST_NAMES) or "".join(_words(name)) in _ROW_NAMES


def _names_an_id(name: str, different: int, rows: int) -> bool:
    """Tell whether a column is called an identifier and, by its different values, can be one."""
    words = _words(name)
    called = bool(words) and any(_ID_WORD.fullmatch(word) for word in (words[0], words[-1]))
    many = different > max(FEWEST_NAMES, ID_SHARE * rows)
    return called and (many or 1 < different == rows)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]
