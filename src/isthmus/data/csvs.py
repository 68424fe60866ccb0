"""CSV files: read into typed Arrow columns with every fault named, and written back plainly."""

import csv
import gzip
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NoReturn, TextIO

import pyarrow as pa
from pyarrow import csv as arrow_csv

from isthmus.data.arrays import Column
from isthmus.data.text import blank_missing, nan_to_null, parse
from isthmus.errors import FileError

__all__ = ["read_csv", "write_csv"]

_BATCH = 1 << 16


def read_csv(path: Path, missing: Collection[object] = ()) -> pa.Table:
    """Read a CSV file with a header row into a table of integers, floats, Booleans, times and text.

    The separator is the one of comma, semicolon, tab and bar that the header has most of; with semicolons,
    numbers may have decimal commas. Text keeps its blanks. Raises `FileError` naming the line at fault.
    """
    try:
        names, separator, lines = _header(path)
        cells = _cells(path, names, separator, lines)
    except UnicodeDecodeError:
        _blame_encoding(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileError(f"'{path}' is cut short or is no gzip file ({error})") from error
    comma = separator == ";"
    return pa.table([parse(blank_missing(column, missing), comma) for column in cells.columns], names=names)


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        yield file


def _header(path: Path) -> tuple[list[str], str, int]:
    """Return the column names, the separator and how many lines of the file they take."""
    with _text(path) as file:
        first = ""
        while not first.strip():
            first = file.readline()
            if not first:
                raise FileError(f"'{path}' is empty: a header line with the column names was expected")
        file.seek(0)
        separator = max(",;\t|", key=first.count)
        rows = csv.reader(file, delimiter=separator)
        names = next(row for row in rows if row)
        return names, separator, rows.line_num


def _cells(path: Path, names: list[str], separator: str, lines: int) -> pa.Table:
    """Return every cell below the header as text."""
    handles = [f"f{i}" for i in range(len(names))]  # the user's names may repeat, which is reported later
    try:
        return arrow_csv.read_csv(
            path,
            arrow_csv.ReadOptions(column_names=handles, skip_rows=lines),
            # In a table of one column an empty line is an empty cell.
            arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True, ignore_empty_lines=len(names) > 1),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(handles, pa.string())),
        )
    except (pa.ArrowInvalid, OSError) as error:
        _blame_line(path, len(names), separator, error)


def _blame_line(path: Path, width: int, separator: str, error: Exception) -> NoReturn:
    """Find, slowly, what the fast reader refused."""
    with _text(path) as file:
        rows = csv.reader(file, delimiter=separator)
        for row in rows:
            if row and len(row) != width:
                where = f"'{path}' line {rows.line_num}"
                raise FileError(f"{where}: {len(row)} fields where the header has {width}: repair that line")
    raise FileError(f"'{path}' cannot be read as CSV: {str(error).splitlines()[0]}") from error


def _blame_encoding(path: Path) -> NoReturn:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        raise FileError(f"'{path}' is compressed with gzip: name it .csv.gz")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise FileError(f"'{path}' is UTF-16 text: save it as UTF-8")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"'{path}' line {line}: byte 0x{data[error.start]:02x}"
        raise FileError(f"{byte} is not UTF-8: save the file as UTF-8") from None
    raise FileError(f"'{path}' is not UTF-8 text")


def write_csv(table: pa.Table, file: IO[str], separator: str = ",", header: bool = True) -> None:
    """Write a header and one line a row: null cells empty, floats in the fewest digits that restore them."""
    rows = csv.writer(file, delimiter=separator, lineterminator="\n")
    if header:
        rows.writerow(table.column_names)
    for start in range(0, table.num_rows, _BATCH):
        columns = [_spelled(column) for column in table.slice(start, _BATCH).columns]
        rows.writerows(zip(*columns, strict=True))


def _spelled(column: Column) -> list[object]:
    # Python's repr keeps the ".0" that tells a float from an integer; Arrow's cast drops it.
    if pa.types.is_float64(column.type):
        column = nan_to_null(column)
    elif not (pa.types.is_nested(column.type) or pa.types.is_binary(column.type)):
        column = column.cast(pa.string())
    cells: list[object] = column.to_pylist()
    return cells
