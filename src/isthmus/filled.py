"""Tables whose missing cells were filled, and the columns that say which, and how surely."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from isthmus.data.arrays import Column, plain
from isthmus.data.sources import Table
from isthmus.data.tables import TableCodec, fill_missing
from isthmus.errors import UsageError
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Floats
from isthmus.tasks.uncertainty import certainty


def fill(table: Table, values: pa.Table) -> pa.Table:
    """Put values into a table's missing cells."""
    columns = table.columns
    for name in values.column_names:
        if name in columns.column_names:
            place = columns.column_names.index(name)
            columns = columns.set_column(place, name, _filled(table, name, values[name]))
    return columns


def _filled(table: Table, name: str, values: Column) -> Column:
    """Fill one column; of a part of a table, in a type that no cell of the part decides."""
    column = plain(table.columns[name])
    if table.holes is None:
        return fill_missing(column, values)
    if name not in table.holes:
        return column
    kind = plain(values).type
    widened = column.cast(kind) if pa.types.is_integer(column.type) and pa.types.is_floating(kind) else column
    return fill_missing(widened, values)


def say_how_sure(
    net: Hourglass, codec: TableCodec, table: Table, columns: pa.Table, x: Floats, filled: Floats, levels: Floats
) -> pa.Table:
    """Add columns to those of a filled table that say which cells were missing, and how sure their values are.

    Parameters
    ----------
    table, columns
        The table as it was, and its columns with every missing cell filled.
    x, filled
        Values (rows, columns) before and after.
    levels
        The part (numbers,) of each number's distribution that the ends enclose.

    Raises
    ------
    UsageError
        Where the table has a column of such a name, or no column names.
    """
    if not table.flavour.named:
        raise UsageError("uncertainty adds columns, which an array cannot name: give a frame")
    holes = np.column_stack([_missing(table, variable.name, len(x)) for variable in codec.schema.coded])
    sure = certainty(net, x, holes, filled, levels)
    low, high = codec.decode(sure.low), codec.decode(sure.high)
    for j, variable in enumerate(codec.schema.coded):
        name = variable.name
        if not holes[:, j].any() and name not in (table.holes or ()):
            continue
        told = {"filled": pa.chunked_array([holes[:, j]])}
        if j in net.columns.numeric:
            told |= {"low": low[name], "high": high[name]}
        else:
            told |= {"probability": pa.chunked_array([pa.array(sure.probability[:, j], from_pandas=True)])}
        for what, cells in told.items():
            if f"{name}_{what}" in columns.column_names:
                raise UsageError(f"uncertainty: the table has a column '{name}_{what}' already; rename or drop it")
            columns = columns.append_column(f"{name}_{what}", cells)
    return columns


def _missing(table: Table, name: str, rows: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell which cells (rows,) of a column can be filled: none of one that is not there."""
    if name not in table.columns.column_names:
        return np.zeros(rows, dtype=bool)
    return np.asarray(table.columns[name].is_null().to_numpy(), dtype=bool)
