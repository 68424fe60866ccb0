"""The files of a table that is read in parts, and the one look at all rows that settles what its columns are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from isthmus.data.arrays import Column, is_text
from isthmus.data.csvs import CsvText
from isthmus.data.parquets import readable
from isthmus.data.remote import Place, arrow_source, size_of
from isthmus.data.text import TOO_LONG, blank_missing, common, parse_as, spelt
from isthmus.errors import DataError

__all__ = ["PartFile", "survey"]

_ROWS = 1 << 15
"""Rows of a Parquet file read at a time."""


@dataclass(frozen=True)
class PartFile:
    """One file of a table: Parquet, or CSV, whose cells are text until it is known what they spell.

    `groups` are the groups of rows of a Parquet file that are meant, where not all are.
    """

    path: Place
    kind: str
    groups: tuple[int, ...] | None = None

    @classmethod
    def of(cls, path: Place) -> Self:
        """Choose by the extension."""
        return cls(path, cls.kind_of(path))

    @staticmethod
    def kind_of(path: Place) -> str:
        """Tell a file's format: "parquet" or "csv"."""
        return "parquet" if path.name.lower().endswith(".parquet") else "csv"

    @cached_property
    def text(self) -> CsvText:
        """The CSV file as text."""
        return CsvText.of(self.path)

    def schema(self) -> pa.Schema:
        """Give the columns and their types; those of CSV are all text."""
        if self.kind == "csv":
            return pa.schema([(name, pa.string()) for name in self.text.names])
        with readable(self.path), parquet.ParquetFile(arrow_source(self.path)) as file:
            return file.schema_arrow.remove_metadata()

    def told(self) -> tuple[int, float]:
        """Give the rows, 0 where the file does not tell, and about the bytes that the cells take in memory."""
        size = size_of(self.path)
        if self.kind == "csv":
            return 0, float(size * (5 if self.path.suffix.lower() == ".gz" else 1))
        try:
            with parquet.ParquetFile(arrow_source(self.path)) as file:
                about = file.metadata
                groups = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
                return about.num_rows, float(max(groups, 8 * about.num_rows * about.num_columns))
        except (pa.ArrowException, OSError):
            return 0, 0.0  # `open_table` says what is wrong with it

    def divided(self, rows: int, count: int) -> Iterator[tuple[PartFile, int]]:
        """Give its pieces that can be read by themselves, of so many rows or more, and how many they have.

        A CSV file, of `count` rows, can only be read from its beginning.
        """
        if self.kind == "csv":
            yield self, count
            return
        with readable(self.path), parquet.ParquetFile(arrow_source(self.path)) as file:
            sizes = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
        groups: list[int] = []
        for group, _ in enumerate(sizes):
            groups.append(group)
            held = sum(sizes[each] for each in groups)
            if held >= rows or (held and group == len(sizes) - 1):
                yield replace(self, groups=tuple(groups)), held
                groups = []

    def raw(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Give some columns of all rows as they are in the file, block by block."""
        if self.kind == "csv":
            for cells in self.text.blocks():
                yield cells.rename_columns(self.text.names).select(columns)
            return
        with readable(self.path), parquet.ParquetFile(arrow_source(self.path)) as file:
            for batch in file.iter_batches(batch_size=_ROWS, row_groups=self.groups, columns=list(columns)):
                batch.validate(full=True)
                yield pa.Table.from_batches([batch]).select(columns).replace_schema_metadata(None)

    def blocks(self, kinds: pa.Schema, missing: Collection[object]) -> Iterator[pa.Table]:
        """Give all rows in the types that all files together have."""
        comma = self.kind == "csv" and self.text.decimal_comma
        for block in self.raw(kinds.names):
            columns = [
                _typed(column, field.type, missing, comma) for column, field in zip(block.columns, kinds, strict=True)
            ]
            yield pa.table(columns, schema=kinds)


def survey(files: Sequence[PartFile], missing: Collection[object]) -> tuple[list[int], pa.Schema]:
    """Count the rows of each file, and tell the type that each column has over all of them."""
    schema = _one_schema(files)
    found = {field.name: _Words(field.type, files[0].kind == "csv") for field in schema if is_text(field.type)}
    rows = [0] * len(files)
    for number, file in enumerate(files):
        if file.kind == "parquet":
            with readable(file.path), parquet.ParquetFile(arrow_source(file.path)) as opened:
                rows[number] = opened.metadata.num_rows
        comma = file.kind == "csv" and file.text.decimal_comma
        for block in file.raw([name for name, words in found.items() if file.kind == "csv" or not words.settled]):
            rows[number] += len(block) if file.kind == "csv" else 0
            for name in block.column_names:
                found[name].see(block[name], missing, comma)
            if file.kind == "parquet" and all(words.settled for words in found.values()):
                break
    types = [(field.name, found[field.name].type if field.name in found else field.type) for field in schema]
    return rows, pa.schema(types)


class _Words:
    """What the cells of a text column spell, as far as they were seen."""

    def __init__(self, own: pa.DataType, parsed: bool) -> None:
        self.own, self.parsed = own, parsed
        self.kind, self.blanked, self.finite = pa.null(), False, True

    @property
    def settled(self) -> bool:
        """Whether no further cell can change what they are."""
        return is_text(self.kind)

    def see(self, column: Column, missing: Collection[object], comma: bool) -> None:
        """Look at a block of cells."""
        if self.settled or not len(column):
            return
        cells = blank_missing(column, missing)
        self.blanked |= cells.null_count > column.null_count
        self.kind = common(self.kind, spelt(cells, comma))
        if self.kind == pa.float64():
            self.finite &= bool(pc.all(pc.is_finite(parse_as(cells, self.kind, comma))).as_py() is not False)

    @property
    def type(self) -> pa.DataType:
        """The type of the whole column: a file's own texts are numbers only where that is what "?" hid."""
        if self.kind in (pa.null(), TOO_LONG):
            return self.own
        numbers = self.kind in (pa.int64(), pa.float64()) and self.finite and self.blanked
        return self.kind if self.parsed or numbers else self.own


def _typed(column: Column, kind: pa.DataType, missing: Collection[object], comma: bool) -> Column:
    if not is_text(column.type):
        return column.cast(kind)
    cells = blank_missing(column, missing)  # here, lest what a part alone spells is taken for what the column is
    return cells.cast(kind) if is_text(kind) else parse_as(cells, kind, comma)


def _one_schema(files: Sequence[PartFile]) -> pa.Schema:
    """Give the columns of all files, which must be the same, in the first one's order."""
    first, *others = [file.schema() for file in files]
    names = first.names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        listed = ", ".join(f"'{name}'" for name in repeated[:5])
        raise DataError(f"'{files[0].path}': column names must differ, these repeat: {listed}: rename or drop them")
    if not names:
        raise DataError(f"'{files[0].path}': the table has no columns")
    ordered = [first]
    for file, schema in zip(files[1:], others, strict=True):
        if sorted(schema.names) != sorted(names):
            odd = sorted(set(schema.names) ^ set(names))
            listed = ", ".join(f"'{name}'" for name in odd[:5])
            raise DataError(f"'{file.path}' has other columns than '{files[0].path}': {listed} not in both")
        ordered.append(pa.schema([schema.field(name) for name in names]))
    try:
        return pa.unify_schemas(ordered, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"'{files[0].path}' and the other files: columns differ in type: {reason}") from None
