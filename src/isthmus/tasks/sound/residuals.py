"""What prediction leaves over, as bytes: sizes coded by how large the last ones were, in whole numbers throughout."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isthmus.tasks.compress.coder import Decoder, Encoder

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_EXACT, _OCTAVES = 32, 34
STARTS = np.array(
    [*range(_EXACT), *((_EXACT << o) + j * (_EXACT // 2 << o) for o in range(_OCTAVES) for j in (0, 1))], np.int64
)
WIDTHS = np.diff(STARTS, append=_EXACT << _OCTAVES)
SYMBOLS = len(STARTS)
_QUARTERS = np.array([0.5946035575013605, 0.7071067811865476, 0.8408964152537145])
_RATIOS = (0.5, 0.8, 1.25, 2.0)
_FINE, _DEEP = 3, 13  # octaves below the mean that are coded; octaves of small means that have tables of their own
_BELIEF = 30.0
CONTEXTS = 4 * (_DEEP + 1) * (len(_RATIOS) + 1)


class Sizes:
    """How large what was left over is of late, in many lanes at once: mean sizes of some 32 and of some 8 samples."""

    def __init__(self, start: Ints) -> None:
        self.slow, self.fast = start << 8, start << 8

    def expected(self, lanes: int) -> tuple[Ints, Ints]:
        """Give the table and the number of low bits that are not worth coding, of the first lanes (lanes,)."""
        slow, fast = self.slow[:lanes] + 1.0, self.fast[:lanes] + 1.0
        part, octave = np.frexp(slow)
        quarter = np.searchsorted(_QUARTERS, part)
        ratio = np.zeros(lanes, np.int64)
        for each in _RATIOS:
            ratio += fast > slow * each
        shift = np.maximum(octave.astype(np.int64) - 9 - _FINE, 0)
        deep = np.minimum(octave, _DEEP)
        return (deep * 4 + quarter) * (len(_RATIOS) + 1) + ratio, shift

    def see(self, left: Ints) -> None:
        """Take note of what was left over in the first lanes."""
        size, lanes = np.abs(left), len(left)
        self.slow[:lanes] += (size << 3) - (self.slow[:lanes] >> 5)
        self.fast[:lanes] += (size << 5) - (self.fast[:lanes] >> 3)


def parts(left: Ints, shift: Ints) -> tuple[Ints, Ints, Ints]:
    """Split what was left over into symbols, and what remains of each, below sizes that are given too.

    >>> symbols, remains, below = parts(np.array([-3, 0, 70]), np.array([0, 1, 1]))
    >>> symbols.tolist(), remains.tolist(), below.tolist()
    ([3, 0, 32], [1, 0, 6], [2, 3, 64])
    """
    size = np.abs(left)
    symbols = np.searchsorted(STARTS, size >> shift, "right") - 1
    start, width = STARTS[symbols] << shift, WIDTHS[symbols] << shift
    zero = (start == 0).astype(np.int64)  # nought has no sign
    return symbols, np.where(left < 0, width - zero, 0) + size - start, 2 * width - zero


def joined(symbols: Ints, remains: Ints, shift: Ints) -> Ints:
    """Undo `parts`."""
    start, width = STARTS[symbols] << shift, WIDTHS[symbols] << shift
    zero = (start == 0).astype(np.int64)
    return np.asarray(np.where(remains < width, start + remains, -(start + remains - width + zero)))


def below(symbols: Ints, shift: Ints) -> Ints:
    """Sizes below which remains lie."""
    return np.asarray(2 * (WIDTHS[symbols] << shift) - (symbols == 0))


def write(left: Ints, active: Ints, start: Ints, chances: Floats, coder: Encoder) -> tuple[Ints, Ints]:
    """Write what was left over (steps, lanes), of as many lanes at each step as are active; give symbols and tables."""
    sizes = Sizes(start.copy())
    told: list[tuple[Ints, Ints]] = []
    for now, lanes in zip(left, active.tolist(), strict=True):
        table, shift = sizes.expected(lanes)
        symbols, remains, most = parts(now[:lanes], shift)
        coder.symbols(symbols, chances[table])
        coder.below(remains, most)
        sizes.see(now[:lanes])
        told.append((symbols, table))
    return np.concatenate([s for s, _ in told]), np.concatenate([t for _, t in told])


def read(sizes: Sizes, lanes: int, chances: Floats, coder: Decoder) -> Ints:
    """Read what was left over at one step."""
    table, shift = sizes.expected(lanes)
    symbols = coder.symbols(chances[table])
    left = joined(symbols, coder.below(below(symbols, shift)), shift)
    sizes.see(left)
    return left


def tables(seen: Floats) -> npt.NDArray[np.int32]:
    """Turn how often symbols were seen (tables, symbols) into frequencies; geometric where few were seen."""
    line = np.arange(CONTEXTS)
    octave, ratio = line // (4 * (len(_RATIOS) + 1)), line % (len(_RATIOS) + 1)
    mean = 2.0 ** (octave - 8.5) * np.array([0.6, 0.8, 1.0, 1.3, 1.8])[ratio]
    scale = np.maximum(mean / 2.0 ** np.maximum(octave - 9 - _FINE, 0), 0.02)
    beyond = np.exp(-np.append(STARTS, STARTS[-1] + WIDTHS[-1]) / scale[:, None])
    share = (seen + _BELIEF * (beyond[:, :-1] - beyond[:, 1:])) / (seen.sum(1, keepdims=True) + _BELIEF)
    return np.asarray(np.maximum(np.round(share * (1 << 16)), 1), dtype=np.int32)
