"""A denoising autoencoder of speech: how much of every frequency, at every moment, is the voice."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.nets.backgrounds import Backgrounds
from isthmus.nets.unet import UNet

WINDOW = 0.032
"""Seconds that a spectrum is of, whatever the rate: rows of all spectra are 31.25 Hz apart."""
OVERLAP = 4
HIGHEST = 256
"""Rows that were learnt of, up to 8 kHz: what is above is turned down as the `NEAR` rows below are."""
NEAR = 64
SECONDS = 2
"""What a clip to learn from lasts, which tells its rate."""
PLANES = 2
"""Planes of a spectrum: how strong, and how high."""
SILENCE = 1e-8
"""The loudness that silence is said to have."""
POWER = 0.3
"""Strengths are raised to it, which makes of loud and faint something alike, as ears do."""
_SOFT = 1e-3
"""An error of this share of the power, -30 decibels, is as good as none."""
_SPECTRAL = 2.0
_JITTER = 6.0
"""Decibels by which the loudness that a clip is brought to is off in training."""


class SpeechNet(nn.Module):
    """The voice in samples at any rate: a mask of 0 to 1 over their spectrogram, by a U-Net.

    Windows last as long at every rate, so that a row of a spectrogram is the same pitch in all: one network serves 8
    and 16 kHz, and what lies above 8 kHz follows the highest rows. It is trained as Xu et al. 2015 ("A regression
    approach to speech enhancement based on deep neural networks"), but with a mask, and by the error of samples beside
    that of compressed strengths (Braun and Tashev 2021, "A consolidated view of loss functions for supervised deep
    learning-based speech enhancement", eq. 7).

    Parameters
    ----------
    net
        The U-Net, of `PLANES` planes and one; made by default.
    backgrounds
        What speech is spoilt by in training.

    Examples
    --------
    >>> net = SpeechNet(UNet(PLANES, 1, widths=(4, 4), depths=(1, 1), factor=(4, 2)))
    >>> net(torch.randn(2, 4000), 8000).shape
    torch.Size([2, 4000])
    """

    def __init__(self, net: UNet | None = None, backgrounds: Backgrounds | None = None) -> None:
        super().__init__()
        self.net = UNet(PLANES, 1, widths=(32, 48, 64, 80), depths=(1, 1, 1, 1), factor=(4, 2)) if net is None else net
        self.backgrounds = Backgrounds({}) if backgrounds is None else backgrounds

    @property
    def around(self) -> tuple[int, int]:
        """Blocks, `OVERLAP` to a window, beyond which nothing changes a block, and the step that parts keep to."""
        step = self.net.step[1]
        return -(-(self.net.reach[1] + 2 * OVERLAP) // step) * step, step

    def forward(self, noisy: Tensor, rate: int, level: Tensor | None = None) -> Tensor:
        """Give the voice in samples (n, m) whose loudness (n, 1), the root of their mean square, is found or told."""
        level = loudness(noisy) if level is None else level
        spectrum = analyse(noisy, rate)
        return synthesise(spectrum * self.mask(spectrum.abs() / level[..., None]), rate, noisy.shape[1])

    def mask(self, strength: Tensor) -> Tensor:
        """Say how much of each strength (n, rows, frames), where 1 is usual, is the voice: 0 to 1."""
        planes = self.planes(strength[:, 1 : HIGHEST + 1])
        return self.spread(self.net(planes)[:, 0].sigmoid(), strength.shape[1])

    def planes(self, known: Tensor) -> Tensor:
        """Make what the U-Net sees, (n, `PLANES`, rows, frames), of the strengths (n, rows, frames) that it knows."""
        high = torch.linspace(0, 1, HIGHEST, device=known.device)[: known.shape[1], None].expand_as(known)
        return torch.stack([known**POWER - 0.5, 2 * high - 1], 1)

    def spread(self, found: Tensor, rows: int) -> Tensor:
        """Give a mask (n, known, frames) to all rows: the lowest, and those above what is known."""
        above = found[:, -NEAR:].mean(1, keepdim=True)
        places = torch.arange(-1, rows - 1, device=found.device).clamp(0, found.shape[1])
        return torch.cat([found, above], 1).index_select(1, places)

    def losses(self, batch: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
        """Errors of samples, in decibels / 10, and of strengths, of clips (n, samples) of `SECONDS` in 16 bits."""
        rate = batch.shape[1] // SECONDS
        clean = _shortened(batch, rng).to(torch.float32) / 32768
        clean = clean / loudness(clean)
        wanted, noisy = self.backgrounds(clean, rate, rng)
        off = 10 ** (_JITTER / 20 * (2 * torch.rand(len(clean), 1, generator=rng, device=clean.device) - 1))
        heard = loudness(noisy)
        made = self(noisy, rate, heard * off)
        reference = wanted.square().mean(1) + 0.01 * heard[:, 0].square()
        error = ((made - wanted).square().mean(1) / reference + _SOFT).log10().mean()
        strengths = ((analyse(each, rate) / heard[..., None]).abs() + 1e-3 for each in (made, wanted))
        first, second = (each**POWER for each in strengths)
        return {"error": error, "spectral": (first - second).square().mean()}

    def weights(self, share: float) -> dict[str, float]:
        """Both all along."""
        del share
        return {"error": 1.0, "spectral": _SPECTRAL}


def window_of(rate: int) -> int:
    """Give the samples of a window: 32 ms, in steps of 32 samples.

    >>> [window_of(rate) for rate in (8000, 16000, 44100)]
    [256, 512, 1408]
    """
    return max(1, round(WINDOW * rate / 32)) * 32


def analyse(samples: Tensor, rate: int) -> Tensor:
    """Make the spectrogram (n, rows, frames) of samples (n, m); white noise of loudness 1 has strengths near 1."""
    size = window_of(rate)
    hop = size // OVERLAP
    around, more = size - hop, -samples.shape[1] % hop
    padded = functional.pad(samples, (around, around + more))
    window = _window(samples, size)
    found: Tensor = torch.stft(padded, size, hop, window=window, center=False, return_complex=True)
    return found


def synthesise(spectrum: Tensor, rate: int, length: int) -> Tensor:
    """Make samples (n, length) of a spectrogram; undoes `analyse`.

    >>> samples = torch.randn(1, 3001)
    >>> torch.allclose(synthesise(analyse(samples, 8000), 8000, 3001), samples, atol=1e-5)
    True
    """
    size = window_of(rate)
    window = _window(spectrum.real, size)
    frames = torch.fft.irfft(spectrum.transpose(1, 2), size) * window
    hop = size // OVERLAP
    whole = (1, hop * (spectrum.shape[2] - 1) + size)
    summed: Tensor = functional.fold(frames.transpose(1, 2), whole, (1, size), stride=(1, hop))[:, 0, 0]
    return summed[:, size - hop : size - hop + length] * (size / OVERLAP)


def loudness(samples: Tensor) -> Tensor:
    """Give the root of the mean square (n, 1) of samples (n, m), or a trifle where they are silent."""
    return samples.square().mean(1, keepdim=True).sqrt().clamp_min(SILENCE)


def _window(like: Tensor, size: int) -> Tensor:
    """Make the root of Hann's window, scaled so that strengths of white noise are as its loudness."""
    return torch.hann_window(size, dtype=like.dtype, device=like.device).sqrt() / math.sqrt(size / 2)


def _shortened(batch: Tensor, rng: torch.Generator) -> Tensor:
    """Leave a part of clips, half of the time, so that what is short is known too."""
    chance = float(torch.rand((), generator=rng, device=batch.device))
    length = round(batch.shape[1] * min(1.0, 0.25 + 1.5 * chance))
    first = int(torch.randint(batch.shape[1] - length + 1, (), generator=rng, device=batch.device))
    return batch[:, first : first + length]
