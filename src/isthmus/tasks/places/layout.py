"""Where rows lie so that neighbours are near: attraction along a graph, repulsion between all.

The loss is that of t-SNE (van der Maaten and Hinton 2008), its repulsion exact but for a grid (`field.py`).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from isthmus.tasks.places.field import pushes
from isthmus.tasks.places.near import Floats

STEPS = 300
EARLY, DRAWN_TOGETHER = 1 / 3, 12.0
"""Share of the steps in which attraction counts so many times, and groups find each other."""


def lay_out(edges: csr_matrix, start: Floats, steps: int = STEPS) -> Floats:
    """Lay out rows (rows, dim) whose neighbours are `edges` (rows, rows), which sum to one, from where they `start`."""
    n = len(start)
    counts = np.diff(edges.indptr)
    whose, whom, share = np.repeat(np.arange(n), counts), edges.indices.astype(np.int64), edges.data.astype(np.float32)
    first = edges.indptr[:-1]
    rate = np.float32(max(n / DRAWN_TOGETHER, 50.0))
    points = [axis.astype(np.float32) for axis in start.T]
    speed = [np.zeros(n, np.float32) for _ in points]
    gain = [np.ones(n, np.float32) for _ in points]
    kernels: dict[tuple[int, float], Floats] = {}
    for step in range(steps):
        early = step < EARLY * steps
        keep, pull = (np.float32(0.5), np.float32(DRAWN_TOGETHER)) if early else (np.float32(0.8), np.float32(1))
        gaps = [axis[whose] - axis[whom] for axis in points]
        square = np.ones(len(whose), np.float32)
        for gap in gaps:
            square += gap * gap
        near = share / square
        value, slopes = pushes(points, kernels)
        push = np.float32(0.5 / max(float(value.sum(dtype=np.float64)) - n, 1e-12))
        for j, (gap, slope) in enumerate(zip(gaps, slopes, strict=True)):
            gradient = 4 * (pull * np.add.reduceat(gap * near, first) + push * slope)
            turned = (gradient > 0) != (speed[j] > 0)
            gain[j] = np.maximum(
                np.where(turned, gain[j] + np.float32(0.2), gain[j] * np.float32(0.8)), np.float32(0.01)
            )
            speed[j] = keep * speed[j] - rate * gain[j] * gradient
            points[j] = points[j] + speed[j]
            points[j] -= points[j].mean()
    return np.stack(points, 1)
