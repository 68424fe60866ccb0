"""Reading Parquet: whatever is wrong with such a file, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from isthmus.data.remote import Place
from isthmus.errors import FileError

__all__ = ["readable"]


@contextmanager
def readable(path: Place) -> Iterator[None]:
    """Say in one line that a Parquet file cannot be read.

    >>> with readable("t.parquet"):
    ...     raise pa.ArrowInvalid("Parquet magic bytes not found. Either the file is corrupted or")
    Traceback (most recent call last):
    isthmus.errors.FileError: 't.parquet' is no Parquet file, or is cut short: Parquet magic bytes not found
    """
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last of names of columns
        reason = str(error).splitlines()[0].split(". ")[0]
        raise FileError(f"'{path}' is no Parquet file, or is cut short: {reason}") from error
