"""How far a row's code lies from the bulk of other rows' codes, and from the nearest of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isthmus.tasks.batches import ROWS, Codes, Floats

NEAREST = 3
COMPANY = 3
"""A row whose distance from the bulk is so many times as rare as its distance from its neighbours has odd company."""
_FLOOR = 0.03
_LEAST = 1e-3  # codes closer than this are the same


@dataclass(frozen=True)
class Neighbours:
    """Codes of other rows, with each of their directions stretched to the same spread.

    Parameters
    ----------
    mean, axes
        What codes are moved and turned by, (size,) and (size, size); without axes they are moved only.
    codes
        Codes (rows, size) so moved and turned, of rows that may be neighbours.
    middle, stretch
        What these are moved and turned by to measure how far they are from the bulk.
    """

    mean: Tensor
    axes: Tensor | None
    codes: Tensor
    middle: Tensor
    stretch: Tensor | None

    @classmethod
    def learn(cls, codes: Codes | Floats, even: bool = True) -> Neighbours:
        """Learn from codes (rows, size); directions that hardly vary are stretched only so far, or none if not `even`.

        The codes may hold those of odd rows, and odd rows that come in groups are near each other. Rows that have odd
        company are therefore no neighbours to any and no part of the bulk; where nothing is odd, few are left out.
        """
        whole = torch.from_numpy(codes).double()
        mean, axes = _even(whole) if even else (whole.mean(0), None)
        turned = _turned(whole, mean, axes)
        every = cls(mean, axes, turned, torch.zeros_like(mean), None)
        bulk, nearest = (_share(far) for far in every.distances(codes).T)
        kept = turned[torch.from_numpy(nearest <= COMPANY * bulk)]
        return cls(mean, axes, kept, *(_even(kept) if even else (kept.mean(0), None)))

    def distances(self, codes: Codes | Floats) -> Floats:
        """Give logs of distances (rows, 2) of codes (rows, size): from the bulk, and from the nearest of all.

        From the bulk is Mahalanobis's distance (1936) from the mean. The nearest of all are the `NEAREST`. A code that
        is the same is taken for the row itself, so that a row scores the same whether or not it is among the others.
        """
        pieces = [self._distances(codes[start : start + ROWS]) for start in range(0, len(codes), ROWS)]
        return np.concatenate([np.zeros((0, 2)), *pieces])

    def _distances(self, codes: Codes | Floats) -> Floats:
        """Measure at most `ROWS` codes, in one shape whatever their number, so that sums round alike."""
        whole = np.concatenate([codes, np.repeat(codes[-1:], ROWS - len(codes), axis=0)])
        turned = _turned(torch.from_numpy(whole).double(), self.mean, self.axes)
        near = torch.cdist(turned, self.codes).topk(min(NEAREST + 1, len(self.codes)), largest=False).values
        bulk = _turned(turned, self.middle, self.stretch).norm(dim=1)
        both = torch.stack([bulk, _without_itself(near).mean(1)], 1)
        return both.clamp(min=_LEAST).log()[: len(codes)].numpy()


def _without_itself(far: Tensor) -> Tensor:
    """Leave out of ascending distances (rows, others) the first where it is as good as zero, else the last."""
    if far.shape[1] == 1:
        return far
    return torch.where(far[:, :1] < _LEAST, far[:, 1:], far[:, :-1])


def _turned(codes: Tensor, mean: Tensor, axes: Tensor | None) -> Tensor:
    """Move codes (rows, size), and turn them where there are axes."""
    return codes - mean if axes is None else (codes - mean) @ axes


def _even(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Give what moves and turns codes (rows, size) so that they spread alike in every direction."""
    mean = codes.mean(0)
    spread, axes = torch.linalg.eigh((codes - mean).T @ (codes - mean) / len(codes))
    spread = spread.clamp(min=0)
    return mean, axes / (spread + _FLOOR * spread.mean() + 1e-12).sqrt()


def _share(values: Floats) -> Floats:
    """Share (rows,) of the values that are at least each of them."""
    return 1 - np.searchsorted(np.sort(values), values) / len(values)
