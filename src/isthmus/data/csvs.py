"""CSV files: read into typed Arrow columns with every fault named, and written back plainly."""

import csv
import gzip
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, NoReturn, Self, TextIO, cast

import pyarrow as pa
from pyarrow import csv as arrow_csv

from isthmus.data.arrays import Column
from isthmus.data.remote import Place, arrow_source, opened
from isthmus.data.text import blank_missing, nan_to_null, parse
from isthmus.errors import FileError

__all__ = ["CsvText", "read_csv", "write_csv"]

_BATCH = 1 << 16
_BLOCK = 1 << 23
"""Bytes of a file read at a time."""


def read_csv(path: Path, missing: Collection[object] = ()) -> pa.Table:
    """Read a CSV file with a header row into a table of integers, floats, Booleans, times and text.

    The separator is the one of comma, semicolon, tab and bar that the header has most of; with semicolons,
    numbers may have decimal commas. Text keeps its blanks. Raises `FileError` naming the line at fault.
    """
    text = CsvText.of(path)
    cells = text.whole()
    return pa.table(
        [parse(blank_missing(column, missing), text.decimal_comma) for column in cells.columns], names=text.names
    )


@dataclass(frozen=True)
class CsvText:
    """A CSV file whose every cell is text, to be read whole or in blocks; its faults are raised as `FileError`."""

    path: Place
    names: list[str]
    separator: str
    lines: int

    @classmethod
    def of(cls, path: Place) -> Self:
        """Read the header: the column names, the separator and how many lines of the file they take."""
        with _faults(path), _text(path) as file:
            first = ""
            while not first.strip():
                first = file.readline()
                if not first:
                    raise FileError(f"'{path}' is empty: a header line with the column names was expected")
            file.seek(0)
            separator = max(",;\t|", key=first.count)
            rows = csv.reader(file, delimiter=separator)
            names = next(row for row in rows if row)
            return cls(path, names, separator, rows.line_num)

    @property
    def decimal_comma(self) -> bool:
        """Whether numbers may have decimal commas."""
        return self.separator == ";"

    def whole(self) -> pa.Table:
        """Read every cell below the header."""
        with _faults(self.path, self):
            return arrow_csv.read_csv(arrow_source(self.path, unpack=True), *self._options())

    def blocks(self) -> Iterator[pa.Table]:
        """Read the cells below the header, some megabytes at a time."""
        with _faults(self.path, self):
            try:
                reader = arrow_csv.open_csv(arrow_source(self.path, unpack=True), *self._options(_BLOCK))
            except pa.ArrowInvalid as error:
                if str(error).startswith("Empty CSV file"):  # a header alone
                    return
                raise
            for batch in reader:
                yield pa.Table.from_batches([batch])

    def _options(self, block_size: int | None = None) -> tuple[Any, Any, Any]:
        handles = [f"f{i}" for i in range(len(self.names))]  # the user's names may repeat, which is reported later
        return (
            arrow_csv.ReadOptions(column_names=handles, skip_rows=self.lines, block_size=block_size),
            # In a table of one column an empty line is an empty cell.
            arrow_csv.ParseOptions(
                delimiter=self.separator, newlines_in_values=True, ignore_empty_lines=len(self.names) > 1
            ),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(handles, pa.string())),
        )


@contextmanager
def _text(path: Place) -> Iterator[TextIO]:
    with _bytes(path) as file, TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        yield text


@contextmanager
def _bytes(path: Place) -> Iterator[IO[bytes]]:
    with opened(path) as file:
        if path.suffix != ".gz":
            yield file
            return
        with gzip.open(file, "rb") as unpacked:
            yield cast("IO[bytes]", unpacked)


@contextmanager
def _faults(path: Place, text: CsvText | None = None) -> Iterator[None]:
    """Say in one line what is wrong with a file, and where."""
    try:
        try:
            yield
        except (pa.ArrowInvalid, OSError) as error:
            if text is None or isinstance(error, gzip.BadGzipFile | PermissionError):
                raise
            _blame_line(path, len(text.names), text.separator, error)
        except UnicodeDecodeError:
            _blame_encoding(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileError(f"'{path}' is cut short or is no gzip file ({error})") from error


def _blame_line(path: Place, width: int, separator: str, error: Exception) -> NoReturn:
    """Find, slowly, what the fast reader refused."""
    with _faults(path), _text(path) as file:
        rows = csv.reader(file, delimiter=separator)
        for row in rows:
            if row and len(row) != width:
                where = f"'{path}' line {rows.line_num}"
                raise FileError(f"{where}: {len(row)} fields where the header has {width}: repair that line")
    raise FileError(f"'{path}' cannot be read as CSV: {str(error).splitlines()[0]}") from error


def _blame_encoding(path: Place) -> NoReturn:
    with _bytes(path) as file:
        for number, line in enumerate(file, start=1):
            if number == 1 and line[:2] == b"\x1f\x8b":
                raise FileError(f"'{path}' is compressed with gzip: name it .csv.gz")
            if number == 1 and line[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise FileError(f"'{path}' is UTF-16 text: save it as UTF-8")
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = f"'{path}' line {number}: byte 0x{line[error.start]:02x}"
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
