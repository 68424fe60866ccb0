"""What an index holds for each kind of model: rows of a table as they are, or pictures with their names and labels."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from isthmus.data.gallery import open_pictures
from isthmus.data.sources import Table, open_table
from isthmus.endings import SOUND
from isthmus.errors import DataError, UsageError
from isthmus.tasks.batches import Codes

if TYPE_CHECKING:
    from isthmus.model import Autoencoder
    from isthmus.pictures import PictureAutoencoder

PIXELS = "picture"
"""The column that holds a picture, as the bytes of a PNG."""


class Holdings(Protocol):
    """What an index does with things of one kind."""

    def read(self, X: Any) -> pa.Table:
        """Turn things into rows of the index."""

    def encode(self, rows: pa.Table) -> Codes:
        """Give codes (rows, size) of rows of the index."""

    def ask(self, X: Any, schema: pa.Schema) -> tuple[Codes, Table | None]:
        """Give codes of things to look for, and the table whose kind an answer is to be of, if any."""


class Rows:
    """Rows of tables, and an autoencoder of them."""

    def __init__(self, model: Autoencoder) -> None:
        self.model = model

    def read(self, X: Any) -> pa.Table:
        """Open a table, and give columns as databases take them: without dictionaries."""
        rows, columns = open_table(X).columns, {}
        for name in rows.column_names:
            column = rows[name]
            if pa.types.is_null(column.type):
                raise DataError(f"column '{name}' is empty: leave it out")
            is_dictionary = pa.types.is_dictionary(column.type)
            columns[name] = column.cast(column.type.value_type) if is_dictionary else column
        return pa.table(columns)

    def encode(self, rows: pa.Table) -> Codes:
        """Encode rows."""
        return np.asarray(self.model.encode(rows), np.float32)

    def ask(self, X: Any, schema: pa.Schema) -> tuple[Codes, Table | None]:
        """Encode rows to look for, or one as `{"column": value}`; what is missing or not named is imputed."""
        query = _row(X, schema) if isinstance(X, Mapping) else open_table(X)
        table = query.columns
        if any(table[name].null_count for name in table.column_names):
            table = self.model.impute(table)
        return self.encode(table), None if isinstance(X, Mapping) else query


class PictureRows:
    """Pictures, and an autoencoder of them."""

    def __init__(self, model: PictureAutoencoder) -> None:
        self.model = model

    def read(self, X: Any) -> pa.Table:
        """Open pictures: their `name`, their `label` where folders say it, and the picture itself as PNG.

        Sounds also have the `sound` that can be listened to, as the path of its file.
        """
        opened = open_pictures(X)
        columns: dict[str, Any] = {"name": pa.array([str(name) for name in opened.names], pa.string())}
        if opened.labels:
            columns["label"] = pa.array([str(label) for label in opened.labels], pa.string())
        if opened.sounds:
            columns[SOUND] = pa.array([str(path.resolve()) for path in opened.sounds], pa.string())
        columns[PIXELS] = pa.array([_png(each) for each in opened.planes], pa.binary())
        return pa.table(columns)

    def encode(self, rows: pa.Table) -> Codes:
        """Encode the pictures in rows."""
        return np.asarray(self.model.encode(pixels_of(rows)), np.float32)

    def ask(self, X: Any, schema: pa.Schema) -> tuple[Codes, Table | None]:
        """Encode pictures or sounds to look for: a file, a folder, an array of pictures."""
        if isinstance(X, Mapping):
            raise UsageError("an index of pictures is asked by a picture, not by cells; conditions go into `where`")
        return self.encode(self.read(X)), None


def holdings(model: Any) -> Holdings:
    """Choose by the model; refuse one that has no codes of things."""
    from isthmus.model import Autoencoder
    from isthmus.pictures import PictureAutoencoder

    if isinstance(model, PictureAutoencoder):
        return PictureRows(model)
    if isinstance(model, Autoencoder):
        return Rows(model)
    raise UsageError(f"a {type(model).__name__} makes no index: it takes an autoencoder of tables or of pictures")


def pixels_of(rows: pa.Table) -> Any:
    """Give the pictures (rows, high, wide, channels) in rows of an index."""
    from PIL import Image

    if not len(rows):
        return np.zeros((0, 1, 1, 1), np.uint8)
    pictures = [np.asarray(Image.open(io.BytesIO(each))) for each in rows[PIXELS].to_pylist()]
    return np.stack([each if each.ndim == 3 else each[..., None] for each in pictures])


def _png(planes: Any) -> bytes:
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(planes[0] if len(planes) == 1 else planes.transpose(1, 2, 0)).save(held, "png")
    return held.getvalue()


def _row(given: Mapping[str, Any], schema: pa.Schema) -> Table:
    """Make a row of which some cells are known; the others are missing."""
    kinds = {field.name: field.type for field in schema}
    unknown = [name for name in given if name not in kinds]
    if unknown:
        raise UsageError(f"there is no column '{unknown[0]}' in this index; known are {', '.join(kinds)}")
    columns = {}
    for name, kind in kinds.items():
        try:
            columns[name] = pa.array([given.get(name)]).cast(kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
            raise UsageError(f"column '{name}': {given[name]!r} is not {kind}") from None
    return open_table(pa.table(columns))
