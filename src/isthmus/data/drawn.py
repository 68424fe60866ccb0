"""What a fit needs of a table larger than memory: some of its rows, what the others say, and all of them as numbers."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.data.activations import Rows
from isthmus.data.arrays import Floats
from isthmus.data.parts import Parts
from isthmus.data.sources import Table
from isthmus.data.tables import TableCodec
from isthmus.data.witnesses import Witness
from isthmus.errors import DataError, FileError

__all__ = ["Drawn", "Scratch"]

ROWS, CELLS = 200_000, 1 << 23
"""Rows, and cells, of a table that are in memory at most while a model is fitted to it."""


@dataclass(frozen=True)
class Drawn:
    """Rows drawn from a table in parts, each as likely as any other, and what the other rows say.

    Attributes
    ----------
    parts
        The table.
    table
        The rows drawn, in their order.
    rows
        Their numbers.
    witnesses
        What all rows together say of each column; None where all were drawn.
    """

    parts: Parts
    table: Table
    rows: Rows
    witnesses: dict[str, Witness] | None

    @classmethod
    def of(cls, parts: Parts, seed: int = 0, drop: Collection[str] = ()) -> Self:
        """Read all rows once, and keep some; columns to `drop` are not looked at."""
        count = min(parts.rows, ROWS, max(CELLS // len(parts.kinds), 1))
        every = count == parts.rows
        chosen = range(parts.rows) if every else sorted(random.Random(seed).sample(range(parts.rows), count))
        rows, kept = np.array(chosen, np.int64), []
        witnesses = {name: Witness(name) for name in parts.kinds.names if name not in drop}
        for part in parts.tables():
            here = rows[np.searchsorted(rows, part.start) : np.searchsorted(rows, part.start + part.rows)]
            kept.append(part.columns.take(pa.array(here - part.start)))
            for name, witness in {} if every else witnesses.items():
                try:
                    witness.see(part.columns[name])
                except DataError as error:
                    raise DataError(f"after row {part.start:,}, rows counted from there: {error}") from error
        return cls(parts, parts.together(kept), rows, None if every else witnesses)

    @contextmanager
    def encoded(self, codec: TableCodec) -> Iterator[Scratch]:
        """Give all rows as numbers, in a file that is there for as long as it is read.

        Raises
        ------
        FileError
            The disk has no room for it.
        """
        with TemporaryDirectory(prefix="isthmus-") as folder:
            path = Path(folder) / "rows"
            try:
                with path.open("wb") as file:
                    for part in self.parts.tables():
                        file.write(np.ascontiguousarray(codec.encode(part)).data)
            except OSError as error:
                raise FileError(f"'{folder}' has no room for the rows: {error.strerror}: set TMPDIR") from error
            yield Scratch(path, self.parts.rows, len(codec.schema.coded))


class Scratch:
    """Rows of numbers in a file, mapped only while some are read: what is mapped counts as memory."""

    dtype: npt.DTypeLike = np.float64

    def __init__(self, path: Path, rows: int, width: int) -> None:
        self.path, self.rows, self.width = path, rows, width

    def values(self, rows: Rows) -> Floats:
        """Gather rows (n, width)."""
        return np.array(np.memmap(self.path, np.float64, "r", shape=(self.rows, self.width))[rows])
