"""An autoencoder of pictures: a lapped transform, gains for every quality, whole-number codes, and a guess of each.

Learning starts from what is known to be good, not at random: at first the transform is one of overlapping blocks, of
8 x 8 pixels in brightness and of the 8 x 8 lowest frequencies of 16 x 16 in the two colours, and the networks beside
it change nothing. Everything is then trained end to end for rate and distortion (Balle, Laparra and Simoncelli 2017,
"End-to-end optimized image compression"), rounding being passed through by gradients (Theis et al. 2017, "Lossy image
compression with compressive autoencoders"), at all qualities at once by gains for each (Cui et al. 2021, "Asymmetric
gained deep image compression with continuous rate adaptation").
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.nets.expected import FACTS, KINDS, QUALITIES, Guess, facts_of, loudness
from isthmus.nets.lapped import CHANNELS, Lapped
from isthmus.nets.similarity import ms_ssim

SIDES = (8, 16, 16)
"""Pixels to a block's side: brightness, and the two colours."""
NARROW, WIDE = 32, 128
WORTH = 6.0
"""Bits that a squared error of one squared step is worth."""
DEAD = 0.14
"""By how much more than half a step a number must lie beyond a whole one to be rounded up, while training."""
WIDEST = 64.0
"""Step, in pixels' units, of quality 1; every further quality has 2^-0.5 of it."""
LIKENESS = (2.4, 1.907)
"""Bits a pixel that 1 - MS-SSIM is worth at quality 1, and how much more at each further one."""
_PLANES = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_COLOURS = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


class Mend(nn.Module):
    """What rounding spoilt, guessed from blocks around: a factor and a sum for each number, at first one and zero."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(CHANNELS + 1 + FACTS, WIDE, 3, padding=1)
        self.second = nn.Conv2d(WIDE, WIDE, 3, padding=1)
        self.third = nn.Conv2d(WIDE, WIDE, 3, padding=1)
        self.last = _still(WIDE, 2 * CHANNELS)

    def forward(self, whole: Tensor, facts: Tensor) -> Tensor:
        """Whole numbers (n, CHANNELS, rows, columns) to likely ones."""
        around = functional.avg_pool2d(whole[:, :1], 3, 1, 1, count_include_pad=False)
        planes = facts[:, :, None, None].expand(*facts.shape, *whole.shape[2:])
        seen = torch.cat([whole[:, :1] - around, whole[:, :1] / 16, whole[:, 1:], planes], 1)
        hidden = torch.relu(self.first(torch.asinh(seen)))
        hidden = hidden + torch.relu(self.second(hidden))
        hidden = hidden + torch.relu(self.third(hidden))
        factor, more = self.last(hidden).chunk(2, 1)
        likely: Tensor = whole * torch.exp(factor) + more
        return likely


class PictureNet(nn.Module):
    """Pictures to whole numbers and back, and what the numbers cost; one model for all qualities.

    Parameters
    ----------
    perceptual
        Whether to keep structure (MS-SSIM) rather than pixels (mean squared error).
    """

    def __init__(self, perceptual: bool = False) -> None:
        super().__init__()
        self.perceptual = perceptual
        self.brightness, self.colour = Lapped(SIDES[0]), Lapped(SIDES[1])
        octaves = torch.arange(QUALITIES) / 2 - math.log2(WIDEST)
        self.gain = nn.Parameter(octaves[:, None].repeat(KINDS, 1, CHANNELS))
        self.ease = nn.Sequential(nn.Conv2d(CHANNELS, NARROW, 3, padding=1), nn.ReLU(), _still(NARROW, CHANNELS))
        self.guess = Guess()
        self.mend = Mend()

    def _lapped(self, kind: int) -> Lapped:
        return self.colour if kind else self.brightness

    def gains(self, kind: Tensor, quality: Tensor) -> Tensor:
        """Kinds and qualities (n,) to gains (n, CHANNELS, 1, 1), geometric between whole qualities."""
        below = (quality - 1).floor().clamp(0, QUALITIES - 2).long()
        part = (quality - 1 - below)[:, None]
        return torch.exp2((1 - part) * self.gain[kind, below] + part * self.gain[kind, below + 1])[..., None, None]

    def analyse(self, pixels: Tensor, kind: int, quality: Tensor) -> Tensor:
        """Pixels (n, height, width) of planes of a kind, around 0, to numbers (n, CHANNELS, rows, columns) to round."""
        kinds = torch.full((len(pixels),), kind)
        scaled = self._lapped(kind).analyse(pixels) * self.gains(kinds, quality)
        factor: Tensor = torch.exp(self.ease(torch.log2(1 + scaled.abs())))
        return scaled * factor

    def synthesise(self, whole: Tensor, kind: int, quality: Tensor) -> Tensor:
        """Whole numbers to pixels."""
        kinds = torch.full((len(whole),), kind)
        likely = self.mend(whole, facts_of(kinds, quality)) / self.gains(kinds, quality)
        return self._lapped(kind).synthesise(likely)

    def losses(self, batch: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Bits a pixel and distortion of pictures (n, 3, height, width) of bytes, each at a quality drawn for it.

        Where the three planes are alike a picture is grey, and has no colours to be kept.
        """
        quality = 1 + (QUALITIES - 1) * torch.rand(len(batch), generator=rng)
        coloured = (batch[:, 0] != batch[:, 1]).flatten(1).any(1)
        planes = to_planes(batch.float())
        bits, found = torch.zeros(len(batch)), planes.clone()
        before = torch.zeros(0)
        for kind in range(KINDS):
            rows = coloured.nonzero()[:, 0] if kind else torch.arange(len(batch))
            if not len(rows):
                break
            numbers = self.analyse(planes[rows, kind], kind, quality[rows])
            rounded = _rounded(numbers.detach())
            whole = numbers + (rounded - numbers).detach()
            other = beside(before[rows] if kind == 1 else before, kind, rounded)
            index, mean = self.guess(rounded, other, torch.full((len(rows),), kind), quality[rows])
            bits = bits.index_add(0, rows, self.guess.bits(whole, index, mean).flatten(1).sum(1))
            found[rows, kind] = self.synthesise(whole, kind, quality[rows])
            before = rounded
        step = WIDEST * torch.exp2((1 - quality) / 2)
        if self.perceptual:
            given, shown = batch.float(), to_colours(found)
            error = (1 - ms_ssim(given, shown)) * LIKENESS[0] * LIKENESS[1] ** (quality - 1)
        else:
            error = WORTH * (found - planes).square().flatten(2).mean(2).sum(1) / step**2
        fair = (step / WIDEST).sqrt()
        rate = bits / batch[0, 0].numel()
        return {"bits": (rate * fair).mean(), "error": (error * fair).mean()}

    def weights(self, share: float) -> dict[str, float]:
        """Weigh bits and errors alike: what an error is worth is in it."""
        del share
        return {"bits": 1.0, "error": 1.0}


