"""Where memory is too short for all rows of a step at once, they go through in parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from isthmus.errors import DataError

_Result = TypeVar("_Result")

_WORDS = (
    "can't allocate memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""How torch, and the libraries that it calls, say it otherwise."""


class Split:
    """In how many parts rows go through: in one, and in twice as many whenever memory was too short.

    Parameters
    ----------
    tell
        Who is told, in a line, when there are more.

    Examples
    --------
    >>> parts, left = Split(print), [MemoryError(), MemoryError()]
    >>> def work():
    ...     if left:
    ...         raise left.pop()
    ...     return f"done in {parts.count} parts"
    >>> parts.enough(work, rows=256)
    out of memory: 128 rows go through at a time, in place of 256
    out of memory: 64 rows go through at a time, in place of 128
    'done in 4 parts'
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.count, self.tell = 1, tell

    def enough(self, work: Callable[[], _Result], rows: int) -> _Result:
        """Do what takes memory for so many rows, until there is enough.

        Raises
        ------
        DataError
            Where one row at a time is still too much.
        """
        while True:
            try:
                return work()
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            if self.count >= rows:
                raise DataError("out of memory with one row at a time: take a narrower model, or close other programs")
            before = self.size(rows)
            self.count *= 2
            self.tell(f"out of memory: {self.size(rows):,} rows go through at a time, in place of {before:,}")

    def size(self, rows: int) -> int:
        """Rows of a part of so many."""
        return max(1, -(-rows // self.count))


def free(device: torch.device) -> int:
    """Give the bytes that nobody uses on a CUDA device."""
    return torch.cuda.mem_get_info(device)[0]


def out_of_memory(error: Exception) -> bool:
    """Tell whether an error is that of a processor or an accelerator without memory left.

    >>> out_of_memory(torch.OutOfMemoryError("CUDA out of memory")), out_of_memory(RuntimeError("shapes differ"))
    (True, False)
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in _WORDS)
