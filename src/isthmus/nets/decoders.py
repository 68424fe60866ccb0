"""The second half of the hourglass: from a code, and any condition columns, to a distribution for every cell."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.nets.columns import Cells, Columns, TableDistribution
from isthmus.nets.encoders import Embedding, Residual
from isthmus.nets.precision import Mixed


class TableDecoder(Mixed):
    """A code through residual blocks to one long row of logits and means, beside a straight path to the means.

    All but the straight path may be trained in bf16; what is said of cells is float32, and counted in it.

    With `offsets`, a last linear layer reads both, and says how far a hidden number's mean lies from its histogram's:
    of the widest bins, in the tails, one mean is not enough.

    ::

        code ─┬─ Linear (+ condition columns) ── Residual x blocks ── LayerNorm ── Linear ─┬─ logits of tokens
              └─ Linear ───────────────────────────────────────────────────────────────────┴─ means of numbers
    """

    def __init__(
        self, columns: Columns, code: int, width: int, blocks: int, condition: Sequence[int], *, offsets: bool
    ) -> None:
        super().__init__()
        self.widen = nn.Linear(code, width)
        self.condition = Embedding(columns, width, condition) if condition else None
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, columns.outputs)
        self.straight = nn.Parameter(torch.zeros(code, len(columns.numeric)))
        self.offsets = nn.Linear(width + code, len(columns.numeric)) if offsets else None
        if self.offsets is not None:
            nn.init.zeros_(self.offsets.weight)
            nn.init.zeros_(self.offsets.bias)

    def forward(
        self, code: Tensor, given: Cells | None, columns: Columns, blurred: Tensor | None = None
    ) -> TableDistribution:
        """Code (rows, size) to a distribution; `given` holds the condition columns.

        Where `blurred` is given, it is what all but the means of numbers is read off.
        """
        read = code if blurred is None else blurred
        trunk = self.trunk(read, given, columns)
        with self.products(trunk):
            said = self.head(trunk).float()
            offsets = None if self.offsets is None else self.offsets(torch.cat([trunk, read], 1)).float()
        logits, numbers = said.split([columns.total, len(columns.numeric)], 1)
        return TableDistribution(columns, logits, numbers + code @ self.straight, offsets)

    def trunk(self, code: Tensor, given: Cells | None, columns: Columns) -> Tensor:
        """Code (rows, size) to the hidden state (rows, width) that the head reads."""
        with self.products(code):
            x = self.widen(code).float()
            if self.condition is not None and given is not None:
                x = x + self.condition(given, columns)
            out: Tensor = self.norm(self.blocks(x)).float()
        return out

    def logits(self, trunk: Tensor, tokens: slice) -> Tensor:
        """Logits (rows, tokens) of one variable alone, from the hidden state."""
        return F.linear(trunk, self.head.weight[tokens], self.head.bias[tokens])
