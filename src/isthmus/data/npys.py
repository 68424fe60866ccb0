"""Reading .npy and .npz: whatever is wrong with such a file, in one kind of error."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from tokenize import TokenError

from isthmus.errors import NONSENSE

__all__ = ["unbroken"]

_FAULTS = (*NONSENSE, EOFError, SyntaxError, TokenError, zipfile.BadZipFile, zlib.error, struct.error)
"""What NumPy raises of broken files: a header is read as Python's words, arrays of .npz by `zipfile`."""


@contextmanager
def unbroken() -> Iterator[None]:
    """Raise `ValueError`, of one line, where a file that is read is broken, or claims more than memory holds.

    >>> import io
    >>> import numpy as np
    >>> with unbroken():
    ...     np.load(io.BytesIO(b"PK broken"))
    Traceback (most recent call last):
    ValueError: ...
    """
    try:
        yield
    except _FAULTS as error:
        raise ValueError((str(error).splitlines() or [type(error).__name__])[0][:120]) from None
