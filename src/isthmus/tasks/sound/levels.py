"""How loud each band is for a few frames: what noise is hidden under, written before the numbers themselves.

Ears forgive noise below what sounds in the same band at the same time (Zwicker 1961; Johnston 1988, "Transform coding
of audio signals using perceptual noise criteria"). Steps therefore grow with a band's level.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isthmus.nets.signals import EDGES, bands
from isthmus.tasks.compress.coder import Decoder, Encoder

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

GROUP = 4
"""Frames that share levels."""
FLOOR = -24
"""Level, in steps of 3 dB from the whole file's, below which nothing is heard; others are counted from it."""
TOP = 40
_MIXED = 8
ZONES = -(-len(EDGES) // 2)
CHANGES = 2 * TOP + 1


def zones(rate: int, hop: int, bins: int) -> Ints:
    """Zone of each of the first bins: two bands."""
    return np.asarray(bands(rate, hop)[:bins] // 2)


def measure(numbers: Floats, zone: Ints) -> Ints:
    """Levels (channels, groups, zones) of numbers (channels, frames, bins), 0 where nothing is heard.

    >>> measure(np.ones((1, 4, 2)), np.array([0, 0]))[0, 0, :2].tolist()
    [24, 0]
    """
    power = np.zeros((numbers.shape[0], -(-numbers.shape[1] // GROUP), ZONES))
    weight = np.zeros(power.shape[1:])
    group = np.arange(numbers.shape[1]) // GROUP
    for channel, each in enumerate(numbers):
        np.add.at(power[channel], (group[:, None], zone), each * each)
    np.add.at(weight, (group[:, None], zone), 1.0)
    mean = power / np.maximum(weight, 1.0)
    return np.asarray(np.clip(np.round(np.log2(mean + 1e-12)) - FLOOR, 0, TOP).astype(np.int64))


def spread(levels: Ints, zone: Ints, frames: int) -> Ints:
    """Levels (..., groups, zones) to each number's (..., frames, bins)."""
    return np.asarray(np.repeat(levels, GROUP, axis=-2)[..., :frames, :][..., zone])


def hiding(levels: Ints, turn: int) -> Ints:
    """Levels (channels, groups, zones) that hide each channel's noise: both channels', where they were mixed.

    What was turned by something near an eighth of a circle goes to both channels alike when it is turned back.
    """
    if len(levels) == 2 and _MIXED <= turn % 32 <= 3 * _MIXED:
        return np.asarray(np.broadcast_to(levels.max(0), levels.shape))
    return levels


def expected(levels: Ints, hiding: Ints, shape: float) -> Ints:
    """Levels at which numbers would be as large, in steps, had each channel hidden its own noise; whole throughout.

    >>> expected(np.array([20, 20]), np.array([20, 22]), 0.7).tolist()
    [20, 15]
    """
    tenths = round(10 * shape)
    return np.asarray(np.clip((10 * levels - tenths * hiding) // (10 - tenths), 0, TOP))


def write(levels: Ints, coder: Encoder, counts: Ints) -> None:
    """Write levels (groups, zones), each as its change from what its neighbours make likely."""
    found = changes(levels)
    if len(found):
        coder.symbols(found, np.broadcast_to(counts / counts.sum(), (len(found), CHANGES)))


def changes(levels: Ints) -> Ints:
    """Levels (groups, zones) as symbols (groups * zones,)."""
    before = np.concatenate([np.zeros_like(levels[:1]), levels[:-1]])
    found = [now - guess(last, now) + TOP for last, now in zip(before, levels, strict=True)]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def read(groups: int, used: int, coder: Decoder, counts: Ints) -> Ints:
    """Read levels (groups, used zones)."""
    levels = np.zeros((groups, used), np.int64)
    chances = np.ascontiguousarray(np.broadcast_to(counts / counts.sum(), (used, CHANGES)))
    before = np.zeros(used, np.int64)
    for group in range(groups):
        found = coder.symbols(chances) - TOP
        left = 0
        for zone in range(used):
            shift = left - int(before[zone - 1]) if zone else 0
            left = _guess(int(before[zone]), shift) + int(found[zone])
            levels[group, zone] = left
        before = levels[group]
    return levels


def guess(before: Ints, now: Ints) -> Ints:
    """Guess each level (zones,) from the group before and the zone below: half as changed as that one is."""
    shift = np.append(0, (now - before)[:-1])
    return np.asarray(np.clip(before + (shift >> 1), 0, TOP))


def _guess(before: int, shift: int) -> int:
    return min(max(before + (shift >> 1), 0), TOP)
