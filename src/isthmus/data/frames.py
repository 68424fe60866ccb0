"""Frames and arrays as Arrow tables, and Arrow tables as the kind of frame that came in."""

import math
import re
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from isthmus.data.arrays import plain
from isthmus.errors import DataError

__all__ = ["Flavour", "from_native"]


@dataclass(frozen=True)
class Flavour:
    """What kind of table a user gave, and how to give the same kind back.

    Only `kind`, and what of `types` and `names` can be written as words, goes into a saved model.

    Attributes
    ----------
    kind
        "pandas", "polars", "pyarrow", "numpy", or a file's format: "csv", "parquet", "npy".
    types
        Each column's own type; an array's is under "*".
    names
        The column names that are no strings, by the strings they go under.
    index
        The row labels of a pandas frame.
    nan
        The columns of Python objects whose missing cells are NaN and not None.
    """

    kind: str = "pyarrow"
    types: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, Hashable] = field(default_factory=dict)
    index: Any = None
    nan: frozenset[str] = frozenset()

    @property
    def named(self) -> bool:
        """Whether the column names are the user's own (an array has none)."""
        return self.kind not in ("numpy", "npy")

    def without_rows(self) -> "Flavour":
        """Return this flavour for other rows: the same types, no row labels."""
        return replace(self, index=None)

    def give(self, arrow: pa.Table) -> Any:
        """Return `arrow`, which may have other columns or rows, as the kind of table this flavour names."""
        givers = {"pandas": self._pandas, "polars": self._polars, "numpy": self._numpy}
        return givers.get(self.kind, self._pyarrow)(arrow)

    def _pyarrow(self, arrow: pa.Table) -> pa.Table:
        for i, name in enumerate(arrow.column_names):
            kind = self.types.get(name)
            if isinstance(kind, pa.DataType) and kind != arrow.field(i).type:
                with suppress(pa.ArrowInvalid):  # fractions, where the user's were whole numbers
                    arrow = arrow.set_column(i, name, arrow.column(i).cast(kind))
        return arrow

    def _pandas(self, arrow: pa.Table) -> Any:
        frame = arrow.to_pandas()
        for name in arrow.column_names:
            if (dtype := self.types.get(name)) is not None:
                frame[name] = _pandas_column(frame[name], arrow.select([name]), dtype)
            if name in self.nan:
                frame[name] = frame[name].where(frame[name].notna(), np.nan)
        frame.columns = [self.names.get(name, name) for name in arrow.column_names]
        if self.index is not None and len(self.index) == len(frame):
            frame.index = self.index
        return frame

    def _polars(self, arrow: pa.Table) -> Any:
        frame = nw.from_arrow(arrow, backend="polars").to_native()
        for name in arrow.column_names:
            if (kind := self.types.get(name)) is not None:
                cells = frame[name]
                typed = cells.cast(kind, strict=False)
                fractions = kind.is_integer() and cells.dtype.is_float() and bool((typed != cells).any())
                if not fractions and typed.null_count() == cells.null_count():  # else an Enum lacks a level
                    frame = frame.with_columns(typed)
        return frame

    def _numpy(self, arrow: pa.Table) -> Any:
        columns = [column.to_numpy() for column in arrow.columns]
        wanted = np.dtype(self.types.get("*", "float64"))
        if wanted.kind in "iubUS" and any(column.null_count for column in arrow.columns):
            wanted = np.dtype(object if wanted.kind in "US" else np.float64)  # what can hold a missing cell
        try:
            return np.column_stack([column.astype(wanted) for column in columns])
        except (TypeError, ValueError):
            return np.column_stack([column.astype(object) for column in columns])

    def to_dict(self) -> dict[str, Any]:
        """Return what of this flavour can be written as JSON."""
        types = {} if self.kind == "polars" else {name: str(kind) for name, kind in self.types.items()}
        names = {name: key for name, key in self.names.items() if isinstance(key, int)}
        return {"kind": self.kind, "types": types, "names": names}

    @classmethod
    def from_dict(cls, words: Mapping[str, Any]) -> "Flavour":
        """Return the flavour that `to_dict` described."""
        return cls(str(words["kind"]), dict(words.get("types", {})), dict(words.get("names", {})))


def _pandas_column(series: Any, column: pa.Table, dtype: Any) -> Any:
    """Return one pandas column with the dtype the user's had, or as near as its missing cells allow."""
    if str(dtype) == "object":
        return column.to_pandas(integer_object_nulls=True, date_as_object=True).iloc[:, 0].astype(object)
    if column.column(0).null_count and re.fullmatch(r"bool|u?int\d+", str(dtype)):
        return series  # the dtype has no missing cells: as a bool, None would become False
    try:
        if pa.types.is_dictionary(column.field(0).type):  # pandas keeps its own levels only from plain cells
            series = column.set_column(0, "cells", plain(column.column(0))).to_pandas().iloc[:, 0]
            series.name = column.column_names[0]
        if hasattr(dtype, "__from_arrow__"):
            return column.to_pandas(types_mapper=lambda _: dtype).iloc[:, 0]
        typed = series.astype(dtype)
        return typed if typed.isna().sum() == column.column(0).null_count else series  # lacks a level
    except (TypeError, ValueError, NotImplementedError):
        return series  # values that the user's dtype cannot hold


