"""A table's file from the inside: blocks of rows as bytes, and what reading them needs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import zstandard

from isthmus.data.integers import MISSING, STRANGE, IntegerCodec
from isthmus.data.pieces import carried_bytes, carried_table, from_ipc, to_ipc
from isthmus.data.schema import Schema
from isthmus.data.sources import Table
from isthmus.errors import NONSENSE, FileError, IsthmusWarning
from isthmus.tasks.compress.alphabets import Alphabet
from isthmus.tasks.compress.coder import Ints, expand, pack, unpack
from isthmus.tasks.compress.plan import ROWS, Columns, Plan

LEVEL = 19
"""Of zstd, for what no model writes."""
_DICTIONARY = 1 << 16


@dataclass(frozen=True)
class TableFile:
    """How a table is written to blocks of bytes and read from them."""

    codec: IntegerCodec
    plan: Plan
    dictionary: bytes = b""

    @classmethod
    def learn(
        cls,
        table: Table,
        tolerance: float | Mapping[str, float],
        schema: Schema | None,
        rows: int,
        *,
        budget: float | None = None,
        seed: int = 0,
        verbose: bool = False,
    ) -> TableFile:
        """Learn from a table, or some rows of one of so many `rows`, how it is best written."""
        from isthmus.tasks.compress.learn import best, likelihoods
        from isthmus.training.logs import told

        allowed = dict(tolerance) if isinstance(tolerance, Mapping) else tolerance
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IsthmusWarning)
            codec = IntegerCodec.learn(table, schema, allowed)
            cells = codec.encode(table)
        cells = _known(cells)
        plan = best(cells, _columns(codec), rows, budget=budget, seed=seed)
        progress = told(verbose, "compress")
        plan = likelihoods(plan, cells, rows, budget=budget, seed=seed, progress=progress)
        return cls(codec, plan, _dictionary(table, codec))

    def write(self, table: pa.Table) -> tuple[bytes, npt.NDArray[np.float64]]:
        """Write a block of rows; give its bytes, and the bits that each coded column took."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", IsthmusWarning)
            cells = self.codec.encode(Table(table))
        strange = (cells == STRANGE).any(1)
        data, again, bits = self.plan.encode(_known(cells))
        carried = table.select(self._carried)
        wrong = strange | self.codec.wrong(table, self.codec.decode(again, carried))
        lengths, held = carried_bytes(carried, pack) if self._carried else (b"", b"")
        exceptions = np.flatnonzero(wrong)
        raw = to_ipc(table.select(self._coded).take(pa.array(exceptions))) if len(exceptions) else b""
        parts = [data, lengths, self._squeezed(held), pack(exceptions) if len(exceptions) else b"", self._squeezed(raw)]
        return b"".join(len(part).to_bytes(4, "little") + part for part in parts), bits

    def read(self, block: bytes) -> pa.Table:
        """Read a block of rows; `FileError` where it makes no sense."""
        parts, at = [], 0
        while at < len(block):
            length = int.from_bytes(block[at : at + 4], "little")
            parts.append(block[at + 4 : at + 4 + length])
            at += 4 + length
        if len(parts) != 5:
            raise FileError("its parts are missing")
        data, lengths, held, exceptions, raw = parts
        cells = self.plan.decode(data)
        carried = None
        if self._carried:
            dtypes = [variable.dtype for variable in self.codec.schema.carried]
            carried = carried_table(self._carried, dtypes, unpack(lengths), self._expanded(held))
        read = self.codec.decode(cells, carried)
        return read if not exceptions else _replaced(read, unpack(exceptions), from_ipc(self._expanded(raw)))

    @property
    def _carried(self) -> list[str]:
        return [variable.name for variable in self.codec.schema.carried]

    @property
    def _coded(self) -> list[str]:
        return [variable.name for variable in self.codec.schema.coded]

    def _squeezed(self, data: bytes) -> bytes:
        return bytes(zstandard.ZstdCompressor(level=LEVEL, dict_data=self._dict).compress(data)) if data else b""

    def _expanded(self, data: bytes) -> bytes:
        if not data:
            return b""
        try:
            size = zstandard.frame_content_size(data)
            if not 0 <= size < 1 << 32:
                raise FileError("its texts are damaged")
            return bytes(zstandard.ZstdDecompressor(dict_data=self._dict).decompress(data))
        except zstandard.ZstdError:
            raise FileError("its texts are damaged") from None

    @property
    def _dict(self) -> zstandard.ZstdCompressionDict | None:
        kind = zstandard.DICT_TYPE_RAWCONTENT
        return zstandard.ZstdCompressionDict(self.dictionary, dict_type=kind) if self.dictionary else None

    def facts(self) -> tuple[dict[str, Any], list[bytes]]:
        """Give what `from_facts` needs."""
        words, weights = self.plan.facts()
        squeezed = bytes(zstandard.ZstdCompressor(level=LEVEL).compress(self.dictionary)) if self.dictionary else b""
        return {"codec": self.codec.to_dict(), "plan": words}, [weights, squeezed]

    @classmethod
    def from_facts(cls, words: Mapping[str, Any], held: list[bytes], product: Any = np.matmul) -> TableFile:
        """Make what `facts` described; `FileError` where it makes no sense."""
        try:
            codec = IntegerCodec.from_dict(words["codec"])
            plan = Plan.from_facts(words["plan"], held[0], product)
        except NONSENSE as error:
            raise FileError(f"its model makes no sense ({error})") from None
        return cls(codec, plan, expand(held[1]) if len(held) > 1 and held[1] else b"")


