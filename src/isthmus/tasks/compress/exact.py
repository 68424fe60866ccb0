"""A trained chain as whole numbers: what it says is the same to the last bit on every machine.

Weights and hidden units are whole, so their sums of products are whole too and, below 2^24, exact in single precision
whatever the order they are added in (Ballé et al. 2019, "Integer networks for data compression with latent-variable
models"). No two libraries, thread counts or batch sizes can differ, and no torch is needed to read a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.errors import FileError
from isthmus.tasks.compress.coder import Floats, Ints, pack, probabilities, unpack

Singles = npt.NDArray[np.float32]
Product = Callable[[Singles, Singles], Singles]

_TOP = 255
_LEVELS = 16
"""Levels are kept in steps of so many of a logit."""
_CELLS = 1 << 22
"""Probabilities made at a time."""
_EXACT = 1 << 24


@dataclass(frozen=True, eq=False)
class Whole:
    """Whole weights of a chain of cells.

    Attributes
    ----------
    known, sizes
        Symbols by which later cells know each cell, and symbols of each cell.
    embedding, bias, out, level
        Weights (known symbols, width), (cells, width), (width, symbols) and (symbols,), whole numbers all.
    product
        Multiplies two matrices.
    """

    known: tuple[int, ...]
    sizes: tuple[int, ...]
    embedding: Singles
    bias: Singles
    out: Singles
    level: Ints
    product: Product = np.matmul

    @classmethod
    def of(cls, known: Sequence[int], sizes: Sequence[int], steps: dict[str, Ints]) -> Whole:
        """Make one of trained steps."""
        level = np.rint(steps["level"] / _LEVELS).astype(np.int64)
        out = steps["out"].astype(np.float32)
        return cls(
            tuple(known),
            tuple(sizes),
            steps["embedding"].astype(np.float32),
            steps["bias"].astype(np.float32),
            out,
            level,
        )

    @property
    def width(self) -> int:
        """Number of hidden units."""
        return int(self.bias.shape[1])

    def start(self, rows: int) -> Singles:
        """Give what is known of rows (rows, width) before their first cell."""
        return np.zeros((rows, self.width), np.float32)

    def read(self, state: Singles, j: int, symbols: Ints) -> None:
        """Take in what the symbols (rows,) of a cell say, -1 nothing."""
        first = sum(self.known[:j])
        seen = symbols >= 0
        state[seen] += self.embedding[first + symbols[seen]]

    def chances(self, state: Singles, j: int, rows: int | None = None) -> Iterator[tuple[slice, Floats]]:
        """Give, some rows at a time, probabilities (rows, symbols) of a cell."""
        first = sum(self.sizes[:j])
        last = first + self.sizes[j]
        weights = np.ascontiguousarray(self.out[:, first:last])
        level = (self.level[first:last] * _LEVELS).astype(np.float32)
        rows = rows or max(_CELLS // self.sizes[j], 1)
        for begin in range(0, len(state), rows):
            some = slice(begin, begin + rows)
            hidden = np.clip(state[some] + self.bias[j], 0, _TOP)
            yield some, probabilities(self.product(hidden, weights) + level)

    def pack(self) -> bytes:
        """Write the weights; those of symbols that say nothing, nought throughout, are left out first."""
        parts = []
        for weights in (self.embedding, self.bias, self.out.T) if self.width else ():
            whole = weights.astype(np.int64)
            kept = (whole != 0).any(1)
            parts += [pack(kept.astype(np.int64)), pack(whole[kept].T.reshape(-1))]
        parts.append(pack(self.level))
        return b"".join(len(part).to_bytes(4, "little") + part for part in parts)

    @classmethod
    def unpack(cls, known: Sequence[int], sizes: Sequence[int], width: int, data: bytes) -> Whole:
        """Read the weights that `pack` wrote; `FileError` where they do not fit."""
        parts, at = [], 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 4], "little")
            parts.append(unpack(data[at + 4 : at + 4 + length]))
            at += 4 + length
        if len(parts) != (7 if width else 1) or len(parts[-1]) != sum(sizes):
            raise FileError("its model is damaged")
        shapes = [(sum(known), width), (len(sizes), width), (sum(sizes), width)]
        found = [
            _unfold(parts[2 * i], parts[2 * i + 1], shape) if width else np.zeros(shape, np.float32)
            for i, shape in enumerate(shapes)
        ]
        largest = max((float(np.abs(each).max(initial=0)) for each in found), default=0.0)
        if largest * _TOP * width >= _EXACT:
            raise FileError("its model is damaged: its weights are too large")
        embedding, bias, out = found
        return cls(tuple(known), tuple(sizes), embedding, bias, np.ascontiguousarray(out.T), parts[-1])


def _unfold(kept: Ints, held: Ints, shape: tuple[int, int]) -> Singles:
    """Put rows that were kept back among those that were nought."""
    there = kept.astype(bool)
    if len(there) != shape[0] or held.size != there.sum() * shape[1]:
        raise FileError("its model is damaged")
    weights = np.zeros(shape, np.float32)
    weights[there] = held.reshape(shape[1], int(there.sum())).T
    return weights
