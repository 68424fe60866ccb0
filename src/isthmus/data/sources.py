"""Opening what people have as one kind of table, and writing tables to files by extension."""

import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from os import PathLike, fspath
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from isthmus.data.arrays import is_text, plain, to_floats
from isthmus.data.csvs import read_csv, write_csv
from isthmus.data.frames import Flavour, from_native
from isthmus.data.npys import unbroken
from isthmus.data.parquets import readable
from isthmus.data.text import blank_missing, nan_to_null, parse_numbers
from isthmus.errors import DataError, FileError, UsageError
from isthmus.files import writing

__all__ = ["Table", "open_table", "write_table", "write_tables"]

_Entry = TypeVar("_Entry")


@dataclass(frozen=True)
class Table:
    """Arrow columns of unique names, null where a cell is missing, and the flavour they came in.

    Of a part of a table that was not read whole, `start` is its first row in the table, and `holes`, where asked for,
    the columns with missing cells in any part.
    """

    columns: pa.Table
    flavour: Flavour = field(default_factory=Flavour)
    holes: frozenset[str] | None = None
    start: int = 0

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.columns.num_rows)

    def give(self, arrow: pa.Table) -> Any:
        """Return `arrow`, with fewer, more or reordered columns, as the user's kind of table."""
        return self.flavour.give(arrow)


def open_table(source: Any, *, missing: Collection[object] = ()) -> Table:
    """Open a file, frame or array as a `Table`.

    Parameters
    ----------
    source
        A path to .csv, .tsv (either may be .gz), .parquet or .npy; a pandas, polars or pyarrow frame; a 2-D
        array, whose columns are named x0, x1, ...
    missing
        Values that mean "missing" besides null, NaN and, in text, the empty cell, NA, N/A, NaN, null and "?".

    Raises
    ------
    FileError
        The file is absent, empty, cut short, not UTF-8, of another kind, or has a ragged line.
    DataError
        The table has no rows or columns, repeats a column name, mixes types in a column, is no table.

    Examples
    --------
    >>> open_table([[1.5, 2.0], [float("nan"), 3.0]]).columns["x0"].to_pylist()
    [1.5, None]
    """
    if isinstance(source, str | PathLike):
        return _open_file(Path(fspath(source)), missing)
    if isinstance(source, Table):
        return source
    arrow, flavour = from_native(source)
    return Table(_clean(arrow, missing, _shape(source, arrow)), flavour)


def _shape(source: Any, arrow: pa.Table) -> tuple[int, int]:
    shape = getattr(source, "shape", None)  # an array or frame without columns still has rows
    return shape if isinstance(shape, tuple) and len(shape) == 2 else arrow.shape


def _clean(arrow: pa.Table, missing: Collection[object], shape: tuple[int, int], where: str = "") -> pa.Table:
    """Check that there is a table, and make every missing cell null."""
    rows, width = shape
    if not width:
        found = f"0 feature(s) (shape=({rows}, 0))"
        raise DataError(f"{where}the table has no columns: {found} while a minimum of 1 is required.")
    if not rows:
        found = f"0 sample(s) (shape=(0, {width}))"
        raise DataError(f"{where}the table has no rows: {found} while a minimum of 1 is required.")
    repeated = [name for name, count in Counter(arrow.column_names).items() if count > 1]
    if repeated:
        listed = ", ".join(f"'{name}'" for name in repeated[:5])
        raise DataError(f"{where}column names must differ, these repeat: {listed}: rename or drop them")
    columns = [_clean_column(_computable(column), missing) for column in arrow.columns]
    return pa.table(columns, names=arrow.column_names)


def _computable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of the few types that Arrow's functions do not take as their plain sisters."""
    kind = column.type
    if isinstance(kind, pa.RunEndEncodedType):
        return pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], kind.value_type)
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_dictionary(kind):
        if pa.types.is_string_view(kind.value_type):
            return column.cast(pa.large_string())
        return column.unify_dictionaries()
    return column


def _clean_column(column: pa.ChunkedArray, missing: Collection[object]) -> pa.ChunkedArray:
    cleaned = blank_missing(column, missing)
    if is_text(column.type) and cleaned.null_count > column.null_count:
        # A column of numbers became text because of its "?" cells: without them it is numbers again.
        # Where one is "Inf", which no job can take, it stays the text that it was.
        numbers = parse_numbers(cleaned) if cleaned.null_count < len(cleaned) else None
        return numbers if numbers is not None and pc.all(pc.is_finite(numbers)).as_py() else cleaned
    return cleaned


def _read_parquet(path: Path, missing: Collection[object]) -> pa.Table:
    with readable(path):
        found = parquet.ParquetFile(path).read().replace_schema_metadata(None)
        found.validate(full=True)  # texts may be no UTF-8, which nothing else asks before it reads them
    return found


def _read_npy(path: Path, missing: Collection[object]) -> pa.Table:
    try:
        with unbroken():
            array = np.load(path, allow_pickle=False)
    except (ValueError, OSError) as error:
        raise FileError(f"'{path}' is no .npy file of numbers, or is cut short") from error
    return from_native(array)[0]


