"""How alike two pictures look: structural similarity at several scales, to learn from and to measure with."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_STEADY = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)
WINDOW = 11
"""Rows and columns that are compared at once, and the fewest that a picture may have."""


def ms_ssim(first: Tensor, second: Tensor) -> Tensor:
    """Similarity (n,) of pictures (n, channels, height, width) of 0..255: 1 where they are equal.

    Wang, Simoncelli and Bovik 2003, "Multiscale structural similarity for image quality assessment", with a Gaussian
    window of 11 pixels and the mean of the channels; sides of 176 and more have all five scales, smaller ones fewer.

    Examples
    --------
    >>> picture = torch.arange(200.0 * 200).reshape(1, 1, 200, 200) % 251
    >>> float(ms_ssim(picture, picture))
    1.0
    >>> float(ms_ssim(picture, picture.flip(2))) < 0.5
    True
    """
    away = torch.arange(WINDOW) - WINDOW // 2
    window = torch.exp(-(away**2) / (2 * 1.5**2))
    window = window / window.sum()
    scales = sum(min(first.shape[2:]) >> scale >= WINDOW for scale in range(len(_WEIGHTS)))
    weights = torch.tensor(_WEIGHTS[:scales])
    found = []
    for scale in range(scales):
        whole, contrast = _similarity(first, second, window)
        found.append((whole if scale == scales - 1 else contrast).clamp_min(1e-4))
        first, second = functional.avg_pool2d(first, 2), functional.avg_pool2d(second, 2)
    powers = (weights / weights.sum())[:, None, None]
    return torch.prod(torch.stack(found) ** powers, 0).mean(1)


def _similarity(first: Tensor, second: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
    """Similarity in all, and in contrast and structure alone, each (n, channels)."""
    stack = torch.cat([first, second, first * first, second * second, first * second], 1).flatten(0, 1)
    blurred = _band(window, stack.shape[-2]) @ stack @ _band(window, stack.shape[-1]).T
    one, two, squares, others, both = blurred.reshape(len(first), -1, *blurred.shape[1:]).chunk(5, 1)
    spread = squares + others - one * one - two * two
    contrast = (2 * (both - one * two) + _STEADY[1]) / (spread + _STEADY[1])
    light = (2 * one * two + _STEADY[0]) / (one * one + two * two + _STEADY[0])
    return (light * contrast).flatten(2).mean(2), contrast.flatten(2).mean(2)


def _band(window: Tensor, length: int) -> Tensor:
    """Lay out a window at each place of a line: several times as fast to multiply by as a convolution is."""
    band = torch.zeros(length - len(window) + 1, length)
    for place in range(len(band)):
        band[place, place : place + len(window)] = window
    return band
