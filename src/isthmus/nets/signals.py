"""An autoencoder of sound: a lapped transform, learnt gains, whole-number codes, and a learnt guess of their size.

The transform is where learning starts, not what it has to find: a modified discrete cosine transform (Princen, Johnson
and Bradley 1987, "Subband/transform coding using filter bank designs based on time domain aliasing cancellation")
written as a convolution with a stride and its transpose. It is orthonormal, so that squared errors of its numbers are
squared errors of samples, and training needs no samples. What is learnt end to end is how finely each band is
measured, and a network that says from what is known already how large the next numbers are; rounding is passed
through by gradients (as in Theis et al. 2017, "Lossy image compression with compressive autoencoders").
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

EDGES = (
    *(0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 510, 570, 630, 700, 770, 840, 920, 1000, 1080, 1170, 1270, 1370),
    *(1480, 1600, 1720, 1850, 2000, 2150, 2320, 2500, 2700, 2900, 3150, 3400, 3700, 4000, 4400, 4800, 5300, 5800),
    *(6400, 7000, 7700, 8500, 9500, 10500, 12000, 13500, 15500, 17500, 20000, 24000),
)
"""Hertz at which bands begin: half a Bark wide (Zwicker 1961, "Subdivision of the audible frequency range")."""
BANDS = len(EDGES)
OFFSETS = (
    *((0, -1), (0, -2), (0, -3), (0, -4)),
    *((-1, -3), (-1, -2), (-1, -1), (-1, 0), (-1, 1), (-1, 2), (-1, 3)),
    *((-2, -1), (-2, 0), (-2, 1)),
)
"""Frames and bins from a number to those it is guessed by: all of them come before it."""
TRAIL = ((-1, -1), (-1, 0), (-1, 1))
"""The same, to running means over frames."""
OTHER = ((0, -1), (0, 0), (0, 1))
"""The same, to numbers of the channel that is known already."""
FACTS = 4
"""Further inputs: fineness, resolution, whether there is another channel, the band's written level."""
INPUTS = len(OFFSETS) + len(TRAIL) + len(OTHER) + FACTS
PER_OCTAVE = 6
INDICES = 80
LOWEST = -24
"""A scale of 2^((index + LOWEST) / PER_OCTAVE) steps."""
WORTH = 6.0
"""Bits that a squared error of one squared step is worth; 12 / (2 ln 2) = 8.7 where steps are fine."""
DEAD = 0.14
"""By how much more than half a step a number must lie beyond a whole one to be rounded up, while training."""


@cache
def window(hop: int) -> Tensor:
    """Cosines under a sine window, (hop, 2 x hop): each row one number's share of two frames' samples."""
    n, k = torch.arange(2 * hop, dtype=torch.float64), torch.arange(hop, dtype=torch.float64)
    cosines = torch.cos(math.pi / hop * (n + 0.5 + hop / 2) * (k[:, None] + 0.5))
    return (cosines * torch.sin(math.pi * (n + 0.5) / (2 * hop)) * math.sqrt(2 / hop)).float()


