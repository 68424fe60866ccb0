"""An autoencoder that reads a row cell by cell, and says of each cell what those before it let expect.

    cells before ── Embedding, summed ── clipped ReLU ── Linear ── logits of the next cell's symbols

That is the neural autoregressive distribution estimator (Larochelle & Murray 2011, eq. 5 to 8; Uria et al. 2016 for
other than Boolean cells). Its weights are part of a file's size, so they are trained as whole steps of `STEP`, with
their own bits in the loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

STEP = 1 / 16
"""Of a weight; logits are therefore whole steps of its square."""
TOP = 255 * STEP
"""Hidden units stay below, so that sums of products of whole steps are exact in single precision too."""
LARGEST = 127
"""Steps of the largest weight."""
WEIGHT_BITS = 3.0
"""Bits that a doubling of a weight, in steps, is taken to cost."""


class Chain(nn.Module):
    """Learns how likely each cell's symbols are, given the cells before it.

    Parameters
    ----------
    known
        Symbols by which later cells know each cell, in the chain's order.
    symbols
        Symbols of each cell.
    width
        Hidden units.
    rows
        Rows that will be written: the more there are, the less its weights count.
    """

    def __init__(self, known: Sequence[int], symbols: Sequence[int], width: int, rows: int) -> None:
        super().__init__()
        self.known, self.sizes, self.rows = list(known), list(symbols), rows
        self.starts: Tensor
        starts = torch.tensor([0, *self.known]).cumsum(0)
        self.register_buffer("starts", starts[:-1], persistent=False)
        # One row more, for what is not known at all; it stays nought.
        self.embedding = nn.Parameter(torch.randn(int(starts[-1]) + 1, width) * 0.3)
        self.bias = nn.Parameter(torch.zeros(len(self.sizes), width))
        self.out = nn.Parameter(torch.randn(width, sum(self.sizes)) * 0.05)
        self.level = nn.Parameter(torch.zeros(sum(self.sizes)))

    @torch.no_grad()
    def start(self, symbols: Tensor) -> None:
        """Start at how often each symbol (rows, cells) occurs."""
        for j, level in enumerate(torch.split(self.level, self.sizes)):
            count = torch.bincount(symbols[:, j], minlength=self.sizes[j]) + 0.1
            level.copy_((count / count.max()).log())

    def places(self, known: Tensor) -> Tensor:
        """Turn known symbols (rows, cells), -1 for none, into rows of the embedding."""
        return torch.where(known >= 0, known + self.starts, len(self.embedding) - 1)

    def losses(self, batch: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Named losses of a batch (rows, 2 x cells) of known symbols and symbols: nats a row of cells, and of weights.

        Weights are spoilt by half a step either way, which is what rounding will do to them, and their bits counted by
        their logarithms (as in Oktay et al. 2020, "Scalable model compression by entropy penalized
        reparameterization", with a fixed prior).
        """
        known, symbols = batch.long().chunk(2, 1)
        embedding, bias, out = (
            weight + (torch.rand(weight.shape, generator=rng, device=weight.device) - 0.5) * STEP
            for weight in (self.embedding, self.bias, self.out)
        )
        embedding = torch.cat([embedding[:-1], torch.zeros_like(embedding[-1:])])
        read = embedding[self.places(known)]
        hidden = (read.cumsum(1) - read + bias).clamp(0, TOP)
        nats = [
            nn.functional.cross_entropy(hidden[:, j] @ each + level, symbols[:, j])
            for j, (each, level) in enumerate(
                zip(torch.split(out, self.sizes, 1), torch.split(self.level, self.sizes), strict=True)
            )
        ]
        bits = torch.stack(
            [torch.log2(1 + w.abs() / STEP).sum() for w in (self.embedding[:-1], self.bias, self.out)]
        ).sum()
        return {"cells": torch.stack(nats).sum(), "weights": bits * (WEIGHT_BITS * math.log(2) / self.rows)}

    def weights(self, share: float) -> dict[str, float]:
        """Count the weights' own bits fully once half of the run is over."""
        return {"cells": 1.0, "weights": min(1.0, 2 * share)}

    def steps(self) -> dict[str, Tensor]:
        """Give the weights as whole steps; `level` in steps of a logit."""
        with torch.no_grad():
            rounded = {
                name: (weight / STEP).round().clamp(-LARGEST, LARGEST)
                for name, weight in (("embedding", self.embedding[:-1]), ("bias", self.bias), ("out", self.out))
            }
            return rounded | {"level": (self.level / STEP**2).round()}
