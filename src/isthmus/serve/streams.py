"""How much an Arrow stream holds once it is unpacked, told by its own headers before anything is."""

from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.errors import DataError

_DICTIONARY, _BATCH = 2, 3
"""Kinds of messages that carry cells, in the union of Arrow's Message.fbs."""


def told(body: bytes) -> tuple[int, int]:
    """Give the rows of a stream and the bytes that its buffers take when they are unpacked, as its headers say.

    What they say is what Arrow's reader takes memory for. Raises `DataError` where it is no stream.

    >>> sink = pa.BufferOutputStream()
    >>> table = pa.table({"a": [0.0] * 5000})
    >>> with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
    ...     writer.write_table(table)
    >>> len(sink.getvalue()) < 1000, told(sink.getvalue().to_pybytes())
    (True, (5000, 40000))
    """
    rows = size = 0
    try:
        for message in pa.ipc.MessageReader.open_stream(body):
            found = _batch(bytes(message.metadata), message.body)
            rows, size = rows + found[0], size + found[1]
    except (pa.ArrowException, OSError, ValueError, struct.error) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise DataError(f"the body is no Arrow stream, or is cut short: {reason}") from None
    return rows, size


def _batch(meta: bytes, held: pa.Buffer | None) -> tuple[int, int]:
    """Read the rows and the unpacked bytes of one message; a dictionary has no rows of its own."""
    message = _at(meta, 0)
    kind, header = _field(meta, message, 1), _field(meta, message, 2)
    if not kind or not header or meta[kind] not in (_DICTIONARY, _BATCH) or held is None:
        return 0, 0
    own = meta[kind] == _BATCH
    batch = _at(meta, header)
    if not own:
        data = _field(meta, batch, 1)
        batch = _at(meta, data) if data else 0
    length, buffers, packed = (_field(meta, batch, slot) for slot in (0, 2, 3))
    rows = struct.unpack_from("<q", meta, length)[0] if length and own else 0
    places = _at(meta, buffers) if buffers else 0
    count = struct.unpack_from("<I", meta, places)[0] if buffers else 0
    sizes = (struct.unpack_from("<qq", meta, places + 4 + 16 * number) for number in range(count))
    return rows, sum(_unpacked(held, at, size) if packed else size for at, size in sizes)


def _unpacked(held: pa.Buffer, at: int, size: int) -> int:
    """Read what stands before a packed buffer: its length unpacked, or -1 where it is as it was."""
    if size < 8:
        return 0
    whole: int = struct.unpack("<q", bytes(held.slice(at, 8)))[0]
    return size if whole < 0 else whole


def _at(meta: bytes, place: int) -> int:
    """Follow an offset of a flat buffer."""
    return int(place + struct.unpack_from("<I", meta, place)[0])


def _field(meta: bytes, table: int, slot: int) -> int:
    """Find a field of a flat buffer's table; 0 where it is left out."""
    names = table - struct.unpack_from("<i", meta, table)[0]
    size = struct.unpack_from("<H", meta, names)[0]
    found = struct.unpack_from("<H", meta, names + 4 + 2 * slot)[0] if 4 + 2 * slot < size else 0
    return int(table + found) if found else 0


def plain_bytes(column: pa.ChunkedArray) -> int:
    """Count the bytes of a column's texts once each cell holds its own: many may point to one long one."""
    if pa.types.is_string_view(column.type) or pa.types.is_binary_view(column.type):
        views = (np.frombuffer(chunk.buffers()[1] or b"", np.int32).reshape(-1, 4)[:, 0] for chunk in column.chunks)
        return sum(int(each.sum(dtype=np.int64)) for each in views)
    if not pa.types.is_dictionary(column.type) or not _texts(column.type.value_type):
        return 0
    lengths = (pc.take(pc.binary_length(chunk.dictionary), chunk.indices) for chunk in column.chunks)
    return sum(int(pc.sum(each.cast(pa.int64())).as_py() or 0) for each in lengths)


def _texts(kind: pa.DataType) -> bool:
    return any(is_(kind) for is_ in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))