def analyse(samples: Tensor, hop: int) -> Tensor:
    """Turn samples (channels, n) into numbers (channels, frames, hop), of n // hop + 2 frames at most.

    >>> sound = torch.sin(torch.arange(1000) / 7)[None]
    >>> bool((synthesise(analyse(sound, 64), 1000) - sound).abs().max() < 1e-5)
    True
    """
    frames = -(-samples.shape[1] // hop) + 1
    padded = nn.functional.pad(samples, (hop, frames * hop - samples.shape[1]))
    return nn.functional.conv1d(padded[:, None], window(hop)[:, None], stride=hop).mT


def synthesise(numbers: Tensor, length: int) -> Tensor:
    """Turn numbers (channels, frames, hop) into samples (channels, length): the transpose of `analyse`."""
    hop = numbers.shape[2]
    return nn.functional.conv_transpose1d(numbers.mT, window(hop)[:, None], stride=hop)[:, 0, hop : hop + length]


def bands(rate: int, hop: int) -> npt.NDArray[np.int64]:
    """Band of each of `hop` bins; whole numbers throughout, so that every machine agrees.

    >>> bands(16000, 4).tolist()
    [17, 31, 37, 41]
    """
    edges = np.array(EDGES, np.int64) * 4 * hop
    return np.asarray(np.searchsorted(edges, (2 * np.arange(hop, dtype=np.int64) + 1) * rate, "right") - 1)


def loudness(sizes: Tensor) -> Tensor:
    """Sizes of whole numbers as inputs: eighths of octaves of 1 + size, whole again."""
    return (8 * torch.log2(1 + sizes)).round()


class SoundNet(nn.Module):
    """Learns how finely to measure each band, and how large a number is, given its neighbours that come before.

    Parameters
    ----------
    emphasis
        How many octaves more an error in each band (bands,) counts; alike where not given.
    width, narrow
        Units of its two hidden layers.
    """

    def __init__(self, emphasis: Tensor | None = None, width: int = 32, narrow: int = 16) -> None:
        super().__init__()
        self.emphasis: Tensor
        self.register_buffer("emphasis", torch.zeros(BANDS) if emphasis is None else emphasis)
        self.gain = nn.Parameter(self.emphasis.clone())
        self.band = nn.Parameter(torch.zeros(BANDS, width))
        self.first = nn.Linear(INPUTS, width, bias=False)
        self.second = nn.Linear(width, narrow)
        self.last = nn.Linear(narrow, 1)
        self.tail = nn.Parameter(torch.tensor([0.0, 0.0, 1.0]))
        with torch.no_grad():
            self.last.bias.fill_(-LOWEST / PER_OCTAVE)

    def scales(self, inputs: Tensor, band: Tensor) -> Tensor:
        """Turn inputs (..., INPUTS) and bands (...) into scales, as indices that need not be whole (...)."""
        hidden = torch.relu(self.first(inputs / 16) + self.band[band])
        found: Tensor = self.last(torch.relu(self.second(hidden))).squeeze(-1)
        return found * PER_OCTAVE

    def bits(self, numbers: Tensor, index: Tensor) -> Tensor:
        """Bits of whole numbers (...) where their scale is `index` (...): two Laplace distributions, mixed."""
        size = numbers.abs()
        scale = torch.exp2((index.clamp(0, INDICES - 1) + LOWEST) / PER_OCTAVE)
        share = torch.sigmoid(self.tail[0] + self.tail[1] * index / INDICES)
        wide = 1 + nn.functional.softplus(self.tail[2])
        chance = share * _laplace(size, scale / wide) + (1 - share) * _laplace(size, scale * wide)
        return (size > 0.5).to(size) - torch.log2(chance + 1e-9)

    def losses(self, batch: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Bits and squared error a number, of patches (rows, planes, frames, bins).

        Planes: this channel's numbers, the other's, bands, the band's level; the last holds in its corner the fineness'
        shift, resolution, and whether there is another channel. Fineness is drawn anew for each patch.
        """
        own, other, band, level, facts = batch.unbind(1)
        fine = torch.rand(len(batch), 1, 1, generator=rng, device=batch.device) * 7.25 - 1.75
        band = band.long()
        steps = torch.exp2(fine)
        scaled = own * steps * torch.exp2(self.gain[band])
        rounded = _rounded(scaled.detach())
        whole = scaled + (rounded - scaled).detach()
        about = [((fine + 2) * 8).round(), facts[:, :1, :1], facts[:, :1, 1:2]]
        second = loudness(_rounded(other * steps * torch.exp2(self.gain[band].detach())).abs())
        inputs = gather(loudness(rounded.abs()), second, [*about, level])
        core = (slice(None), slice(8, None), slice(4, -4))
        index = self.scales(inputs[core], band[core])
        bits = self.bits(whole[core], index)
        error = ((whole / torch.exp2(self.gain[band]) - own * steps) * torch.exp2(self.emphasis[band]))[core]
        return {"bits": bits.mean(), "error": error.square().mean()}

    def weights(self, share: float) -> dict[str, float]:
        """Weigh bits against errors."""
        del share
        return {"bits": 1.0, "error": WORTH}


def gather(loud: Tensor, other: Tensor, facts: list[Tensor]) -> Tensor:
    """Lay out what each number is guessed by: (rows, frames, bins) of two channels to (rows, frames, bins, INPUTS)."""
    trail, now = [], torch.zeros_like(loud[:, 0])
    for frame in loud.unbind(1):
        now = now + torch.floor((16 * frame - now) / 4)
        trail.append(now)
    running = torch.stack(trail, 1) / 16
    pads = (4, 4, 2, 0)
    shape = loud.shape[1:]

    def moved(grid: Tensor, offsets: tuple[tuple[int, int], ...]) -> list[Tensor]:
        padded = nn.functional.pad(grid, pads)
        return [padded[:, 2 + t : 2 + t + shape[0], 4 + k : 4 + k + shape[1]] for t, k in offsets]

    planes = moved(loud, OFFSETS) + moved(running, TRAIL) + moved(other, OTHER)
    return torch.stack([*planes, *(fact.expand_as(loud) for fact in facts)], -1)


def _laplace(size: Tensor, scale: Tensor) -> Tensor:
    """Probability of a whole number's size."""
    half = torch.exp(-0.5 / scale)
    return torch.where(size < 0.5, 1 - half, torch.exp(-(size - 0.5).clamp_min(0) / scale) * (1 - half * half))


def _rounded(numbers: Tensor) -> Tensor:
    """Round towards nought, but for what lies well beyond half a step."""
    return torch.sign(numbers) * torch.floor(numbers.abs() + 0.5 - DEAD)
