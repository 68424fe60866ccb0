"""From a trained network to one in whole numbers, with tables counted from what it then says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file
from torch import Tensor

from isthmus.errors import FileError
from isthmus.nets.signals import INDICES, LOWEST, OFFSETS, PER_OCTAVE, TRAIL, SoundNet
from isthmus.tasks.sound import levels, lossy
from isthmus.tasks.sound.frames import rotated
from isthmus.tasks.sound.levels import CHANGES, TOP
from isthmus.tasks.sound.whole import LARGEST, STARTS, SYMBOLS, WIDTHS, WholeNet

_PRIOR = 40.0
"""Numbers' worth of belief in a Laplace distribution before any are counted."""
_TOTAL = 1 << 15

Stretch = tuple[lossy.Samples, int, lossy.Fineness]
"""Samples (n, channels), their rate, and how finely to measure them."""


def whole(net: SoundNet, shape: float = 0.0, fill: float = 0.0) -> WholeNet:
    """Round a network's weights; its tables are Laplace distributions until they are counted."""
    nothing = np.zeros((INDICES, SYMBOLS))
    counts, middles = tables(nothing, nothing)
    first = _array(net.first.weight.T) * (1 << 16)
    first[len(OFFSETS) : len(OFFSETS) + len(TRAIL)] /= 16  # running means come in sixteenths
    return WholeNet(
        first=np.round(first),
        band=np.round(_array(net.band) * (1 << 20)),
        second=np.round(_array(net.second.weight.T) * (1 << 10)),
        second_bias=np.round(_array(net.second.bias) * (1 << 18)),
        last=np.round(_array(net.last.weight.T) * (PER_OCTAVE << 10)),
        last_bias=np.round(_array(net.last.bias) * (PER_OCTAVE << 18)),
        counts=counts,
        middles=middles,
        gain=_array(net.gain),
        changes=np.maximum(np.round(_TOTAL * 0.5 ** np.abs(np.arange(CHANGES) - TOP)), 1).astype(np.int64),
        shape=shape,
        fill=fill,
    )


def _array(tensor: Tensor) -> npt.NDArray[np.float64]:
    return np.array(tensor.detach().double().numpy())


def tables(
    seen: npt.NDArray[np.float64], sums: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Turn how often each size was seen (indices, symbols), and the sum of its true sizes, into tables."""
    scale = 2.0 ** ((np.arange(INDICES)[:, None] + LOWEST) / PER_OCTAVE)
    edges = np.append(STARTS, LARGEST + 1) - 0.5
    below = np.where(edges > 0, np.exp(-np.maximum(edges, 0) / scale), 1.0)
    laplace = below[:, :-1] - below[:, 1:]
    share = (seen + _PRIOR * laplace) / (seen.sum(1, keepdims=True) + _PRIOR)
    counts = np.maximum(np.round(share * _TOTAL), 1).astype(np.int64)
    usual = np.broadcast_to(STARTS + (WIDTHS - 1) / 2, seen.shape).copy()
    usual[:, 0] = np.minimum(2 * scale[:, 0] ** 2, 1 / 12)
    middles = (sums + 10 * usual) / (seen + 10)
    middles[:, 0] = np.sqrt(middles[:, 0])
    return counts, middles


def settle(net: WholeNet, stretches: Sequence[Stretch], rounds: int = 2) -> WholeNet:
    """Count tables from what a network says of sounds, some times over, as its choices depend on them a little."""
    for _ in range(rounds):
        seen, sums = np.zeros((INDICES, SYMBOLS)), np.zeros((INDICES, SYMBOLS))
        changes = np.ones(CHANGES)
        for samples, rate, fine in stretches:
            channels, turn = rotated(samples)
            grid = lossy.chosen(channels, turn, rate, fine, net)
            for symbols, index, sizes in lossy.encode(grid, rate, fine, net)[1]:
                np.add.at(seen, (index, symbols), 1.0)
                np.add.at(sums, (index, symbols), np.where(symbols > 0, sizes, sizes * sizes))
            for each in grid.levels:
                changes += np.bincount(levels.changes(each), minlength=CHANGES)
        counts, middles = tables(seen, sums)
        share = np.maximum(np.round(changes / changes.sum() * _TOTAL), 1).astype(np.int64)
        net = replace(net, counts=counts, middles=middles, changes=share)
    return net


FIELDS = tuple(field.name for field in fields(WholeNet))
_WHOLE = ("counts", "changes")
_SINGLE = ("shape", "fill")


def to_arrays(net: WholeNet) -> dict[str, npt.NDArray[Any]]:
    """Give what a file holds of a network; all that decides probabilities is whole."""
    plain = {"middles", "gain", *_SINGLE}
    return {
        name: np.ascontiguousarray(getattr(net, name), dtype=np.float32 if name in plain else np.int32)
        for name in FIELDS
    }


def read(path: Path) -> WholeNet:
    """Read a network that comes with isthmus."""
    if not path.is_file():
        raise FileError(f"'{path.name}' is missing from the package: install isthmus anew")
    held = load_file(path)
    parts: dict[str, Any] = {name: held[name].astype(np.int64 if name in _WHOLE else np.float64) for name in FIELDS}
    return WholeNet(**parts | {name: float(held[name].reshape(())) for name in _SINGLE})
