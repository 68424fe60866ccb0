"""The nearest of the codes in a table of LanceDB, and which rows fulfil a condition that is asked for again.

All of a search is one coroutine: to cross from a thread into the database's loop and back costs as much as to search.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["CODE", "MANY", "ROW", "Nearest", "read", "run"]

CODE, ROW = "isthmus_code", "isthmus_row"
"""Columns beside the rows' own: a row's code, and its number."""

MANY = 20_000
"""Rows from which on codes are sorted into cells: fewer are compared with all of them, which is exact."""

PROBES = 32
"""Cells that are looked into."""

AROUND, TIMES = (300, 3_000), 6
"""Nearest codes that are looked at first, and then, for rows that fulfil a condition; at least so many times as are
wanted. The more, the longer it takes; the fewer, the likelier that it takes another look."""

REMEMBERED = 10_000_000
"""Rows of an index up to which those that fulfil a condition are remembered: eight bytes each."""

Answer = TypeVar("Answer")
Codes = npt.NDArray[np.float32]
RowIds = npt.NDArray[np.uint64]


def run(coroutine: Coroutine[Any, Any, Answer]) -> Answer:
    """Wait for what the database does in its own loop."""
    from lancedb.background_loop import LOOP

    answer: Answer = LOOP.run(coroutine)  # type: ignore[no-untyped-call]
    return answer


async def read(query: Any) -> pa.Table:
    """Read what a query finds: its own `to_arrow` asks for the table's schema as well, which takes a millisecond."""
    batches = await query.to_batches()
    return pa.Table.from_batches([batch async for batch in batches], schema=batches.schema)


class Nearest:
    """Which codes of a table are nearest to one.

    Parameters
    ----------
    table
        An open table, of LanceDB's asynchronous interface.
    refine
        How many times as many as are wanted are compared again in full, where codes are held compressed.
    """

    def __init__(self, table: Any, refine: int | None) -> None:
        self._table, self._refine = table, refine
        self._count: tuple[int, int] = (-1, 0)
        self._fulfil: tuple[str, int, RowIds | None] = ("", 0, None)

    async def find(self, code: Codes, n: int, said: str, columns: list[str], *, exact: bool) -> pa.Table:
        """Give columns of the `n` rows nearest to a code (size,) that fulfil an SQL condition, with "_distance"."""
        # Cheaper than to find all that fulfil it first, and enough unless few do.
        if said and not exact and (await self._counted())[1] >= MANY:
            found = await self._among_nearest(code, n, said, columns)
            if found is not None:
                return found
        query = self._query(code, n)
        query = query.bypass_vector_index() if exact else query
        query = query.where(said) if said else query
        return await read(query.select([*columns, "_distance"]))

    def _query(self, code: Codes, n: int) -> Any:
        query = self._table.query().nearest_to(code).column(CODE).limit(n).nprobes(PROBES)
        return query.refine_factor(self._refine) if self._refine else query

    async def _among_nearest(self, code: Codes, n: int, said: str, columns: list[str]) -> pa.Table | None:
        """Find which of the nearest fulfil a condition, and read the first `n` of them if there are as many.

        To read rows takes longer than to find them, so that no others are read.
        """
        among = await self._fulfilling(said)
        for around in AROUND:
            query = self._query(code, max(TIMES * n, around // (self._refine or 1)))
            query = query.where(said).postfilter() if among is None else query
            found = await read(query.with_row_id().select(["_distance"]))
            ids, distances = found["_rowid"].to_numpy(), found["_distance"].to_numpy()
            kept = np.arange(len(ids)) if among is None else np.flatnonzero(_within(ids, among))
            kept = kept[:n]
            if len(kept) == n:
                break
        else:
            return None
        rows = await read(self._table.take_row_ids(ids[kept].tolist()).with_row_id().select(columns))
        place = {row: at for at, row in enumerate(rows["_rowid"].to_pylist())}
        ordered = rows.take([place[row] for row in ids[kept].tolist()]).drop_columns("_rowid")
        return ordered.append_column("_distance", pa.array(distances[kept]))

    async def _counted(self) -> tuple[int, int]:
        """Give the version of the table, and how many rows it has."""
        if (version := await self._table.version()) != self._count[0]:
            self._count = version, await self._table.count_rows()
        return self._count

    async def _fulfilling(self, said: str) -> RowIds | None:
        """Give the rows that fulfil a condition, ascending, if it is asked for again: once, it does not pay.

        Other searches go on while this one waits: what is remembered is told apart by condition and version, and put
        in place at once.
        """
        version, count = self._count
        asked, of, rows = self._fulfil
        if (asked, of) != (said, version):
            self._fulfil = said, version, None
            return None
        if rows is None and count <= REMEMBERED:
            found = await read(self._table.query().where(said).with_row_id().select([ROW]))
            rows = np.sort(found["_rowid"].to_numpy())
            self._fulfil = said, version, rows
        return rows


def _within(rows: RowIds, ascending: RowIds) -> npt.NDArray[np.bool_]:
    """Tell which rows are among others."""
    places = np.searchsorted(ascending, rows)
    inside = places < len(ascending)
    inside[inside] = ascending[places[inside]] == rows[inside]
    return inside
