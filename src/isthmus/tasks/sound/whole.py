"""The learnt guess of sizes, in whole numbers: what a decoder computes, it computes as the encoder did.

Probabilities that two machines compute must agree to the last bit, and floating-point sums do not. So the network's
weights and inputs are whole numbers here, held in float64, where their sums are exact in whatever order they are
added (Balle, Johnston and Minnen 2019, "Integer networks for data compression with latent-variable models"); what
comes out is the number of a line in a table of frequencies, which are whole numbers too. Numbers are coded along
slanted lines over frames and bins: all that each is guessed by lies before its line, and a line is coded at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.nets.signals import INDICES, OFFSETS, OTHER, TRAIL

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SLANT = 4
"""Bins by which a line falls back with each frame."""
_FRAMES, _BINS = 2, 4  # of nothing around the grid
_TOP = float(1 << 15)

EXACT = 16
OCTAVES = 15
STARTS = np.array(
    [*range(EXACT), *(EXACT << i >> 1 << 1 | (EXACT << i >> 1) * j for i in range(OCTAVES) for j in (0, 1))]
)
STARTS = np.array(
    [*range(EXACT), *((EXACT << octave) + j * (EXACT // 2 << octave) for octave in range(OCTAVES) for j in (0, 1))],
    np.int64,
)
"""Sizes at which symbols begin: whole ones at first, then half octaves."""
WIDTHS = np.diff(STARTS, append=EXACT << OCTAVES)
SYMBOLS = len(STARTS)
LARGEST = (EXACT << OCTAVES) - 1


def loud() -> Ints:
    """Input that stands for each symbol: eighths of octaves of 1 + size, from whole numbers alone."""
    middle = 1 + STARTS + (WIDTHS - 1) // 2
    found = [0] * SYMBOLS
    for symbol, size in enumerate(middle.tolist()):
        # The whole number nearest 8 log2(size): (2 x - 1) / 16 <= log2(size), so 2^(2 x - 1) <= size^16.
        found[symbol] = (int(size) ** 16).bit_length() // 2
    return np.array(found, np.int64)


LOUD = loud()


KNOWN = len(OFFSETS) + len(TRAIL) + len(OTHER)
"""Inputs that are looked up around each number; the facts follow, then the level."""


@dataclass(frozen=True)
class WholeNet:
    """The network in whole numbers, with its table of frequencies.

    `first` (inputs, width) and `band` (bands, width) come to hidden units in 2^-20, which go on in 2^-8; `second`
    (width, narrow) and `last` (narrow, 1) are in 2^-10, their biases in 2^-18. `counts` (indices, symbols) are how
    often each size occurs where the network says so, and `middles` (indices, symbols) where in its width it then lies,
    the root of the mean square for what was rounded to nought. `gain` (bands,) is how finely bands are measured, in
    octaves; `shape` how much of a band's level its steps grow with; `fill` the share of what was rounded to nought
    that noise stands in for; `changes` how often levels change by how much.
    """

    first: Floats
    band: Floats
    second: Floats
    second_bias: Floats
    last: Floats
    last_bias: Floats
    counts: Ints
    middles: Floats
    gain: Floats
    changes: Ints
    shape: float
    fill: float

    def chances(self) -> Floats:
        """Probabilities (indices, symbols), by one division each."""
        counts = self.counts.astype(np.float64)
        return np.asarray(counts / counts.sum(1, keepdims=True))

    def index(self, inputs: Floats, weights: Floats, start: Floats) -> Ints:
        """Turn inputs (n, inputs), their weights, and what hidden units (n, width) start at into lines (n,)."""
        hidden = np.floor(np.clip(inputs @ weights + start, 0.0, _TOP * 4096) / 4096)
        narrow = np.floor(np.clip(hidden @ self.second + self.second_bias, 0.0, _TOP * 1024) / 1024)
        found = np.floor((narrow @ self.last + self.last_bias)[:, 0] / (1 << 18) + 0.5)
        return np.asarray(np.clip(found, 0, INDICES - 1).astype(np.int64))


@dataclass(frozen=True)
class Around:
    """What is known of a channel before its numbers: bands (bins,), facts, levels, the other's symbols (frames, bins).

    `facts` are fineness, resolution and whether there is another channel, as `SoundNet` is given them.
    """

    bands: Ints
    facts: tuple[int, int, int]
    levels: Ints
    other: Ints | None


Code = Callable[[Ints, Ints], Ints]
"""Given positions in the flat grid and lines of the table, the symbols there: read, or chosen and written."""


def walk(net: WholeNet, around: Around, code: Code) -> Ints:
    """Go over a grid of numbers in the order of coding; give its symbols (frames, bins)."""
    frames, bins = around.levels.shape
    width = bins + 2 * _BINS
    state = np.zeros((4, frames + _FRAMES, width), np.float64)  # loudness, its running mean, the other's, levels
    inside = (slice(_FRAMES, None), slice(_BINS, width - _BINS))
    if around.other is not None:
        state[2][inside] = LOUD[around.other]
    state[3][inside] = around.levels
    flat = state.ravel()
    size = (frames + _FRAMES) * width
    planes = enumerate((OFFSETS, TRAIL, OTHER, ((0, 0),)))
    reach = np.array([plane * size + t * width + k for plane, some in planes for t, k in some])
    weights = np.concatenate([net.first[:KNOWN], net.first[-1:]])
    start = net.band[around.bands] + np.array(around.facts, np.float64) @ net.first[KNOWN:-1]
    symbols = np.zeros((frames, bins), np.int64)
    for line in range(bins + SLANT * (frames - 1)):
        t = np.arange(max(0, -(-(line - bins + 1) // SLANT)), min(frames - 1, line // SLANT) + 1)
        if not len(t):
            continue
        k = line - SLANT * t
        at = (t + _FRAMES) * width + k + _BINS
        index = net.index(flat[at[:, None] + reach], weights, start[k])
        found = code(t * bins + k, index)
        symbols[t, k] = found
        flat[at] = LOUD[found]
        before = flat[size + at - width]
        flat[size + at] = before + np.floor((16 * flat[at] - before) / 4)
    return symbols
