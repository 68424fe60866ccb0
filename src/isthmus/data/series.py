"""A series as a table: every moment a row, with what comes before and after it at ever coarser scales."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.errors import DataError, IsthmusWarning

__all__ = ["around", "clock_of", "filled", "moments_of", "numbers_of", "times"]

Floats = npt.NDArray[np.float64]

DAY = 86_400.0
DISORDER = 0.01
"""Share of rows that may be earlier than the row before: clocks are set back, and now and then a line is late."""
_WORTH = {"hour": (DAY / 4, 4 * DAY), "weekday": (DAY, 21 * DAY)}
"""What a clock tells: seconds between rows at most, and in all at least, for it to be worth telling."""


def numbers_of(table: pa.Table, columns: Sequence[str] | None = None) -> dict[str, Floats]:
    """Give the columns of numbers (rows,) of a table by name, NaN where a cell is missing.

    >>> numbers_of(pa.table({"when": ["a", "b"], "hot": [1, None]}))
    {'hot': array([ 1., nan])}
    """
    found = {}
    for name in table.column_names if columns is None else columns:
        column = table[name] if name in table.column_names else None
        if column is not None and (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
            found[name] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        elif columns is not None:
            raise DataError(f"column '{name}': {'it holds no numbers' if column is not None else 'there is none'}")
    if not found:
        raise DataError("a series needs a column of numbers, and there is none")
    return found


def filled(values: Floats) -> Floats:
    """Draw a line over the gaps of values (rows,); what is missing everywhere stays so.

    >>> filled(np.array([np.nan, 1, np.nan, np.nan, 4])).tolist()
    [1.0, 1.0, 2.0, 3.0, 4.0]
    """
    known = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(len(values)), known, values[known]) if len(known) else values


def around(values: Floats, reach: int) -> dict[str, Floats]:
    """Give values (rows,) and, for every row, means of those before and after it, by how far away they are.

    The first mean is of one value, the next of the two beyond, then of four, eight, ...: near things are seen sharply,
    far ones as a whole. Beyond its ends a series is taken to go back the way it came: nothing is odd for being the
    first.

    >>> {name: mean.tolist() for name, mean in around(np.array([1.0, 2, 4, 8]), 2).items()}
    {'': [1.0, 2.0, 4.0, 8.0], '1 before': [2.0, 1.0, 2.0, 4.0], '1 after': [2.0, 4.0, 8.0, 4.0],
    '2-3 before': [6.0, 3.0, 1.5, 1.5], '2-3 after': [6.0, 6.0, 3.0, 1.5]}
    """
    beyond = (1 << reach) - 1
    # sums of large numbers would round small changes off
    usual = np.nanmedian(values) if np.isfinite(values).any() else 0.0
    sums = np.concatenate([[0.0], np.pad(values - usual, beyond, mode="reflect").cumsum()])
    found, rows = {"": values}, np.arange(len(values)) + beyond
    for scale in range(reach):
        near, far = 1 << scale, (2 << scale) - 1
        for word, first, last in (("before", rows - far, rows - near), ("after", rows + near, rows + far)):
            where = f"{near if near == far else f'{near}-{far}'} {word}"
            found[where] = usual + (sums[last + 1] - sums[first]) / (far - near + 1)
    return found


def moments_of(table: pa.Table, columns: Sequence[str], reach: int, clock: Sequence[str]) -> pa.Table:
    """Make the table of a series' moments: each column with the means around it, and what the clock says.

    >>> moments_of(pa.table({"load": [1.0, 2, 4, 8]}), ["load"], 1, []).column_names
    ['load', 'load, 1 before', 'load, 1 after']
    """
    held: dict[str, pa.Array] = {}
    for name, values in numbers_of(table, columns).items():
        for where, means in around(filled(values), reach).items():
            held[f"{name}, {where}" if where else name] = pa.array(means, from_pandas=True)
    return pa.table(held | clock_of(table, clock))


def times(table: pa.Table) -> tuple[str, pa.Array] | None:
    """Give the first column of times or days, by name and as times; None where there is none.

    >>> import datetime
    >>> times(pa.table({"a": [1], "day": [datetime.date(2024, 3, 1)]}))[1][0].as_py()
    datetime.datetime(2024, 3, 1, 0, 0)
    """
    for name in table.column_names:
        if pa.types.is_timestamp(table[name].type):
            return name, table[name].combine_chunks()
        if pa.types.is_date(table[name].type):
            return name, table[name].combine_chunks().cast(pa.timestamp("ms"))
    return None


def clock_of(table: pa.Table, told: Sequence[str] | None = None) -> dict[str, pa.Array]:
    """Tell of a table with a column of moments the hour and the day of the week: where rows are of many, or as told.

    >>> import datetime
    >>> start = datetime.datetime(2024, 1, 1)
    >>> when = [start + datetime.timedelta(hours=6 * i) for i in range(100)]
    >>> {name: words[:5].to_pylist() for name, words in clock_of(pa.table({"when": when})).items()}
    {'hour': ['00', '06', '12', '18', '00'], 'weekday': ['1', '1', '1', '1', '2']}
    """
    if (known := times(table)) is None:
        return {}
    name, when = known
    seconds = when.cast(pa.timestamp("ms"), safe=False).cast(pa.int64()).to_numpy(zero_copy_only=False) / 1000
    steps = np.diff(seconds[np.isfinite(seconds)])
    if back := int((steps < 0).sum()):
        row = int(np.argmax(np.diff(seconds) < 0)) + 1
        said = f"column '{name}': {back:,} rows are earlier than the row before, the first of them row {row:,}"
        if back > DISORDER * len(steps):
            raise DataError(f"{said}; sort rows by time")
        warnings.warn(f"{said}; they are taken in the order that they are in", IsthmusWarning, stacklevel=2)
    found = {
        "hour": pc.utf8_lpad(pc.hour(when).cast(pa.string()), 2, "0"),
        "weekday": pc.day_of_week(when, count_from_zero=False).cast(pa.string()),
    }
    if told is None:
        step, span = (np.median(steps), np.nansum(steps)) if len(steps) else (0.0, 0.0)
        told = [name for name, (finest, least) in _WORTH.items() if 0 < step <= finest and span >= least]
    return {name: found[name] for name in told}
