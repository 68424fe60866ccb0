"""Gradients with differential privacy: each row's cut to one length, their sum hidden in noise.

DP-SGD (Abadi et al. 2016, "Deep learning with differential privacy", algorithm 1): every step takes each row with the
same chance, cuts its gradient to a length, and adds normal noise in proportion to that length to the sum. What is done
with the sum afterwards, by Adam or by averaging weights, tells no more of any row.

A row passes each layer here as one vector, so that its gradient of a layer is an outer product, and its length follows
from those of two vectors (Goodfellow 2015, "Efficient per-example gradient computations"): one pass backwards gives the
lengths, one product a layer the sum of the cut gradients, and no row's gradient is ever written out.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.nets.encoders import Embedding
from isthmus.training.seeds import mix

CHUNK = 4096
"""Rows that go through at once: a sum of sums is the same, and memory stays bounded."""


ROUNDING = 1e-4
"""Gradients are cut a little shorter than to their length, since float32 knows that length to so much at worst."""


class RowByRow(Protocol):
    """What is asked of a module that is trained so."""

    def row_losses(self, x: Tensor, rng: torch.Generator) -> Tensor:
        """Give losses (rows,), each of which depends on its own row and on chance alone."""


class Chance:
    """Draws that nobody can foretell: every call is seeded anew by the system's randomness.

    A model's seed is written in its file: from noise that followed from it, anyone could take the noise away again.

    Parameters
    ----------
    seed
        For tests alone, which have to repeat.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed, self.calls = seed, 0

    def generator(self, device: torch.device | str = "cpu") -> torch.Generator:
        """Give a fresh generator."""
        self.calls += 1
        seed = secrets.randbits(63) if self.seed is None else mix(self.seed, self.calls)
        return torch.Generator(device=device).manual_seed(seed)

    def normal(
        self, shape: Sequence[int], device: torch.device | str = "cpu", dtype: torch.dtype = torch.float64
    ) -> Tensor:
        """Draw standard normal noise.

        Each number is the sum of four: what the floating-point form of a single one would give away is then out of
        reach (Holohan and Braghin 2021, "Secure random sampling in differential privacy", section 4).
        """
        rng = self.generator(device)
        drawn = torch.zeros(tuple(shape), dtype=dtype, device=device)
        for _ in range(4):
            drawn += torch.randn(tuple(shape), generator=rng, dtype=dtype, device=device)
        return drawn / 2

    def geometric(self, scale: float) -> int:
        """Draw a whole number from the two-sided geometric distribution (Ghosh et al. 2009) of a scale."""
        u = torch.rand(2, generator=self.generator(), dtype=torch.float64).clamp(min=1e-300)
        first, second = torch.floor(-u.log() * scale).long().tolist()
        return int(first - second)


@dataclass(frozen=True)
class Noise:
    """How rows are hidden.

    Parameters
    ----------
    rate
        Chance of each row to be in a step.
    expected
        Rows that a step is expected to have, known without the rows.
    clip
        Length that a row's gradient is cut to.
    multiplier
        Standard deviation of the noise in such lengths.
    steps
        How many steps are accounted for.
    """

    rate: float
    expected: float
    clip: float
    multiplier: float
    steps: int


