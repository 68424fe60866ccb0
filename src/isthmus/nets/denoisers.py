"""A denoising autoencoder of pictures: one network for every level of noise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from isthmus.nets.noises import Noisy, PixelNoise
from isthmus.nets.unet import UNet

FAIR = 1.3
"""Squared errors are about as level^1.3: divided by that, an error at any level counts alike, as decibels do."""
LEAST = 2 / 255
PLANES = 1
"""Planes beside the pixels: how noisy each is."""


class DenoisingNet(nn.Module):
    """What was there before noise came: the mean of what is likely, given pixels and how far each can be trusted.

    It learns noise, not pixels (Zhang et al. 2017, "Beyond a Gaussian denoiser"), and reads a map of levels (Zhang et
    al. 2018, "FFDNet"), so that one network serves any level, and levels that differ over a picture.

    Parameters
    ----------
    channels
        Planes of a picture: 1 where it is grey, 3 where it is coloured.
    noises
        What it learns to take away, one of them drawn for every batch: the first for `MAIN` of all.
    net
        The U-Net; made by default.
    side
        Rows and columns of the parts that it learns from.
    """

    MAIN = 0.9

    def __init__(
        self, channels: int, noises: Sequence[PixelNoise], net: UNet | None = None, side: tuple[int, int] = (64, 64)
    ) -> None:
        super().__init__()
        self.channels, self.noises, self.side = channels, tuple(noises), side
        self.net = UNet(channels + PLANES, channels) if net is None else net

    def forward(self, noisy: Noisy) -> Tensor:
        """Likely pixels (n, channels, rows, columns) of noisy ones between 0 and 1."""
        planes = torch.cat([noisy.values - 0.5, noisy.level], 1)
        found: Tensor = noisy.values - self.net(planes)
        return found

    def losses(self, batch: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Squared error, of bytes (n, channels, rows, columns) out of which parts are cut, turned and spoilt."""
        clean = cut(batch, self.side, rng).to(torch.float32) / 255
        noisy = self.drawn(rng, clean.device)(Noisy(clean, torch.zeros_like(clean[:, :1])), rng)
        error = (self(noisy) - clean).square().flatten(1).mean(1)
        return {"error": (error / (noisy.level.flatten(1).mean(1) + LEAST) ** FAIR).mean()}

    def drawn(self, rng: torch.Generator, device: torch.device) -> PixelNoise:
        """Draw what spoils a batch."""
        drawn, others = torch.rand((), generator=rng, device=device), self.noises[1:]
        if not others or (chance := float(drawn)) < self.MAIN:
            return self.noises[0]
        return others[min(int((chance - self.MAIN) / (1 - self.MAIN) * len(others)), len(others) - 1)]

    def matrices(self) -> list[nn.Parameter]:
        """Give the weights that Muon moves."""
        return self.net.matrices()

    def weights(self, share: float) -> dict[str, float]:
        """One loss is all there is."""
        del share
        return {"error": 1.0}


def cut(batch: Tensor, side: tuple[int, int], rng: torch.Generator) -> Tensor:
    """Cut a part out of every picture (n, c, rows, columns), anywhere, and mirror and turn each as chance has it."""
    n, c, rows, columns = batch.shape
    height, width = min(side[0], rows), min(side[1], columns)
    device = batch.device
    down, right = (
        torch.randint(0, most - size + 1, (n, 1), generator=rng, device=device) + torch.arange(size, device=device)
        for most, size in ((rows, height), (columns, width))
    )
    if rows > 1:
        over, across, turned = torch.randint(0, 2, (3, n, 1), generator=rng, device=device) == 1
        down, right = torch.where(over, down.flip(1), down), torch.where(across, right.flip(1), right)
    picture, plane = (torch.arange(count, device=device) for count in (n, c))
    # by places, all at once: to cut them out one by one, a GPU would have to be asked where, and waited for
    parts = batch[picture[:, None, None, None], plane[:, None, None], down[:, None, :, None], right[:, None, None]]
    return torch.where(turned[..., None, None], parts.mT, parts) if 1 < height == width else parts
