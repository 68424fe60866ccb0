"""Rows through a network in equal pieces, so that a row's result depends on no other row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

ROWS = 256
"""Rows in a piece. The last one is filled up with copies: another shape could round sums another way."""

MANY = 2048
"""Rows in a piece on a GPU, which has not begun to be busy with `ROWS`."""

FEW = 16
"""Rows in a piece where few rows come at a time and each is waited for."""

_rows: ContextVar[int | None] = ContextVar("rows in a piece", default=None)


@contextmanager
def pieces(rows: int) -> Iterator[None]:
    """Go through networks in pieces of so many rows, which may round otherwise than those of another size."""
    before = _rows.set(rows)
    try:
        yield
    finally:
        _rows.reset(before)


def device_of(net: nn.Module) -> torch.device:
    """Where a network's weights are."""
    return next(net.parameters()).device


@torch.no_grad()
def through(net: nn.Module, f: Callable[..., Tensor], *arrays: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Apply `f` to arrays (rows, ...) piece by piece and give its results (rows, ...) together."""
    rows = len(arrays[0])
    if rows == 0:  # nothing to do, but of the right shape
        return through(net, f, *(np.zeros((1, *array.shape[1:]), array.dtype) for array in arrays))[:0]
    results, device = [], device_of(net)
    size = _rows.get() or (ROWS if device.type == "cpu" else MANY)
    for start in range(0, rows, size):
        own = min(size, rows - start)
        piece = [_filled(array[start : start + own], size, device) for array in arrays]
        results.append(f(*piece)[:own].cpu().numpy())
    return np.concatenate(results)


def _filled(piece: npt.NDArray[Any], size: int, device: torch.device) -> Tensor:
    copies = np.repeat(piece[-1:], size - len(piece), axis=0)
    return torch.from_numpy(np.concatenate([piece, copies])).to(device)
