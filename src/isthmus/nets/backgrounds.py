"""What spoils speech: recorded and made noise, as loud as chance has it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

LOUD, QUIET = -5.0, 20.0
"""Signal to noise in decibels, between which it is drawn."""
CLEAN, EMPTY = 0.05, 0.05
"""Shares of clips that nothing is added to, and in which nobody speaks."""
RECORDED = 0.6
HUM = 0.15
TILT = 6.0
"""Decibels an octave by which a noise is tilted at most, up or down."""
_ROOTS = (50.0, 60.0, 100.0, 120.0)


class Backgrounds:
    """Noise for clips of speech: recordings of it, and white, coloured and humming noise that is made.

    Every noise is filtered at random, so that few recordings stand for many.

    Parameters
    ----------
    recorded
        For each rate, samples (noises, n) of recordings; where there is none for a rate, all noise is made.

    Examples
    --------
    >>> clean = torch.randn(4, 8000, generator=torch.Generator().manual_seed(0))
    >>> wanted, noisy = Backgrounds({})(clean, 8000, torch.Generator().manual_seed(1))
    >>> noisy.shape
    torch.Size([4, 8000])
    """

    def __init__(self, recorded: Mapping[int, Tensor]) -> None:
        self.recorded = dict(recorded)

    def __call__(self, clean: Tensor, rate: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Give what is wanted of clips (n, samples), silent in some, and what is heard."""
        n = len(clean)
        noise = self.drawn(clean, rate, rng)
        power = clean.square().mean(1, keepdim=True)
        chance = _uniform(n, rng, clean.device)
        wanted = torch.where(chance < EMPTY, 0.0, 1.0) * clean
        ratio = LOUD + (QUIET - LOUD) * _uniform(n, rng, clean.device)
        scale = (power / noise.square().mean(1, keepdim=True).clamp_min(1e-12) * 10 ** (-ratio / 10)).sqrt()
        scale = torch.where(chance > 1 - CLEAN, 0.0, 1.0) * scale
        return wanted, wanted + scale * noise

    def drawn(self, clean: Tensor, rate: int, rng: torch.Generator) -> Tensor:
        """Draw noise (n, samples) like clips in size, of any loudness."""
        n, length = clean.shape
        made = torch.randn(n, length, generator=rng, device=clean.device)
        made = torch.where(_uniform(n, rng, clean.device) < HUM, hum(n, length, rate, rng, clean.device), made)
        recorded = self.recorded.get(rate)
        if recorded is not None and len(recorded):
            taken = _cut(recorded.to(clean.device), n, length, rng)
            made = torch.where(_uniform(n, rng, clean.device) < RECORDED, taken, made)
        return filtered(made, rate, rng)


def hum(n: int, length: int, rate: int, rng: torch.Generator, device: torch.device) -> Tensor:
    """Make hum (n, samples) of mains or motors: harmonics that fall off, over faint white noise.

    >>> hum(2, 800, 8000, torch.Generator().manual_seed(0), torch.device("cpu")).shape
    torch.Size([2, 800])
    """
    root = torch.tensor(_ROOTS, device=device)[torch.randint(len(_ROOTS), (n, 1), generator=rng, device=device)]
    root = root * (0.97 + 0.06 * _uniform(n, rng, device))
    number = torch.arange(1, 17, device=device)
    size = torch.rand(n, 16, generator=rng, device=device) / number.sqrt()
    size = size * (root * number < rate / 2)
    turn = 2 * math.pi * torch.rand(n, 16, generator=rng, device=device)
    time = torch.arange(length, device=device) / rate
    waves = torch.sin(2 * math.pi * (root * number)[..., None] * time + turn[..., None])
    return (size[..., None] * waves).sum(1) + 0.05 * torch.randn(n, length, generator=rng, device=device)


def filtered(noise: Tensor, rate: int, rng: torch.Generator) -> Tensor:
    """Tilt the spectra of noises (n, samples), each by so many decibels an octave, and give each a wave of its own."""
    n, length = noise.shape
    octaves = torch.fft.rfftfreq(length, 1 / rate, device=noise.device).clamp_min(60.0).div(1000).log2()
    tilt = TILT * (2 * _uniform(n, rng, noise.device) - 1) * _uniform(n, rng, noise.device)
    swing, turn, wide = (_uniform(n, rng, noise.device) for _ in range(3))
    decibels = tilt * octaves + 6 * swing * torch.sin(2 * math.pi * (octaves / (1 + 3 * wide) + turn))
    found: Tensor = torch.fft.irfft(torch.fft.rfft(noise) * 10 ** (decibels / 20), length)
    return found


def _cut(recorded: Tensor, n: int, length: int, rng: torch.Generator) -> Tensor:
    """Cut clips out of recordings (k, samples), each from anywhere; what is shorter is repeated."""
    size, device = recorded.shape[1], recorded.device
    which = torch.randint(len(recorded), (n, 1), generator=rng, device=device)
    start = torch.randint(size, (n, 1), generator=rng, device=device)
    return recorded[which, (start + torch.arange(length, device=device)) % size].float()


def _uniform(n: int, rng: torch.Generator, device: torch.device) -> Tensor:
    return torch.rand(n, 1, generator=rng, device=device)
