"""Rows and their codes in PostgreSQL with pgvector: what `codestore` does in a folder, on a server that many share.

Every change is one transaction. The rows are a table of their own columns, which other programs can read and join;
what else belongs to an index, the model's file among it, is a row of the table `isthmus_indexes`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import numpy as np
import pyarrow as pa

from isthmus.data.codestore import CODE, DISTANCE, ROW, Codes, Numbers, Pieces, numbered
from isthmus.data.nearest import MANY
from isthmus.errors import DataError, FileError, UsageError

__all__ = ["SCHEMES", "PostgresStore"]

SCHEMES = ("postgresql", "postgres")
DIMENSIONS = 2_000
"""Numbers of a code that pgvector can sort into its graph."""
LOOKS = (100, 1_000)
"""Codes that a search in the graph looks at, the second if the first finds too few that fulfil a condition."""
_CATALOGUE = (
    "CREATE TABLE IF NOT EXISTS isthmus_indexes "
    "(name text PRIMARY KEY, facts text NOT NULL, schema bytea NOT NULL, model bytea NOT NULL)"
)
_WORDS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`([^`]*)`|[^\W\d]\w*")


class PostgresStore:
    """A table of rows and codes on a server.

    Parameters
    ----------
    address
        Such as "postgresql://user@host/database?table=houses"; all but `table` is the server's own.

    Raises
    ------
    FileError
        The server cannot be reached, or has no such index.
    """

    def __init__(self, address: str | PathLike[str]) -> None:
        self.address, self._table = _parted(str(address))
        self._read()

    def _read(self) -> None:
        with self._connected() as connection:
            there = connection.execute("SELECT to_regclass('isthmus_indexes')").fetchone()[0]
            found = (
                there
                and connection.execute(
                    "SELECT facts, schema FROM isthmus_indexes WHERE name = %s", [self._table]
                ).fetchone()
            )
        if not found:
            raise FileError(f"there is no index '{self._table}' in the database: `isthmus index` makes one")
        self.facts: dict[str, Any] = json.loads(found[0])
        self.schema: pa.Schema = pa.ipc.read_schema(pa.py_buffer(found[1]))

    @classmethod
    def _at(cls, address: str | PathLike[str]) -> PostgresStore:
        """Give a store that need not be there."""
        store = cls.__new__(cls)
        store.address, store._table = _parted(str(address))
        return store

    @classmethod
    def refuse(cls, address: str | PathLike[str]) -> None:
        """Refuse a table that is there already."""
        store = cls._at(address)
        with store._connected() as connection:
            if connection.execute("SELECT to_regclass(%s)", [_quoted(store._table)]).fetchone()[0]:
                raise FileError(f"table '{store._table}' is there already: choose another name, or add rows to it")

    @classmethod
    def make(cls, address: str | PathLike[str], pieces: Pieces, facts: Mapping[str, Any], model: Path) -> None:
        """Write rows, codes and the model's file to a new table, in one transaction."""
        store = cls._at(address)
        with store._connected() as connection:
            store._write(connection, pieces, facts, model)

    def replace(self, pieces: Pieces, facts: Mapping[str, Any], model: Path, numbers: Numbers) -> None:
        """Put other rows, codes and a model in place of these, in one transaction."""
        with self._connected() as connection:
            connection.execute(f"DROP TABLE {_quoted(self._table)}")
            self._write(connection, pieces, facts, model, numbers)
        self._read()

    def _write(
        self, connection: Any, pieces: Pieces, facts: Mapping[str, Any], model: Path, numbers: Numbers | int = 0
    ) -> None:
        each = numbered(pieces, numbers)
        first = rows, codes, _ = next(each)
        if facts["compress"] != "none":
            raise UsageError(f"compress is {facts['compress']!r}: on a server codes are held in full; leave it out")
        if not 1 <= codes.shape[1] <= DIMENSIONS:
            raise UsageError(f"codes of {codes.shape[1]:,} numbers: pgvector takes up to {DIMENSIONS:,}")
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute(_CATALOGUE)
        columns = [f"{_quoted(field.name)} {_kind(field)}" for field in rows.schema]
        columns += [f"{ROW} bigint PRIMARY KEY", f"{CODE} vector({codes.shape[1]}) NOT NULL"]
        connection.execute(f"CREATE TABLE {_quoted(self._table)} ({', '.join(columns)})")
        count = self._copy(connection, rows.column_names, chain([first], each))
        facts = {**facts, "size": codes.shape[1]}
        connection.execute(
            "INSERT INTO isthmus_indexes VALUES (%s, %s, %s, %s) ON CONFLICT (name) DO UPDATE "
            "SET facts = excluded.facts, schema = excluded.schema, model = excluded.model",
            [self._table, json.dumps(facts), rows.schema.serialize().to_pybytes(), model.read_bytes()],
        )
        if count >= MANY:
            connection.execute("SET LOCAL maintenance_work_mem = '1GB'")
            connection.execute(f"CREATE INDEX ON {_quoted(self._table)} USING hnsw ({CODE} vector_l2_ops)")
        connection.execute(f"ANALYZE {_quoted(self._table)}")

    def _copy(self, connection: Any, columns: Sequence[str], pieces: Iterable[tuple[pa.Table, Codes, Numbers]]) -> int:
        """Send rows to the server, and count them."""
        names, count = ", ".join([*map(_quoted, columns), ROW, CODE]), 0
        with connection.cursor().copy(f"COPY {_quoted(self._table)} ({names}) FROM STDIN") as copy:
            for rows, codes, numbers in pieces:
                start, count = 0, count + len(codes)
                for batch in rows.to_batches(max_chunksize=10_000):
                    cells = [column.to_pylist() for column in batch.columns]
                    for i in range(batch.num_rows):
                        code = "[" + ",".join(map(repr, codes[start + i].tolist())) + "]"
                        copy.write_row([*(column[i] for column in cells), int(numbers[start + i]), code])
                    start += batch.num_rows
        return count

    def __len__(self) -> int:
        """Count the rows."""
        with self._connected() as connection:
            return int(connection.execute(f"SELECT count(*) FROM {_quoted(self._table)}").fetchone()[0])

    @property
    def columns(self) -> list[str]:
        """Names of the rows' own columns."""
        return list(self.schema.names)

    @contextmanager
    def model_file(self) -> Iterator[Path]:
        """Give the model's file, for as long as it is looked at."""
        with self._connected() as connection:
            found = connection.execute("SELECT model FROM isthmus_indexes WHERE name = %s", [self._table]).fetchone()
        with TemporaryDirectory() as folder:
            path = Path(folder) / "model.isthmus"
            path.write_bytes(found[0])
            yield path

    def rows(self) -> pa.Table:
        """Give all rows, with their numbers in `ROW`."""
        return self._asked("", [], f"ORDER BY {ROW}")

    def append(self, pieces: Pieces) -> range:
        """Add rows and their codes in one transaction, kept by the server when it returns; gives their numbers."""

        def fitting() -> Iterator[tuple[pa.Table, Codes]]:
            for rows, codes in pieces:
                try:
                    yield rows.select(self.columns).cast(self.schema), codes
                except (KeyError, pa.ArrowException) as error:
                    raise DataError(f"these rows do not go with those of '{self._table}': {error}") from None

        with self._connected() as connection:
            connection.execute(
                f"LOCK TABLE {_quoted(self._table)} IN SHARE ROW EXCLUSIVE MODE"
            )  # one numbers at a time
            query = f"SELECT coalesce(max({ROW}), -1) + 1 FROM {_quoted(self._table)}"
            start = int(connection.execute(query).fetchone()[0])
            count = self._copy(connection, self.columns, numbered(fitting(), start))
        return range(start, start + count)

    def delete(self, where: str) -> int:
        """Delete the rows for which a condition holds; give their count."""
        with self._connected(where) as connection:
            return int(_one(connection, f"DELETE FROM {_quoted(self._table)} WHERE {self._said(where)}").rowcount)

    def search(
        self, code: Codes, n: int, where: str | None = None, *, without: int | None = None, exact: bool = False
    ) -> pa.Table:
        """Give the `n` rows with the codes nearest to one (size,), as `CodeStore.search` does."""
        text = "[" + ",".join(map(repr, np.asarray(code, np.float64).tolist())) + "]"
        conditions = [f"({self._said(where)})"] if where else []
        conditions += [f"{ROW} <> {int(without)}"] if without is not None else []
        which = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        nearness = f"{CODE} <-> '{text}'::vector"
        found = pa.table({})
        for look in () if exact else LOOKS:
            settings = [f"SET LOCAL hnsw.ef_search = {max(look, min(n, LOOKS[-1]))}"]
            found = self._asked(which, settings, f"ORDER BY {nearness} LIMIT {int(n)}", nearness, where)
            if len(found) >= n:
                return found
        settings = ["SET LOCAL enable_indexscan = off"]
        return self._asked(which, settings, f"ORDER BY {nearness} LIMIT {int(n)}", nearness, where)

    def code_of(self, row: int) -> Codes:
        """Give the code of a row by its number."""
        with self._connected() as connection:
            query = f"SELECT {CODE}::text FROM {_quoted(self._table)} WHERE {ROW} = %s"
            found = connection.execute(query, [int(row)]).fetchone()
        if found is None:
            raise UsageError(f"there is no row {row} in '{self._table}'")
        return _read_code(found[0])

    def codes(self) -> Codes:
        """Give the codes (rows, size) of all rows."""
        with self._connected() as connection:
            found = connection.execute(f"SELECT {CODE}::text FROM {_quoted(self._table)} ORDER BY {ROW}").fetchall()
        return np.array([_read_code(each[0]) for each in found], np.float32).reshape(len(found), -1)

    def _asked(
        self, which: str, settings: Sequence[str], order: str, nearness: str = "", where: str | None = None
    ) -> pa.Table:
        """Give the rows of a query, as the types that they came in."""
        names = [*map(_quoted, self.columns), ROW, *([nearness] if nearness else [])]
        with self._connected(where) as connection:
            connection.execute("SET TRANSACTION READ ONLY")
            for setting in settings:
                connection.execute(setting)
            found = connection.execute(
                f"SELECT {', '.join(names)} FROM {_quoted(self._table)} {which} {order}"
            ).fetchall()
        fields = [*self.schema, pa.field(ROW, pa.int64())]
        fields += [pa.field(DISTANCE, pa.float64())] if nearness else []
        cells = list(zip(*found, strict=True)) or [()] * len(fields)
        return pa.table(
            [pa.array(column, field.type) for column, field in zip(cells, fields, strict=True)], pa.schema(fields)
        )

    def _said(self, where: str) -> str:
        """Put the quotes around columns' names that PostgreSQL asks for; backquotes do as well."""

        def name(found: re.Match[str]) -> str:
            if found[1] is not None:
                return _quoted(found[1])
            return _quoted(found[0]) if found[0] in self.schema.names else found[0]

        return _WORDS.sub(name, where)

    @contextmanager
    def _connected(self, where: str | None = None) -> Iterator[Any]:
        """Give a connection, committed at the end or not at all; faults become one line."""
        try:
            import psycopg
        except ImportError:
            raise UsageError("an index on a server needs psycopg: pip install 'isthmus[postgres]'") from None
        try:
            with psycopg.connect(self.address, connect_timeout=10) as connection:
                yield connection
        except psycopg.OperationalError as error:
            raise FileError(f"the database cannot be reached: {_line(error)}") from None
        except psycopg.Error as error:
            if where is not None:
                raise UsageError(f"condition {where!r}: {_line(error)}") from None
            raise FileError(f"the database refused: {_line(error)}") from None


