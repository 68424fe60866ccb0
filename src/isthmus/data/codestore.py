"""Rows and their codes in a folder, in LanceDB: searched by nearness and by what the rows say, appended to and deleted.

Every change is one commit: a process that is killed leaves what was committed before.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.data import nearest
from isthmus.data.handed import hand_over
from isthmus.data.nearest import CODE, ROW, Nearest, read, run
from isthmus.errors import DataError, FileError, UsageError
from isthmus.files import writing

__all__ = [
    "CODE",
    "COMPRESSIONS",
    "DISTANCE",
    "ROW",
    "TABLE",
    "CodeStore",
    "Pieces",
    "connect",
    "joined",
    "line",
    "numbered",
]

DISTANCE = "isthmus_distance"
"""Column of what is found, beside the rows' own, `CODE` and `ROW`."""

COMPRESSIONS = {"none": ("IvfFlat", None), "int8": ("IvfSq", 4), "product": ("IvfPq", 10), "binary": ("IvfRq", 20)}
"""How codes are held in memory, as LanceDB calls it, and how many times as many are compared again in full."""

CELL = 2_000
"""Codes in a cell."""

TABLE = "rows"
_FACTS = b"isthmus"

Codes = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
Pieces: TypeAlias = Iterable[tuple[pa.Table, Codes]]
"""Rows with their codes (rows, size), one piece of a table after another."""


