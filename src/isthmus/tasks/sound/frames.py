"""Between samples and what is coded: channels turned so that one holds most, and how long frames should be."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

TURNS = 64
"""Steps of half a turn that an angle between channels is written in."""

Samples = npt.NDArray[np.float32]


def rotated(samples: Samples) -> tuple[Samples, int]:
    """Turn two channels (n, 2) by the angle that leaves one as little as can be; give it in `TURNS` of half a turn.

    That is their principal component analysis (as in van der Waal and Veldhuis 1991, "Subband coding of stereophonic
    digital audio signals"). One channel stays as it is.

    >>> both, turn = rotated(np.array([[1.0, 1.0], [-2.0, -2.0]]))
    >>> turn, (both.round() + 0.0).tolist()
    (16, [[1.0, 0.0], [-3.0, 0.0]])
    """
    if samples.shape[1] != 2:
        return samples, 0
    left, right = samples.T.astype(np.float64)
    angle = 0.5 * math.atan2(2 * float(left @ right), float(left @ left - right @ right))
    turn = round(angle / math.pi * TURNS) % TURNS
    return turned(samples, turn), turn


def turned(samples: Samples, turn: int) -> Samples:
    """Turn two channels (n, 2) by `turn`; by `-turn` back again."""
    if samples.shape[1] != 2:
        return samples
    angle = turn * math.pi / TURNS
    cos, sin = math.cos(angle), math.sin(angle)
    return np.asarray(samples @ np.array([[cos, -sin], [sin, cos]]), dtype=np.float32)


def resolution(rate: int, hop: int) -> int:
    """Frames a second as an input of the model: eighths of octaves above 16, from whole numbers.

    >>> resolution(16000, 256), resolution(44100, 2048)
    (15, 3)
    """
    eighths, ratio = 0, rate**8
    while eighths < 100 and ratio >= (hop * 16) ** 8 << (eighths + 1):
        eighths += 1
    return eighths
