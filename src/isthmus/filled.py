"""Tables whose missing cells were filled, and the columns that say which, and how surely."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from isthmus.data.arrays import Column, plain
from isthmus.data.schema import Schema
from isthmus.data.sources import Table
from isthmus.data.tables import TableCodec, fill_missing
from isthmus.errors import UsageError
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Floats
from isthmus.tasks.uncertainty import certainty


def fill(codec: TableCodec, table: Table, filled: Floats, *, means: bool = False) -> pa.Table:
    """Put values (rows, columns) into a table's missing cells; columns that lack none are not even decoded."""
    columns = dict(zip(table.columns.column_names, table.columns.columns, strict=True))
    coded = codec.schema.coded
    holes = {name for name, column in columns.items() if column.null_count} if table.holes is None else table.holes
    gaps = [j for j, variable in enumerate(coded) if variable.name in columns and variable.name in holes]
    values = TableCodec(Schema(tuple(coded[j] for j in gaps))).decode(filled[:, gaps], means=means)
    for name in values.column_names:
        columns[name] = _filled(table, name, values[name])
    return pa.table(columns)


def _filled(table: Table, name: str, values: Column) -> Column:
    """Fill one column; of a part of a table, in a type that no cell of the part decides."""
    column = plain(table.columns[name])
    if table.holes is None:
        return fill_missing(column, values)
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
