"""Randomness without memory: what a step draws follows from the seed and the step's number alone."""

from __future__ import annotations

import torch
from torch import Tensor

_MASK = 0xFFFFFFFFFFFFFFFF


def mix(*numbers: int) -> int:
    """Mix integers into one of 63 bits (Steele et al. 2014, splitmix64), so that neighbouring steps share nothing.

    >>> mix(0, 1) == mix(0, 1), mix(0, 1) == mix(1, 0)
    (True, False)
    """
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = ((state ^ (number & _MASK)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state >> 1


def generator(device: torch.device, *numbers: int) -> torch.Generator:
    """Give a random generator on `device` that depends on the given integers alone."""
    return torch.Generator(device=device).manual_seed(mix(*numbers))


class Shuffle:
    """The rows of any step: a fresh permutation each epoch, computed when needed.

    Examples
    --------
    >>> order = Shuffle(rows=5, batch_size=2, seed=0)
    >>> [len(order.rows_of(step)) for step in range(3)]
    [2, 2, 2]
    """

    def __init__(self, rows: int, batch_size: int, seed: int) -> None:
        self.rows, self.batch, self.seed = rows, min(batch_size, rows), seed
        self.per_epoch = max(1, rows // self.batch)
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.long)
        self.device = torch.device("cpu")

    def rows_of(self, step: int) -> Tensor:
        """Give the row numbers of a step; what does not fill a batch is left for another epoch."""
        epoch, part = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            order = torch.randperm(self.rows, generator=generator(torch.device("cpu"), self.seed, epoch, 1))
            self._order = order.to(self.device)  # once a pass; the same wherever they are needed
            self._epoch = epoch
        return self._order[part * self.batch : (part + 1) * self.batch]
