"""Tables larger than memory: the rows of a file, or of a folder of files, read a bounded number at a time."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from typing import Any, Self

import numpy as np
import pyarrow as pa

from isthmus.data.frames import Flavour
from isthmus.data.remote import Place, Remote, place_of
from isthmus.data.sources import Table, open_table
from isthmus.data.survey import PartFile, survey
from isthmus.errors import DataError, FileError, UsageError
from isthmus.memory import free_memory

__all__ = ["Parts", "parse_size"]

CELLS = 1 << 20
"""Cells in a part, about: of 20 columns 52,224 rows."""

COPIES = 3
"""Times its own size that a table takes while it is read whole."""

ENDINGS = (".parquet", ".csv", ".tsv", ".csv.gz", ".tsv.gz")


@dataclass(frozen=True)
class Parts:
    r"""The rows of a Parquet or CSV file, or of a folder of such files, part by part.

    The types of the columns are those that all rows together have, and so are the same in every part.

    Parameters
    ----------
    path
        The file or folder.
    files
        The files that hold the rows, in order.
    missing
        Values that mean "missing", as `isthmus.Autoencoder` takes them.
    counts
        Rows of each file.
    kinds
        The columns and their types.
    before
        Rows of a larger table, of which these are neighbouring rows, that come before them.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> for part in range(3):
    ...     _ = (folder / f"part-{part}.csv").write_text(f"size,zone\n{part},hill\n{part / 2},port\n")
    >>> parts = Parts.open(folder)
    >>> parts.rows, [kind.type for kind in parts.kinds]
    (6, [DataType(double), DataType(string)])
    >>> [len(rows) for rows in parts]
    [6]
    """

    path: Place
    files: tuple[PartFile, ...]
    missing: Collection[object]
    counts: tuple[int, ...]
    kinds: pa.Schema
    before: int = 0

    @classmethod
    def open(cls, path: str | PathLike[str] | Remote, missing: Collection[object] = ()) -> Self:
        """Look once at all rows of a file or folder, by its path or an address such as "s3://bucket/sales".

        Raises
        ------
        FileError
            It is not there, cannot be read, or a line of it is ragged, which is named.
        DataError
            The files of a folder have different columns, or no rows.
        """
        place = place_of(path)
        files = tuple(PartFile.of(file) for file in _files(place))
        counts, kinds = survey(files, missing)
        if not any(counts):
            raise DataError(f"'{place}': the table has no rows: a minimum of 1 is required.")
        return cls(place, files, missing, tuple(counts), kinds)

    @classmethod
    def of(
        cls,
        source: Any,
        missing: Collection[object] = (),
        memory: float | str | None = None,
        most_rows: float = np.inf,
    ) -> Self | None:
        """Open what does not fit into memory, and any folder of table files; give None of anything else.

        `memory` is in bytes or words such as "2GB"; half of what is free where it is not said. Parquet files of more
        than `most_rows` count as too large whatever their size.
        """
        if not isinstance(source, str | PathLike | Remote):
            return None
        place = place_of(source)
        if isinstance(place, Remote):
            return cls.open(place, missing)
        if place.is_dir():
            return cls.open(place, missing) if _tables_in(place) else None
        if not place.is_file() or not place.name.lower().endswith(ENDINGS):
            return None
        limit = _room() / 2 if memory is None else parse_size(memory)
        rows, size = PartFile.of(place).told()
        return cls.open(place, missing) if size and (COPIES * size > limit or rows > most_rows) else None

    def __iter__(self) -> Iterator[pa.Table]:
        """Give the rows as Arrow tables, a part after another."""
        for table in self.tables():
            yield table.columns

    def __len__(self) -> int:
        """Count the parts."""
        return (self.rows - 1) // self.size + 1

    @property
    def rows(self) -> int:
        """Rows in all."""
        return sum(self.counts)

    @property
    def size(self) -> int:
        """Rows in a part, all but the last."""
        return max(256, CELLS // len(self.kinds) // 256 * 256)

    def tables(self, rows: int | None = None, *, holes: frozenset[str] | None = None) -> Iterator[Table]:
        """Give the rows so many at a time, `size` where not said, fewer at the end.

        With `holes`, each is told which columns have missing cells in any.
        """
        size = rows or self.size
        held: list[pa.Table] = []
        count = start = 0
        for block in self._blocks():
            held.append(block)
            count += len(block)
            while count >= size:
                whole = pa.concat_tables(held)
                yield self._table(whole.slice(0, size), holes, self.before + start)
                held, count, start = [whole.slice(size)], count - size, start + size
        if count:
            yield self._table(pa.concat_tables(held), holes, self.before + start)

    def pieces(self, rows: int | None = None) -> list[Parts]:
        """Divide the table into some that can be read apart from each other, in their order.

        They have `rows` rows, a part's where not said, or the fewest more: Parquet is divided between its groups of
        rows, CSV between files.
        """
        found: list[Parts] = []
        before = self.before
        for file, count in zip(self.files, self.counts, strict=True):
            for piece, held in file.divided(rows or self.size, count):
                if held:
                    found.append(replace(self, files=(piece,), counts=(held,), before=before))
                before += held
        return found

    def absolute(self) -> Parts:
        """Give this table by paths that mean the same in every folder."""
        return replace(self, files=tuple(replace(file, path=file.path.absolute()) for file in self.files))

    @cached_property
    def holes(self) -> frozenset[str]:
        """The columns that have missing cells, which takes a pass over all rows."""
        found: set[str] = set()
        for table in self.tables():
            found.update(name for name in table.columns.column_names if table.columns[name].null_count)
        return frozenset(found)

    def some(self, rows: int, seed: int = 0) -> Table:
        """Read about so many rows, in runs of rows that lie side by side, from all over the table, in their order."""
        run = max(1, min(self.size, rows // 8))
        count = -(-self.rows // run)
        chosen = set(np.random.default_rng(seed).permutation(count)[: -(-rows // run)].tolist())
        runs = (table.columns for number, table in enumerate(self.tables(run)) if number in chosen)
        return self.together(runs, rows)

    def read_as(self, missing: Collection[object]) -> Parts:
        """Give this table with these values, and no others, meaning "missing"."""
        return self if tuple(missing) == tuple(self.missing) else Parts.open(self.path, missing)

    def together(self, pieces: Iterable[pa.Table], rows: int | None = None) -> Table:
        """Put rows of this table together, the first `rows` where that is said."""
        return self._table(pa.concat_tables(pieces).slice(0, rows))

    def _blocks(self) -> Iterator[pa.Table]:
        for file in self.files:
            yield from file.blocks(self.kinds, self.missing)

    def _table(self, rows: pa.Table, holes: frozenset[str] | None = None, start: int = 0) -> Table:
        opened = open_table(rows, missing=self.missing)
        return Table(opened.columns, Flavour(self.files[0].kind), holes, start)


def parse_size(given: str | float) -> float:
    """Read bytes from a number or from words such as "500MB" or "2GB".

    >>> parse_size("2GB"), parse_size("1.5 MB")
    (2000000000.0, 1500000.0)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", str(given).lower())
    size = float(found[1]) * 1000.0 ** " kmgt".index(found[2] or " ") if found else 0.0
    if size <= 0:
        raise UsageError(f"memory is {given!r}; give a size such as 500MB or 2GB")
    return size


def _room() -> float:
    """Give the bytes of memory that are free, or by a guess half of all, where the system does not tell."""
    free = free_memory()
    if free is not None:
        return float(free)
    try:
        return 0.5 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 4e9


def _tables_in(folder: Place) -> list[Place]:
    return sorted((file for file in folder.iterdir() if _is_table(file)), key=str)


def _is_table(file: Place) -> bool:
    return file.name.lower().endswith(ENDINGS) and not file.name.startswith((".", "_")) and file.is_file()


def _files(place: Place) -> list[Place]:
    if place.is_dir():
        found = _tables_in(place)
        if not found:
            raise FileError(f"'{place}' is a folder without table files: known are {', '.join(ENDINGS)}")
        if len({PartFile.kind_of(file) for file in found}) > 1:
            raise FileError(f"'{place}' holds both Parquet and CSV files: keep one kind")
        return found
    if not place.exists():
        raise FileError(f"no such file: '{place}'")
    if not place.name.lower().endswith(ENDINGS):
        raise UsageError(f"'{place}': it can only be read whole; in parts are read {', '.join(ENDINGS)}")
    return [place]
