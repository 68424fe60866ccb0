"""Variables of time, coded as whole units since an origin: Moment."""

import re
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.data.arrays import Column, Floats, as_type, is_text, is_time, plain, tick, to_ticks, value_type
from isthmus.data.text import parse_times
from isthmus.data.variables.numeric import EXACT, Numeric
from isthmus.errors import DataError

__all__ = ["Moment"]

NANOSECONDS = {"D": 86_400_000_000_000, "s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_NO_FRACTION = re.compile(r"\.0+(?=[Z+-]|$)")
_FAMILIES = ((pa.types.is_date, pa.types.is_timestamp), (pa.types.is_time,), (pa.types.is_duration,))


@dataclass(frozen=True)
class Moment(Numeric):
    """A variable of dates, time stamps, times of day or durations: whole units since `origin`.

    `unit` is the coarsest of "D", "s", "ms", "us", "ns" that all cells are whole multiples of; `origin`
    counts such units since 1970-01-01 (for times of day, midnight; for durations, zero), `low` and `high`
    from `origin`.

    >>> day = Moment("day", "date32[day]", missing=False, low=0, high=365, unit="D", origin=15706)
    >>> day.from_numbers(np.array([0.0, 31.0])).to_pylist()
    [datetime.date(2013, 1, 1), datetime.date(2013, 2, 1)]
    """

    unit: str = "s"
    origin: int = 0
    kind: ClassVar[str] = "moment"

    @classmethod
    def refusal(cls, column: Column) -> str:
        """Say why float64 numbers cannot stand for the times in `column`."""
        if column.null_count == len(column):
            return "no cell is filled"
        if not is_time(value_type(column.type)):
            return f"cells of type {value_type(column.type)} are no dates or times"
        units, unit = _coarsest(column)
        if int(units.max()) - int(units.min()) >= EXACT:
            return f"times in {unit} over more of them than float64 holds; rounded, they can be coded"
        return ""

    @classmethod
    def learn(cls, name: str, column: Column) -> Self:
        """Return the variable of the times in `column`, counted from the first."""
        units, unit = _coarsest(column)
        origin, last = int(units.min()), int(units.max())
        return cls(name, str(column.type), bool(column.null_count), 0.0, float(last - origin), unit, origin)

    @property
    def domain(self) -> str:
        """The range seen in training, as dates or times."""
        ends = plain(pa.chunked_array([self.from_numbers(np.array([self.low, self.high]))]))
        if pa.types.is_duration(ends.type):
            words = [str(length) for length in ends.cast(pa.duration("us"), safe=False).to_pylist()]
        else:
            words = ends.cast(pa.string()).to_pylist()
        return "..".join(_NO_FRACTION.sub("", word) for word in words)

    @property
    def fault(self) -> str:
        """What is wrong with an edited variable's range or unit."""
        if super().fault:
            return super().fault
        if self.unit not in NANOSECONDS:
            return f"'unit' must be one of {', '.join(NANOSECONDS)}"
        finest = tick(value_type(self.type))
        coarse = NANOSECONDS[self.unit] >= NANOSECONDS[finest]
        return "" if coarse else f"'unit' {self.unit!r} is finer than dtype {self.dtype!r}"

    def _holds(self, kind: pa.DataType) -> bool:
        return is_time(kind)

    def _numbers(self, cells: Column) -> Floats:
        ticks, null, finest = to_ticks(self._times(cells))
        scale, wanted = NANOSECONDS[finest], NANOSECONDS[self.unit]
        if scale >= wanted:
            numbers = (ticks * (scale // wanted) - self.origin).astype(np.float64)
        else:  # whole units apart from the rest keep large stamps exact
            whole, rest = np.divmod(ticks, wanted // scale)
            numbers = (whole - self.origin) + rest / (wanted // scale)
        numbers[null] = np.nan
        return numbers

    def _times(self, cells: Column) -> Column:
        wanted = value_type(self.type)
        if is_text(cells.type):
            parsed = parse_times(cells)
            if parsed is None:
                found = f"text that is no {wanted}, such as {cells.drop_null()[0].as_py()!r}"
                raise DataError(f"column '{self.name}' holds {found}: write times as 2013-01-31 or 2013-01-31 17:00:00")
            cells = parsed
        for family in _FAMILIES:
            if any(member(cells.type) for member in family) and any(member(wanted) for member in family):
                return cells
        raise self._wrong_type(cells.type, wanted)

    def from_numbers(self, numbers: Floats) -> pa.Array:
        """Return the times, rounded to whole units, in the column's own type."""
        cell = value_type(self.type)
        null = np.isnan(numbers)
        units = np.rint(np.where(null, 0, numbers)).astype(np.int64) + self.origin
        ticks = pa.array(units * (NANOSECONDS[self.unit] // NANOSECONDS[tick(cell)]), mask=null)
        return as_type(ticks.cast(pa.int32() if cell.bit_width == 32 else pa.int64()).cast(cell), self.type)


def _coarsest(column: Column) -> tuple[npt.NDArray[np.int64], str]:
    """Return the times that are there as whole numbers of the coarsest unit they are multiples of."""
    ticks, null, finest = to_ticks(plain(column))
    ticks = ticks[~null]
    for unit, length in NANOSECONDS.items():
        step = length // NANOSECONDS[finest]
        if step and not (ticks % step).any():
            return ticks // step, unit
    raise AssertionError("every time is a multiple of its own unit")
