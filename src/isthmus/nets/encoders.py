"""The first half of the hourglass: from cells to the hidden state that a code is read off."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.nets.columns import Cells, Columns


class Residual(nn.Module):
    """LayerNorm, widen, SiLU, narrow, add; the last layer starts at zero, so a new block changes nothing."""

    def __init__(self, width: int, factor: int = 2) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, factor * width)
        self.narrow = nn.Linear(factor * width, width)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Hidden state (rows, width) to hidden state."""
        out: Tensor = x + self.narrow(F.silu(self.widen(self.norm(x))))
        return out


class Embedding(nn.Module):
    """The sum of one vector a cell: its token's, or its column's "hidden"."""

    def __init__(self, columns: Columns, width: int, which: Sequence[int] | None = None) -> None:
        super().__init__()
        self.which = list(range(len(columns.sizes))) if which is None else list(which)
        tokens = torch.randn(columns.total + len(columns.sizes), width)
        self.tokens = nn.Parameter(tokens / math.sqrt(len(self.which)))

    def index(self, cells: Cells, columns: Columns) -> Tensor:
        """Say which vectors (rows, columns) the cells have."""
        hidden = torch.arange(columns.total, len(self.tokens), device=cells.token.device)
        return torch.where(cells.hidden, hidden, cells.token + columns.offset)[:, self.which]

    def forward(self, cells: Cells, columns: Columns) -> Tensor:
        """Sum the vectors of a row's cells: (rows, width)."""
        index = self.index(cells, columns)
        if torch.compiler.is_exporting():  # quicker by far, but other runtimes know no bags
            return F.embedding(index, self.tokens).sum(1)
        return F.embedding_bag(index, self.tokens, mode="sum")


class TableEncoder(nn.Module):
    """Embedded tokens through residual blocks, beside a straight path that takes numbers as they are.

    The straight path starts as a principal component analysis, so that the whole can only be better than one.

    ::

        tokens ── Embedding (+ noise level) ── Residual x blocks ── LayerNorm ── Linear ──┬─ pre-code
        tokens ── Embedding ─┬────────────────────────────────────────────────────────────┘
        numbers ── Linear ───┘
    """

    def __init__(self, columns: Columns, width: int, blocks: int, projected: int, *, noisy: bool) -> None:
        super().__init__()
        self.embedding = Embedding(columns, width)
        self.level = nn.Linear(1, width, bias=False) if noisy else None
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, projected)
        self.straight = Embedding(columns, projected)
        self.numbers = nn.Parameter(torch.zeros(len(columns.numeric), projected))

    def forward(self, cells: Cells, level: Tensor, columns: Columns) -> Tensor:
        """Cells and noise levels (rows, 1) to the pre-code (rows, projected)."""
        x = self.embedding(cells, columns)
        if self.level is not None:
            x = x + self.level(level)
        straight = self.straight(cells, columns) + cells.number @ self.numbers
        out: Tensor = self.project(self.norm(self.blocks(x))) + straight
        return out