class CodeStore:
    """A table of rows and codes on disk.

    Parameters
    ----------
    folder
        Where it is; `create` makes one.

    Raises
    ------
    FileError
        There is no such store, or it was altered.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.place: Path | str = Path(fspath(folder))
        if not (self.place / f"{TABLE}.lance").is_dir():
            raise FileError(f"'{folder}' is no index: `isthmus index MODEL DATA -o INDEX` makes one")
        self._open()

    def _open(self) -> None:
        try:
            self._table = _opened(self.place)
            self._schema: pa.Schema = run(self._table.schema())
            self.facts: dict[str, Any] = json.loads((self._schema.metadata or {})[_FACTS])
            self._kind, refine = COMPRESSIONS[self.facts["compress"]]
            self._nearest = Nearest(self._table, refine)
        except (ValueError, RuntimeError, OSError, KeyError) as error:
            raise FileError(f"'{self.place}' is no index, or was altered: {line(error)}") from None

    @classmethod
    def create(cls, place: Path | str, pieces: Pieces, facts: Mapping[str, Any], numbers: Numbers | int = 0) -> Self:
        """Write rows and codes, in one commit and in place of what the store there held.

        `facts` can be JSON; the store gives them back, with the `size` of codes. `facts["compress"]` names one of
        `COMPRESSIONS`. `numbers` are the rows', or what they are counted from.
        """
        tables = (joined(*piece) for piece in numbered(pieces, numbers))
        first = next(tables)
        facts = {**facts, "size": first.schema.field(CODE).type.list_size}
        schema = first.schema.with_metadata({_FACTS: json.dumps(facts).encode()})

        def write(reader: pa.RecordBatchReader) -> None:
            try:
                connect(place).create_table(TABLE, reader, mode="overwrite")
            except (ValueError, RuntimeError, OSError) as error:
                raise FileError(f"'{place}' cannot be written: {line(error)}") from None

        hand_over(chain([first], tables), schema, write)
        store = cls(place)
        store.sort()
        return store

    @classmethod
    def refuse(cls, folder: str | PathLike[str]) -> None:
        """Refuse a place where something is, or where nothing can be."""
        target = Path(fspath(folder))
        if target.exists():
            raise FileError(f"'{target}' is there already: choose another name, or add rows to it")
        if not target.absolute().parent.is_dir():
            raise FileError(f"'{target}' cannot be written: there is no folder '{target.absolute().parent}'")

    @classmethod
    def make(cls, folder: str | PathLike[str], pieces: Pieces, facts: Mapping[str, Any], model: Path) -> None:
        """Write rows, codes and a model's file to a folder that appears whole, or not at all."""
        target = Path(fspath(folder))
        part = target.with_name(f".{secrets.token_hex(4)}.{target.name}")
        try:
            part.mkdir()
            shutil.copyfile(model, part / model.name)
            cls.create(part, pieces, facts)
            part.rename(target)
        except OSError as error:
            raise FileError(f"'{target}' cannot be written: {error.strerror or error}") from error
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def replace(self, pieces: Pieces, facts: Mapping[str, Any], model: Path, numbers: Numbers) -> None:
        """Put others in place of these; that the rows, which name their model, are written is the commit."""
        folder, old = Path(self.place), self.facts["model"]
        with writing(folder / model.name) as temporary:
            shutil.copyfile(model, temporary)
        self.create(folder, pieces, facts, numbers)
        self._open()
        if old != model.name:
            (folder / old).unlink(missing_ok=True)

    def __len__(self) -> int:
        """Count the rows."""
        return int(run(self._table.count_rows()))

    @property
    def schema(self) -> pa.Schema:
        """The rows' own columns and their types."""
        return pa.schema([field for field in self._schema if field.name not in (CODE, ROW)])

    @property
    def columns(self) -> list[str]:
        """Their names."""
        return list(self.schema.names)

    @contextmanager
    def model_file(self) -> Iterator[Path]:
        """Give the model's file, for as long as it is looked at."""
        yield Path(self.place) / self._model_name()

    def _model_name(self) -> str:
        name = Path(str(self.facts.get("model", ""))).name  # in this place, whatever the table says
        if not name:
            raise FileError(f"'{self.place}' is no index, or was altered: it names no model")
        return name

    def rows(self) -> pa.Table:
        """Give all rows, with their numbers in `ROW`."""
        return run(read(self._table.query().select([*self.columns, ROW])))

    def sort(self) -> None:
        """Sort many codes into cells, and index the columns, so that no search has to look at all of them."""
        count = len(self)
        if count < nearest.MANY:
            return
        from lancedb import index

        more = {"num_sub_vectors": _divisor(self.facts["size"])} if self._kind == "IvfPq" else {}
        cells = getattr(index, self._kind)(distance_type="l2", num_partitions=max(1, count // CELL), **more)
        run(self._table.create_index(CODE, config=cells, replace=True))
        for name in self.columns:
            if _comparable(self._schema.field(name).type):
                run(self._table.create_index(name, config=index.BTree(), replace=True))

    def append(self, pieces: Pieces) -> range:
        """Add rows and their codes in one commit; they are on disk when it returns. Gives their numbers."""
        schema, start = pa.schema(list(self._schema)), self._next()
        end = start

        def fitting() -> Iterator[pa.Table]:
            nonlocal end
            for rows, codes, numbers in numbered(pieces, start):
                end += len(codes)
                try:
                    yield joined(rows.select(self.columns), codes, numbers).cast(schema)
                except (KeyError, pa.ArrowException) as error:
                    raise DataError(f"these rows do not go with those of '{self.place}': {line(error)}") from None

        hand_over(fitting(), schema, lambda reader: run(self._table.add(reader)))
        if len(self) >= nearest.MANY:
            run(self._table.optimize())  # what is new is compared in full until it is in the cells
        return range(start, end)

    def delete(self, where: str) -> int:
        """Delete the rows for which a condition holds; give their count."""
        before = len(self)
        with _condition(where):
            run(self._table.delete(where))
        return before - len(self)

    def search(
        self, code: Codes, n: int, where: str | None = None, *, without: int | None = None, exact: bool = False
    ) -> pa.Table:
        """Give the `n` rows with the codes nearest to one (size,), nearest first, with `ROW` and `DISTANCE`.

        With `where`, an SQL condition on the columns, of those for which it holds; `without` leaves a row out; `exact`
        compares all.
        """
        conditions = [f"({where})"] if where else []
        conditions += [f"{ROW} != {without}"] if without is not None else []
        said = " and ".join(conditions)
        with _condition(where):
            found = run(self._nearest.find(code, n, said, [*self.columns, ROW], exact=exact))
        distance = np.sqrt(np.maximum(found["_distance"].to_numpy(), 0))
        own = found.drop_columns("_distance")
        return own.append_column(DISTANCE, pa.array(distance, pa.float64()))

    def code_of(self, row: int) -> Codes:
        """Give the code of a row by its number."""
        found = run(read(self._table.query().where(f"{ROW} = {int(row)}").select([CODE])))
        if not len(found):
            raise UsageError(f"there is no row {row} in '{self.place}'")
        return np.asarray(found[CODE][0].as_py(), dtype=np.float32)

    def codes(self) -> Codes:
        """Give the codes (rows, size) of all rows."""
        found = run(read(self._table.query().select([CODE])))[CODE].combine_chunks()
        return np.asarray(found.values.to_numpy(zero_copy_only=False), dtype=np.float32).reshape(len(found), -1)

    def _next(self) -> int:
        numbers = run(read(self._table.query().select([ROW])))[ROW].to_numpy()
        return int(numbers.max()) + 1 if len(numbers) else 0


def connect(place: Path | str) -> Any:
    """Open the database at a place."""
    return _lancedb().connect(place)


def _opened(place: Path | str) -> Any:
    """Open the rows and codes of the database at a place."""

    async def table() -> Any:
        database = await _lancedb().connect_async(place)
        return await database.open_table(TABLE)

    return run(table())


def _lancedb() -> Any:
    os.environ.setdefault("LANCEDB_LOG", "error")  # its advice is for developers
    try:
        import lancedb
    except ImportError:
        raise UsageError("an index needs the package lancedb: pip install 'isthmus[search]'") from None
    return lancedb


@contextmanager
def _condition(where: str | None) -> Iterator[None]:
    """Say in one line what is wrong with a condition."""
    try:
        yield
    except (ValueError, RuntimeError, OSError) as error:
        if where is None:
            raise
        raise UsageError(f"condition {where!r}: {line(error)}") from None


def numbered(pieces: Pieces, numbers: Numbers | int = 0) -> Iterator[tuple[pa.Table, Codes, Numbers]]:
    """Give each piece its rows' numbers as well: these, or such as count on from one."""
    start = 0
    for rows, codes in pieces:
        here = np.arange(start, start + len(codes))
        yield rows, codes, here + numbers if isinstance(numbers, int) else numbers[here]
        start += len(codes)


def joined(rows: pa.Table, codes: Codes, numbers: Numbers) -> pa.Table:
    """Put rows, their numbers and their codes side by side."""
    taken = {CODE, ROW, DISTANCE}.intersection(rows.column_names)
    if taken:
        raise DataError(f"column name '{min(taken)}' is taken by the index: rename the column")
    flat = pa.array(np.ascontiguousarray(codes, dtype=np.float32).reshape(-1))
    columns = {name: rows[name] for name in rows.column_names}
    code = pa.FixedSizeListArray.from_arrays(flat, codes.shape[1])
    return pa.table(columns | {ROW: pa.array(numbers, pa.int64()), CODE: code})


def _comparable(kind: pa.DataType) -> bool:
    known = (pa.types.is_integer, pa.types.is_floating, pa.types.is_string, pa.types.is_large_string)
    return any(is_(kind) for is_ in (*known, pa.types.is_temporal))


def _divisor(size: int) -> int:
    """Give the largest divisor of a code's size that leaves parts of two numbers or more, or 1."""
    return next((parts for parts in range(size // 2, 0, -1) if size % parts == 0), 1)


def line(error: BaseException) -> str:
    """Give the first line of an error of the database, without where in its own source it arose."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return text.split(", /")[0][:300]
