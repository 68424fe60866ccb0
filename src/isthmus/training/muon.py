"""Muon: steps that are as long in every direction in which a matrix can be moved."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM, TURNS = 0.95, 5
"""Share of the gradients before that is kept from step to step, and of times the iteration is gone through."""

ITERATION = (3.4445, -4.7750, 2.0315)
"""Of an odd polynomial that drives singular values towards one, fast rather than closely (Jordan et al. 2024)."""

LIKE_ADAM = 0.2
"""What an entry of a step by Adam measures, as its root of mean squares: rates serve both (Liu et al. 2025)."""

BETAS, TINY = (0.9, 0.99), 1e-8


class Muon(torch.optim.Optimizer):
    """Moves matrices by their momentum made orthogonal, all other weights by AdamW, at one rate.

    As Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"; the length of steps and the decay
    as Liu et al. 2025, "Muon is scalable for LLM training", section 2.2. The kernels of a convolution are a matrix of a
    row for every channel that comes out.

    Parameters
    ----------
    weights
        All that are to be moved.
    matrices
        Those of them that are hidden matrices or kernels: neither the first layer's nor the last one's.
    lr, weight_decay
        The rate, and what of it times a weight is taken off the weight in a step.

    Examples
    --------
    >>> layer = nn.Linear(3, 2)
    >>> before = layer.weight.detach().clone()
    >>> optimizer = Muon(layer.parameters(), [layer.weight], lr=0.1)
    >>> layer(torch.ones(4, 3)).sum().backward()
    >>> optimizer.step()
    >>> float((layer.weight.detach() - before).square().mean().sqrt()) < 0.1
    True
    """

    def __init__(
        self, weights: Iterable[nn.Parameter], matrices: Iterable[nn.Parameter], lr: float, weight_decay: float = 0.0
    ) -> None:
        super().__init__(weights, {"lr": lr, "weight_decay": weight_decay})
        self._matrices = {id(matrix) for matrix in matrices}

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """Move all weights that have a gradient."""
        assert closure is None
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[nn.Parameter]] = {}
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                if id(weight) in self._matrices:
                    alike.setdefault((len(weight), weight[0].numel()), []).append(weight)
                else:
                    self._by_adam(weight, group["lr"])
            for shape, some in alike.items():
                self._turned(some, shape, group["lr"])

    def _turned(self, weights: list[nn.Parameter], shape: tuple[int, int], rate: float) -> None:
        """Move matrices of one shape, all at once."""
        pushed = []
        for weight in weights:
            assert weight.grad is not None
            state = self.state[weight]
            if not state:
                state["momentum"] = torch.zeros_like(weight)
            momentum = state["momentum"].lerp_(weight.grad, 1 - MOMENTUM)
            pushed.append(torch.lerp(weight.grad, momentum, MOMENTUM).reshape(shape))
        steps = orthogonal(torch.stack(pushed)) * (LIKE_ADAM * math.sqrt(max(shape)))
        for weight, step in zip(weights, steps, strict=True):
            weight.sub_(step.view(weight.shape), alpha=rate)

    def _by_adam(self, weight: nn.Parameter, rate: float) -> None:
        assert weight.grad is not None
        state = self.state[weight]
        if not state:
            state |= {"step": torch.zeros(()), "mean": torch.zeros_like(weight), "square": torch.zeros_like(weight)}
        state["step"] += 1
        times = float(state["step"])
        state["mean"].lerp_(weight.grad, 1 - BETAS[0])
        state["square"].lerp_(weight.grad.square(), 1 - BETAS[1])
        size = (state["square"] / (1 - BETAS[1] ** times)).sqrt() + TINY
        weight.addcdiv_(state["mean"], size, value=-rate / (1 - BETAS[0] ** times))


def orthogonal(matrices: Tensor) -> Tensor:
    """Make singular values of matrices (n, rows, columns) about one, and keep the directions.

    By Newton and Schulz's iteration on each matrix' products with itself, the smaller way round: kernels have many more
    columns than rows.

    Examples
    --------
    >>> made = orthogonal(torch.randn(2, 4, 9, generator=torch.Generator().manual_seed(0)))
    >>> bool((torch.linalg.svdvals(made) - 1).abs().max() < 0.35)
    True
    """
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonal(matrices.mT).mT
    scaled = matrices / (matrices.flatten(1).norm(dim=1)[:, None, None] + TINY)
    a, b, c = ITERATION
    one = torch.eye(scaled.shape[1], device=scaled.device)
    products, whole = scaled @ scaled.mT, one
    for _ in range(TURNS):
        turn = a * one + b * products + c * products @ products
        whole = turn @ whole
        products = turn @ products @ turn
    found: Tensor = whole @ scaled
    return found
