"""Passages of text: what a language model reads one at a time, out of files of text, JSON lines or Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from isthmus.errors import DataError, FileError, UsageError

__all__ = ["UNITS", "Passage", "mixed_passages", "read_passages"]

UNITS = ("line", "paragraph", "file")
_COLUMN = "text"
_LOOK = 1 << 20
"""Characters of a text in which a blank line is looked for."""


@dataclass(frozen=True)
class Passage:
    """A passage of text, the name of the file that holds it, and its place there, counted from 0."""

    text: str
    source: str
    number: int


def read_passages(
    paths: Sequence[str | PathLike[str]], *, column: str | None = None, unit: str | None = None
) -> Iterator[Passage]:
    r"""Read the passages of files one after another, never a whole file at once but where the unit is one.

    Parameters
    ----------
    paths
        Files: .jsonl and .parquet hold a passage a row; anything else is text in UTF-8.
    column
        Which key or column of .jsonl and .parquet holds the text; by default "text".
    unit
        What a passage of a text is: a "line", a "paragraph" (set apart by blank lines) or the whole "file". By default
        a paragraph of a .txt with blank lines, a line of one without, and the whole of any other file.

    Raises
    ------
    FileError
        A file is missing, broken, not UTF-8, or holds no text.
    DataError
        There is no such column, or it holds no text.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two.txt"
    >>> _ = path.write_text("One line.\nAnother.\n")
    >>> [(passage.number, passage.text) for passage in read_passages([path])]
    [(0, 'One line.'), (1, 'Another.')]
    """
    if unit is not None and unit not in UNITS:
        raise UsageError(f"unit {unit!r} is unknown; known are {', '.join(UNITS)}")
    for path in map(Path, paths):
        empty = True
        for number, text in enumerate(_texts(path, column, unit)):
            if text.strip():
                yield Passage(text, path.name, number)
                empty = False
        if empty:
            raise FileError(f"'{path}' holds no text")


def mixed_passages(
    paths: Sequence[str | PathLike[str]], *, column: str | None = None, unit: str | None = None
) -> Iterator[Passage]:
    r"""Read the passages of several files in turn: the next is of the file that has given the fewest characters.

    So a model sees equally much of each from the start, until the shortest is read to its end. Parameters and errors
    are those of `read_passages`.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.txt").write_text("1\n2\n3\n"), (folder / "b.txt").write_text("long\nlonger\n")
    >>> [passage.text for passage in mixed_passages([folder / "a.txt", folder / "b.txt"])]
    ['1', 'long', '2', '3', 'longer']
    """
    readers = [read_passages([path], column=column, unit=unit) for path in paths]
    given = [0] * len(readers)
    left = list(range(len(readers)))
    while left:
        turn = min(left, key=given.__getitem__)
        passage = next(readers[turn], None)
        if passage is None:
            left.remove(turn)
        else:
            given[turn] += len(passage.text)
            yield passage


def _texts(path: Path, column: str | None, unit: str | None) -> Iterator[str]:
    """Read one file's passages, empty ones too, so that places can be counted."""
    if path.is_dir():
        raise FileError(f"'{path}' is a folder: name files in it")
    if not path.is_file():
        raise FileError(f"'{path}': no such file")
    suffix = path.suffix.lower()
    try:
        if suffix == ".parquet":
            yield from _of_parquet(path, column or _COLUMN)
        elif suffix == ".jsonl":
            yield from _of_json_lines(path, column or _COLUMN)
        else:
            yield from _of_text(path, unit or _unit(path))
    except UnicodeDecodeError:
        raise FileError(f"'{path}' is not text in UTF-8: byte {_first_bad(path):,} belongs to no character") from None
    except OSError as error:
        raise FileError(f"'{path}' cannot be read: {error.strerror or error}") from None


def _of_text(path: Path, unit: str) -> Iterator[str]:
    with path.open(encoding="utf-8-sig") as file:
        if unit == "file":
            yield file.read()
        elif unit == "line":
            for line in file:
                yield line.rstrip("\n")
        else:
            held: list[str] = []
            for line in file:
                if line.strip():
                    held.append(line)
                elif held:
                    yield "".join(held).rstrip("\n")
                    held = []
            if held:
                yield "".join(held).rstrip("\n")


def _unit(path: Path) -> str:
    """Say what a passage of a text is, by its ending and the first blank line."""
    if path.suffix.lower() != ".txt":
        return "file"
    with path.open(encoding="utf-8-sig") as file:
        started = blank = False
        seen = 0
        for line in file:
            if blank and line.strip():
                return "paragraph"
            blank = started and not line.strip()
            started = started or bool(line.strip())
            seen += len(line)
            if seen > _LOOK:
                break
    return "line"


def _of_json_lines(path: Path, column: str) -> Iterator[str]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                raise FileError(f"'{path}': line {number:,} is not JSON") from None
            if not isinstance(row, dict) or column not in row:
                keys = ", ".join(f"'{key}'" for key in list(row)[:8]) if isinstance(row, dict) else "none"
                raise DataError(f"'{path}': line {number:,} has no key '{column}'; its keys are {keys}")
            if not isinstance(row[column], str):
                raise DataError(f"'{path}': line {number:,} holds no text under '{column}'")
            yield row[column]


def _of_parquet(path: Path, column: str) -> Iterator[str]:
    try:
        file = parquet.ParquetFile(path)
        names = file.schema_arrow.names
        if column not in names:
            listed = ", ".join(f"'{name}'" for name in names[:8])
            raise DataError(f"'{path}' has no column '{column}'; its columns are {listed}")
        kind = file.schema_arrow.field(column).type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
            raise DataError(f"'{path}': column '{column}' holds {kind}, not text")
        for batch in file.iter_batches(batch_size=1024, columns=[column]):
            yield from (text or "" for text in batch.column(0).to_pylist())
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise FileError(f"'{path}' is broken, or no Parquet file: {str(error).splitlines()[0][:120]}") from None


def _first_bad(path: Path) -> int:
    """Find the first byte that is part of no character, counted from 0."""
    place = 0
    with path.open("rb") as file:
        for line in file:
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return place + error.start
            place += len(line)
    return place
