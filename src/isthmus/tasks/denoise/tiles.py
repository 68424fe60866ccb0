"""A network over planes of any size: in overlapping tiles, so that memory is bounded and no seam is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from isthmus.nets.denoisers import DenoisingNet
from isthmus.nets.noises import Noisy

TILE = 768
"""Rows and columns that are made at once; what a pixel of them depends on is looked at beyond them."""


@torch.no_grad()
def denoise(net: DenoisingNet, noisy: Noisy, tell: Callable[[float], None] | None = None, tile: int = TILE) -> Tensor:
    """Estimate clean planes (1, c, rows, columns); each pixel is what the network makes of it in the whole picture.

    Examples
    --------
    >>> from isthmus.nets.noises import Gaussian
    >>> from isthmus.nets.unet import UNet
    >>> net = DenoisingNet(1, (Gaussian(),), UNet(2, 1, widths=(4, 4), depths=(1, 1)))
    >>> planes = torch.rand(1, 1, 150, 90)
    >>> noisy = Noisy(planes, torch.full_like(planes, 0.1))
    >>> torch.allclose(denoise(net, noisy, tile=64), net(noisy), atol=1e-6)
    True
    """
    rows, columns = noisy.values.shape[2:]
    device = next(net.parameters()).device
    found = torch.empty_like(noisy.values)
    places = [(y, x) for y in _cuts(rows, tile) for x in _cuts(columns, tile)]
    for number, ((top, bottom), (left, right)) in enumerate(places):
        up, down = _around(top, bottom, rows, net.net.reach[0], net.net.step[0])
        west, east = _around(left, right, columns, net.net.reach[1], net.net.step[1])
        part = Noisy(*(planes[:, :, up:down, west:east].to(device) for planes in noisy))
        inside = net(part)[:, :, top - up : bottom - up, left - west : right - west]
        found[:, :, top:bottom, left:right] = inside
        if tell is not None:
            tell((number + 1) / len(places))
    return found


def _cuts(size: int, tile: int) -> Iterator[tuple[int, int]]:
    """Cut a length into tiles."""
    for start in range(0, size, tile):
        yield start, min(start + tile, size)


def _around(start: int, stop: int, size: int, reach: int, step: int) -> tuple[int, int]:
    """Widen a stretch by what its pixels depend on, in whole steps of the network."""
    return max(0, (start - reach) // step * step), min(size, -(-(stop + reach) // step) * step)
