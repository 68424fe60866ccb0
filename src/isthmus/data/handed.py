"""A stream of tables for one who asks for it in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Full, Queue
from typing import TypeVar

import pyarrow as pa

__all__ = ["hand_over"]

_Answer = TypeVar("_Answer")

_LOOK = 0.1
"""Seconds after which it is asked whether anyone still takes tables."""


def hand_over(
    tables: Iterator[pa.Table], schema: pa.Schema, take: Callable[[pa.RecordBatchReader], _Answer]
) -> _Answer:
    """Let `take` read tables of one schema while they are made, one ahead; give its answer.

    They are made in this thread, so that what goes wrong there, and Ctrl-C, is raised here as it is; `take` then meets
    an error in place of an end, and has returned before this does.

    Examples
    --------
    >>> schema = pa.schema([("a", pa.int64())])
    >>> hand_over((pa.table({"a": [i]}, schema) for i in range(3)), schema, lambda reader: len(reader.read_all()))
    3
    """
    line: Queue[pa.Table | None] = Queue(1)
    whole = False

    def given() -> Iterator[pa.RecordBatch]:
        while (table := line.get()) is not None:
            yield from table.cast(schema).to_batches()
        if not whole:
            raise EOFError("no more tables are made")

    with ThreadPoolExecutor(1) as pool:
        taken = pool.submit(take, pa.RecordBatchReader.from_batches(schema, given()))
        try:
            for table in tables:
                _put(line, table, taken)
                if taken.done():
                    break
            whole = True
        finally:
            _put(line, None, taken)
        return taken.result()


def _put(line: Queue[pa.Table | None], table: pa.Table | None, taken: Future[_Answer]) -> None:
    """Wait for room, or until nothing more will be taken."""
    while not taken.done():
        try:
            return line.put(table, timeout=_LOOK)
        except Full:
            continue
