"""Where the loop takes its batches from: a matrix in memory, or anything that can tell what a step's rows are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from isthmus.training.memory import free
from isthmus.training.seeds import Shuffle, mix


class Source(Protocol):
    """What the loop asks of data: how many rows there are, and those of any step."""

    def __len__(self) -> int:
        """Count the rows of one pass."""

    def batch(self, step: int) -> Tensor:
        """Give a step's rows, the same whenever it is asked."""


class Rows:
    """A matrix in memory, in a fresh order each pass.

    Examples
    --------
    >>> Rows(torch.arange(5), batch_size=2, seed=0).batch(0).shape
    torch.Size([2])
    """

    def __init__(self, data: Tensor, batch_size: int, seed: int) -> None:
        self.data, self.order = data, Shuffle(len(data), batch_size, seed)

    def __len__(self) -> int:
        return len(self.data)

    def near(self, device: torch.device) -> None:
        """Keep the rows where a run computes, if that is a GPU with four times the room: no step then waits for them.

        Its batches are the same.
        """
        if device.type != "cuda" or (not self.data.is_cuda and 4 * self.data.nbytes > free(device)):
            return
        self.data, self.order.device = self.data.to(device), device

    def batch(self, step: int) -> Tensor:
        """Give a step's rows."""
        return self.data[self.order.rows_of(step)]


class Read:
    """Arrays that a function reads by step, as tensors; the last is kept, for models that train side by side."""

    def __init__(self, rows: int, read: Callable[[int], Any]) -> None:
        self.rows, self.read = rows, read
        self.kept: tuple[int, Tensor] | None = None

    def __len__(self) -> int:
        return self.rows

    def batch(self, step: int) -> Tensor:
        """Give a step's rows."""
        if self.kept is None or self.kept[0] != step:
            self.kept = step, torch.from_numpy(self.read(step))
        return self.kept[1]


def shards_of(data: Tensor | Source | Sequence[Source], count: int, batch_size: int, seed: int) -> Sequence[Source]:
    """Divide rows in memory into so many shards; what is none of those comes as shards already.

    >>> [len(shard) for shard in shards_of(torch.arange(5), count=2, batch_size=2, seed=0)]
    [3, 2]
    """
    if not isinstance(data, Tensor):
        return data if isinstance(data, Sequence) else [data]
    if count == 1:
        return [Rows(data, batch_size, seed)]
    count = min(count, len(data))
    size = max(1, batch_size // count)
    return [Rows(data[i::count].contiguous(), size, mix(seed, i)) for i in range(count)]