def _parted(address: str) -> tuple[str, str]:
    """Take the table's name out of an address.

    >>> _parted("postgresql://me@host/db?table=houses&sslmode=require")
    ('postgresql://me@host/db?sslmode=require', 'houses')
    """
    parts = urlsplit(address)
    asked = parse_qsl(parts.query, keep_blank_values=True)
    names = [value for name, value in asked if name == "table"]
    if len(names) != 1 or not names[0] or len(names[0].encode()) > 63 or "\0" in names[0]:
        raise UsageError("the address names no table: write postgresql://user@host/database?table=NAME")
    if names[0] == "isthmus_indexes":
        raise UsageError("table 'isthmus_indexes' is where indexes are listed: choose another name")
    rest = urlencode([(name, value) for name, value in asked if name != "table"], safe="/")
    return urlunsplit(parts._replace(query=rest)), names[0]


def _one(connection: Any, query: str) -> Any:
    """Run one statement: prepared, PostgreSQL takes no second one that a condition might hold."""
    return connection.execute(query, prepare=True)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _kind(field: pa.Field) -> str:
    kind = field.type
    for is_, word in (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "bigint"),
        (pa.types.is_floating, "double precision"),
        (pa.types.is_string, "text"),
        (pa.types.is_large_string, "text"),
        (pa.types.is_binary, "bytea"),
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "timestamp" if getattr(kind, "tz", None) is None else "timestamptz"),
        (pa.types.is_time, "time"),
        (pa.types.is_duration, "interval"),
        (pa.types.is_decimal, "numeric"),
    ):
        if is_(kind):
            return word
    raise DataError(f"column '{field.name}': cells of type {kind} have no place in PostgreSQL; leave it out")


def _read_code(text: str) -> Codes:
    return np.array(text.strip("[]").split(","), dtype=np.float32)


def _line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
