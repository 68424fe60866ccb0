"""How much of the machine an answer takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from isthmus.tasks.batches import FEW, pieces


@contextmanager
def one_row() -> Iterator[None]:
    """Compute for one row, on one thread; the number of threads is everybody's, so whoever asks holds the lock."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with pieces(FEW):
            yield
    finally:
        torch.set_num_threads(threads)
