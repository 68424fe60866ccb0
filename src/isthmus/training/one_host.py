"""Workers on one machine, who sum what they found in memory that they share.

Sent as a message between two processes, the gradients of a million weights cost a fifth of a step of 256 rows, most of
it the time until the other process is woken up. Whoever watches a number in shared memory need not be woken up.
"""

from __future__ import annotations

import mmap
import os
import platform
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, distributed

from isthmus.training.workers import Processes

__all__ = ["OneHost", "workers_of"]

FOLDER = Path("/dev/shm")
KINDS = ("x86_64", "AMD64")
"""Processors on which a number is seen by others only after all that was written before it."""

PATIENCE = 1800.0
"""Seconds after which a worker that says nothing is given up: as long as torch's own groups wait."""

WATCHED = 2_000
"""Looks at the others' numbers before one is content to look every tenth of a millisecond."""

LINE = 8
"""Numbers of eight bytes in a line of the processor's cache: of two workers' numbers, none shares one."""


def workers_of(device: torch.device) -> Processes:
    """Give the workers of torch's default group: of one machine, where all are on it and none has a GPU.

    Every process of the group has to call this.
    """
    alike = device.type == "cpu" and platform.machine() in KINDS and FOLDER.is_dir()
    return OneHost(device) if _all(alike, device) else Processes(device)


class OneHost(Processes):
    """Processes that sum through shared memory; by messages, where they turn out not to share it or it is full.

    Sums are rounded in the order of the workers, whoever is first.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._asked, self._turn = 0, 0
        self._told: np.ndarray[tuple[int], np.dtype[np.int64]] | None = None
        self._numbers = np.empty(0)
        self._slots = torch.empty(0)

    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Put in each tensor's place its sum over all workers."""
        sizes = [tensor.numel() for tensor in tensors]
        if (wanted := sum(sizes)) > self._asked:
            self._meet(wanted)
        if self._told is None or any(tensor.dtype != torch.float32 for tensor in tensors):
            return super().sum(tensors)
        slots = self._slots[self._next() % 2]
        torch.cat([tensor.reshape(-1) for tensor in tensors], out=slots[self.rank, :wanted])
        self._wait(self._told)
        for tensor, found in zip(tensors, torch.split(slots[:, :wanted], sizes, 1), strict=True):
            first, second, *others = (slot.view_as(tensor) for slot in found)
            torch.add(first, second, out=tensor)
            for other in others:
                tensor.add_(other)

    def agree(self, number: float) -> float:
        """Give the first worker's number."""
        if self._told is None:
            return super().agree(number)
        place = self._next() % 2
        if self.rank == 0:
            self._numbers[place] = number
        self._wait(self._told)
        return float(self._numbers[place])

    def _next(self) -> int:
        """Begin a turn; there are two places to write to, since of the turn before somebody may still be reading."""
        self._turn += 1
        return self._turn

    def _wait(self, told: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        """Say that one is done with the turn, and wait until all are."""
        told[self.rank] = self._turn
        until, looks = time.monotonic() + PATIENCE, 0
        while (told < self._turn).any():
            looks += 1
            time.sleep(0 if looks < WATCHED else 1e-4)
            if time.monotonic() > until:
                raise RuntimeError(f"worker {int(told.argmin())} has not answered for {PATIENCE:.0f} s")

    def _meet(self, size: int) -> None:
        """Open memory for so many numbers together; the file is gone from its folder before it is used."""
        self._asked, self._turn, self._told = size, 0, None
        name = torch.tensor(list(secrets.token_bytes(16)), dtype=torch.uint8)
        distributed.broadcast(name, 0)
        path = FOLDER / f"isthmus-{bytes(name.tolist()).hex()}"
        head, room = 8 * LINE * (self.count + 1), 4 * 2 * self.count * size
        memory = None
        try:
            if self.rank == 0:
                _reserve(path, head + room)
            distributed.barrier()
            memory = _opened(path, head + room)
            shared = _all(memory is not None, self.device)
        finally:
            if self.rank == 0:
                path.unlink(missing_ok=True)
        if shared and memory is not None:
            self._told = np.frombuffer(memory, np.int64, LINE * self.count)[::LINE]
            self._numbers = np.frombuffer(memory, np.float64, 2, 8 * LINE * self.count)
            slots = np.frombuffer(memory, np.float32, offset=head).reshape(2, self.count, size)
            self._slots = torch.from_numpy(slots)


def _all(true: bool, device: torch.device) -> bool:
    """Tell whether it is true of every worker."""
    least = torch.tensor([int(true)], device=device)
    distributed.all_reduce(least, op=distributed.ReduceOp.MIN)
    return bool(least)


def _reserve(path: Path, size: int) -> None:
    """Make a file that has its room for certain: what is only promised ends a process when it is written to."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return
    try:
        os.posix_fallocate(file, 0, size)
    except OSError:
        path.unlink()
    finally:
        os.close(file)


def _opened(path: Path, size: int) -> mmap.mmap | None:
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        return mmap.mmap(file, size)
    except (OSError, ValueError):
        return None
    finally:
        os.close(file)
