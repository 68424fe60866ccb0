"""Variables of ordered numbers, kept as they are: Count and Number."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.data.arrays import Column, Floats, as_type, is_number, is_text, plain, to_floats, value_type
from isthmus.data.text import parse_numbers
from isthmus.data.variables.base import Variable, spelled_numbers
from isthmus.errors import DataError

__all__ = ["Count", "Number", "Numeric", "finite"]

EXACT = 2**53  # float64 holds every integer up to here
MOST_DECIMALS = 9


@dataclass(frozen=True)
class Numeric(Variable):
    """A variable of ordered numbers between `low` and `high`, both seen in training."""

    low: float
    high: float

    @classmethod
    def refusal(cls, column: Column) -> str:
        """Say why float64 numbers cannot stand for the cells of `column`."""
        kind = value_type(column.type)
        if column.null_count == len(column):
            return "no cell is filled"
        if not (is_number(kind) or pa.types.is_boolean(kind)):
            return f"cells of type {kind} are no numbers"
        numbers = to_floats(plain(column))
        if pa.types.is_integer(kind) and np.nanmax(np.abs(numbers)) >= EXACT:
            return "integers of more than 15 digits, which only identifiers have"
        if pa.types.is_decimal(kind) and np.nanmax(np.abs(numbers)) * 10.0**kind.scale >= EXACT:
            return f"{kind} cells of more digits than float64 holds"
        return ""

    @property
    def domain(self) -> str:
        """The range seen in training."""
        return f"{_short(self.low)}..{_short(self.high)}"

    @property
    def fault(self) -> str:
        """What is wrong with an edited variable's range."""
        if super().fault:
            return super().fault
        if not self.low <= self.high:
            return f"'low' ({self.low:g}) is above 'high' ({self.high:g})"
        return "" if self._holds(value_type(self.type)) else f"a {self.kind} cannot be of dtype {self.dtype!r}"

    def _holds(self, kind: pa.DataType) -> bool:
        return is_number(kind) or bool(pa.types.is_boolean(kind))

    def to_numbers(self, column: Column) -> Floats:
        """Return the numbers themselves."""
        cells = plain(column)
        numbers = np.full(len(cells), np.nan) if pa.types.is_null(cells.type) else self._numbers(cells)
        _refuse_infinities(self.name, numbers)
        return numbers

    def _numbers(self, cells: Column) -> Floats:
        if is_number(cells.type) or pa.types.is_boolean(cells.type):
            return to_floats(cells)
        if not is_text(cells.type):
            raise self._wrong_type(cells.type, "a number")
        parsed = parse_numbers(cells)
        if parsed is not None:
            return to_floats(parsed)
        wrong = pc.and_(pc.is_nan(spelled_numbers(cells)), cells.is_valid())
        raise self._wrong_cell(pc.fill_null(wrong, False), cells, "a number")

    def from_numbers(self, numbers: Floats) -> pa.Array:
        """Return the numbers, rounded as the column's were, in the column's own type."""
        return _as_type(self._rounded(numbers), self.type)

    def from_means(self, numbers: Floats) -> pa.Array:
        """Return means as they are: of whole numbers as float64, of others in the column's own type.

        >>> Count("rooms", "int64", missing=True, low=1, high=9).from_means(np.array([2.5])).to_pylist()
        [2.5]
        """
        kind = value_type(self.type)
        if pa.types.is_integer(kind):
            return pa.array(numbers, from_pandas=True)
        return _as_type(numbers, self.type) if pa.types.is_floating(kind) else self.from_numbers(numbers)

    def _rounded(self, numbers: Floats) -> Floats:
        return np.rint(numbers)


@dataclass(frozen=True)
class Count(Numeric):
    """A variable of few whole numbers from 0 up, whose order matters.

    >>> rooms = Count("rooms", "int64", missing=False, low=1, high=9)
    >>> rooms.to_numbers(pa.chunked_array([[3, 12]]))
    array([ 3., 12.])
    """

    kind: ClassVar[str] = "count"

    @classmethod
    def refusal(cls, column: Column) -> str:
        """Say why `column` counts nothing."""
        reason = super().refusal(column)
        if reason:
            return reason
        numbers = to_floats(plain(column))
        numbers = numbers[~np.isnan(numbers)]
        return "" if (numbers >= 0).all() and (numbers == np.rint(numbers)).all() else "not whole numbers from 0 up"

    @classmethod
    def learn(cls, name: str, column: Column) -> Self:
        """Return the variable of the whole numbers in `column`."""
        numbers = finite(name, column)
        return cls(name, str(column.type), bool(column.null_count), float(numbers.min()), float(numbers.max()))


