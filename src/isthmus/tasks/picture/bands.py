"""A band of a picture as bytes and back: each plane's numbers chosen, guessed and written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import constriction
import numpy as np
import numpy.typing as npt
import torch

from isthmus.errors import FileError
from isthmus.nets.images import SIDES, PictureNet, to_colours, to_planes
from isthmus.tasks.picture.whole import FINE, LARGEST, LIMIT, WholeGuess, beside, walk

Pixels = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

_REST = 1 << 12
_BEYOND = 12.0  # bits of what lies beyond the largest symbol


@dataclass(frozen=True)
class Model:
    """All that writing and reading take: the network, its guess in whole numbers, and what its errors are worth.

    `worth` is bits that a squared error of one squared step is worth, where numbers are chosen.
    """

    net: PictureNet
    guess: WholeGuess
    worth: float


def write(band: Pixels, quality: int, model: Model) -> bytes:
    """Write pixels (height, width, 1 or 3) at a quality in FINE parts."""
    bits = -np.log2(model.guess.chances())
    chances = model.guess.chances()
    kinds = constriction.stream.model.Categorical(lazy=True)
    rest = constriction.stream.model.Uniform(_REST)
    coder = constriction.stream.queue.RangeEncoder()
    before = None
    for kind, wanted in enumerate(numbers_of(band, quality, model.net)):

        def code(y: Ints, x: Ints, some: slice, lines: Ints, mean: Ints, wanted: Any = wanted) -> Ints:
            found = choose(wanted[y, x, some], lines, mean, bits, model.worth)
            away = found - mean
            symbols = _within(away, LARGEST) + LARGEST
            coder.encode(symbols.ravel().astype(np.int32), kinds, chances[lines.ravel()])
            more = np.abs(away.ravel()) - LARGEST
            if (more >= 0).any():
                coder.encode(more[more >= 0].astype(np.int32), rest)
            return found

        before = walk(model.guess, beside(before, kind, wanted.shape[:2]), kind, quality, code)
    block: bytes = coder.get_compressed().astype("<u4").tobytes()
    return block


def read(block: bytes, shape: tuple[int, int, int], quality: int, model: Model) -> Pixels:
    """Read pixels of a shape (height, width, 1 or 3)."""
    if len(block) % 4:
        raise FileError("it is cut short")
    chances = model.guess.chances()
    kinds = constriction.stream.model.Categorical(lazy=True)
    rest = constriction.stream.model.Uniform(_REST)
    coder = constriction.stream.queue.RangeDecoder(np.frombuffer(block, "<u4").astype(np.uint32))

    def code(y: Ints, x: Ints, some: slice, lines: Ints, mean: Ints) -> Ints:
        del y, x, some
        away = np.asarray(coder.decode(kinds, chances[lines.ravel()]), np.int64) - LARGEST
        beyond = np.flatnonzero(np.abs(away) == LARGEST)
        if len(beyond):
            away[beyond] += np.sign(away[beyond]) * np.asarray(coder.decode(rest, len(beyond)), np.int64)
        found: Ints = _within(away.reshape(mean.shape) + mean, LIMIT)
        return found

    planes: list[Ints] = []
    for kind in range(shape[2]):
        side = SIDES[kind]
        padded = tuple(-(-length // unit(shape[2])) * unit(shape[2]) // side for length in shape[:2])
        grid = beside(planes[-1] if kind else None, kind, (padded[0], padded[1]))
        planes.append(walk(model.guess, grid, kind, quality, code))
    return pixels_of(planes, shape, quality, model.net)


def unit(channels: int) -> int:
    """Pixels that sides are filled up to a multiple of, so that blocks of all planes are whole."""
    return max(SIDES[:channels])


def choose(wanted: Any, lines: Ints, mean: Ints, bits: Any, worth: float) -> Ints:
    """Round each number so that bits and errors are least: to the nearest, or to the next towards nought.

    Rate-distortion optimised quantisation, one number at a time (Sullivan and Wiegand 1998, "Rate-distortion
    optimization for video compression").
    """
    near = _within(np.round(wanted), LIMIT).astype(np.int64)
    less = near - np.sign(near)
    costs = []
    for option in (near, less):
        away = _within(option - mean, LARGEST)
        costs.append(bits[lines, away + LARGEST] + _BEYOND * (np.abs(away) == LARGEST) + worth * (option - wanted) ** 2)
    found: Ints = np.where(costs[1] < costs[0], less, near)
    return found


def _within(numbers: Any, most: int) -> Any:
    """Cut numbers to -most..most: np.clip takes several times as long for a few."""
    return np.minimum(np.maximum(numbers, -most), most)


@torch.no_grad()
def numbers_of(band: Pixels, quality: int, net: PictureNet) -> list[npt.NDArray[np.float64]]:
    """Pixels to the numbers of each plane (rows, columns, CHANNELS), not yet whole."""
    size = unit(band.shape[2])
    lack = [(0, -length % size) for length in band.shape[:2]]
    padded = torch.from_numpy(np.pad(band, [*lack, (0, 0)], "edge").astype(np.float32)).movedim(2, 0)[None]
    planes = to_planes(padded) if band.shape[2] == 3 else padded - 128
    level = torch.tensor([quality / FINE])
    found = (net.analyse(planes[:, kind], kind, level)[0] for kind in range(band.shape[2]))
    return [numbers.movedim(0, 2).double().numpy() for numbers in found]


@torch.no_grad()
def pixels_of(planes: list[Ints], shape: tuple[int, int, int], quality: int, net: PictureNet) -> Pixels:
    """Whole numbers of each plane to pixels of a shape."""
    level = torch.tensor([quality / FINE])
    shown = [
        net.synthesise(torch.from_numpy(np.ascontiguousarray(plane)).float().movedim(2, 0)[None], kind, level)
        for kind, plane in enumerate(planes)
    ]
    joined = torch.stack(shown, 1)
    colours = to_colours(joined) if len(planes) == 3 else joined + 128
    whole = colours[0].movedim(0, 2).round().clamp(0, 255).to(torch.uint8).numpy()
    return np.ascontiguousarray(whole[: shape[0], : shape[1]])
