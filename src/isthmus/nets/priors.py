"""A prior learnt after training: what codes are like, so that new ones can be drawn and decoded.

The standard normal is what a variational code is pulled to, but not what its codes together become, and other codes
have no prior at all. Codes are short, so that they can be drawn number after number, each from a mixture of normals
that depends on the numbers before it (Uria et al. 2013, "RNADE"; the network is that of Germain et al. 2015, "MADE").
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.nets.codes import Code, even_normal

COMPONENTS = 8
"""Normals in each mixture."""

_NARROWEST, _WIDEST = -5.0, 3.0  # log standard deviations, in units of a number's own

_DROPOUT = 0.1  # share of rows whose given columns are hidden in training, so that drawing without them is known too


class MaskedLinear(nn.Linear):
    """A linear layer some of whose weights are always zero; `mask` (outputs, inputs) tells which are not."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__(mask.shape[1], mask.shape[0])
        self.register_buffer("mask", mask.float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Turn inputs (rows, inputs) into outputs (rows, outputs)."""
        return F.linear(x, self.weight * self.mask, self.bias)

    def part(self, x: Tensor, outputs: slice) -> Tensor:
        """Turn the first inputs (rows, inputs), all that some outputs see, into these (rows, outputs)."""
        seen = slice(x.shape[1])
        return F.linear(x, self.weight[outputs, seen] * self.mask[outputs, seen], self.bias[outputs])


class Prior(nn.Module):
    """Codes number after number, each from a mixture of normals given those before.

    Unit u of a hidden layer has a degree k, and sees only the given columns and the first k numbers of the code.

    ::

        given columns, numbers before ── Linear ── 2 x (SiLU, Linear, SiLU, Linear, add) ── SiLU ── Linear ── mixture

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

    def __init__(self, code: Code, *, given: int, tokens: int, width: int, blocks: int = 2) -> None:
        super().__init__()
        assert code.size is not None
        self.code, self.given, self.width, self.depth = code, given, width, blocks
        degree = torch.arange(width) * code.size // width
        before = torch.cat([torch.full((given,), -1), torch.arange(code.size)])
        number = torch.arange(code.size).repeat_interleave(3 * COMPONENTS)
        within = degree[:, None] >= degree
        self.ends = torch.bincount(degree, minlength=code.size).cumsum(0).tolist()
        self.enter = MaskedLinear(degree[:, None] > before)
        self.widen = nn.ModuleList(MaskedLinear(within) for _ in range(blocks))
        self.narrow = nn.ModuleList(MaskedLinear(within) for _ in range(blocks))
        self.leave = MaskedLinear(number[:, None] >= degree)
        self._start()
        self.register_buffer("centre", torch.zeros(code.size))
        self.register_buffer("spread", torch.ones(code.size))
        self.register_buffer("drift", torch.zeros(tokens))

    @torch.no_grad()
    def _start(self) -> None:
        """Begin as one and the same mixture for each number, near a standard normal; new blocks change nothing."""
        for layer in self.narrow:
            nn.init.zeros_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        self.leave.weight *= 0.1
        mixture = torch.stack(
            [torch.zeros(COMPONENTS), torch.linspace(-1.5, 1.5, COMPONENTS), torch.full((COMPONENTS,), -0.3)]
        )
        self.leave.bias.copy_(mixture.flatten().repeat(len(self.ends)))

    def config(self) -> dict[str, Any]:
        """Everything `from_config` needs beside the code to build the same, empty of weights."""
        return {"given": self.given, "tokens": len(self.drift), "width": self.width, "blocks": self.depth}

    @classmethod
    def from_config(cls, code: Code, config: Mapping[str, Any]) -> Prior:
        """Build a prior from its configuration, to be filled with weights from a file."""
        return cls(code, **config)

    def losses(self, batch: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Nats a number, of pre-codes and given columns (rows, projected + given)."""
        pre, given = torch.split(batch, [self.code.projected, self.given], 1)
        read, _ = self.code.forward(pre, rng)
        dropped = torch.rand((len(given), 1), generator=rng, device=given.device) < _DROPOUT
        return {"prior": -self.log_prob(read, given * ~dropped).mean()}

    def weights(self, share: float) -> dict[str, float]:
        """Count the one loss as it is."""
        return {"prior": 1.0}

    def log_prob(self, read: Tensor, given: Tensor) -> Tensor:
        """Log-density in nats (rows, size) of each number of codes (rows, size), in units of its spread."""
        z = (read - self.centre) / self.spread
        hidden = self.enter(torch.cat([given, z], 1))
        for widen, narrow in zip(self.widen, self.narrow, strict=True):
            hidden = hidden + narrow(F.silu(widen(F.silu(hidden))))
        weight, mean, log_spread = _mixture(self.leave(F.silu(hidden)))
        error = (z[..., None] - mean) * (-log_spread).exp()
        each = weight.log_softmax(2) - log_spread - 0.5 * (error.square() + math.log(2 * math.pi))
        return each.logsumexp(2)

    def draw(self, given: Tensor, rng: torch.Generator) -> Tensor:
        """Draw what the decoder reads (rows, size), for given columns (rows, given).

        A hidden unit is computed as soon as all that it sees is known, so that the whole takes no longer than one pass.
        """
        rows, device = len(given), given.device
        known, noise = given, even_normal(rows, len(self.ends), rng)
        layers = [torch.zeros(rows, self.width, device=device) for _ in range(2 * self.depth + 1)]
        start = 0
        for number, end in enumerate(self.ends):
            now = slice(start, end)
            layers[0][:, now] = self.enter.part(known, now)
            for i, (widen, narrow) in enumerate(zip(self.widen, self.narrow, strict=True)):
                hidden, inner, after = layers[2 * i : 2 * i + 3]
                inner[:, now] = widen.part(F.silu(hidden[:, :end]), now)  # type: ignore[operator]
                after[:, now] = hidden[:, now] + narrow.part(F.silu(inner[:, :end]), now)  # type: ignore[operator]
            own = slice(number * 3 * COMPONENTS, (number + 1) * 3 * COMPONENTS)
            weight, mean, log_spread = _mixture(self.leave.part(F.silu(layers[-1][:, :end]), own))
            which = torch.multinomial(weight[:, 0].softmax(1), 1, generator=rng)
            drawn = mean[:, 0].gather(1, which) + log_spread[:, 0].gather(1, which).exp() * noise[:, [number]]
            known, start = torch.cat([known, drawn], 1), end
        return known[:, self.given :] * self.spread + self.centre


def _mixture(raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log-weights, means and log standard deviations (rows, numbers, components) of raw outputs."""
    weight, mean, log_spread = raw.view(len(raw), -1, 3, COMPONENTS).unbind(2)
    return weight, mean, log_spread.clamp(_NARROWEST, _WIDEST)
