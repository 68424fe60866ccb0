"""The learnt guess of a picture's numbers, in whole numbers: what a decoder computes, it computes as the encoder did.

Probabilities that two machines compute must agree to the last bit, and floating-point sums do not. So weights and
inputs are whole numbers here, held in float64, where their sums are exact in whatever order they are added (Balle,
Johnston and Minnen 2019, "Integer networks for data compression with latent-variable models"); what comes out is the
number of a line in a table of frequencies, which are whole numbers too. Blocks are coded along slanted lines: all that
a block is guessed by lies before its line, and a line is coded at once, group of frequencies after group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.nets.expected import AROUND, ENDS, INDICES, KINDS, LOW, NARROW, STARTS
from isthmus.nets.lapped import CHANNELS

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

FINE = 16
"""Parts of a quality, to which it is rounded."""
LARGEST = 40
"""Largest symbol; what lies beyond is written as this and how much more."""
SYMBOLS = 2 * LARGEST + 1
MEANS = 4
"""Parts of a step, to which means are rounded."""
SLANT = 2
"""Blocks by which a line falls back with each row."""
LIMIT = 4000
"""Largest number."""
_TOP = float(1 << 15)


def loud() -> Floats:
    """Input that stands for each size: eighths of octaves of 1 + size, from whole numbers alone.

    >>> loud()[[0, 1, 2, 100]].tolist()
    [0.0, 8.0, 13.0, 53.0]
    """
    # The whole number nearest 8 log2(1 + size): (2 x - 1) / 16 <= log2(1 + size), so 2^(2 x - 1) <= (1 + size)^16.
    return np.array([((1 + size) ** 16).bit_length() // 2 for size in range(LIMIT + 1)], np.float64)


LOUD = loud()


@dataclass(frozen=True)
class WholeGuess:
    """The network in whole numbers, with its table of frequencies.

    `first` (inputs, shared), `facts` (kinds, shared) and `quality` (shared,) come to hidden units in 2^-20, which go on
    in 2^-8; `shared` and `own`, to the units of each group, in 2^-18, on in 2^-8; `last` with `usual` (kinds, channels)
    to lines of the table in 2^-18, `means` in 2^-12 steps. `counts` (indices x MEANS, symbols) are frequencies.
    """

    first: Floats
    facts: Floats
    quality: Floats
    shared: Floats
    shared_bias: Floats
    own: Floats
    last: Floats
    usual: Floats
    means: Floats
    counts: Ints

    def chances(self) -> Floats:
        """Probabilities (indices x MEANS, symbols), by one division each."""
        counts = self.counts.astype(np.float64)
        return np.asarray(counts / counts.sum(1, keepdims=True))

    def hidden(self, around: Floats, kind: int, quality: int) -> Floats:
        """Loudness around blocks (n, inputs) to what units of all groups start at (n, groups x NARROW)."""
        sums = around @ self.first + (self.facts[kind] + quality * self.quality)
        return np.asarray(_floor(sums, 12) @ self.shared + self.shared_bias)

    def lines(self, start: Floats, own: Floats, group: int, kind: int) -> Floats:
        """Units' starts and loudness of the blocks' own lower channels, to lines' indices (n, channels of a group)."""
        units = slice(group * NARROW, (group + 1) * NARROW)
        some = slice(STARTS[group], ENDS[group])
        sums = start[:, units] + own[:, : STARTS[group]] @ self.own[: STARTS[group], units]
        found = _floor(sums, 10) @ self.last[units, some] + self.usual[kind, some]
        return np.minimum(np.maximum(np.floor(found / (1 << 18) + 0.5), 0), INDICES - 1)


def _floor(sums: Floats, bits: int) -> Floats:
    """Cut below zero, and to whole numbers again."""
    return np.floor(np.minimum(np.maximum(sums, 0.0), _TOP * (1 << bits)) / (1 << bits))


Code = Callable[[Ints, Ints, slice, Ints, Ints], Ints]
"""Given rows, columns, channels, lines of the table and whole means (n, some), the numbers there: read or written."""


def walk(net: WholeGuess, beside: Floats, kind: int, quality: int, code: Code) -> Ints:
    """Go over a plane's blocks in the order of coding; give its numbers (rows, columns, CHANNELS).

    `beside` (rows, columns, CHANNELS) is four times the loudness of the plane before it; `quality` is in FINE parts.
    """
    rows, columns = beside.shape[:2]
    numbers = np.zeros((rows + 1, columns + 2, CHANNELS), np.int64)  # of nothing around the blocks
    sizes = np.zeros((rows + 1, columns + 2, CHANNELS), np.float64)
    for line in range(columns + SLANT * (rows - 1)):
        y = np.arange(max(0, -(-(line - columns + 1) // SLANT)), min(rows - 1, line // SLANT) + 1)
        if not len(y):
            continue
        x = line - SLANT * y
        places = [(y + 1 + down, x + 1 + right) for down, right in AROUND]
        start = net.hidden(np.concatenate([*(sizes[place] for place in places), beside[y, x]], 1), kind, quality)
        low = np.zeros((len(y), len(AROUND) * LOW + LOW))
        low[:, :-LOW] = np.concatenate([numbers[place][:, :LOW] for place in places], 1)
        own = np.zeros((len(y), CHANNELS))
        for group, (begin, end) in enumerate(zip(STARTS, ENDS, strict=True)):
            index = net.lines(start, own, group, kind).astype(np.int64)
            mean = np.zeros_like(index)
            if begin < LOW:
                mean = np.floor(low @ net.means[:, begin:end] / (1 << 10) + 0.5).astype(np.int64)
            whole = (mean + MEANS // 2) // MEANS
            line_of = index * MEANS + (mean - whole * MEANS + MEANS // 2)
            found = code(y, x, slice(begin, end), line_of, whole)
            numbers[y + 1, x + 1, begin:end] = found
            own[:, begin:end] = LOUD[np.abs(found)]
            if end <= LOW:
                low[:, begin - LOW : end - LOW or None] = found
        sizes[y + 1, x + 1] = own
    return numbers[1:, 1:-1]


def beside(before: Ints | None, kind: int, shape: tuple[int, int]) -> Floats:
    """Four times the loudness of the plane before (rows, columns, CHANNELS), for one of `shape` blocks."""
    if before is None:
        return np.zeros((*shape, CHANNELS))
    sizes = LOUD[np.abs(before)]
    if kind == KINDS - 1:
        return np.asarray(4 * sizes)
    return np.asarray(sizes.reshape(shape[0], 2, shape[1], 2, CHANNELS).sum((1, 3)))
