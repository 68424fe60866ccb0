"""Files and folders on object storage, asked for what a table in parts asks of a path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeAlias, cast

import pyarrow as pa
from pyarrow import fs

from isthmus.errors import FileError, UsageError

__all__ = ["SCHEMES", "Place", "Remote", "arrow_source", "opened", "place_of", "size_of"]

SCHEMES = ("s3", "gs", "abfs", "abfss", "hdfs", "file")
"""Kinds of storage that Arrow reads: Amazon's and what speaks its protocol, Google's, Microsoft's, Hadoop's."""


class Remote:
    """A file or folder by its address, such as "s3://bucket/sales/may.parquet".

    Keys, regions and end points are read from the environment, as the storage's own tools read them, or from the
    address: "s3://bucket/sales?endpoint_override=localhost:9000&scheme=http".

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.csv").write_text("size")
    >>> [file.name for file in Remote(f"file://{folder}").iterdir()]
    ['a.csv']
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def __str__(self) -> str:
        return self.address

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remote) and other.address == self.address

    def __hash__(self) -> int:
        return hash(self.address)

    @cached_property
    def _there(self) -> tuple[fs.FileSystem, str]:
        try:
            return cast("tuple[fs.FileSystem, str]", fs.FileSystem.from_uri(self.address))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise FileError(f"'{self}' is no address of a file: {_first_line(error)}") from error

    @cached_property
    def _info(self) -> fs.FileInfo:
        system, path = self._there
        with self.faults():
            return system.get_file_info(path)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return PurePosixPath(self._there[1]).name

    @property
    def suffix(self) -> str:
        """The ending of the name, with its dot."""
        return PurePosixPath(self._there[1]).suffix

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return int(self._info.size or 0)

    def exists(self) -> bool:
        """Tell whether there is something."""
        return bool(self._info.type != fs.FileType.NotFound)

    def is_dir(self) -> bool:
        """Tell whether it is a folder."""
        return bool(self._info.type == fs.FileType.Directory)

    def is_file(self) -> bool:
        """Tell whether it is a file."""
        return bool(self._info.type == fs.FileType.File)

    def absolute(self) -> Remote:
        """Give the same: an address means the same everywhere."""
        return self

    def iterdir(self) -> Iterator[Remote]:
        """Give what is in the folder."""
        system, path = self._there
        base, mark, question = self.address.partition("?")
        with self.faults():
            for info in system.get_file_info(fs.FileSelector(path)):
                yield Remote(f"{base.rstrip('/')}/{info.base_name}{mark}{question}")

    def open(self) -> pa.NativeFile:
        """Open the file to be read, from any place in it."""
        system, path = self._there
        with self.faults():
            return system.open_input_file(path)

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Say in one line that the storage does not answer, or has no such file."""
        try:
            yield
        except FileNotFoundError:
            raise FileError(f"no such file: '{self}'") from None
        except OSError as error:
            raise FileError(f"'{self}' cannot be read: {_first_line(error)}") from error


Place: TypeAlias = Path | Remote


def place_of(source: str | PathLike[str] | Remote) -> Place:
    """Tell an address from a path.

    >>> place_of("s3://bucket/sales").__class__.__name__, place_of("sales") == Path("sales")
    ('Remote', True)
    """
    if isinstance(source, Remote):
        return source
    text = fspath(source)
    scheme, mark, _ = text.partition("://")
    if not mark:
        return Path(text)
    if scheme not in SCHEMES:
        raise UsageError(f"'{text}': tables are read from paths, or from {', '.join(f'{s}://' for s in SCHEMES)}")
    return Remote(text)


def size_of(place: Place) -> int:
    """Give the bytes of a file."""
    return place.size if isinstance(place, Remote) else place.stat().st_size


def opened(place: Place) -> IO[bytes]:
    """Open a file to be read as bytes."""
    return cast("IO[bytes]", place.open()) if isinstance(place, Remote) else place.open("rb")


def arrow_source(place: Place, *, unpack: bool = False) -> Any:
    """Give what Arrow's readers open: a path as it is, of storage an open file; unpacked, where its name says gzip."""
    if isinstance(place, Path):
        return place
    file = place.open()
    return pa.CompressedInputStream(file, "gzip") if unpack and place.suffix == ".gz" else file


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