class Private(nn.Module):
    """A module that brings noisy gradients of its own rows to the loop, which never sees these.

    Weights of layers that are none of `LAYERS`, or asked to stay as they are, are not trained.

    Parameters
    ----------
    module
        What is trained.
    rows
        The rows (rows, columns) to learn from.
    noise
        How they are hidden.
    chance
        Where draws come from.
    """

    def __init__(self, module: Any, rows: Tensor, noise: Noise, chance: Chance | None = None) -> None:
        super().__init__()
        self.module, self.noise, self.chance, self.taken = module, noise, chance or Chance(), 0
        self._rows = rows
        self.layers = [
            each
            for each in module.modules()
            if type(each) in LAYERS and all(p.requires_grad for p in each.parameters())
        ]
        self.trained = [weight for layer in self.layers for weight in layer.parameters()]
        own = {id(weight) for weight in self.trained}
        self.still = [weight for weight in module.parameters() if id(weight) not in own and weight.requires_grad]
        for weight in self.still:
            weight.requires_grad_(False)

    def losses(self, batch: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Judge rows that are no secret."""
        losses: dict[str, Tensor] = self.module.losses(batch, rng)
        return losses

    def weights(self, share: float) -> dict[str, float]:
        """Give those of the module; the noisy gradient's length is told, and is no loss."""
        return {**self.module.weights(share), "gradient": 0.0}

    def release(self) -> None:
        """Let all weights be trained again."""
        for weight in self.still:
            weight.requires_grad_(True)

    def gradients(self, step: int) -> dict[str, Tensor]:
        """Put a step's noisy gradients in place, and tell their length, which is as noisy."""
        if self.taken == self.noise.steps:
            raise RuntimeError(f"{self.taken} steps are all that the privacy of these rows was accounted for")
        self.taken += 1
        device = self.trained[0].device
        drawn = torch.rand(len(self._rows), generator=self.chance.generator(), dtype=torch.float64)
        sums = [torch.zeros_like(weight) for weight in self.trained]
        for part in torch.split(self._rows[drawn < self.noise.rate], CHUNK):
            if len(part):
                torch._foreach_add_(sums, self.clipped(part.to(device)))
        for weight, total in zip(self.trained, sums, strict=True):
            noise = self.chance.normal(weight.shape, device, weight.dtype) * (self.noise.clip * self.noise.multiplier)
            weight.grad = (total + noise) / self.noise.expected
        return {
            "gradient": torch.stack([weight.grad.norm() for weight in self.trained if weight.grad is not None]).norm()
        }

    def clipped(self, rows: Tensor) -> list[Tensor]:
        """Give the sum over rows of their gradients, each cut to its length, for every trained weight."""
        seen = self._passed(rows)
        length = torch.stack([LAYERS[type(each.layer)].squared(each) for each in seen]).sum(0).sqrt()
        share = (self.noise.clip * (1 - ROUNDING) / length.clamp(min=1e-12)).clamp(max=1.0)
        share = torch.where(length.isfinite(), share, 0.0)
        held: dict[int, Tensor] = {}
        for each in seen:
            told = torch.where(share[:, None] > 0, each.told * share[:, None], 0.0)
            held |= LAYERS[type(each.layer)].summed(each._replace(told=told))
        return [held[id(weight)] if id(weight) in held else torch.zeros_like(weight) for weight in self.trained]

    def _passed(self, rows: Tensor) -> list[Passed]:
        """Send rows there and back, and note what each layer took in and what its outputs are told."""
        noted: list[tuple[nn.Module, tuple[Any, ...], Tensor]] = []

        def note(layer: nn.Module, given: tuple[Any, ...], out: Tensor) -> None:
            noted.append((layer, given, out))

        hooks = [layer.register_forward_hook(note) for layer in self.layers]
        try:
            losses = self.module.row_losses(rows, self.chance.generator(rows.device))
        finally:
            for hook in hooks:
                hook.remove()
        if len({id(layer) for layer, _, _ in noted}) < len(noted):
            raise RuntimeError("a layer was used twice: lengths of its gradients do not add up")
        told = torch.autograd.grad(losses.sum(), [out for _, _, out in noted], allow_unused=True)
        return [
            Passed(layer, given, torch.zeros_like(out) if back is None else back)
            for (layer, given, out), back in zip(noted, told, strict=True)
        ]


class Passed(NamedTuple):
    """A layer, what it was `given`, and the gradient (rows, outputs) that its outputs were `told`."""

    layer: nn.Module
    given: tuple[Any, ...]
    told: Tensor


class Kind(NamedTuple):
    """Of a kind of layer: squared lengths (rows,) of its rows' gradients, and their sum for each of its weights."""

    squared: Callable[[Passed], Tensor]
    summed: Callable[[Passed], dict[int, Tensor]]


def _linear_squared(passed: Passed) -> Tensor:
    given, bias = passed.given[0].detach(), float(passed.layer.bias is not None)
    squared: Tensor = passed.told.square().sum(1) * (given.square().sum(1) + bias)
    return squared


def _linear_summed(passed: Passed) -> dict[int, Tensor]:
    layer: Any = passed.layer
    found = {id(layer.weight): passed.told.T @ passed.given[0].detach()}
    return found if layer.bias is None else found | {id(layer.bias): passed.told.sum(0)}


def _standard(passed: Passed) -> Tensor:
    layer: Any = passed.layer
    return F.layer_norm(passed.given[0].detach(), layer.normalized_shape, eps=layer.eps)


def _norm_squared(passed: Passed) -> Tensor:
    return (passed.told * _standard(passed)).square().sum(1) + passed.told.square().sum(1)


def _norm_summed(passed: Passed) -> dict[int, Tensor]:
    layer: Any = passed.layer
    return {id(layer.weight): (passed.told * _standard(passed)).sum(0), id(layer.bias): passed.told.sum(0)}


def _embedding_squared(passed: Passed) -> Tensor:
    layer: Any = passed.layer
    return passed.told.square().sum(1) * len(layer.chosen)  # a row's tokens all differ, each being of another column


def _embedding_summed(passed: Passed) -> dict[int, Tensor]:
    layer: Any = passed.layer
    index = layer.index(*passed.given)
    told = passed.told.repeat_interleave(index.shape[1], 0)
    return {id(layer.tokens): torch.zeros_like(layer.tokens).index_add(0, index.flatten(), told)}


LAYERS: dict[type[nn.Module], Kind] = {
    nn.Linear: Kind(_linear_squared, _linear_summed),
    nn.LayerNorm: Kind(_norm_squared, _norm_summed),
    Embedding: Kind(_embedding_squared, _embedding_summed),
}
