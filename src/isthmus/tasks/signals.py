"""Sound as few bytes and back: near enough at a quality that is asked for, or exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import DataError, FileError, UsageError
from isthmus.tasks.sound import fit, lossless, lossy
from isthmus.tasks.sound.whole import WholeNet

Samples = npt.NDArray[np.float32] | npt.NDArray[np.int32]

SECONDS = 10
"""Length of the stretches that are written independently of each other; longer ones where samples are few."""
_FEW = 4000
LOWEST, HIGHEST = 1.0, 8.0
_WEIGHTS = Path(__file__).parents[1] / "weights"
_NAMES = {"error": "signals", "ear": "signals-perceptual"}
_LADDER = {"error": (-1.25, 0.9), "ear": (-0.6, 0.5)}
_RATES = 1 << 20
_CHANNELS = 255


def octaves(quality: float, model: str) -> float:
    """How many octaves a sound's loudness is above the steps that it is measured in.

    >>> [round(octaves(quality, "error"), 2) for quality in (1, 4.5, 8)]
    [-1.25, 1.9, 5.05]
    """
    start, each = _LADDER[model]
    return start + each * (quality - LOWEST)


def compress_signal(
    samples: Samples, rate: int, quality: float | None = 4.0, perceptual: bool = False, bits: int = 16
) -> tuple[dict[str, Any], list[bytes]]:
    """Write sound as facts, that JSON can hold, and blocks of some seconds each.

    Parameters
    ----------
    samples
        Samples (n, channels): between -1 and 1, or whole numbers of `bits` bits where they are to be exact.
    rate
        Samples a second.
    quality
        From 1, small, to 8, near; numbers between may be given. Without it samples come back exactly.
    perceptual
        Whether noise may be the louder the louder the sound is in the same band, as ears allow; without it the mean
        squared error is made small.
    bits
        Of whole samples.

    Raises
    ------
    DataError
        Samples are not numbers, or not whole ones of so many bits.
    UsageError
        There is no such quality or rate.

    Examples
    --------
    >>> sound = np.sin(np.arange(4000, dtype=np.float32) / 9)[:, None]
    >>> facts, blocks = compress_signal(sound, 8000, quality=6)
    >>> sum(map(len, blocks)) < 400
    True
    >>> bool(np.square(decompress_signal(facts, blocks) - sound).mean() < 1e-3 * np.square(sound).mean())
    True
    """
    _check(samples, rate)
    facts: dict[str, Any] = {"samples": len(samples), "channels": samples.shape[1], "rate": int(rate)}
    if quality is None:
        facts |= {"model": "exact", "bits": int(bits)}
        _check_whole(samples, bits)
        return facts, [lossless.write(part.astype(np.int32)) for part in _stretches(samples, rate)]
    if not LOWEST <= quality <= HIGHEST:
        raise UsageError(f"there is no quality {quality:g}: choose one from {LOWEST:g} to {HIGHEST:g}")
    if not np.isfinite(samples).all():
        raise DataError("samples are not all finite numbers: sound cannot be made of them")
    model = "ear" if perceptual else "error"
    loudness = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0
    fine = lossy.fineness(loudness, octaves(quality, model))
    facts |= {"model": model, "quality": float(quality), "size": fine.size, "fact": fine.fact}
    net = network(model)
    return facts, [lossy.write(part.astype(np.float32), rate, fine, net) for part in _stretches(samples, rate)]


def decompress_signal(facts: Mapping[str, Any], blocks: Sequence[bytes | None]) -> Samples:
    """Read sound from facts and blocks; a block that is None was lost, and its stretch is silent.

    Samples that were exact are the same whole numbers; others are float32, and may differ in the last bit where
    another library adds them up.
    """
    try:
        length, channels, rate = (int(facts[name]) for name in ("samples", "channels", "rate"))
        model = facts["model"]
        fine = None if model == "exact" else lossy.Fineness(int(facts["size"]), int(facts["fact"]))
        net = None if model == "exact" else network(model)
    except (LookupError, TypeError, ValueError, OverflowError):
        raise FileError("what a sound's file says of it is damaged") from None
    step = _step(rate)
    if len(blocks) != -(-length // step):
        raise FileError(f"{len(blocks)} blocks of sound are there, and {-(-length // step)} were written")
    if length < 0 or not 1 <= channels <= _CHANNELS or not 1 <= rate < _RATES:
        raise FileError("what a sound's file says of it is damaged")
    shape = length, channels
    found: Samples = np.zeros(shape, np.int32) if net is None else np.zeros(shape, np.float32)
    for number, block in enumerate(blocks):
        if block is None:
            continue
        part = found[number * step : (number + 1) * step]
        try:
            if net is None or fine is None:
                part[:] = lossless.read(block, len(part), channels)
            else:
                part[:] = lossy.read(block, len(part), channels, rate, fine, net)
        except (ValueError, IndexError, AssertionError, OverflowError) as error:
            reason = error if isinstance(error, FileError) else "it is damaged"
            raise FileError(f"block {number + 1} of the sound cannot be read: {reason}") from None
    return found


@cache
def network(model: str) -> WholeNet:
    """Read the model that comes with isthmus for least `error`, or for the `ear`."""
    return fit.read(_WEIGHTS / f"{_NAMES[model]}.safetensors")


def _check(samples: Samples, rate: int) -> None:
    if samples.ndim != 2 or not 1 <= samples.shape[1] <= _CHANNELS:
        raise DataError(f"samples of shape {samples.shape} are no sound: (samples, channels) is expected")
    if not 1 <= rate < _RATES:
        raise UsageError(f"a rate of {rate} samples a second is none: 1 to {_RATES - 1} are known")


def _check_whole(samples: Samples, bits: int) -> None:
    if samples.dtype.kind not in "iu" or (len(samples) and np.abs(samples.astype(np.int64) * 2 + 1).max() >> bits):
        raise DataError(f"samples are not whole numbers of {bits} bits: only those come back exactly")


def _stretches(samples: Samples, rate: int) -> list[Samples]:
    step = _step(rate)
    return [samples[start : start + step] for start in range(0, len(samples), step)]


def _step(rate: int) -> int:
    return SECONDS * max(rate, _FEW)
