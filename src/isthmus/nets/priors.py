"""A prior learnt after training: what codes are like, so that new ones can be drawn and decoded.

The standard normal is what a variational code is pulled to, but not what its codes together become, and other codes
have no prior at all. A rectified flow (Liu et al. 2023, "Flow straight and fast"; Lipman et al. 2023, "Flow matching")
closes the gap: it learns the velocity at which standard normal noise, in one unit of time, turns into codes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.nets.codes import Code
from isthmus.nets.encoders import Residual

STEPS = 16
"""Steps from noise to a code, each of two looks at the velocity."""

_WAVES = 16
"""Sines and as many cosines that tell the network the time."""


class Flow(nn.Module):
    """Codes as noise that has flowed for one unit of time.

    ::

        code on its way ── Linear ──┐
        time ── sines ── Linear ────┼── Residual x blocks ── LayerNorm ── Linear ── velocity
        given columns ── Linear ────┘

    Parameters
    ----------
    code
        What codes are; its `size` must be known.
    given
        Numbers that tell a row's condition columns, all 0 where they are not known; 0 where there are none.
    tokens
        Tokens of the table's columns, whose logits `drift` corrects.
    width, blocks
        Width of the hidden states, and number of residual blocks.
    """

    centre: Tensor
    spread: Tensor
    drift: Tensor
    waves: Tensor

    def __init__(self, code: Code, *, given: int, tokens: int, width: int, blocks: int = 3) -> None:
        super().__init__()
        assert code.size is not None
        self.code, self.given, self.width, self.depth = code, given, width, blocks
        self.enter = nn.Linear(code.size + given, width)
        self.time = nn.Linear(2 * _WAVES, width)
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, code.size)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        self.register_buffer("centre", torch.zeros(code.size))
        self.register_buffer("spread", torch.ones(code.size))
        self.register_buffer("drift", torch.zeros(tokens))
        self.register_buffer("waves", math.pi * 2.0 ** torch.linspace(-1, 5, _WAVES), persistent=False)

    def config(self) -> dict[str, Any]:
        """Everything `from_config` needs beside the code to build the same, empty of weights."""
        return {"given": self.given, "tokens": len(self.drift), "width": self.width, "blocks": self.depth}

    @classmethod
    def from_config(cls, code: Code, config: Mapping[str, Any]) -> Flow:
        """Build a flow from its configuration, to be filled with weights from a file."""
        return cls(code, **config)

    def velocity(self, x: Tensor, time: Tensor, given: Tensor) -> Tensor:
        """Where codes (rows, size) on their way at times (rows, 1) are heading: (rows, size)."""
        angle = time * self.waves
        hidden = self.enter(torch.cat([x, given], 1)) + self.time(torch.cat([angle.sin(), angle.cos()], 1))
        out: Tensor = self.leave(self.norm(self.blocks(hidden)))
        return out

    def losses(self, batch: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Mean squared error `flow` of the velocity, of pre-codes and given columns (rows, projected + given)."""
        pre, given = torch.split(batch, [self.code.projected, self.given], 1)
        read, _ = self.code.forward(pre, rng)
        read = (read - self.centre) / self.spread
        place = torch.randperm(len(read), generator=rng, device=read.device)
        time = (place + torch.rand(len(read), generator=rng, device=read.device))[:, None] / len(read)
        noise = torch.randn(read.shape, generator=rng, device=read.device)
        said = self.velocity(torch.lerp(noise, read, time), time, given)
        return {"flow": (said - (read - noise)).square().mean()}

    def weights(self, share: float) -> dict[str, float]:
        """Count the one loss as it is."""
        return {"flow": 1.0}

    def draw(self, given: Tensor, rng: torch.Generator, steps: int = STEPS) -> Tensor:
        """Draw what the decoder reads (rows, size), for given columns (rows, given), by Heun's method."""
        x = torch.randn((len(given), len(self.centre)), generator=rng, device=rng.device)
        for step in range(steps):
            time = torch.full((len(x), 1), step / steps, device=x.device)
            here = self.velocity(x, time, given)
            there = self.velocity(x + here / steps, time + 1 / steps, given)
            x = x + (here + there) / (2 * steps)
        return x * self.spread + self.centre