_READERS: dict[str, tuple[str, Callable[[Path, Collection[object]], pa.Table]]] = {
    ".csv": ("csv", read_csv),
    ".csv.gz": ("csv", read_csv),
    ".tsv": ("csv", read_csv),
    ".tsv.gz": ("csv", read_csv),
    ".parquet": ("parquet", _read_parquet),
    ".npy": ("npy", _read_npy),
}


def _open_file(path: Path, missing: Collection[object]) -> Table:
    if path.is_dir():
        raise FileError(f"'{path}' is a folder, not a table file")
    if not path.exists():
        raise FileError(f"no such file: '{path}'")
    kind, read = _by_extension(path, _READERS)
    if not path.stat().st_size:
        raise FileError(f"'{path}' is empty (0 bytes)")
    try:
        arrow = read(path, missing)
    except PermissionError as error:
        raise FileError(f"'{path}' may not be read: {error.strerror}") from error
    return Table(_clean(arrow, missing, arrow.shape, f"'{path}': "), Flavour(kind))


def _by_extension(path: Path, table: dict[str, _Entry]) -> _Entry:
    name = path.name.lower()
    for extension, entry in table.items():
        if name.endswith(extension):
            return entry
    raise UsageError(f"'{path}': unknown extension; known are {', '.join(table)}")


def write_table(table: Any, path: str | PathLike[str]) -> None:
    """Write a table, frame or array to `path`, in the format its extension names, whole or not at all.

    .csv and .tsv (also .gz), .parquet, .json (a list of records), .npy (numbers and Booleans only).

    Raises
    ------
    UsageError
        The extension is unknown.
    FileError
        The file cannot be written.
    DataError
        The table has cells that the format cannot hold.
    """
    target = Path(fspath(path))
    write = _by_extension(target, _WRITERS)
    if not isinstance(table, np.ndarray) or write is not _write_npy:
        table = table.columns if isinstance(table, Table) else from_native(table)[0]
    with writing(target) as temporary:
        write(table, temporary)


def write_tables(parts: Iterator[pa.Table], path: str | PathLike[str]) -> int:
    """Write parts of one table below each other as `write_table` writes one; give the number of rows.

    No more than a part is held in memory, but for .json, which is a list that is written whole.
    """
    target = Path(fspath(path))
    _by_extension(target, _WRITERS)
    first = next(parts, None)
    if first is None:
        return 0
    if target.name.lower().endswith(".json"):
        whole = pa.concat_tables([first, *parts])
        write_table(whole, target)
        return len(whole)
    count = 0
    with writing(target) as temporary, _appending(temporary, first.schema) as append:
        for part in chain([first], parts):
            append(part)
            count += len(part)
    return count


@contextmanager
def _appending(path: Path, schema: pa.Schema) -> Iterator[Callable[[pa.Table], None]]:
    """Yield what appends rows to a file."""
    if path.suffix.lower() == ".parquet":
        with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            yield writer.write_table
    elif path.suffix.lower() == ".npy":
        with path.open("wb") as binary:
            count, kind = 0, np.dtype(np.float32 if set(schema.types) == {pa.float32()} else np.float64)

            def append(part: pa.Table) -> None:
                nonlocal count
                binary.write(np.ascontiguousarray(_numbers(part), dtype=kind).data)
                count += len(part)

            _npy_header(binary, kind, (0, len(schema)))
            yield append
            binary.seek(0)  # the header leaves room for any number of rows
            _npy_header(binary, kind, (count, len(schema)))
    else:
        with _csv_file(path) as file:
            write_csv(schema.empty_table(), file, _separator(path))
            yield lambda part: write_csv(part, file, _separator(path), header=False)


def _npy_header(file: IO[bytes], kind: np.dtype[Any], shape: tuple[int, int]) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)


def _csv_file(path: Path) -> IO[str]:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "wt", compresslevel=6, encoding="utf-8", newline="")
    return path.open("w", encoding="utf-8", newline="")


def _separator(path: Path) -> str:
    return "\t" if ".tsv" in path.name.lower() else ","


def _write_csv(arrow: pa.Table, path: Path) -> None:
    with _csv_file(path) as file:
        write_csv(arrow, file, _separator(path))


def _write_parquet(arrow: pa.Table, path: Path) -> None:
    parquet.write_table(arrow, path, compression="zstd")


def _write_json(arrow: pa.Table, path: Path) -> None:
    table = pa.table([nan_to_null(column) for column in arrow.columns], names=arrow.column_names)
    path.write_text(json.dumps(table.to_pylist(), ensure_ascii=False, indent=1, default=str) + "\n", encoding="utf-8")


def _write_npy(table: pa.Table | np.ndarray[Any, Any], path: Path) -> None:
    array = table if isinstance(table, np.ndarray) else _numbers(table)
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    path.write_bytes(buffer.getbuffer())


def _numbers(arrow: pa.Table) -> np.ndarray[Any, Any]:
    for name, column in zip(arrow.column_names, arrow.columns, strict=True):
        kind = plain(column).type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
            raise DataError(f"column '{name}' is {kind}: .npy holds numbers only; write .csv or .parquet")
    return np.column_stack([to_floats(plain(column)) for column in arrow.columns])


_WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    ".csv": _write_csv,
    ".csv.gz": _write_csv,
    ".tsv": _write_csv,
    ".tsv.gz": _write_csv,
    ".parquet": _write_parquet,
    ".json": _write_json,
    ".npy": _write_npy,
}