def _known(cells: Ints) -> Ints:
    """Take cells that the schema cannot hold for missing: their rows are written as they are."""
    return np.where(cells == STRANGE, MISSING, cells)


def _columns(codec: IntegerCodec) -> Columns:
    return Columns(
        tuple(way == "level" for way in codec.ways),
        tuple(way == "clock" for way in codec.ways),
        codec.decimals,
        codec.slack,
    )


def _dictionary(table: Table, codec: IntegerCodec) -> bytes:
    """Take some text that all blocks may point to, where there are several."""
    names = [variable.name for variable in codec.schema.carried]
    if not names or table.rows <= ROWS:
        return b""
    return carried_bytes(table.columns.select(names).slice(0, 2048), pack)[1][:_DICTIONARY]


def _replaced(read: pa.Table, rows: Ints, raw: pa.Table) -> pa.Table:
    """Put cells that were written as they are in the place of those that were read."""
    if len(rows) != len(raw) or (len(rows) and not 0 <= rows.min() <= rows.max() < len(read)):
        raise FileError("its exceptions make no sense")
    order = np.arange(len(read))
    order[rows] = len(read) + np.arange(len(rows))
    columns = []
    for name, column in zip(read.column_names, read.columns, strict=True):
        written = raw[name].cast(column.type).chunks if name in raw.column_names else None
        both = column if written is None else pa.chunked_array([*column.chunks, *written], column.type)
        columns.append(both if written is None else both.take(pa.array(order)))
    return pa.table(columns, names=read.column_names)


def totals(file: TableFile, table: Table, bits: npt.NDArray[np.float64], rows: int) -> dict[str, Any]:
    """Say what each column took, beside what it would have taken alone, and what it follows from."""
    names = [variable.name for variable in file.codec.schema.coded]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IsthmusWarning)
        cells = _known(file.codec.encode(Table(table.columns.slice(0, 4 * ROWS))))
    columns = []
    for j, name in enumerate(names):
        relation = file.plan.relations[j]
        columns.append(
            {
                "column": name,
                "bytes": round(float(bits[j]) / 8),
                "bits a cell": round(float(bits[j]) / max(rows, 1), 3),
                "alone": round(Alphabet.learn(cells[:, j]).cost(cells[:, j]) / max(len(cells), 1), 3),
                "follows from": ", ".join(names[part] for part in relation.parts)
                or ("the row before" if relation.kind == "previous" else ""),
            }
        )
    return {"columns": columns, "texts": [variable.name for variable in file.codec.schema.carried]}
