"""What a fit needs of a table larger than memory: some of its rows, what the others say, and all of them as numbers."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self, TypeAlias

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

__all__ = ["Drawn", "Each", "Scratch", "here"]

Each: TypeAlias = Callable[[Callable[[Parts], Iterable[Any]], Parts], Iterator[Any]]
"""Does something with the pieces of a table, in any place, and gives what comes of them, in their order."""

ROWS, CELLS = 200_000, 1 << 23
"""Rows, and cells, of a table that are in memory at most while a model is fitted to it."""


def here(work: Callable[[Parts], Iterable[Any]], parts: Parts) -> Iterator[Any]:
    """Do it with the table as it is, in one piece, in this process."""
    yield from work(parts)


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
    def of(cls, parts: Parts, seed: int = 0, drop: Collection[str] = (), each: Each = here) -> Self:
        """Read all rows once, and keep some; columns to `drop` are not looked at."""
        count = min(parts.rows, ROWS, max(CELLS // len(parts.kinds), 1))
        every = count == parts.rows
        chosen = range(parts.rows) if every else sorted(random.Random(seed).sample(range(parts.rows), count))
        rows = np.array(chosen, np.int64)
        names = () if every else [name for name in parts.kinds.names if name not in drop]
        looks = each(partial(_look, rows=rows, names=names), parts)
        kept, witnesses = next(looks)
        for more, others in looks:
            kept += more
            for name, witness in others.items():
                witnesses[name].join(witness)
        return cls(parts, parts.together(kept), rows, None if every else witnesses)

    @contextmanager
    def encoded(self, codec: TableCodec, each: Each = here, place: Path | None = None) -> Iterator[Scratch]:
        """Give all rows as numbers, in files that are there for as long as they are read.

        They lie in `place`, which all who read them see; by default where temporary files do.

        Raises
        ------
        FileError
            The disk has no room for them.
        """
        with TemporaryDirectory(prefix="isthmus-", dir=place) as folder:
            found = dict(each(partial(_encode, codec=codec, folder=Path(folder)), self.parts))
            yield Scratch(tuple(found), tuple(found.values()), len(codec.schema.coded))


def _look(piece: Parts, rows: Rows, names: Collection[str]) -> Iterator[tuple[list[pa.Table], dict[str, Witness]]]:
    """Give those of the rows that are in a piece of a table, and what all its rows say."""
    witnesses, kept = {name: Witness(name) for name in names}, []
    for part in piece.tables():
        own = rows[np.searchsorted(rows, part.start) : np.searchsorted(rows, part.start + part.rows)]
        kept.append(part.columns.take(pa.array(own - part.start)))
        for name, witness in witnesses.items():
            try:
                witness.see(part.columns[name])
            except DataError as error:
                raise DataError(f"after row {part.start:,}, rows counted from there: {error}") from error
    yield kept, witnesses


def _encode(piece: Parts, codec: TableCodec, folder: Path) -> Iterator[tuple[Path, int]]:
    """Write the rows of a piece of a table as numbers; tell where, and how many."""
    path = folder / f"rows-{piece.before:015}"
    try:
        with path.open("wb") as file:
            for part in piece.tables():
                file.write(np.ascontiguousarray(codec.encode(part)).data)
    except OSError as error:
        raise FileError(f"'{folder}' has no room for the rows: {error.strerror}: set TMPDIR") from error
    yield path, piece.rows


class Scratch:
    """Rows of numbers in files, mapped only while some are read: what is mapped counts as memory."""

    dtype: npt.DTypeLike = np.float64

    def __init__(self, paths: tuple[Path, ...], counts: tuple[int, ...], width: int) -> None:
        self.paths, self.counts, self.width = paths, counts, width

    @property
    def rows(self) -> int:
        """Rows in all."""
        return sum(self.counts)

    def values(self, rows: Rows) -> Floats:
        """Gather rows (n, width), of ascending numbers."""
        found, start = [], 0
        for path, count in zip(self.paths, self.counts, strict=True):
            own = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + count)] - start
            if len(own):
                found.append(np.array(np.memmap(path, np.float64, "r", shape=(count, self.width))[own]))
            start += count
        return np.concatenate(found) if len(found) != 1 else found[0]
