"""Tables larger than memory as a fit takes them: a sample to learn all else from, every row to train on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np

from isthmus.data.drawn import Drawn
from isthmus.data.shuffled import ShuffledBlocks
from isthmus.data.tables import TableCodec
from isthmus.tasks.batches import Flags
from isthmus.training.sources import Read, Source

Stream: TypeAlias = Callable[[Flags, int], Source]

POOL = 1 << 26
"""Bytes of rows that are shuffled together."""


@contextmanager
def streaming(drawn: Drawn | None, codec: TableCodec, seed: int) -> Iterator[Stream | None]:
    """Give what `tasks.fit.fit` trains on beside the rows drawn; None where these are all.

    The rows are encoded into a file, and read from there in blocks of neighbours, in another order each pass.
    """
    if drawn is None or drawn.witnesses is None:
        yield None
        return
    with drawn.encoded(codec) as scratch:

        def stream(held: Flags, batch_size: int) -> Source:
            kept = np.ones(scratch.rows, bool)
            kept[drawn.rows[held]] = False
            blocks = ShuffledBlocks(scratch, batch_size, seed, rows=np.flatnonzero(kept), pool_bytes=POOL)
            return Read(int(kept.sum()), blocks.batch)

        yield stream
