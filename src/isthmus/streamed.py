"""Tables larger than memory as a fit takes them: a sample to learn all else from, every row to train on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from isthmus.data.activations import Rows
from isthmus.data.drawn import Drawn, Scratch
from isthmus.data.shuffled import BLOCK, ShuffledBlocks
from isthmus.data.tables import TableCodec
from isthmus.engine import Engine
from isthmus.tasks.batches import Flags
from isthmus.training.seeds import mix
from isthmus.training.sources import Source

Stream: TypeAlias = Callable[[Flags, int], Sequence[Source]]

POOL = 1 << 26
"""Bytes of rows that are shuffled together."""


@contextmanager
def streaming(drawn: Drawn | None, codec: TableCodec, seed: int, engine: Engine) -> Iterator[Stream | None]:
    """Give what `tasks.fit.fit` trains on beside the rows drawn; None where these are all.

    The rows are encoded into files, and read from there in blocks of neighbours, in another order each pass.
    """
    if drawn is None or drawn.witnesses is None:
        yield None
        return
    with drawn.encoded(codec, engine.each, engine.place) as scratch:

        def stream(held: Flags, batch_size: int) -> Sequence[Source]:
            count = min(engine.shards, -(-scratch.rows // BLOCK))
            size = max(1, batch_size // count)
            return [Shard(scratch, drawn.rows[held], i, count, size, mix(seed, i) if i else seed) for i in range(count)]

        yield stream


class Shard:
    """The rows of a shard by step: of every so many blocks of neighbours one, without the rows held out.

    What their order takes, 16 bytes a row, is there once a batch is asked for and not before: of other workers'
    shards nothing is.
    """

    def __init__(self, scratch: Scratch, held: Rows, number: int, count: int, batch_size: int, seed: int) -> None:
        self.scratch, self.number, self.count = scratch, number, count
        self.batch_size, self.seed = batch_size, seed
        self.held = held[held // BLOCK % count == number]
        self.kept: tuple[int, Tensor] | None = None

    def __len__(self) -> int:
        rows, turn = self.scratch.rows, BLOCK * self.count
        own = rows // turn * BLOCK + min(max(rows % turn - BLOCK * self.number, 0), BLOCK)
        return own - len(self.held)

    def batch(self, step: int) -> Tensor:
        """Give a step's rows; they are kept for models that train side by side."""
        if self.kept is None or self.kept[0] != step:
            self.kept = step, torch.from_numpy(self._blocks.batch(step))
        return self.kept[1]

    @cached_property
    def _blocks(self) -> ShuffledBlocks:
        kept = np.ones(self.scratch.rows, bool)
        kept[self.held] = False
        if self.count > 1:
            kept &= np.arange(self.scratch.rows) // BLOCK % self.count == self.number
        rows = np.flatnonzero(kept)
        return ShuffledBlocks(self.scratch, self.batch_size, self.seed, rows=rows, pool_bytes=POOL)