def _still(inputs: int, outputs: int) -> nn.Conv2d:
    """Make a layer, of one block each, that gives nothing but zeros at first."""
    layer = nn.Conv2d(inputs, outputs, 1)
    for weight in layer.parameters():
        nn.init.zeros_(weight)
    return layer


def to_planes(colours: Tensor) -> Tensor:
    """Red, green and blue (n, 3, height, width) of 0..255 to brightness and two colours around 0, as JPEG does."""
    return functional.conv2d(colours, torch.tensor(_PLANES)[..., None, None], torch.tensor([-128.0, 0.0, 0.0]))


def to_colours(planes: Tensor) -> Tensor:
    """Undo `to_planes`.

    >>> colours = torch.rand(1, 3, 2, 2) * 255
    >>> bool(torch.allclose(to_colours(to_planes(colours)), colours, atol=1e-2))
    True
    """
    return functional.conv2d(planes, torch.tensor(_COLOURS)[..., None, None], torch.full((3,), 128.0))


def beside(before: Tensor, kind: int, like: Tensor) -> Tensor:
    """Loudness of the plane before a plane of a kind, block for block: nothing for the first."""
    if kind == 0:
        return torch.zeros_like(like)
    return functional.avg_pool2d(loudness(before), 2) if kind == 1 else loudness(before)


def _rounded(numbers: Tensor) -> Tensor:
    """Round low frequencies to the nearest, and others towards nought but for what lies well beyond half a step."""
    rounded = torch.sign(numbers) * torch.floor(numbers.abs() + 0.5 - DEAD)
    return torch.cat([numbers[:, :1].round(), rounded[:, 1:]], 1)
