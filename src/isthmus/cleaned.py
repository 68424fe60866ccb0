"""What `clean` gives back: the table repaired, and every change told in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.data.arrays import plain
from isthmus.data.schema import Schema
from isthmus.data.sources import Table
from isthmus.data.spelling import spelling
from isthmus.data.tables import TableCodec, fill_missing
from isthmus.data.variables import Moment, Variable
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.likelihoods import Numeric
from isthmus.tasks.batches import Floats
from isthmus.tasks.cells import usual
from isthmus.tasks.clean import Places, Repairs
from isthmus.tasks.numbers import Numbers
from isthmus.tasks.slips import MISPLACED, MISSPELT, SCALED, Ways, Words


@dataclass(frozen=True)
class Cleaned:
    """A table with its surest wrong cells repaired.

    Attributes
    ----------
    table
        The table, of the kind that was given; all other cells are as they were.
    changes
        `pyarrow.Table` of the repairs made, surest first: `row` (from 0), `column`, `old` and `new` value, `wrong`
        (probability that the old value is an error), `right` (probability that the new one is right; of a number:
        within half a standard deviation) and `why`, in words.
    suggestions
        The same of every cell that was likelier wrong than all of its row right, repaired or not.
    wrong
        Probability (rows, coded columns) that each cell is wrong; None after smoothing.
    """

    table: Any
    changes: pa.Table
    suggestions: pa.Table
    wrong: Floats | None = None


def read(schema: Schema, net: Hourglass, table: Table, x: Floats, rows: int) -> tuple[Floats, list[Ways]]:
    """Give values (rows, columns) in which every word has a number, and how each column's cells may have gone wrong.

    Words never seen in training are numbered on from those that were; `rows` were seen in training.
    """
    x, shares = x.copy(), usual(net)
    words = {
        j: _words(table, x, j, variable)
        for j, variable in enumerate(schema.coded)
        if not net.columns.likelihoods[j].numeric
    }
    counts = {j: np.append(shares[j] * rows, np.ones(len(each) - len(shares[j]))) for j, each in words.items()}
    ways: list[Ways] = []
    for j, (variable, likelihood) in enumerate(zip(schema.coded, net.columns.likelihoods, strict=True)):
        if isinstance(likelihood, Numeric):
            ways.append(Numbers(likelihood, shares[j], x[:, j], rows, scales=not isinstance(variable, Moment)))
            continue
        elsewhere: dict[str, float] = {}
        for other in words.keys() - {j}:
            for each, count in zip(words[other], counts[other], strict=True):
                elsewhere[each] = max(elsewhere.get(each, 0.0), count)
        ways.append(Words(shares[j], *spelling(words[j], counts[j], elsewhere), rows))
    return x, ways


def _words(table: Table, x: Floats, j: int, variable: Variable) -> list[str]:
    """Give a column's words, and number those in x (rows, columns) that were never seen in training."""
    words = [str(value) for value in variable.values]  # type: ignore[attr-defined]
    strange = x[:, j] == -1
    if strange.any():
        cells = plain(table.columns[variable.name]).cast(pa.string()).filter(pa.array(strange))
        new = pc.unique(cells)
        x[strange, j] = len(words) + pc.index_in(cells, new).to_numpy()
        words += new.to_pylist()
    return words


def give(codec: TableCodec, table: Table, x: Floats, found: Repairs, *, suggest: bool) -> Cleaned:
    """Make the sure repairs of values (rows, columns), or none, and tell of all."""
    made = found.sure & (not suggest)
    told = _changes(codec, table, found.row, found.column, found.value)
    told = told.append_column("wrong", pa.array(found.wrong)).append_column("right", pa.array(found.right))
    written = x[found.row, found.column]
    why = [
        _why(*each)
        for each in zip(found.way, told["old"].to_pylist(), told["new"].to_pylist(), written, found.value, strict=True)
    ]
    told = told.append_column("why", pa.array(why, pa.string()))
    repaired = np.full(x.shape, np.nan)
    repaired[found.row[made], found.column[made]] = found.value[made]
    return Cleaned(table.give(_put(codec, table.columns, repaired)), told.filter(pa.array(made)), told, found.suspicion)


def smooth(codec: TableCodec, table: Table, x: Floats, smoothed: Floats) -> Cleaned:
    """Put smoothed numbers (rows, columns) in the place of others, and tell of all."""
    changed = ~((smoothed == x) | np.isnan(x))
    row, column = changed.nonzero()
    told = _changes(codec, table, row, column, smoothed[changed])
    nothing = pa.nulls(len(row), pa.float64())
    told = told.append_column("wrong", nothing).append_column("right", nothing)
    told = told.append_column(
        "why", pa.array(["drawn towards what the rest of the row makes expected"] * len(row), pa.string())
    )
    return Cleaned(table.give(_put(codec, table.columns, np.where(changed, smoothed, np.nan))), told, told)


def _changes(codec: TableCodec, table: Table, row: Places, column: Places, value: Floats) -> pa.Table:
    """Name cells, what they hold, and what they should."""
    values = np.full((len(row), len(codec.schema.coded)), np.nan)
    values[np.arange(len(row)), column] = value
    decoded = codec.decode(values)
    names = [codec.schema.coded[j].name for j in column]
    old = [word(table.columns[name][i].as_py()) for name, i in zip(names, row.tolist(), strict=True)]
    new = [word(decoded[name][line].as_py()) for line, name in enumerate(names)]
    text = {"column": names, "old": old, "new": new}
    return pa.table(
        {"row": pa.array(row, pa.int64())} | {key: pa.array(each, pa.string()) for key, each in text.items()}
    )


def _why(way: int, old: str, new: str, written: float, meant: float) -> str:
    """Say in words what went wrong."""
    if way == MISSPELT:
        return f"'{old}' is rare, and '{new}' misspelt"
    if way == SCALED:
        power = round(np.log10(written / meant))
        return f"{10 ** abs(power):,} times too {'large' if power > 0 else 'small'} for the rest of the row"
    if way == MISPLACED:
        return f"'{old}' is a word of another column; the rest of the row makes {new} likely"
    return f"the rest of the row makes {new} likely"


def _put(codec: TableCodec, columns: pa.Table, values: Floats) -> pa.Table:
    """Put the values (rows, columns) that are there into the table's columns."""
    decoded = codec.decode(values)
    for j in np.flatnonzero((~np.isnan(values)).any(0)):
        name = codec.schema.coded[j].name
        holed = pc.if_else(pa.array(np.isnan(values[:, j])), plain(columns[name]), None)
        columns = columns.set_column(columns.column_names.index(name), name, fill_missing(holed, decoded[name]))
    return columns


def word(value: Any) -> str:
    """Write a cell for people to read."""
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
