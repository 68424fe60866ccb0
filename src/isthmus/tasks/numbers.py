"""How numbers go wrong: scaled by a power of ten, another row's, or any number at all.

How likely a number is follows from the probabilities of its bin and its neighbours'; its place among these is judged by
the column alone, on the lattice of values that the column writes (whole numbers, cents, hundreds).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isthmus.nets.likelihoods import Numeric
from isthmus.tasks.batches import Flags, Floats
from isthmus.tasks.slips import RANDOM, SCALED, SEEN, SWAPPED, Proposals

POWERS = (-3, -2, -1, 1, 2, 3)
"""Powers of ten that numbers are taken to be scaled by."""

ENOUGH = 16
"""Rows of which numbers that were seldom seen are judged together."""

FINER = 0.01
"""Step between numbers off a column's lattice, in steps of the lattice."""

_TAIL = 2.0
"""Beyond the outermost bins numbers thin out as a Lomax distribution of this shape: a mean, but no variance."""


class Numbers:
    """Numbers: shares of their bins, and how each bin's mass lies on the lattice of values."""

    def __init__(self, likelihood: Numeric, usual: Floats, x: Floats, rows: int, *, scales: bool = True) -> None:
        self.usual, self.rows, self.scales = usual, rows, scales
        self.starts = likelihood.starts.cpu().numpy()
        self.inside = likelihood.inside.cpu().numpy()
        present = x[~np.isnan(x)] if not np.isnan(x).all() else np.zeros(1)
        values, counts = np.unique(present, return_counts=True)
        usually = values[counts.argmax()]
        # zeros of most rows tell nothing about how far the others may lie
        rest = present[present != usually] if len(present) > counts.max() > len(present) / 2 else present
        self.low, self.median, self.high = np.quantile(rest, [0.02, 0.5, 0.98])
        low, high = min(self.low, usually), max(self.high, usually)
        self.spread = float(np.clip(present, low, high).std()) or float(likelihood.unit[1])
        self.step, self.stray = _lattice(present)
        self.step = self.step or self.spread * 1e-6
        self.wide = max((high - low) / 4, self.spread, self.step)
        self.ends = np.append(self.starts[1:], self.inside[-1, -1] + self.step)
        same = self.inside[:, 0] == self.inside[:, -1]
        self.atom = same & (usual * rows >= SEEN)
        self.group = _grouped(self.atom, usual * rows)
        bounds = np.flatnonzero(np.diff(self.group, prepend=-1))
        span = np.append(self.starts[bounds[1:]], self.ends[-1]) - self.starts[bounds]
        self.points = (span / self.step).clip(1)[self.group]

    def token(self, x: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Bins of numbers."""
        return (np.searchsorted(self.starts, x, side="right") - 1).clip(0)

    def mass(self, p: Floats, x: Floats) -> Floats:
        """Probability (rows,) of numbers (rows,) on the lattice when their bins have probabilities p (rows, bins)."""
        bins = self.token(x)
        one = np.where(x == self.inside[bins, 0], 1.0, 1 / self.rows)
        share = np.where(self.atom[bins], one, 1 / self.points[bins])
        mass: Floats = (p * (self.group == self.group[bins, None])).sum(1) * share
        for beyond, upper, scale in (
            (x - self.high, self.inside[:, -1] > self.high, self.high - self.median),
            (self.low - x, self.inside[:, 0] < self.low, self.median - self.low),
        ):
            tail = (p @ upper).clip(1 / self.rows) * self._lomax(beyond, max(scale / 2, self.step))
            mass = np.where((beyond > 0) & ~(self.atom[bins] & (x == self.inside[bins, 0])), tail, mass)
        return np.where(self._on(x), mass, mass * max(self.stray, 1 / self.rows) * FINER)

    def _lomax(self, beyond: Floats, scale: float) -> Floats:
        density = (1 + beyond.clip(0) / (_TAIL * scale)) ** -(_TAIL + 1) / scale
        return np.minimum(density * self.step, 1.0)

    def _on(self, x: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.abs(x / self.step - np.rint(x / self.step)) < 1e-6 * np.maximum(1, np.abs(x / self.step))

    def ratios(self, p: Floats, x: Floats) -> Floats:
        """See `Ways`."""
        other, scaled = self._weights(p, x)
        return np.stack([*other, scaled.sum(0), *np.zeros((2, len(x)))])

    def propose(self, p: Floats, x: Floats, rates: Floats) -> Proposals:
        """See `Ways`: a number scaled back, or the middle of the likeliest span of one standard deviation."""
        other, scaled = self._weights(p, x)
        middle = self.inside[:, self.inside.shape[1] // 2]
        close = np.abs(self.inside[:, :, None] - middle) <= self.spread / 2
        span = p @ close.mean(1)
        best = span.argmax(1)
        power = scaled.argmax(0)
        rows = np.arange(len(x))
        weight = np.stack([rates[: RANDOM + 1] @ other * span[rows, best], rates[SCALED] * scaled[power, rows]])
        whole = (rates[: RANDOM + 1] @ other + rates[SCALED] * scaled.sum(0)).clip(1e-300)
        back = weight[1] > weight[0]
        value = np.where(back, x / 10.0 ** np.array(POWERS)[power], middle[best])
        return Proposals(value, weight.max(0) / whole, np.where(back, SCALED, SWAPPED))

    def _weights(self, p: Floats, x: Floats) -> tuple[Floats, Floats]:
        """Ratios (2, rows) of numbers from elsewhere, and (powers, rows) of numbers scaled by each of `POWERS`."""
        right = self.mass(p, x).clip(1e-300)
        swapped = self.mass(np.broadcast_to(self.usual, p.shape), x)
        z = (x - self.median) / self.wide
        anything = np.where(self._on(x), 1.0, FINER) * self.step / (np.pi * self.wide * (1 + z**2))
        scaled = [self.mass(p, x / 10.0**k) * self._on(x / 10.0**k) * (x != 0) * self.scales for k in POWERS]
        return np.stack([swapped, anything]) / right, np.stack(scaled) / len(POWERS) / right


def _grouped(atom: Flags, rows: Floats) -> npt.NDArray[np.int64]:
    """Put bins (bins,) into groups of neighbours, numbered, of at least `ENOUGH` rows; an atom is a group alone.

    How likely one value among many is that were seen once or twice, the network does not know.
    """
    group = np.zeros(len(atom), dtype=np.int64)
    held = rows[0]
    for i in range(1, len(atom)):
        full = atom[i] or atom[i - 1] or held >= ENOUGH
        group[i], held = group[i - 1] + full, rows[i] + (0.0 if full else held)
    return group


def _lattice(present: Floats) -> tuple[float, float]:
    """Coarsest power of ten that nine tenths of numbers are multiples of (0: none), and the share of the others."""
    values, counts = np.unique(present, return_counts=True)
    rest = present[present != values[counts.argmax()]] if len(values) > 1 else present
    for k in range(-3, 7):
        stray = np.abs(rest * 10.0**k - np.rint(rest * 10.0**k)) > 1e-6
        if stray.mean() <= 0.1:
            return 10.0**-k, float(stray.mean())
    return 0.0, 0.0
