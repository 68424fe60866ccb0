"""What every typed variable offers: to be learnt from a column, and the column as numbers and back."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.data.arrays import Column, Floats, arrow_type
from isthmus.errors import DataError

__all__ = ["UNSEEN", "Variable", "spelled_numbers"]

UNSEEN = -1.0
"""What stands for a value of a Boolean or category that was never seen in training."""


@dataclass(frozen=True)
class Variable:
    """One column: its name, the Arrow type to give it back in, and whether cells of it may be missing."""

    name: str
    dtype: str
    missing: bool
    kind: ClassVar[str] = ""

    @classmethod
    def refusal(cls, column: Column) -> str:
        """Say why `column` cannot be this kind of variable; nothing when it can."""
        raise NotImplementedError

    @classmethod
    def learn(cls, name: str, column: Column) -> Self:
        """Return the variable that describes `column`, which `refusal` has nothing against."""
        raise NotImplementedError

    @property
    def size(self) -> int | None:
        """Number of values of a discrete variable, None for the others."""
        return None

    @property
    def type(self) -> pa.DataType:
        """The Arrow type that `dtype` names."""
        return arrow_type(self.dtype)

    @property
    def domain(self) -> str:
        """The values that occur, for people to read."""
        raise NotImplementedError

    @property
    def fault(self) -> str:
        """What makes the fields of an edited variable impossible together; nothing when they are sound."""
        try:
            arrow_type(self.dtype)
        except ValueError:
            return f"unknown dtype {self.dtype!r}"
        return ""

    def to_numbers(self, column: Column) -> Floats:
        """Return `column` as float64 numbers."""
        raise NotImplementedError

    def from_numbers(self, numbers: Floats) -> pa.Array:
        """Return float64 numbers as cells of the column's own type."""
        raise NotImplementedError

    def from_means(self, numbers: Floats) -> pa.Array:
        """Return float64 means of numbers as cells, which may be finer than the column's own."""
        return self.from_numbers(numbers)

    def _wrong_cell(self, wrong: Any, cells: Column, expected: str) -> DataError:
        """Describe the first cell where `wrong` is true."""
        row = int(np.argmax(np.asarray(wrong)))
        return DataError(
            f"column '{self.name}' row {row + 1}: {expected} was expected, found {cells[row].as_py()!r}: "
            "correct the cell or declare it missing"
        )

    def _wrong_type(self, kind: pa.DataType, expected: object) -> DataError:
        return DataError(f"column '{self.name}' holds cells of type {kind}, {expected} was expected")


def spelled_numbers(cells: Column) -> Column:
    """Return text cells as the numbers (or true and false as 1 and 0) they spell, NaN for other words."""
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(cells))
    lower = pc.replace_substring_regex(lower, "^true$", "1")
    lower = pc.replace_substring_regex(lower, "^false$", "0")
    number = pc.match_substring_regex(lower, r"^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$")
    return pc.if_else(number, lower, "nan").cast(pa.float64())
