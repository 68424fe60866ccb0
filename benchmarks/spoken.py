"""Spoken digits as benchmarks/learning.py takes them: as pictures of their pitches, and as mean cepstra."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from runner import MissingSourceError
from scipy.fft import dct

COEFFICIENTS = 16
"""Cepstral coefficients, each with its mean and its standard deviation: as many numbers as a code of 32."""


@dataclass(frozen=True)
class Spoken:
    """Recordings as pictures (n, 64, 64) of bytes, and of each its digit, its speaker and its take."""

    pictures: npt.NDArray[np.uint8]
    digits: npt.NDArray[Any]
    speakers: npt.NDArray[Any]
    takes: npt.NDArray[np.int64]


def load(folder: Path) -> Spoken:
    """Read the folder fsdd, whose files are called digit_speaker_take.wav."""
    if not (folder / "fsdd").is_dir():
        raise MissingSourceError(
            f"there is no folder {folder / 'fsdd'}: name its data folder with --data or ISTHMUS_DATA"
        )
    from isthmus.data.gallery import open_pictures

    found = open_pictures(folder / "fsdd")
    digits, speakers, takes = zip(*(name.removesuffix(".wav").split("_") for name in found.names), strict=True)
    return Spoken(found.planes[:, 0], np.array(digits), np.array(speakers), np.array(takes, np.int64))


def cepstra(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Sum up pictures (n, pitches, moments) by their cepstra's means and standard deviations over time (n, 32).

    Cosine transforms of loudness in decibels over the mel scale, without the first, which is loudness alone (Davis and
    Mermelstein 1980).
    """
    found = dct(pictures / 255.0, axis=1, norm="ortho")[:, 1 : COEFFICIENTS + 1]
    return np.concatenate([found.mean(2), found.std(2)], 1)
