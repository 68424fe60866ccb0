"""A block transform whose blocks overlap: where an autoencoder of pictures starts learning.

A cosine transform of blocks, with filters over the blocks' edges before it and their inverse after it (Tran, Liang and
Tu 2003, "Lapped transform via time-domain pre- and post-filtering"): nearly as good as a learnt linear transform, at
every step of training, and without the edges of blocks that JPEG shows.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

KEPT = 8
CHANNELS = KEPT * KEPT


def cosines(size: int) -> Tensor:
    """Orthonormal cosine transform (size, size), a frequency a row.

    >>> bool(torch.allclose(cosines(8) @ cosines(8).T, torch.eye(8), atol=1e-6))
    True
    """
    n = torch.arange(size, dtype=torch.float64)
    rows = torch.cos(math.pi / size * (n + 0.5) * n[:, None]) * math.sqrt(2 / size)
    rows[0] /= math.sqrt(2)
    return rows.float()


def overlap(size: int, stretch: float = 1.4) -> Tensor:
    """Filter (size, size) over the edge between two blocks, half of each."""
    half = size // 2
    n = torch.arange(half, dtype=torch.float64)
    fourth = torch.cos(math.pi / half * (n + 0.5) * (n[:, None] + 0.5)) * math.sqrt(2 / half)
    scale = torch.ones(half, dtype=torch.float64)
    scale[0] = stretch
    second = cosines(half).double()
    inner = (second.T @ torch.diag(scale) @ fourth).flip(0).flip(1)
    one, turned = torch.eye(half, dtype=torch.float64), torch.eye(half, dtype=torch.float64).flip(0)
    none = torch.zeros_like(one)
    fold = torch.cat([torch.cat([one, turned], 1), torch.cat([turned, -one], 1)])
    middle = torch.cat([torch.cat([one, none], 1), torch.cat([none, inner], 1)])
    return (0.5 * fold @ middle @ fold).float()


class Lapped(nn.Module):
    """Pixels to the lowest frequencies of overlapping blocks and back: linear, separable, learnt from a good start."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.low_first = sorted(range(CHANNELS), key=lambda c: (c // KEPT + c % KEPT, c // KEPT))
        self.before = nn.Parameter(overlap(side))
        self.basis = nn.Parameter(cosines(side)[:KEPT].clone())
        self.after = nn.Parameter(torch.linalg.inv(overlap(side)))
        self.back = nn.Parameter(cosines(side)[:KEPT].clone())

    def analyse(self, pixels: Tensor) -> Tensor:
        """Pixels (n, height, width), whole blocks, to numbers (n, CHANNELS, rows, columns).

        >>> picture = torch.rand(1, 32, 24)
        >>> bool(torch.allclose(Lapped(8).synthesise(Lapped(8).analyse(picture)), picture, atol=1e-4))
        True
        """
        across = _blocks(_over_edges(pixels, self.before), self.side) @ self.basis.T
        down = _blocks(_over_edges(across.movedim(1, -1), self.before), self.side) @ self.basis.T
        return down.permute(0, 4, 2, 3, 1).flatten(1, 2)[:, self.low_first]

    def synthesise(self, numbers: Tensor) -> Tensor:
        """Numbers (n, CHANNELS, rows, columns) to pixels (n, height, width)."""
        places = sorted(range(CHANNELS), key=lambda c: self.low_first[c])
        square = numbers[:, places].reshape(len(numbers), KEPT, KEPT, *numbers.shape[2:])
        down = square.permute(0, 4, 2, 3, 1) @ self.back
        across = _over_edges(down.flatten(-2), self.after).movedim(-1, 1) @ self.back
        return _over_edges(across.flatten(-2), self.after)


def _blocks(lines: Tensor, side: int) -> Tensor:
    """Cut the last axis into blocks."""
    return lines.reshape(*lines.shape[:-1], lines.shape[-1] // side, side)


def _over_edges(lines: Tensor, matrix: Tensor) -> Tensor:
    """Apply a filter over every edge between blocks of the last axis."""
    half = len(matrix) // 2
    inner = _blocks(lines[..., half:-half], 2 * half) @ matrix.T
    return torch.cat([lines[..., :half], inner.flatten(-2), lines[..., -half:]], -1)
