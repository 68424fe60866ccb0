"""Curves of bits against quality, compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator


def bd_rate(ours: Sequence[tuple[float, float]], peer: Sequence[tuple[float, float]]) -> float:
    """Per cent of bits that ours take of a peer's less 100, at equal quality: points (bits, quality, more is better).

    Bjontegaard 2001, by monotone interpolation; NaN where the two share no quality.

    >>> round(bd_rate([(1, 1), (2, 2), (4, 3)], [(2, 1), (4, 2), (8, 3)]))
    -50
    """
    curves = []
    for points in (ours, peer):
        best: dict[float, float] = {}
        least = np.inf
        for bits, quality in sorted(points, key=lambda point: (-point[1], point[0])):
            if bits < least:  # a point that takes more bits for less is left out
                best[quality], least = bits, bits
        curves.append((np.array(sorted(best)), np.log([best[quality] for quality in sorted(best)])))
    low = max(quality[0] for quality, _ in curves)
    high = min(quality[-1] for quality, _ in curves)
    if low >= high or min(len(quality) for quality, _ in curves) < 2:
        return float("nan")
    at = np.linspace(low, high, 200)
    mine, theirs = (PchipInterpolator(quality, bits)(at) for quality, bits in curves)
    return float(100 * np.expm1(np.mean(mine - theirs)))
