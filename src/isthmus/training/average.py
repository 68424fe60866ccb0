"""Weights averaged over the last part of a run: the largest single gain of the recipe for tables."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Average:
    """A power-function average of a module's weights, over about the last tenth of the run, whatever its length.

    Step t enters with a weight that grows as t^(power - 1) (Karras et al. 2024, "Analyzing and improving the training
    dynamics of diffusion models", section 3.1).

    Examples
    --------
    >>> layer = nn.Linear(1, 1)
    >>> average = Average(layer)
    >>> average.update(0)
    >>> bool(average.weights[0] == layer.weight)
    True
    """

    def __init__(self, module: nn.Module, power: float = 9.0) -> None:
        self.power = power
        self.source = [weight for weight in module.parameters() if weight.requires_grad]
        self.weights = [weight.detach().clone() for weight in self.source]

    @property
    def kept(self) -> list[Tensor]:
        """What a checkpoint has to hold beside the weights themselves."""
        return self.weights

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the present weights; `step` counts from 0."""
        present = [weight.detach() for weight in self.source]
        torch._foreach_lerp_(self.weights, present, self.power / (self.power + step + 1))

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the average and the present weights, in place."""
        for weight, average in zip(self.source, self.weights, strict=True):
            present = weight.detach().clone()
            weight.copy_(average)
            average.copy_(present)


class Present(Average):
    """The weights as they are, in the place of an average: for models that gain nothing from one."""

    def __init__(self, module: nn.Module) -> None:
        self.source = [weight for weight in module.parameters() if weight.requires_grad]

    @property
    def weights(self) -> list[Tensor]:  # type: ignore[override]
        """The present weights."""
        return [weight.detach() for weight in self.source]

    @property
    def kept(self) -> list[Tensor]:
        """Nothing."""
        return []

    def update(self, step: int) -> None:
        """Leave them as they are."""

    def swap(self) -> None:
        """Leave them where they are."""
