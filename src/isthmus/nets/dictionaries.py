"""A dictionary of directions: activations as sums of few features out of many (Bricken et al. 2023).

What goes in is scaled and centred; encoder and offset say how much of each feature is there, the kind of sparsity which
of them count; decoder and bias give the activations back, or those of a later layer (a transcoder).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.nets.precision import Mixed
from isthmus.nets.sparsity import Sparsity, from_facts, weights_of

Losses = dict[str, Tensor]

DEAD_SHARE = 1 / 32
"""Weight of what dead features could still explain (Gao et al. 2024, appendix A.2)."""

IDLE = 100_000
"""Rows without a sign of life after which a feature counts as dead."""

RENEWED = 0.2
"""Length of the encoder row of a feature that starts anew, relative to the others'."""


class Dictionary(Mixed):
    """A sparse autoencoder, or a transcoder, of one linear layer each way.

    Where it may be trained in bf16, that is the product which tells what is active, and nothing else.

    Parameters
    ----------
    kind
        How the code is kept sparse, its size counted out.
    width, target
        Numbers in an activation, and in what is to be rebuilt: another layer's where it is given.
    """

    centre: Tensor
    scale: Tensor
    target_scale: Tensor
    variance: Tensor
    threshold: Tensor
    idle: Tensor

    def __init__(self, kind: Sparsity, width: int, target: int | None = None) -> None:
        super().__init__()
        self.kind, self.width, self.target = kind, width, target
        assert isinstance(kind.size, int)
        self.size = kind.size
        self.decoder = nn.Parameter(_unit(torch.randn(self.size, target or width)))
        same = target is None
        self.encoder = nn.Parameter(self.decoder.detach().clone() if same else _unit(torch.randn(self.size, width)))
        self.offset = nn.Parameter(torch.zeros(self.size))
        self.bias = nn.Parameter(torch.zeros(target or width))
        self.extra = weights_of(kind, self.size)
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("target_scale", torch.ones(()))
        self.register_buffer("variance", torch.ones(()))
        self.register_buffer("threshold", torch.zeros(self.size))
        self.register_buffer("idle", torch.zeros(self.size, dtype=torch.long))
        self.least = 0.0
        self.seen: tuple[Tensor, int] | None = None

    # how it starts

    @torch.no_grad()
    def start(self, rows: Tensor) -> None:
        """Measure a sample (rows, width, or width + target): scales, the centre, and the variance to be explained.

        Activations are scaled so that their mean square is 1, and centred at their geometric median, which a few huge
        ones do not move. Codes start at the size at which they rebuild best: directions that overlap would add up to
        several times what they should.
        """
        x, y = self.split(rows)
        self.scale.copy_(x.square().mean().rsqrt())
        self.target_scale.copy_(y.square().mean().rsqrt())
        self.centre.copy_(geometric_median(x * self.scale))
        y = y * self.target_scale
        self.bias.copy_(self.centre if self.target is None else geometric_median(y))
        self.variance.copy_((y - y.mean(0)).square().sum(1).mean().clamp(min=1e-6))
        few = rows[:4096]
        wanted = self.split(few)[1] * self.target_scale - self.bias
        rebuilt = wanted - self.kind.losses(self, *self.scaled(few))[1]
        self.kind.shrink(self, float((wanted * rebuilt).sum() / rebuilt.square().sum().clamp(min=1e-12)))

    def split(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Tell what goes in from what is to come out."""
        return (rows, rows) if self.target is None else (rows[:, : self.width], rows[:, self.width :])

    def scaled(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Give rows as training has them: what the encoder reads, and what is to be rebuilt."""
        x, y = self.split(rows)
        return self.centred(x), y * self.target_scale

    # training, as the loop asks for it

    def losses(self, batch: Tensor, rng: torch.Generator) -> Losses:
        """Give the share of the variance left unexplained, the kind's own losses, and what dead features could do."""
        x, y = self.scaled(batch)
        losses, left, counts = self.kind.losses(self, x, y)
        if self.training:
            self.seen = counts, len(x)
            dead = (self.idle > IDLE).nonzero()[:, 0]
            losses["dead"] = self.revive(x, left.detach(), dead) if len(dead) else left.new_zeros(())
        return losses

    def unexplained(self, left: Tensor) -> Tensor:
        """Give the share of the variance that what is left (rows, width) makes up."""
        return left.square().sum() / (len(left) * self.variance)

    def revive(self, x: Tensor, left: Tensor, dead: Tensor) -> Tensor:
        """Let the dead features with the largest values explain what is left, as well as they can (`auxk`)."""
        pre = torch.relu(x @ self.encoder[dead].T + self.offset[dead])
        best = pre.topk(min(len(dead), max(1, self.width // 2)), dim=1)
        code = torch.zeros_like(pre).scatter(1, best.indices, best.values)
        loss: Tensor = (left - code @ self.decoder[dead]).square().sum() / left.square().sum().clamp(min=1e-12)
        return loss

    def weights(self, share: float) -> dict[str, float]:
        """Give the weight of every loss at a share of the run."""
        return {"unexplained": 1.0, "dead": DEAD_SHARE} | self.kind.weights(share)

    @torch.no_grad()
    def after_step(self) -> None:
        """Bring the decoder's rows back to length 1, and count how long each feature has been idle."""
        self.decoder.div_(torch.linalg.vector_norm(self.decoder, dim=1, keepdim=True).clamp(min=1e-8))
        if self.seen is not None:
            counts, rows = self.seen
            before = self.idle > IDLE
            self.idle.add_(rows).mul_(counts == 0)
            died = ((self.idle > IDLE) & ~before).nonzero()[:, 0]
            if len(died):
                self.begin_anew(died)

    def begin_anew(self, features: Tensor) -> None:
        """Let features look for their own direction again: an offset that silences them would leave no gradient.

        Their codes are small at first, a fifth of what others' encoders would give (Bricken et al. 2023, "Neuron
        resampling"), so that none spoils what the others rebuild.
        """
        self.offset[features] = 0.0
        length = RENEWED * torch.linalg.vector_norm(self.encoder, dim=1).median()
        direction = self.encoder[features] if self.target is not None else self.decoder[features]
        self.encoder[features] = length * nn.functional.normalize(direction, dim=1)
        for name, start in self.kind.extra(self.size).items():
            self.extra[name][features] = start.to(self.offset.device)[features]

    # use

    def pre(self, x: Tensor, features: Sequence[int] | Tensor | None = None) -> Tensor:
        """Compute pre-activations of raw activations: of all features, or of some."""
        chosen = slice(None) if features is None else torch.as_tensor(features, device=x.device)
        return self.centred(x) @ self.encoder[chosen].T + self.offset[chosen]

    def centred(self, x: Tensor) -> Tensor:
        """Scale and centre raw activations, as the encoder reads them."""
        return x * self.scale - self.centre

    def encode(self, x: Tensor) -> Tensor:
        """Give the codes (rows, features) of raw activations (rows, width)."""
        return self.kind.activate(self, self.pre(x))

    def encode_sparse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Give only what is active: values and features (rows, m), filled up with zeros where rows have fewer."""
        code = self.encode(x)
        most = int((code > 0).sum(1).max()) if len(x) else 0
        best = code.topk(max(1, most), dim=1)
        return best.values, best.indices

    def encode_feature(self, x: Tensor, features: Sequence[int]) -> Tensor:
        """Give some features' codes (rows, len(features)), computed alone unless their rank in a row decides."""
        chosen = torch.as_tensor(features, device=x.device)
        if self.kind.threshold == "rank":
            return self.encode(x)[:, chosen]
        return self.part(chosen).encode(x)

    def part(self, features: Tensor) -> Dictionary:
        """Give a dictionary of some features alone."""
        with self.offset.device:
            part = Dictionary(replace(self.kind, size=len(features)), self.width, self.target)
        of = {
            name: value[features] if value.shape[:1] == (self.size,) and name not in {"bias", "centre"} else value
            for name, value in self.state_dict().items()
        }
        part.load_state_dict(of)
        return part

    def decode(self, code: Tensor) -> Tensor:
        """Turn codes (rows, features) into activations."""
        rebuilt: Tensor = (code @ self.decoder + self.bias) / self.target_scale
        return rebuilt

    def directions(self) -> Tensor:
        """Give what one unit of each feature adds to the activations (features, width)."""
        return self.decoder.detach() / self.target_scale

    # on disk

    def config(self) -> dict[str, Any]:
        """Give what `from_config` needs, as JSON can hold it."""
        return {"kind": self.kind.to_dict(), "width": self.width, "target": self.target}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Dictionary:
        """Build a dictionary whose weights are to be loaded."""
        return cls(from_facts(config["kind"]), config["width"], config["target"])


def _unit(rows: Tensor) -> Tensor:
    return torch.nn.functional.normalize(rows, dim=1)


def geometric_median(rows: Tensor, rounds: int = 20) -> Tensor:
    """Find the point with the smallest sum of distances to all rows (Weiszfeld 1937).

    Examples
    --------
    >>> geometric_median(torch.tensor([[0.0], [1.0], [100.0]]), rounds=200).round().tolist()
    [1.0]
    """
    point = rows.mean(0)
    for _ in range(rounds):
        weight = 1 / (rows - point).norm(dim=1, keepdim=True).clamp(min=1e-8)
        point = (rows * weight).sum(0) / weight.sum()
    return point
