"""An index: rows, their codes and the model that made them, in one folder that finds what is like a row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from isthmus.data.codestore import COMPRESSIONS, DISTANCE, ROW
from isthmus.data.parts import Parts
from isthmus.data.stores import Store, store_of
from isthmus.errors import UsageError
from isthmus.indexed import Holdings, holdings
from isthmus.tasks.batches import Codes

if TYPE_CHECKING:
    from isthmus.model import Autoencoder
    from isthmus.pictures import PictureAutoencoder

    Model = Autoencoder | PictureAutoencoder

__all__ = ["QUERY", "Index"]

QUERY = "isthmus_query"
"""The column that says which of several queries a row was found by."""


class Index:
    """Rows that are found by what they are like, and by conditions on their columns.

    Nearness is the Euclidean distance of codes. The rows and codes are in a LanceDB table, a copy of the model beside
    it: the folder is all that a search needs. Or all of it is in a bucket of object storage, or in a PostgreSQL
    database with pgvector.

    Parameters
    ----------
    where
        An index that `Index.create` made: a folder, "s3://bucket/name" (also gs, az), or
        "postgresql://user@host/database?table=NAME".

    Raises
    ------
    FileError
        It is none, or was altered.
    UsageError
        LanceDB is not installed, `pip install 'isthmus[search]'`, or for a database psycopg, `'isthmus[postgres]'`.

    Examples
    --------
    >>> import tempfile
    >>> from isthmus import Autoencoder
    >>> rows = pa.table({"area": [40.0, 60.0, 61.0, 200.0] * 20, "zone": ["hill", "port", "port", "hill"] * 20})
    >>> model = Autoencoder(1, epochs=2).fit(rows)
    >>> index = Index.create(Path(tempfile.mkdtemp()) / "homes", model, rows)
    >>> len(index)
    80
    >>> found = index.search({"area": 61.0, "zone": "port"}, n=3, where="zone = 'port'")
    >>> found["zone"].to_pylist()
    ['port', 'port', 'port']
    """

    def __init__(self, where: str | PathLike[str]) -> None:
        from isthmus.store import load

        self.where = where
        self._store: Store = store_of(where)(where)
        with self._store.model_file() as path:
            self.model: Model = load(path)  # type: ignore[assignment]
        self._things = holdings(self.model)

    @classmethod
    def create(cls, where: str | PathLike[str], model: Model, X: Any, *, compress: str = "none") -> Self:
        """Make an index of rows; the folder or table must not be there yet.

        Parameters
        ----------
        where
            Where to write it; it appears whole, or not at all.
        model
            A fitted autoencoder of a table or of pictures.
        X
            Rows, with the columns that the model was fitted to, and others if wanted: those can be asked for as well.
            Or pictures, a folder or an array of them: a row is then a `name`, a `label` where folders say it, and a
            `picture`, as PNG. Of `isthmus.Parts`, or an iterator over tables, a part is in memory at a time.
        compress
            How codes are held while they are searched: "none", "int8", "product" or "binary" (a quarter, an eighth or
            less, and a thirty-second of the memory); those that seem nearest are compared again in full.
        """
        if compress not in COMPRESSIONS:
            raise UsageError(f"compress is {compress!r}; known are {', '.join(COMPRESSIONS)}")
        store, things = store_of(where), holdings(model)
        store.refuse(where)
        with _saved(model) as path:
            store.make(where, _pieces(things, X), {"model": path.name, "compress": compress}, path)
        return cls(where)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._store)

    def made_by(self, model: Model) -> bool:
        """Tell whether a model is the one whose codes these are."""
        with _saved(model) as path:
            return bool(path.name == self._store.facts["model"])

    def add(self, X: Any) -> list[int]:
        """Add rows, all in one commit, which are on disk when this returns; gives their numbers."""
        return list(self._store.append(_pieces(self._things, X)))

    def delete(self, where: str) -> int:
        """Delete the rows for which an SQL condition holds, such as "price > 100"; gives their count."""
        return self._store.delete(where)

    def search(
        self, X: Any = None, *, row: int | None = None, n: int = 10, where: str | None = None, exact: bool = False
    ) -> Any:
        """Find the rows that are most like others.

        Parameters
        ----------
        X
            Rows to look for; or one, as `{"column": value}`. What is missing or not named is imputed. Or pictures: a
            file, a folder, an array of them.
        row
            Instead: a row of the index, by its number; it is not found itself.
        n
            How many to find, of each.
        where
            An SQL condition on the columns, such as "price < 200000 and zone = 'hill'"; put backquotes around names
            with spaces.
        exact
            Whether to compare with every code, however many there are.

        Returns
        -------
        table
            Nearest first, of the kind that `X` is (pyarrow for a mapping or a row): `isthmus_query`, which row of `X`
            it was found by, `isthmus_row`, its number in the index, `isthmus_distance`, and its own columns.

        Raises
        ------
        UsageError
            A condition that cannot be read, an unknown column or value, or a row that is not there.
        """
        if (X is None) == (row is None):
            raise UsageError("say what to look for: rows, or the number of a row of the index")
        if n < 1:
            raise UsageError(f"n is {n}; give 1 or more")
        if row is not None:
            codes, query = self._store.code_of(int(row))[None], None
        else:
            codes, query = self._things.ask(X, self._store.schema)
        parts = []
        for number, code in enumerate(codes):
            found = self._store.search(code, n, where, without=row, exact=exact)
            parts.append(found.add_column(0, QUERY, pa.array([number] * len(found), pa.int64())))
        found = pa.concat_tables(parts)
        first = [QUERY, ROW, DISTANCE]
        found = found.select([*first, *(name for name in found.column_names if name not in first)])
        return found if query is None else query.give(found)

    def recall(self, n: int = 10, queries: int = 200, seed: int = 0) -> float:
        """Measure the share of the true `n` nearest that a search finds, on codes drawn from the index."""
        codes = self._store.codes()
        drawn = codes[np.random.default_rng(seed).permutation(len(codes))[:queries]]
        hits = total = 0
        for code in drawn:
            near, true = (set(self._store.search(code, n, exact=exact)[ROW].to_pylist()) for exact in (False, True))
            hits, total = hits + len(near & true), total + len(true)
        return hits / max(total, 1)

    def retrain(self, model: Model) -> None:
        """Encode all rows anew by another model, in one commit: until it is done, searches find by the old one.

        Rows keep their numbers.
        """
        kept = self._store.rows()
        rows, numbers = kept.drop_columns(ROW), kept[ROW].to_numpy()
        with _saved(model) as path:
            facts = {**self._store.facts, "model": path.name}
            self._store.replace([(rows, holdings(model).encode(rows))], facts, path, numbers)
        self.model, self._things = model, holdings(model)


def _pieces(things: Holdings, X: Any) -> Iterator[tuple[pa.Table, Codes]]:
    """Give rows and codes of a table, or of its parts one after another."""
    for part in X if isinstance(X, Parts | Iterator) else [X]:
        rows = things.read(part)
        yield rows, things.encode(rows)


@contextmanager
def _saved(model: Model) -> Iterator[Path]:
    """Save a model for a moment, in a file whose name is made of its contents."""
    from isthmus.store import fingerprint

    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.isthmus"
        model.save(path)
        yield path.rename(path.with_name(f"model-{fingerprint(path)[:12]}.isthmus"))
