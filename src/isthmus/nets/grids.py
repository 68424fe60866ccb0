"""An hourglass whose code is a small picture: where diffusion goes that whole pixels would take too long for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.nets.precision import Mixed
from isthmus.nets.similarity import WINDOW, ms_ssim
from isthmus.nets.unet import Residual, to_channels, to_pixels

Pair = tuple[int, int]

FACTOR, HALVES = 2, 2
"""Pixels to the side of the blocks that become channels, and how often these are halved on the way to the code."""
BLOCK = FACTOR * 2**HALVES
"""Pixels to the side of what one place of the code stands for."""
NOISE = 0.1
"""Standard deviation of the noise put on codes, between -1 and 1, while the decoder learns: what diffusion makes is
nearly right, and what is decoded of it should be too."""
FLOOR = 1e-5
"""Of the mean squared error of pixels between 0 and 1: below, an error is as good as none."""


class GridAutoencoder(Mixed):
    """Pictures to codes that are pictures of their own, an eighth as high and as wide, of planes between -1 and 1.

    As in Rombach et al. 2022, "High-resolution image synthesis with latent diffusion models", section 3.1, but that all
    codes are spread by the same noise, and that the likelihood is a normal one whose spread is always the best one
    (Rybkin et al. 2021), so that the pull to a standard normal needs no weight; beside it counts structural similarity.

    Parameters
    ----------
    channels
        Planes of a picture.
    planes
        Planes of its code.
    width, depth
        Channels of the first size, and residual blocks at each; the second and the third size have two and four times
        as many channels.

    Examples
    --------
    >>> net = GridAutoencoder(1, 4, width=8)
    >>> code = net.encode(torch.rand(2, 1, 30, 44))
    >>> code.shape, net.decode(code, (30, 44)).shape
    (torch.Size([2, 4, 4, 6]), torch.Size([2, 1, 30, 44]))
    """

    def __init__(self, channels: int, planes: int, *, width: int = 32, depth: int = 1) -> None:
        super().__init__()
        self.channels, self.planes, self.width, self.depth = channels, planes, width, depth
        widths, kernel = [width * 2**level for level in range(HALVES + 1)], (3, 3)
        down: list[nn.Module] = [nn.Conv2d(channels * FACTOR**2, width, 3, padding=1)]
        up: list[nn.Module] = [nn.Conv2d(width, channels * FACTOR**2, 3, padding=1)]
        for level, wide in enumerate(widths):
            down += [Residual(wide, kernel) for _ in range(depth)]
            up += [Residual(wide, kernel) for _ in range(depth)]
            if level < HALVES:
                down.append(nn.Conv2d(wide, widths[level + 1], 2, stride=2))
                up.append(nn.ConvTranspose2d(widths[level + 1], wide, 2, stride=2))
        self.down = nn.Sequential(*down, nn.ReLU(), nn.Conv2d(widths[-1], planes, 1))
        self.up = nn.Sequential(nn.Conv2d(planes, widths[-1], 3, padding=1), *reversed(up))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def encode(self, pixels: Tensor) -> Tensor:
        """Pixels (n, channels, rows, columns) between 0 and 1 to codes (n, planes, rows / 8, columns / 8)."""
        return torch.tanh(self.project(pixels) / 2)

    def project(self, pixels: Tensor) -> Tensor:
        """Pixels to codes before they are bounded, pulled to a standard normal."""
        rows, columns = pixels.shape[2:]
        planes = functional.pad(pixels - 0.5, (0, -columns % BLOCK, 0, -rows % BLOCK), mode="replicate")
        with self.products(planes):
            found: Tensor = self.down(
                to_channels(planes, (FACTOR, FACTOR)).contiguous(memory_format=torch.channels_last)
            )
        return found.float()

    def decode(self, code: Tensor, size: Pair) -> Tensor:
        """Codes to likely pixels (n, channels, rows, columns) of pictures of so many rows and columns."""
        with self.products(code):
            planes = self.up(code.contiguous(memory_format=torch.channels_last)).float()
        return to_pixels(planes, (FACTOR, FACTOR))[..., : size[0], : size[1]] + 0.5

    def losses(self, batch: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Nats a pixel of bytes (n, channels + 1, rows, columns), the last plane left out; likeness, and the pull."""
        clean = batch[:, :-1].float() / 255
        free = self.project(clean)
        code = torch.tanh(free / 2)
        noise = torch.randn(code.shape, generator=rng, device=code.device)
        again = self.decode(code + NOISE * noise, (clean.shape[2], clean.shape[3]))
        error = (again - clean).square().mean()
        unlike = torch.zeros_like(error)
        if min(clean.shape[2:]) >= WINDOW:
            unlike = 1 - ms_ssim(255 * again, 255 * clean).mean()
        pull = 0.5 * free.square().sum() / clean.numel()
        return {"error": 0.5 * torch.log(error + FLOOR), "unlike": unlike, "pull": pull}

    def weights(self, share: float) -> dict[str, float]:
        """Count all as they are: the first and the last are nats."""
        del share
        return {"error": 1.0, "unlike": 1.0, "pull": 1.0}

    def matrices(self) -> list[nn.Parameter]:
        """Give the weights that Muon moves: all kernels but those that read and make pixels."""
        ends = {id(self.down[0].weight), id(self.up[-1].weight)}
        return [weight for weight in self.parameters() if weight.ndim == 4 and id(weight) not in ends]

    def config(self) -> dict[str, Any]:
        """Give what it takes to make one like this, as JSON can hold it."""
        return {"channels": self.channels, "planes": self.planes, "width": self.width, "depth": self.depth}
