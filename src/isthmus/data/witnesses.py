"""What some rows of a table do not show: the few cells without which a column would be learnt otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.data.arrays import Column, is_number, is_time, plain, tick, to_ticks, value_type
from isthmus.data.learning import Counted
from isthmus.data.sources import Table
from isthmus.data.variables.moment import NANOSECONDS
from isthmus.data.variables.numeric import MOST_DECIMALS, finite

__all__ = ["MOST_VALUES", "Witness"]

MOST_VALUES = 1 << 16
"""Different values of a column that are all remembered."""


class Witness:
    """Cells of a column, seen a part at a time, that together have its range, its grain, its values and its gaps.

    Attributes
    ----------
    many
        Whether there are more values than are remembered.

    Examples
    --------
    >>> witness = Witness("size")
    >>> for part in ([1.0, 2.0], [2.0, None], [9.25]):
    ...     witness.see(pa.chunked_array([part], pa.float64()))
    >>> sorted(set(witness.beside(pa.chunked_array([[2.0]])).drop_null().to_pylist()))
    [1.0, 2.0, 9.25]
    """

    def __init__(self, name: str) -> None:
        self.name, self.many, self.filled = name, False, 0
        self._kept: list[pa.Array] = []
        self._values: pa.Array | None = None
        self._range: tuple[Any, Any] | None = None
        self._grain: int | None = 0
        self._gap = False

    def see(self, column: Column) -> None:
        """Look at a part of the column."""
        if column.null_count and not self._gap:
            self._gap = True
            self._keep(column, [int(np.argmax(np.asarray(column.is_null())))])
        rows = np.flatnonzero(np.asarray(column.is_valid()))
        self.filled += len(rows)
        if len(rows):
            present = plain(column).drop_null()
            kind = value_type(column.type)
            self._keep(column, rows[self._new(present)])
            if is_number(kind) or is_time(kind):
                numbers = finite(self.name, present) if is_number(kind) else to_ticks(present)[0]
                self._keep(column, rows[self._beyond(numbers)])
                self._keep(column, rows[self._finer(numbers, kind)])

    def join(self, other: Witness) -> None:
        """Take in what another saw of other rows: the cells that it kept stand for them."""
        filled = self.filled + other.filled
        for cells in other._kept:
            self.see(pa.chunked_array([cells]))
        if other.many:
            self.many, self._values = True, None
        self.filled = filled

    def beside(self, some: Column) -> Column:
        """Give some cells of the column, and these."""
        both = pa.chunked_array([*some.chunks, *self._kept], some.type)
        return both.unify_dictionaries() if pa.types.is_dictionary(both.type) else both

    def counted(self, some: Table) -> Counted:
        """Count filled cells, and different values: of many, by their share in `some` rows."""
        if not self.many:
            return Counted(0 if self._values is None else len(self._values), self.filled)
        cells = plain(some.columns[self.name]).drop_null()
        return Counted(round(self.filled * pc.count_distinct(cells).as_py() / max(len(cells), 1)), self.filled)

    def _keep(self, column: Column, rows: Any) -> None:
        if len(rows):
            self._kept.extend(column.take(pa.array(rows, pa.int64())).chunks)

    def _new(self, present: Column) -> npt.NDArray[np.int64]:
        """Find where values occur first, until there are too many of them."""
        nothing = np.zeros(0, np.int64)
        if self.many or pa.types.is_nested(present.type):
            return nothing
        encoded = present.combine_chunks().dictionary_encode()
        encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
        places, first = np.unique(encoded.indices.to_numpy(), return_index=True)
        values = encoded.dictionary.take(pa.array(places))
        if self._values is not None:
            unknown = np.asarray(pc.invert(pc.is_in(values, value_set=self._values)))
            first, values = first[unknown], pa.concat_arrays([self._values, values.filter(pa.array(unknown))])
        if len(values) > MOST_VALUES:
            self.many, self._values = True, None
            return nothing
        self._values = values
        return first.astype(np.int64)

    def _beyond(self, numbers: npt.NDArray[Any]) -> list[int]:
        """Find where a part goes beyond the range so far."""
        low, high = int(np.argmin(numbers)), int(np.argmax(numbers))
        before = self._range or (np.inf, -np.inf)
        self._range = min(before[0], numbers[low]), max(before[1], numbers[high])
        return [row for row, new in ((low, numbers[low] < before[0]), (high, numbers[high] > before[1])) if new]

    def _finer(self, numbers: npt.NDArray[Any], kind: pa.DataType) -> list[int]:
        """Find cells of more decimals, or of a finer unit of time, than any so far."""
        found = []
        while self._grain is not None:
            off = _off(numbers, kind, self._grain)
            if off is None or not off.any():
                break
            found.append(int(np.argmax(off)))
            self._grain = self._grain + 1 if self._grain < MOST_DECIMALS else None
        return found


def _off(numbers: npt.NDArray[Any], kind: pa.DataType, grain: int) -> npt.NDArray[np.bool_] | None:
    """Tell which numbers are finer than so many decimals, or times than the unit of that place; None: none can be."""
    if is_time(kind):
        units = list(NANOSECONDS.values())
        finest = NANOSECONDS[tick(kind)]
        if grain >= len(units) or units[grain] <= finest:
            return None
        return np.asarray(numbers % (units[grain] // finest) != 0)
    if pa.types.is_integer(kind):
        return None
    own = kind.to_pandas_dtype() if pa.types.is_floating(kind) else np.float64
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = np.round(numbers, grain)
    return np.asarray(rounded.astype(own) != numbers.astype(own))
