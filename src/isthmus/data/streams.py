"""Parquet files larger than memory: read a few row groups to learn from, and all rows a block at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from isthmus.data.frames import Flavour
from isthmus.data.sources import Table, open_table
from isthmus.errors import FileError

__all__ = ["Stream"]

LARGE = 2_000_000
"""Rows beyond which a file is not read whole."""
SAMPLE = 500_000


@dataclass(frozen=True)
class Stream:
    """A Parquet file that is read piece by piece."""

    path: Path
    rows: int
    missing: Collection[object]

    @classmethod
    def of(cls, source: Any, missing: Collection[object] = ()) -> Stream | None:
        """Give the stream of a path to a large Parquet file; None of anything else."""
        if not isinstance(source, str | PathLike) or not fspath(source).lower().endswith(".parquet"):
            return None
        path = Path(fspath(source))
        if not path.is_file():
            return None
        try:
            rows = int(parquet.ParquetFile(path).metadata.num_rows)
        except (pa.ArrowException, OSError):
            return None  # `open_table` says what is wrong with it
        return cls(path, rows, missing) if rows > LARGE else None

    def sample(self, seed: int = 0) -> Table:
        """Read row groups from all over the file, some `SAMPLE` rows in all, in their order."""
        file = parquet.ParquetFile(self.path)
        order = np.random.default_rng(seed).permutation(file.num_row_groups)
        sizes = np.array([file.metadata.row_group(int(i)).num_rows for i in order])
        enough = int(np.searchsorted(np.cumsum(sizes), SAMPLE)) + 1
        groups = np.sort(order[:enough]).tolist()
        parts, left = [], SAMPLE
        for batch in file.iter_batches(batch_size=1 << 16, row_groups=groups):
            parts.append(pa.Table.from_batches([batch.slice(0, left)]))
            left -= len(parts[-1])
            if left <= 0:
                break
        return self._table(pa.concat_tables(parts))

    def slices(self, rows: int) -> Iterator[pa.Table]:
        """Read all rows, so many at a time."""
        held: list[pa.Table] = []
        count = 0
        try:
            for batch in parquet.ParquetFile(self.path).iter_batches(batch_size=rows):
                held.append(pa.Table.from_batches([batch]))
                count += len(batch)
                if count >= rows:
                    whole = pa.concat_tables(held)
                    yield self._table(whole.slice(0, rows)).columns
                    held, count = [whole.slice(rows)], count - rows
        except (pa.ArrowException, OSError) as error:
            raise FileError(f"'{self.path}' cannot be read to its end: {str(error).splitlines()[0]}") from error
        if count:
            yield self._table(pa.concat_tables(held)).columns

    def _table(self, rows: pa.Table) -> Table:
        opened = open_table(rows.replace_schema_metadata(None), missing=self.missing)
        return Table(opened.columns, Flavour("parquet"))
