"""Rows and their codes on object storage: what `codestore` keeps in a folder, in a bucket that many read.

A bucket has no folder that can appear whole: the rows, which name their model, are written last, and without them there
is no index.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from isthmus.data.codestore import TABLE, CodeStore, Numbers, Pieces, connect, joined, line, numbered
from isthmus.errors import FileError

__all__ = ["SCHEMES", "BucketStore"]

SCHEMES = ("s3", "gs", "az", "abfss", "file-object-store")
"""Kinds of object storage: Amazon's and what speaks its protocol, Google's, Microsoft's; a folder by its protocol."""

_MODELS = "models"


class BucketStore(CodeStore):
    """A table of rows and codes in a bucket.

    Parameters
    ----------
    address
        Such as "s3://bucket/houses". Keys, region and end point are read from the environment, as the storage's own
        tools read them: AWS_ACCESS_KEY_ID, AWS_ENDPOINT, GOOGLE_SERVICE_ACCOUNT, AZURE_STORAGE_ACCOUNT_NAME ...

    Raises
    ------
    FileError
        The storage cannot be reached, or has no such index.
    """

    def __init__(self, address: str | PathLike[str]) -> None:
        self.place = str(address).rstrip("/")
        if TABLE not in _tables(self.place):
            raise FileError(f"'{self.place}' is no index: `isthmus index MODEL DATA -o INDEX` makes one")
        self._open()

    @classmethod
    def refuse(cls, address: str | PathLike[str]) -> None:
        """Refuse a place where an index is, or that cannot be reached."""
        if TABLE in _tables(str(address).rstrip("/")):
            raise FileError(f"'{address}' is there already: choose another name, or add rows to it")

    @classmethod
    def make(cls, address: str | PathLike[str], pieces: Pieces, facts: Mapping[str, Any], model: Path) -> None:
        """Write the model's file, and then rows and codes: until they are there, there is no index."""
        place, each = str(address).rstrip("/"), iter(pieces)
        first = next(each)
        joined(*next(numbered([first])))  # what is wrong with the columns is told before anything is written
        _keep(place, model)
        try:
            cls.create(place, chain([first], each), facts)
        except BaseException:  # Ctrl-C as well
            connect(place).drop_table(TABLE, ignore_missing=True)
            raise

    def replace(self, pieces: Pieces, facts: Mapping[str, Any], model: Path, numbers: Numbers) -> None:
        """Put others in place of these; that the rows, which name their model, are written is the commit."""
        _keep(self.place, model)
        self.create(self.place, pieces, facts, numbers)
        self._open()
        connect(self.place).open_table(_MODELS).delete(f"name != '{model.name}'")

    @contextmanager
    def model_file(self) -> Iterator[Path]:
        """Give the model's file, for as long as it is looked at."""
        name = self._model_name()
        try:
            kept = connect(self.place).open_table(_MODELS).search().select(["name", "data"]).to_arrow().to_pylist()
            data = next(each["data"] for each in kept if each["name"] == name)
        except (ValueError, RuntimeError, OSError, StopIteration):
            raise FileError(f"'{self.place}' is no index, or was altered: it has no model") from None
        with TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            yield path


def _tables(place: Path | str) -> list[str]:
    try:
        return list(connect(place).list_tables().tables)
    except (ValueError, RuntimeError, OSError) as error:
        raise FileError(f"'{place}' cannot be reached: {line(error)}") from None


def _keep(place: Path | str, model: Path) -> None:
    """Write a model's file as a row beside those that are there."""
    row = pa.table({"name": [model.name], "data": pa.array([model.read_bytes()], pa.large_binary())})
    try:
        there = _MODELS in _tables(place)
        connect(place).open_table(_MODELS).add(row) if there else connect(place).create_table(_MODELS, row)
    except (ValueError, RuntimeError, OSError) as error:
        raise FileError(f"'{place}' cannot be written: {line(error)}") from None