@dataclass(frozen=True)
class Number(Numeric):
    """A variable of numbers: whole (`decimals` 0), of so many decimals, or any float64 (None).

    >>> price = Number("price", "double", missing=False, low=0.5, high=9.99, decimals=2)
    >>> price.from_numbers(np.array([2.34999])).to_pylist()
    [2.35]
    """

    decimals: int | None = None
    kind: ClassVar[str] = "number"

    @classmethod
    def learn(cls, name: str, column: Column) -> Self:
        """Return the variable of the numbers in `column`, with the fewest decimals that restore them all."""
        numbers = finite(name, column)
        decimals = fewest_decimals(numbers, plain(column).type)
        low, high = float(numbers.min()), float(numbers.max())
        return cls(name, str(column.type), bool(column.null_count), low, high, decimals)

    @property
    def fault(self) -> str:
        """What is wrong with an edited variable's range or decimals."""
        sound = self.decimals is None or 0 <= self.decimals <= 15
        return super().fault or ("" if sound else "'decimals' must be from 0 to 15")

    def _rounded(self, numbers: Floats) -> Floats:
        return _round(numbers, self.decimals)


def finite(name: str, column: Column) -> Floats:
    """Return the numbers of `column` that are there; `DataError` when some are infinite."""
    numbers = to_floats(plain(column))
    _refuse_infinities(name, numbers)
    return numbers[~np.isnan(numbers)]


def _refuse_infinities(name: str, numbers: Floats) -> None:
    endless = np.isinf(numbers)
    count = int(endless.sum())
    if count:
        raise DataError(
            f"column '{name}': {count:,} infinite {'value' if count == 1 else 'values'}, the first in row "
            f"{int(np.argmax(endless)) + 1}: declare them missing (missing=('inf', '-inf')) or remove them"
        )


def fewest_decimals(numbers: Floats, kind: pa.DataType) -> int | None:
    """Return the fewest decimals that give every number back exactly, None when nine are not enough."""
    own = kind.to_pandas_dtype() if pa.types.is_floating(kind) else np.float64
    given = numbers.astype(own)
    for decimals in range(MOST_DECIMALS + 1):
        # The first cells refuse most tries at no cost.
        if all(
            np.array_equal(_round(part.astype(np.float64), decimals).astype(own), part) for part in (given[:64], given)
        ):
            return decimals
    return None


def _round(numbers: Floats, decimals: int | None) -> Floats:
    if decimals is None:
        return numbers
    with np.errstate(over="ignore", invalid="ignore"):  # np.round multiplies, np.rint is exact at any size
        return np.rint(numbers) if decimals == 0 else np.round(numbers, decimals)


def _as_type(numbers: Floats, kind: pa.DataType) -> pa.Array:
    """Return float64 numbers, NaN where null, as an Arrow array of a number type."""
    cell: Any = value_type(kind)
    null = np.isnan(numbers)
    if pa.types.is_integer(cell):
        # Integers that float64 holds exactly; a model's guess may lie beyond the type's own limits.
        limits = np.iinfo(cell.to_pandas_dtype())
        low, high = max(limits.min, -EXACT), min(limits.max, EXACT)
        values = pa.array(np.clip(np.where(null, 0, numbers), low, high).astype(np.int64), mask=null)
    elif pa.types.is_floating(cell):
        with np.errstate(over="ignore"):
            values = pa.array(numbers.astype(cell.to_pandas_dtype()), mask=null)
    elif pa.types.is_boolean(cell):
        values = pa.array(np.where(null, 0, numbers) > 0.5, mask=null)
    else:  # decimals are exact only when read from text
        steps = np.clip(np.rint(np.where(null, 0, numbers) * 10.0**cell.scale), -EXACT, EXACT).astype(np.int64)
        digits = pa.array(steps, mask=null).cast(pa.string())
        values = pc.binary_join_element_wise(digits, f"E{-cell.scale}", "")
    return as_type(values, kind)


def _short(number: float) -> str:
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else f"{number:.6g}"
