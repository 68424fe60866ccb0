"""What is looked at: a model and its data, whether these are rows of a table or pictures."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.data.gallery import Pictures, open_pictures
from isthmus.data.images import open_picture
from isthmus.data.sources import Table, open_table
from isthmus.data.variables import Category, Moment
from isthmus.data.variables.numeric import Numeric
from isthmus.errors import DataError, FileError, UsageError
from isthmus.inwords import told
from isthmus.model import Autoencoder
from isthmus.pictures import PictureAutoencoder
from isthmus.sparse import SparseAutoencoder
from isthmus.tasks.contrast import contrast

Codes = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

TOLD = 8
"""Variables that are named of what rows have in common."""


class Subject:
    """A model, with data or without.

    Parameters
    ----------
    model
        Fitted.
    name
        Of its file.
    """

    kind = ""

    def __init__(self, model: Any, name: str) -> None:
        self.model, self.name = model, name
        self.data_name: str | None = None

    def open(self, path: Path) -> None:
        """Open data for the model."""
        raise UsageError(f"'{self.name}' is a {type(self.model).__name__}: it is not looked at with data here")

    @property
    def rows(self) -> int:
        """Count the rows or pictures; 0 without data."""
        return 0

    def columns(self) -> list[dict[str, Any]]:
        """Tell what the data can be coloured and asked by."""
        return []

    def need_data(self) -> None:
        """Refuse what cannot be shown without data."""
        if not self.rows:
            raise UsageError("this needs data: open a file with the model")

    def need_row(self, row: int) -> int:
        """Refuse a row that is not there."""
        self.need_data()
        if not 0 <= row < self.rows:
            raise UsageError(f"there is no row {row:,}: there are {self.rows:,}, counted from 0")
        return row


class Codeable(Subject):
    """A model with codes, and what all such have in common."""

    @cached_property
    def codes(self) -> Codes:
        """The codes (rows, size) of the data."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """How many numbers a code has."""
        return len(self.model.get_feature_names_out())

    def usual_codes(self) -> Codes:
        """Codes of rows as they usually are, which tell how far each number goes."""
        raise NotImplementedError

    def column(self, name: str) -> npt.NDArray[Any]:
        """Give the cells (rows,) of a column, to colour by."""
        raise NotImplementedError

    def show(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        """Give what the page shows of rows."""
        raise NotImplementedError

    def decode(self, codes: npt.ArrayLike, given: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Give what codes (n, size) say, in the same form."""
        raise NotImplementedError

    def places(self, dim: int) -> npt.NDArray[Any]:
        """Give places (rows, dim) of the data on the model's map."""
        raise NotImplementedError

    def apart(self, rows: Rows) -> list[dict[str, Any]]:
        """Tell what rows have in common that others have not."""
        raise NotImplementedError

    def allowed(self, where: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
        """Tell which rows (rows,) fulfil conditions: a value, `{"low": , "high": }`, or `{"any": [...]}` a column."""
        raise NotImplementedError

    def nearest(self, code: Codes, n: int, where: Mapping[str, Any], without: int | None = None) -> tuple[Rows, Any]:
        """Find the rows whose codes are nearest to one, and how far they are; nearest first."""
        far = np.square(self.codes - code).sum(1, dtype=np.float64)
        far[~self.allowed(where)] = np.inf
        if without is not None:
            far[without] = np.inf
        few = np.argpartition(far, min(n, len(far) - 1))[:n]
        found = few[np.argsort(far[few], kind="stable")]
        found = found[np.isfinite(far[found])]
        return found, np.sqrt(far[found])


class Rowed(Codeable):
    """A model of a table, and rows of it."""

    kind = "table"
    model: Autoencoder

    def __init__(self, model: Autoencoder, name: str) -> None:
        super().__init__(model, name)
        self.table: Table | None = None
        width = len(model.schema_.coded)
        self.blank: pa.Schema = model.codec_.decode(np.full((1, width), np.nan)).schema

    def open(self, path: Path) -> None:
        """Open a table that has at least some of the model's columns."""
        table = open_table(path, missing=self.model.missing)
        known = [name for name in self.blank.names if name in table.columns.column_names]
        if not known:
            raise DataError(f"'{path.name}' has none of the columns that '{self.name}' was fitted to")
        self.model.codec_.encode(table)  # faults of its cells are told now
        self.table, self.data_name = table, path.name
        self.__dict__.pop("codes", None)

    @property
    def rows(self) -> int:
        """Count the rows."""
        return 0 if self.table is None else self.table.columns.num_rows

    def columns(self) -> list[dict[str, Any]]:
        """Tell names, kinds, and values or ranges."""
        described = []
        for variable in self.model.schema_.coded:
            values = getattr(variable, "values", None)
            words: dict[str, Any] = {"name": variable.name, "kind": variable.kind, "domain": variable.domain}
            if values is not None:
                words["values"] = list(values)
            elif isinstance(variable, Numeric | Moment):
                low, high = variable.from_numbers(np.array([variable.low, variable.high])).to_pylist()
                words |= {"low": low, "high": high, "decimals": getattr(variable, "decimals", 0)}
            described.append(words)
        return described

    @cached_property
    def codes(self) -> Codes:
        """The codes (rows, size) of the rows."""
        return np.asarray(self.model.encode(self.table), np.float32)

    def usual_codes(self) -> Codes:
        """Codes that the model keeps of what it was fitted to."""
        return np.asarray(self.model.reference_.codes, np.float32)

    def places(self, dim: int) -> npt.NDArray[Any]:
        """Give places (rows, dim) on the model's map."""
        return np.asarray(self.model.map(self.table, dim=dim))

    def column(self, name: str) -> npt.NDArray[Any]:
        """Give the cells of a column."""
        if self.table is None or name not in self.table.columns.column_names:
            raise UsageError(f"there is no column '{name}' in these data")
        cells: npt.NDArray[Any] = self.table.columns[name].to_numpy()
        return cells

    def show(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        """Give rows, each with its number and its cells by column."""
        if self.table is None:
            return []
        taken = self.table.columns.take(pa.array(rows, pa.int64())).to_pylist()
        return [{"row": int(row), "cells": cells} for row, cells in zip(rows, taken, strict=True)]

    def apart(self, rows: Rows) -> list[dict[str, Any]]:
        """Tell what rows have in common that others have not."""
        return [] if len(rows) == self.rows else self.model.contrast(self.table, rows)[:TOLD]

    def decode(self, codes: npt.ArrayLike, given: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Give the rows that codes say."""
        condition = self.model.condition
        asked = {name: given[name] for name in condition if given and given.get(name) is not None}
        made = open_table(self.model.decode(codes, asked or None)).columns
        return [{"row": None, "cells": cells} for cells in made.rename_columns(self.blank.names).to_pylist()]

    def typed(self, row: Mapping[str, Any]) -> pa.Table:
        """Make a table of one row, of which what is not named is missing.

        Raises
        ------
        UsageError
            An unknown column, or a value that is none of its kind.
        """
        unknown = [name for name in row if name not in self.blank.names]
        if unknown:
            raise UsageError(f"there is no column '{unknown[0]}' in this model")
        columns = {}
        for field in self.blank:
            value = row.get(field.name)
            kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
            try:
                columns[field.name] = pa.array([None if value == "" else value]).cast(kind)
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
                raise UsageError(f"column '{field.name}': {value!r} is not {kind}") from None
        return pa.table(columns)

    def allowed(self, where: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
        """Tell which rows fulfil conditions on any columns of the data."""
        kept = np.ones(self.rows, bool)
        for name, wanted in where.items():
            if self.table is None or name not in self.table.columns.column_names:
                raise UsageError(f"there is no column '{name}' in these data")
            cells = self.table.columns[name]
            cells = cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells
            kept &= _fulfils(name, cells, wanted)
        return kept


def _fulfils(name: str, cells: pa.ChunkedArray, wanted: Any) -> npt.NDArray[np.bool_]:
    try:
        if isinstance(wanted, Mapping) and "any" in wanted:
            found = pc.is_in(cells, value_set=pa.array(wanted["any"]).cast(cells.type))
        elif isinstance(wanted, Mapping):
            found = cells.is_valid()
            for end, compare in (("low", pc.greater_equal), ("high", pc.less_equal)):
                if wanted.get(end) is not None:
                    found = pc.and_(found, compare(cells, pa.scalar(wanted[end]).cast(cells.type)))
        else:
            found = pc.equal(cells, pa.scalar(wanted).cast(cells.type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        raise UsageError(f"column '{name}': {wanted!r} is not {cells.type}") from None
    return np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False), bool)


class Pictured(Codeable):
    """A model of pictures, and a folder or an array of them."""

    kind = "pictures"
    model: PictureAutoencoder

    def __init__(self, model: PictureAutoencoder, name: str) -> None:
        super().__init__(model, name)
        self.pictures: Pictures | None = None

    def open(self, path: Path) -> None:
        """Open pictures of the size that the model was fitted to."""
        pictures = open_pictures(path)
        net = self.model.net
        if pictures.planes.shape[1:] != (net.channels, *net.size):
            rows, columns = pictures.planes.shape[2:]
            raise DataError(
                f"'{path.name}' has pictures of {columns} x {rows} pixels; the model's are {net.size[::-1]}"
            )
        self.pictures, self.data_name = pictures, path.name
        self.__dict__.pop("codes", None)

    @property
    def rows(self) -> int:
        """Count the pictures."""
        return 0 if self.pictures is None else len(self.pictures.planes)

    def columns(self) -> list[dict[str, Any]]:
        """Tell the labels, where there are any."""
        labels = [] if self.pictures is None else sorted(set(self.pictures.labels or ()))
        return [{"name": "label", "kind": "category", "values": labels, "domain": ", ".join(labels[:12])}] * bool(
            labels
        )

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The pictures (n, rows, columns, channels)."""
        if self.pictures is None:
            raise UsageError("this needs data: open pictures with the model")
        return self.pictures.planes.transpose(0, 2, 3, 1)

    @cached_property
    def codes(self) -> Codes:
        """The codes (pictures, size) of the pictures."""
        return np.asarray(self.model.encode(self.pixels), np.float32)

    def usual_codes(self) -> Codes:
        """Codes of the pictures; without any, some that spread as those of the training did."""
        if self.rows:
            return self.codes
        mean, std = (np.array(self.model.facts_[name], np.float32) for name in ("code_mean", "code_std"))
        drawn = np.random.default_rng(0).standard_normal((500, len(mean)), np.float32)
        return np.asarray(mean + std * drawn, np.float32)

    def places(self, dim: int) -> npt.NDArray[Any]:
        """Give places (pictures, dim) on the model's map."""
        return np.asarray(self.model.map(self.pixels, dim=dim))

    def column(self, name: str) -> npt.NDArray[Any]:
        """Give the labels."""
        if self.pictures is None or name != "label" or not self.pictures.labels:
            raise UsageError(f"there is no column '{name}': pictures have a label, where folders name them")
        return np.array(self.pictures.labels, dtype=object)

    def show(self, rows: Sequence[int]) -> list[dict[str, Any]]:
        """Give pictures, each with its number, name and label."""
        if self.pictures is None:
            return []
        labels, names = self.pictures.labels, self.pictures.names
        return [
            {
                "row": int(row),
                "picture": as_url(self.pixels[row]),
                "name": str(names[row]),
                "label": labels[row] if labels else None,
            }
            for row in rows
        ]

    def apart(self, rows: Rows) -> list[dict[str, Any]]:
        """Tell by labels what pictures have in common that others have not."""
        if self.pictures is None or not self.pictures.labels or len(rows) == self.rows:
            return []
        names, places = np.unique(np.array(self.pictures.labels, str), return_inverse=True)
        chosen = np.isin(np.arange(self.rows), rows)
        found = contrast(places[:, None].astype(np.float64), [len(names)], chosen)
        return told(found, [Category("label", "string", False, tuple(names.tolist()))])

    def decode(self, codes: npt.ArrayLike, given: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Give the pictures that codes say."""
        label = (given or {}).get("label") if self.model.labels_ else None
        return [{"row": None, "picture": as_url(each)} for each in self.model.decode(codes, label)]

    def allowed(self, where: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
        """Tell which pictures have a label."""
        kept = np.ones(self.rows, bool)
        for name, wanted in where.items():
            any_of = wanted["any"] if isinstance(wanted, Mapping) and "any" in wanted else [wanted]
            kept &= np.isin(self.column(name).astype(str), [str(each) for each in any_of])
        return kept


class Dictionaried(Subject):
    """A sparse autoencoder of activations, and those."""

    kind = "dictionary"
    model: SparseAutoencoder

    def __init__(self, model: SparseAutoencoder, name: str) -> None:
        super().__init__(model, name)
        self.path: Path | None = None

    def open(self, path: Path) -> None:
        """Remember where activations are; they are read when features are looked at."""
        self.path, self.data_name = path, path.name


class Other(Subject):
    """A model without codes to look at: a denoiser, a diffusion, half of an autoencoder."""

    @property
    def kind(self) -> str:  # type: ignore[override]
        """What the model is."""
        return str(self.model.kind)


def open_subject(path: Path) -> Subject:
    """Open a model of any kind."""
    from isthmus.store import load

    model = load(path)
    if isinstance(model, Autoencoder):
        return Rowed(model, path.name)
    if isinstance(model, PictureAutoencoder):
        return Pictured(model, path.name)
    if isinstance(model, SparseAutoencoder):
        return Dictionaried(model, path.name)
    return Other(model, path.name)


def as_url(pixels: npt.NDArray[np.uint8]) -> str:
    """Turn pixels (rows, columns[, 1 or 3]) into an address that a page can show."""
    from PIL import Image

    flat = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    held = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(flat)).save(held, "png", compress_level=1)
    return "data:image/png;base64," + b64encode(held.getvalue()).decode()


def picture_of(sent: bytes) -> npt.NDArray[np.uint8]:
    """Read a picture (rows, columns, 1 or 3) that was sent.

    Raises
    ------
    FileError
        It is none, or cannot be read.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        path.write_bytes(sent)
        try:
            return open_picture(path)
        except FileError as error:
            raise FileError(str(error).replace(f"'{path}'", "the picture")) from None
