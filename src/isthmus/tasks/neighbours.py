"""How far a row's code lies from the codes of other rows, at two scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isthmus.tasks.batches import Codes, Floats

NEAREST = 5
FEW, SAMPLE = 16, 256
_FLOOR = 0.03
_LEAST = 1e-3  # codes closer than this are the same


@dataclass(frozen=True)
class Neighbours:
    """Codes of other rows, with each of their directions stretched to the same spread.

    Parameters
    ----------
    mean, axes
        What codes are moved and turned by, (size,) and (size, size).
    codes
        Codes (rows, size) so moved and turned.
    """

    mean: Tensor
    axes: Tensor
    codes: Tensor

    @classmethod
    def learn(cls, codes: Codes) -> Neighbours:
        """Learn from codes (rows, size); directions that hardly vary are stretched only so far."""
        mean = codes.mean(0, dtype=np.float64)
        centred = codes - mean
        spread, axes = np.linalg.eigh(centred.T @ centred / len(codes))
        spread = spread.clip(0)
        axes = axes / np.sqrt(spread + _FLOOR * spread.mean() + 1e-12)
        turned = torch.from_numpy(mean).float(), torch.from_numpy(axes).float()
        return cls(*turned, _turn(torch.from_numpy(codes), *turned))

    def distances(self, codes: Codes) -> Floats:
        """Give logs of distances (rows, 2) of codes (rows, size): from the bulk, and from the nearest of all.

        The nearest of all are the `NEAREST`. Odd rows that come in groups are near each other, but a few rows chosen
        at random rarely hold any of a small group (Liu et al. 2008, "Isolation forest"): from the bulk is the mean log
        distance to the nearest of `FEW` rows, over all ways to choose them from `SAMPLE`.

        A code that is the same is taken for the row itself, so that a row scores the same whether or not it is among
        the others.
        """
        turned = _turn(torch.from_numpy(codes), self.mean, self.axes)
        return torch.cat([self._distances(part) for part in torch.split(turned, 1024)]).double().numpy()

    def _distances(self, codes: Tensor) -> Tensor:
        far = torch.cdist(codes, self.codes, compute_mode="donot_use_mm_for_euclid_dist")
        near = _without_itself(far.topk(min(NEAREST + 1, far.shape[1]), largest=False).values)
        some = _without_itself(far[:, :SAMPLE].sort(1).values)
        chance = min(FEW / some.shape[1], 1.0)
        weight = chance * (1 - chance) ** torch.arange(some.shape[1])
        bulk = (some.clamp(min=_LEAST).log() * weight).sum(1) / weight.sum()
        return torch.stack([bulk, near.mean(1).clamp(min=_LEAST).log()], 1)


def _turn(codes: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    """Move and turn codes one by one: as a product of matrices, sums would round as other rows have it."""
    return torch.cat([((part - mean)[:, :, None] * axes).sum(1) for part in torch.split(codes, 64)])


def _without_itself(far: Tensor) -> Tensor:
    """Leave out of ascending distances (rows, others) the first where it is zero, else the last."""
    if far.shape[1] == 1:
        return far
    return torch.where(far[:, :1] == 0, far[:, 1:], far[:, :-1])
