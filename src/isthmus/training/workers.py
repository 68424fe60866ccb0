"""Workers that train one model together: each takes some shards of every batch, and what they found is summed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, distributed


class Alone:
    """One worker, which needs to agree with nobody; the contract of others.

    Attributes
    ----------
    rank, count
        Which worker this is, from 0, and how many there are. The first one's word counts.

    Examples
    --------
    >>> Alone().shards(3)
    [0, 1, 2]
    """

    rank, count = 0, 1

    def shards(self, count: int) -> list[int]:
        """Tell which of so many shards are this worker's."""
        return list(range(self.rank, count, self.count))

    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Put in each tensor's place its sum over all workers."""

    def same(self, tensors: Iterable[Tensor]) -> None:
        """Put in each tensor's place the first worker's."""

    def agree(self, number: float) -> float:
        """Give the first worker's number."""
        return number


class Processes(Alone):
    """The processes of torch's default group (`torch.distributed`): gloo on processors, NCCL on GPUs.

    Sums of two workers do not depend on their order; those of more are rounded as the library adds them up.
    """

    def __init__(self, device: torch.device) -> None:
        self.rank, self.count, self.device = distributed.get_rank(), distributed.get_world_size(), device

    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Put in each tensor's place its sum over all workers; all go as one message."""
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        distributed.all_reduce(flat)
        for tensor, summed in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(summed.view_as(tensor))

    def same(self, tensors: Iterable[Tensor]) -> None:
        """Put in each tensor's place the first worker's."""
        for tensor in tensors:
            distributed.broadcast(tensor, 0)

    def agree(self, number: float) -> float:
        """Give the first worker's number."""
        told = torch.tensor([number], dtype=torch.float64, device=self.device)
        distributed.broadcast(told, 0)
        return float(told)
