"""Rows through a network in equal pieces, so that a row's result depends on no other row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

ROWS = 256
"""Rows in a piece."""

FEW = 32
"""Least rows in a piece, which is filled up with copies: products of fewer than some 16 rows round sums another way
than those of many, and a row's result would depend on how many came with it."""


def device_of(net: nn.Module) -> torch.device:
    """Where a network's weights are."""
    return next(net.parameters()).device


@torch.no_grad()
def through(net: nn.Module, f: Callable[..., Tensor], *arrays: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Apply `f` to arrays (rows, ...) piece by piece and give its results (rows, ...) together."""
    rows = len(arrays[0])
    if rows == 0:  # nothing to do, but of the right shape
        return through(net, f, *(np.zeros((1, *array.shape[1:]), array.dtype) for array in arrays))[:0]
    results = []
    for start in range(0, rows, ROWS):
        own = min(ROWS, rows - start)
        piece = [_filled(array[start : start + own], device_of(net)) for array in arrays]
        results.append(f(*piece)[:own].cpu().numpy())
    return np.concatenate(results)


def _filled(piece: npt.NDArray[Any], device: torch.device) -> Tensor:
    copies = np.repeat(piece[-1:], (FEW if len(piece) <= FEW else ROWS) - len(piece), axis=0)
    return torch.from_numpy(np.concatenate([piece, copies])).to(device)