def from_native(source: Any) -> tuple[pa.Table, Flavour]:
    """Return a frame, Arrow table or 2-D array as an Arrow table, and the flavour that gives it back.

    Raises `DataError` for a source of another kind, repeated column names, a column of mixed types, an array
    that is not 2-D or holds complex numbers.
    """
    if nw.dependencies.is_pandas_dataframe(source):
        return _from_pandas(source)
    if nw.dependencies.is_polars_lazyframe(source):
        source = source.collect()
    if nw.dependencies.is_polars_dataframe(source):
        types = dict(source.schema)
        for name, kind in types.items():
            if str(kind) == "Object":
                raise DataError(f"column '{name}' holds Python objects: make them text or numbers, or drop it")
        return _arrow(source.to_arrow), Flavour("polars", types)
    if hasattr(source, "__arrow_c_stream__") and hasattr(source, "num_columns"):
        return source, Flavour("pyarrow", {field.name: field.type for field in source.schema})
    if hasattr(source, "toarray"):
        raise DataError("sparse data is not supported: pass X.toarray()")
    if nw.dependencies.is_into_series(source):
        raise DataError("one column was given where a table was expected: pass a frame, such as X.to_frame()")
    if nw.dependencies.is_into_dataframe(source):  # any other frame that narwhals knows
        return _arrow(nw.from_native(source, eager_only=True).to_arrow), Flavour("pyarrow")
    if hasattr(source, "__arrow_c_stream__"):
        return _arrow(lambda: pa.table(source)), Flavour("pyarrow")
    return _from_array(source)


def _arrow(convert: Any) -> pa.Table:
    try:
        return convert()
    except Exception as error:  # a foreign library's own errors, whichever they are
        raise DataError(f"the frame cannot be read as Arrow columns: {str(error).splitlines()[0]}") from error


def _from_pandas(frame: Any) -> tuple[pa.Table, Flavour]:
    keys = list(frame.columns)
    names = [key if isinstance(key, str) else str(key) for key in keys]
    columns = [_from_cells(name, frame.iloc[:, i]) for i, name in enumerate(names)]
    types = dict(zip(names, frame.dtypes, strict=True))
    renamed = {name: key for name, key in zip(names, keys, strict=True) if name is not key}
    nan = frozenset(name for i, name in enumerate(names) if _missing_is_nan(frame.iloc[:, i]))
    return pa.table(columns, names=names), Flavour("pandas", types, renamed, frame.index, nan)


def _missing_is_nan(cells: Any) -> bool:
    """Tell whether the first missing cell of a column of objects is NaN."""
    if str(cells.dtype) != "object":
        return False
    null = cells.isna().to_numpy()
    return bool(null.any()) and isinstance(cells.iloc[int(null.argmax())], float)


def _from_cells(name: str, cells: Any) -> pa.Array:
    """Return a pandas column or a numpy vector as an Arrow array."""
    if hasattr(cells, "sparse"):
        cells = cells.sparse.to_dense()
    if np.ma.isMaskedArray(cells):
        return pa.array(cells.data, mask=np.ma.getmaskarray(cells), from_pandas=True)
    try:
        return pa.array(cells, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise DataError(_mixed(name, np.asarray(cells, dtype=object))) from error


def _mixed(name: str, cells: Any) -> str:
    """Say which two types a column mixes; only ever called for a column that Arrow refused."""
    kinds: dict[str, int] = {}
    for row, cell in enumerate(cells, start=1):
        if not (cell is None or (isinstance(cell, float) and math.isnan(cell))):
            kinds.setdefault(type(cell).__name__, row)
    if "complex" in kinds:
        return f"Complex data not supported: column '{name}' row {kinds['complex']}"
    if len(kinds) > 1:
        (first, row), (second, other) = list(kinds.items())[:2]
        return (
            f"column '{name}' mixes types: {first} (first in row {row}) and {second} (first in row {other}): "
            "make them one type, or drop the column"
        )
    if "int" in kinds:
        return f"column '{name}' has integers beyond 64 bits: pass them as text"
    kind = next(iter(kinds), "object")
    return f"column '{name}' holds cells of type {kind}: make them text or numbers, or drop the column"


def _from_array(source: Any) -> tuple[pa.Table, Flavour]:
    try:
        array = source if isinstance(source, np.ndarray) else np.asarray(source)
    except ValueError as error:
        raise DataError("expected a 2-D table; the rows given differ in length") from error
    if array.ndim != 2:
        got = f"a {array.ndim}-D array of shape {array.shape}" if array.ndim else type(source).__name__
        if array.ndim == 1:
            got += ". Reshape your data: X.reshape(-1, 1) for one column, X.reshape(1, -1) for one row"
        raise DataError(f"expected a path, a frame or a 2-D array, got {got}")
    if array.dtype.kind == "c":
        raise DataError("Complex data not supported: pass the real and imaginary parts as columns")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    names = [f"x{i}" for i in range(array.shape[1])]
    columns = [_from_cells(name, column) for name, column in zip(names, array.T, strict=True)]
    return pa.table(columns, names=names), Flavour("numpy", {"*": array.dtype})
