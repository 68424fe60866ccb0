"""An hourglass of pictures: convolutions to a code, and from the code back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.nets.codes import Code
from isthmus.nets.noises import Noisy, PixelNoise
from isthmus.nets.precision import Mixed
from isthmus.nets.unet import Residual, to_channels, to_pixels

Pair = tuple[int, int]
FACTOR = 2
"""Pixels to the side of the blocks that become channels."""
SMALL = 4
"""Rows or columns at which pictures are halved no more."""
WIDEST = 4
"""How much wider than the first the last size may be."""
WARM = 0.3
"""Share of a run over which the pull of a variational code is turned on."""
FORGET = 0.1
"""Share of pictures whose label the decoder is not told in training, so that it can do without one."""
FLOOR = 1e-4
"""Of the mean squared error of pixels between 0 and 1: below, an error is as good as none."""


class PictureHourglass(Mixed):
    """Encoder, code and decoder of pictures of one size; the decoder may be told what a picture shows.

    Its layers may be trained in bf16; codes, pixels and errors are float32.

    The likelihood is a normal one with a spread that all pixels share and that is always the best one, so that the loss
    is the logarithm of the error (Rybkin et al. 2021, "Simple and effective VAE training with calibrated decoders",
    equation 6): neither error nor code needs a weight that somebody has to choose.

    Parameters
    ----------
    channels, size
        Planes of a picture, and its rows and columns.
    code
        What it becomes; its size is known.
    kinds
        How many labels the decoder is told apart; 0 for none.
    noises
        What is put on what the encoder sees; the decoder is asked for what was there before.
    width, depth
        Channels of the first size, and residual blocks at each.
    """

    def __init__(
        self,
        channels: int,
        size: Pair,
        code: Code,
        *,
        kinds: int = 0,
        noises: Sequence[PixelNoise] = (),
        width: int = 32,
        depth: int = 1,
    ) -> None:
        super().__init__()
        assert code.size is not None
        self.channels, self.size, self.code = channels, size, code
        self.kinds, self.noises, self.width, self.depth = kinds, tuple(noises), width, depth
        self.padded, self.widths = _sizes(size, width)
        cells, kernel = channels * FACTOR**2, (3, 3)
        halves = len(self.widths) - 1
        self.least = tuple(length // (FACTOR * 2**halves) for length in self.padded)
        flat = self.widths[-1] * self.least[0] * self.least[1]
        down: list[nn.Module] = [nn.Conv2d(cells, width, 3, padding=1)]
        up: list[nn.Module] = [nn.Conv2d(width, cells, 3, padding=1)]
        for level, wide in enumerate(self.widths):
            down += [Residual(wide, kernel) for _ in range(depth)]
            up += [Residual(wide, kernel) for _ in range(depth)]
            if level < halves:
                down.append(nn.Conv2d(wide, self.widths[level + 1], 2, stride=2))
                up.append(nn.ConvTranspose2d(self.widths[level + 1], wide, 2, stride=2))
        self.down, self.up = nn.Sequential(*down, nn.ReLU()), nn.Sequential(*reversed(up))
        self.into = nn.Linear(flat, code.projected)
        self.out = nn.Sequential(nn.Linear(code.size + kinds, 4 * width), nn.SiLU(), nn.Linear(4 * width, flat))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def project(self, pixels: Tensor) -> Tensor:
        """Pixels (n, channels, rows, columns) between 0 and 1 to pre-codes (n, projected)."""
        more = [padded - length for padded, length in zip(self.padded, self.size, strict=True)]
        planes = functional.pad(pixels - 0.5, (0, more[1], 0, more[0]), mode="replicate")
        with self.products(planes):
            hidden = self.down(to_channels(planes, (FACTOR, FACTOR)).contiguous(memory_format=torch.channels_last))
            found: Tensor = self.into(hidden.flatten(1)).float()
        return found

    def encode(self, pixels: Tensor) -> Tensor:
        """Pixels to codes (n, size)."""
        return self.code.encode(self.project(pixels))

    def decode(self, read: Tensor, kind: Tensor | None = None) -> Tensor:
        """Turn what the decoder reads of codes (n, size), and kinds (n,), into likely pixels."""
        if self.kinds:
            known = torch.full((len(read),), -1, device=read.device) if kind is None else kind
            one = (known[:, None] == torch.arange(self.kinds, device=read.device)).to(read.dtype)
            read = torch.cat([read, one], 1)
        with self.products(read):
            hidden = self.out(read).unflatten(1, (self.widths[-1], *self.least))
            planes = self.up(hidden.contiguous(memory_format=torch.channels_last)).float()
        found = to_pixels(planes, (FACTOR, FACTOR)) + 0.5
        return found[..., : self.size[0], : self.size[1]]

    def losses(self, batch: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Nats a pixel of bytes (n, channels + 1, rows, columns), whose last plane is their kind; `kl` a pixel too."""
        clean = batch[:, :-1].float() / 255
        seen = clean
        for noise in self.noises:
            seen = noise(Noisy(seen, torch.zeros_like(seen[:, :1])), rng).values
        read, losses = self.code.forward(self.project(seen), rng)
        kind = None
        if self.kinds:
            told = torch.rand(len(batch), generator=rng, device=batch.device) >= FORGET
            kind = torch.where(told, batch[:, -1, 0, 0].long(), -1)
        error = (self.decode(read, kind) - clean).square().mean()
        out = {"error": 0.5 * torch.log(error + FLOOR)}
        if "kl" in losses:
            out["kl"] = losses["kl"] / clean[0].numel()
        return out

    def weights(self, share: float) -> dict[str, float]:
        """Weigh the losses: the pull of a variational code by its beta, turned on slowly."""
        pull = float(getattr(self.code, "beta", 0.0))
        return {"error": 1.0, "kl": pull * min(1.0, share / WARM)}

    def config(self) -> dict[str, Any]:
        """Give what it takes to make one like this, as JSON can hold it."""
        return {
            "channels": self.channels,
            "size": list(self.size),
            "code": self.code.to_dict(),
            "kinds": self.kinds,
            "noises": [noise.to_dict() for noise in self.noises],
            "width": self.width,
            "depth": self.depth,
        }


def _sizes(size: Pair, width: int) -> tuple[Pair, list[int]]:
    """Give rows and columns in whole blocks of the last size, and the channels at each size.

    >>> _sizes((28, 28), 32)
    ((32, 32), [32, 64, 128])
    """
    widths, least = [width], min(-(-length // FACTOR) for length in size)
    while least > SMALL:
        widths.append(min(2 * widths[-1], WIDEST * width))
        least = -(-least // 2)
    block = FACTOR * 2 ** (len(widths) - 1)
    return (-(-size[0] // block) * block, -(-size[1] // block) * block), widths
