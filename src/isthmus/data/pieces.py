"""Columns that no code holds, as bytes: texts, identifiers and cells of unknown types, a block of rows at a time."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import ipc

from isthmus.errors import FileError

__all__ = ["carried_bytes", "carried_table", "from_ipc", "to_ipc"]

Ints = npt.NDArray[np.int64]

_TEXTS = {str(kind): kind for kind in (pa.string(), pa.large_string())}


def carried_bytes(table: pa.Table, pack: Callable[[Ints], bytes]) -> tuple[bytes, bytes]:
    """Write columns: the lengths of texts, packed, and all else in one run of bytes that compresses well."""
    lengths, held = [], io.BytesIO()
    for column in table.columns:
        if _plainly_text(column):
            array = column.combine_chunks().cast(pa.large_binary())
            gone = np.asarray(array.is_null())
            array = array.fill_null(b"")  # a missing cell may stand over bytes of what it was
            offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
            lengths.append(np.where(gone, -1, np.diff(offsets)))
            text = array.buffers()[2]
            held.write(b"" if text is None else memoryview(text)[offsets[0] : offsets[-1]])
        else:
            part = to_ipc(pa.table([column], names=["cells"]))
            lengths.append(np.array([len(part)], np.int64))
            held.write(part)
    return pack(np.concatenate([np.array([len(each) for each in lengths], np.int64), *lengths])), held.getvalue()


def carried_table(names: list[str], dtypes: list[str], lengths: Ints, held: bytes) -> pa.Table:
    """Read the columns that `carried_bytes` wrote; `dtypes` are the names of their types."""
    counts, at, place = lengths[: len(names)], len(names), 0
    columns: list[pa.ChunkedArray] = []
    for dtype, count in zip(dtypes, counts.tolist(), strict=True):
        mine = lengths[at : at + count]
        size = int(np.maximum(mine, 0).sum())
        part = held[place : place + size]
        if len(mine) != count or len(part) != size:
            raise FileError("its texts are cut short")
        if dtype in _TEXTS:
            offsets = np.concatenate([[0], np.cumsum(np.maximum(mine, 0))]).astype(np.int64)
            gone = pa.array(mine >= 0).buffers()[1]
            array = pa.Array.from_buffers(pa.large_binary(), count, [gone, pa.py_buffer(offsets), pa.py_buffer(part)])
            columns.append(pa.chunked_array([array.cast(_TEXTS[dtype])]))
        else:
            columns.append(from_ipc(part).column(0))
        at, place = at + count, place + size
    return pa.table(columns, names=names)


def _plainly_text(column: pa.ChunkedArray) -> bool:
    return str(column.type) in _TEXTS


def to_ipc(table: pa.Table) -> bytes:
    """Write a table as an Arrow stream."""
    sink = io.BytesIO()
    with ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def from_ipc(data: bytes) -> pa.Table:
    """Read a table that `to_ipc` wrote; `FileError` where it is none."""
    try:
        return ipc.open_stream(data).read_all()
    except (pa.ArrowException, OSError):
        raise FileError("its cells cannot be read") from None
