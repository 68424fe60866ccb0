"""Sounds as pictures of one size: how loud each band of pitch is at each moment, and back to something to listen to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from isthmus.errors import DataError

__all__ = ["BANDS", "MOMENTS", "RATE", "drawn", "powers", "sounded", "spectrogram"]

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

BANDS, MOMENTS = 64, 64
"""Rows, low pitch at the bottom, and columns, from the beginning of a sound to its end, however long it is."""
LOWEST, HIGHEST = 50.0, 8000.0
"""Hertz between which pitches are told apart."""
QUIETEST = 80.0
"""Decibels under the loudest that are black."""
WINDOW = 0.05
"""Seconds of sound that a moment's pitches are taken from."""
RATE = 16_000
"""Samples a second of what is made."""
ROUNDS = 32
"""In which frequencies and phases are guessed."""


def spectrogram(samples: npt.NDArray[np.floating], rate: int) -> Bytes:
    """Draw a sound as a grey picture (`BANDS`, `MOMENTS`, 1): the lighter, the louder.

    Bands are as wide as the ear hears them (the mel scale); loudness is in decibels under the loudest, so that how far
    away a microphone was does not count.

    Parameters
    ----------
    samples
        Samples (n,) or (n, channels) between -1 and 1.
    rate
        Samples a second.

    Raises
    ------
    DataError
        There are fewer samples than one moment takes.

    Examples
    --------
    >>> rising = np.sin(2 * np.pi * np.cumsum(np.linspace(200, 4000, 16_000)) / 16_000)
    >>> seen = spectrogram(rising, 16_000)
    >>> seen.shape, bool(seen[:, 5, 0].argmax() > seen[:, 60, 0].argmax())
    ((64, 64, 1), True)
    """
    power = powers(samples, rate)
    return drawn(power, power.max())


def powers(samples: npt.NDArray[np.floating], rate: int, bands: int = BANDS, moments: int = MOMENTS) -> Floats:
    """Measure the power (bands, moments) of a sound in each band of pitch at each moment, low pitch first.

    Raises
    ------
    DataError
        There are fewer samples than one moment takes.
    """
    mono = np.asarray(samples, np.float64).reshape(len(samples), -1).mean(1)
    transform = _transform(rate)
    if len(mono) < transform.m_num:
        raise DataError(f"{len(mono) / rate:.3f} seconds of sound: {WINDOW} and more are needed")
    power = np.square(np.abs(transform.stft(mono, p0=0, p1=max(1, (len(mono) - 1) // transform.hop + 1))))
    return _evened(_bands(transform.f, bands) @ power, moments)


def drawn(power: Floats, loudest: float) -> Bytes:
    """Draw powers (bands, moments) as a grey picture (bands, moments, 1), white where they are the loudest.

    >>> drawn(np.array([[1e-9, 1e-4], [1e-2, 1.0]]), 1.0)[..., 0].tolist()
    [[191, 255], [0, 128]]
    """
    loud = 10 * np.log10(np.maximum(power / max(loudest, 1e-12), 1e-12)) / QUIETEST + 1
    return np.asarray(np.round(255 * np.clip(loud, 0, 1)), np.uint8)[::-1, :, None]


def sounded(picture: Bytes, seconds: float) -> npt.NDArray[np.float32]:
    """Make samples (n,), `RATE` a second, that sound as a picture (`BANDS`, `MOMENTS`[, 1]) looks.

    A picture tells no phases: those are guessed that go together (Griffin and Lim 1984).

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    >>> again = sounded(spectrogram(tone, 16_000), seconds=1.0)
    >>> len(again), int(np.abs(np.fft.rfft(again)).argmax()) in range(400, 480)
    (16000, True)
    """
    transform, count = _transform(RATE), max(round(seconds * RATE), round(2 * WINDOW * RATE))
    moments = (count - 1) // transform.hop + 1
    loud = np.asarray(picture, np.float64).reshape(BANDS, MOMENTS)[::-1] / 255
    bands = np.where(loud > 0, 10 ** ((loud - 1) * QUIETEST / 10), 0)
    weights = _bands(transform.f, BANDS)
    spread = np.ones((weights.shape[1], MOMENTS))
    for _ in range(ROUNDS):  # to what would have drawn these bands (Richardson 1972)
        spread *= weights.T @ (bands / np.maximum(weights @ spread, 1e-12)) / np.maximum(weights.sum(0), 1e-12)[:, None]
    at = np.linspace(0, MOMENTS - 1, moments)
    size = np.sqrt(np.stack([np.interp(at, np.arange(MOMENTS), row) for row in spread]))
    phases = np.exp(2j * np.pi * np.random.default_rng(0).random(size.shape))
    for _ in range(ROUNDS):
        samples = transform.istft(size * phases, k1=count)
        again = transform.stft(samples, p0=0, p1=moments)
        phases = again / np.maximum(np.abs(again), 1e-12)
    samples = transform.istft(size * phases, k1=count)
    return np.asarray(0.9 * samples / max(np.abs(samples).max(), 1e-12), np.float32)


def _transform(rate: int) -> ShortTimeFFT:
    wide = max(8, round(WINDOW * rate))
    return ShortTimeFFT(hann(wide, sym=False), hop=max(1, wide // 4), fs=rate, mfft=max(wide, 1024))


def _bands(hertz: Floats, count: int) -> Floats:
    """Weigh frequencies (n,) for each band (count, n): triangles that overlap by half, at least two of them wide."""
    low, high = (2595 * np.log10(1 + end / 700) for end in (LOWEST, HIGHEST))
    edges = 700 * (10 ** (np.linspace(low, high, count + 2) / 2595) - 1)
    middle, step = edges[1:-1, None], hertz[1] - hertz[0]
    below, above = np.maximum(middle - edges[:-2, None], step), np.maximum(edges[2:, None] - middle, step)
    weights: Floats = np.minimum((hertz - (middle - below)) / below, ((middle + above) - hertz) / above).clip(min=0)
    return weights


def _evened(columns: Floats, count: int) -> Floats:
    """Give so many columns that lie evenly: means of parts where there are more, between neighbours where fewer."""
    have = columns.shape[1]
    if have < count:
        at = np.linspace(0, have - 1, count)
        return np.stack([np.interp(at, np.arange(have), row) for row in columns])
    sums = np.concatenate([np.zeros((len(columns), 1)), columns.cumsum(1)], 1)
    ends = np.linspace(0, have, count + 1)
    at = np.stack([np.interp(ends, np.arange(have + 1), row) for row in sums])
    means: Floats = np.diff(at, axis=1) * count / have
    return means
