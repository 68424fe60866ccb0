"""A denoiser for levels from nothing to far beyond the picture itself: denoised again and again, noise becomes one."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from isthmus.nets.noises import Noisy
from isthmus.nets.unet import UNet

SPREAD = 0.5
"""Standard deviation of pixels between -1 and 1, about."""
MIDDLE, WIDTH = -1.2, 1.2
"""Of the logarithm of levels in training, their mean and standard deviation."""
FORGET = 0.1
"""Share of pictures whose label is not told in training, so that the network also knows pictures of any kind."""
WAVES = 16


class DiffusionNet(nn.Module):
    """The mean of clean pictures, given a noisy one of any level and, where it has kinds, what kind it is.

    Pictures are between -1 and 1. What goes in and what is asked for is scaled so that both are of size one at every
    level (Karras et al. 2022, "Elucidating the design space of diffusion-based generative models", table 1 and
    equation 7).

    Parameters
    ----------
    channels
        Planes of a picture.
    kinds
        How many labels there are; 0 where there are none.
    net
        The U-Net; made by default.
    """

    def __init__(self, channels: int, kinds: int = 0, net: UNet | None = None) -> None:
        super().__init__()
        self.channels, self.kinds = channels, kinds
        told = 2 * WAVES + kinds
        self.told = nn.Sequential(nn.Linear(told, 4 * WAVES), nn.SiLU(), nn.Linear(4 * WAVES, 4 * WAVES), nn.SiLU())
        self.net = UNet(channels, channels, told=4 * WAVES) if net is None else net
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.logspace(-1, 1, WAVES) * math.pi / 2, persistent=False)

    def forward(self, noisy: Noisy, kind: Tensor | None = None) -> Tensor:
        """Likely pictures (n, channels, rows, columns) of noisy ones, of kinds (n,), of which -1 is any."""
        level = noisy.level.flatten(1).mean(1)
        size = (level.square() + SPREAD**2).sqrt()
        phase = (level.clamp_min(1e-4).log() / 4)[:, None] * self.frequencies
        facts = [phase.sin(), phase.cos()]
        if self.kinds:
            known = torch.full_like(level, -1).long() if kind is None else kind
            one = (known[:, None] == torch.arange(self.kinds, device=known.device)).to(level.dtype)
            facts.append(one * (WAVES * self.kinds) ** 0.5)  # as large together as the waves
        answer = self.net(noisy.values / size[:, None, None, None], self.told(torch.cat(facts, 1)))
        keep, add = SPREAD**2 / size.square(), level * SPREAD / size
        found: Tensor = keep[:, None, None, None] * noisy.values + add[:, None, None, None] * answer
        return found

    def losses(self, batch: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Error at a level drawn for every picture, of bytes (n, channels + 1, rows, columns), the last plane its kind.

        Each level counts as its error is hard to make (equation 8, where the two factors leave what is asked of the
        network with weight one).
        """
        clean = batch[:, :-1].float() / 127.5 - 1
        kind = batch[:, -1, 0, 0].long() if self.kinds else None
        n, device = len(batch), batch.device
        place = torch.randperm(n, generator=rng, device=device) + torch.rand(n, generator=rng, device=device)
        level = torch.exp(MIDDLE + WIDTH * torch.special.ndtri((place / n).clamp(1e-4, 1 - 1e-4)))
        if kind is not None:
            kind = torch.where(torch.rand(n, generator=rng, device=device) < FORGET, -1, kind)
        planes = level[:, None, None, None].expand(n, 1, *clean.shape[2:])
        noisy = clean + planes * torch.randn(clean.shape, generator=rng, device=device)
        error = (self(Noisy(noisy, planes), kind) - clean).square().flatten(1).mean(1)
        return {"error": (error * (level.square() + SPREAD**2) / (level * SPREAD).square()).mean()}

    def weights(self, share: float) -> dict[str, float]:
        """One loss is all there is."""
        del share
        return {"error": 1.0}
