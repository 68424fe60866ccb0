"""Variables of a few values, coded by their position: Boolean and Category."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.data.arrays import Column, Floats, is_number, is_text, is_time, plain, to_floats, value_type
from isthmus.data.variables.base import UNSEEN, Variable, spelled_numbers

__all__ = ["Boolean", "Category", "Value"]

Value = str | int | float | bool

FALSE_WORDS = {"0", "false", "f", "no", "n", "none", "off", "absent", "negative", "neg"}


@dataclass(frozen=True)
class _Discrete(Variable):
    """A variable that takes one of a few values; NaN stands for missing, -1 for a value never seen."""

    values: tuple[Value, ...]

    @classmethod
    def refusal(cls, column: Column) -> str:
        """Say why `column` cannot be one of a few values."""
        kind = value_type(column.type)
        if column.null_count == len(column):
            return "no cell is filled"
        if is_text(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
            return ""
        return f"cells of type {kind} have no place in a {cls.kind}"

    @classmethod
    def learn(cls, name: str, column: Column) -> Self:
        """Return the variable of the values in `column`: sorted, or in the order its type gives them."""
        seen = set(_cells(column).drop_null().unique().to_pylist())
        ordered = pa.types.is_dictionary(column.type) and column.type.ordered
        levels = column.chunk(0).dictionary.to_pylist() if ordered else sorted(seen)
        values = cls._arranged(tuple(level for level in levels if level in seen))
        return cls(name, str(column.type), bool(column.null_count), values)

    @classmethod
    def _arranged(cls, values: tuple[Value, ...]) -> tuple[Value, ...]:
        return values

    @property
    def size(self) -> int:
        """Number of values."""
        return len(self.values)

    @property
    def domain(self) -> str:
        """The first values and how many there are in all."""
        shown = ", ".join(str(value) for value in self.values[:4])
        return shown if self.size <= 4 else f"{shown}, ... ({self.size:,} values)"

    @property
    def fault(self) -> str:
        """What is wrong with an edited variable's values."""
        if super().fault:
            return super().fault
        if not self.values or len(set(self.values)) < len(self.values):
            return "'values' must be there and differ"
        try:
            pa.array(self.values, value_type(self.type))
        except (pa.ArrowException, TypeError, ValueError):
            return f"'values' are not all of type {self.dtype}"
        return ""

    def to_numbers(self, column: Column) -> Floats:
        """Return each cell's position among the values."""
        cells, values = self._comparable(_cells(column))
        position = np.asarray(pc.index_in(cells, value_set=values).to_numpy(), dtype=np.float64)
        position[np.isnan(position) & column.is_valid().to_numpy()] = UNSEEN
        return position

    def _comparable(self, cells: Column) -> tuple[Column, pa.Array]:
        """Return the cells and the values in one type, so that 1, 1.0 and "1" are the same value."""
        found, wanted = cells.type, value_type(self.type)
        wanted = pa.float64() if pa.types.is_floating(wanted) else wanted
        if found == wanted or pa.types.is_null(found):
            own = wanted == value_type(self.type)
            return cells.cast(wanted), self._array if own else pa.array(self.values, wanted)
        numeric = is_number(found) or pa.types.is_boolean(found)
        if is_text(wanted) and (is_text(found) or numeric or is_time(found)):
            return cells.cast(pa.large_string()), pa.array([str(value) for value in self.values], pa.large_string())
        if not is_text(wanted) and (is_text(found) or numeric):
            numbers = spelled_numbers(cells) if is_text(found) else pa.chunked_array([to_floats(cells)])
            values = pa.array([float(value) for value in self.values], pa.float64())
            return pc.if_else(pc.is_nan(numbers), None, numbers), values
        raise self._wrong_type(found, wanted)

    @cached_property
    def _array(self) -> pa.Array:
        return pa.array(self.values, value_type(self.type))

    def from_numbers(self, numbers: Floats) -> pa.Array:
        """Return the values at these positions; a missing or unseen position is null."""
        known = numbers >= 0  # NaN is not
        position = np.rint(np.where(known, numbers, 0)).astype(np.int64)
        kind, indices, values = self.type, pa.array(position, mask=~known), self._array
        if pa.types.is_dictionary(kind):  # every value is a level, whichever occur here
            return pa.DictionaryArray.from_arrays(indices.cast(kind.index_type), values, ordered=kind.ordered)
        return values.take(indices)


def _cells(column: Column) -> Column:
    """Return plain cells, floats as float64 (Arrow cannot look up half floats) and with one zero."""
    cells = plain(column)
    return pc.add(cells.cast(pa.float64()), 0.0) if pa.types.is_floating(cells.type) else cells


@dataclass(frozen=True)
class Boolean(_Discrete):
    """A variable of two values, the false-like one first.

    >>> answer = Boolean("pool", "string", missing=True, values=("N", "Y"))
    >>> answer.to_numbers(pa.chunked_array([["Y", "N", None]]))
    array([ 1.,  0., nan])
    >>> answer.from_numbers(np.array([1.0, np.nan])).to_pylist()
    ['Y', None]
    """

    kind: ClassVar[str] = "boolean"

    @classmethod
    def refusal(cls, column: Column) -> str:
        """Say why `column` is not of two values."""
        reason = super().refusal(column)
        if reason or pa.types.is_boolean(value_type(column.type)):
            return reason
        different = pc.count_distinct(_cells(column)).as_py()
        return "" if different == 2 else f"{different:,} different values, not 2"

    @classmethod
    def learn(cls, name: str, column: Column) -> Self:
        """Return the variable of the two values in `column`; true and false are both there in any Boolean."""
        if pa.types.is_boolean(value_type(column.type)):
            return cls(name, str(column.type), bool(column.null_count), (False, True))
        return super().learn(name, column)

    @classmethod
    def _arranged(cls, values: tuple[Value, ...]) -> tuple[Value, ...]:
        first, second = (str(value).strip().lower() for value in values)
        return values[::-1] if second in FALSE_WORDS and first not in FALSE_WORDS else values

    @property
    def fault(self) -> str:
        """What is wrong with an edited variable's values."""
        return super().fault or ("" if self.size == 2 else "a boolean has exactly 2 values")


@dataclass(frozen=True)
class Category(_Discrete):
    """A variable of any number of values without an order of their own.

    >>> colour = Category("colour", "string", missing=False, values=("blue", "green", "red"))
    >>> colour.to_numbers(pa.chunked_array([["red", "mauve"]]))
    array([ 2., -1.])
    """

    kind: ClassVar[str] = "category"
