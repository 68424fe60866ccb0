"""A picture as few bytes and back: as near as is asked for, or as near as a size allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import DataError, FileError, UsageError
from isthmus.tasks.picture import bands, fit
from isthmus.tasks.picture.bands import Model
from isthmus.tasks.picture.whole import FINE

Pixels = npt.NDArray[np.uint8]

ROWS = 512
"""Height of the bands that are written independently of each other."""
LOWEST, HIGHEST = 1.0, 8.0
MOST = 1 << 27
"""Pixels of the largest picture that is read: facts can claim any number."""
LOST = 128
"""Grey that stands where a band was lost."""
_WEIGHTS = Path(__file__).parents[1] / "weights"
_NAMES = {"error": "images", "likeness": "images-perceptual"}


def compress_image(
    pixels: Pixels, quality: float = 4.0, perceptual: bool = False, size: int | None = None
) -> tuple[dict[str, Any], list[bytes]]:
    """Write a picture as facts, that JSON can hold, and blocks, a band of `ROWS` rows each.

    Parameters
    ----------
    pixels
        Bytes (height, width, 1 or 3): grey, or red, green and blue.
    quality
        From 1, small, to 8, near; numbers between may be given, and are kept in sixteenths.
    perceptual
        Whether structure is kept (MS-SSIM) rather than pixels (mean squared error).
    size
        Bytes that all blocks may take: the best quality for which they do is found, and `quality` not looked at.

    Raises
    ------
    DataError
        Pixels are not those of a picture, or none is as small as `size`.
    UsageError
        There is no such quality.

    Examples
    --------
    >>> waves = np.sin(np.arange(64)[:, None] / 9) * np.cos(np.arange(80) / 7)
    >>> facts, blocks = compress_image(np.uint8(128 + 100 * waves)[..., None], quality=5)
    >>> sum(map(len, blocks)) < 700
    True
    >>> decompress_image(facts, blocks).shape
    (64, 80, 1)
    """
    if pixels.ndim != 3 or pixels.shape[2] not in {1, 3} or not pixels.size or pixels.dtype != np.uint8:
        raise DataError(
            f"pixels of shape {pixels.shape} and type {pixels.dtype} are no picture: "
            "bytes (height, width, 1 or 3) are expected"
        )
    if size is None and not LOWEST <= quality <= HIGHEST:
        raise UsageError(f"there is no quality {quality:g}: choose one from {LOWEST:g} to {HIGHEST:g}")
    name = "likeness" if perceptual else "error"
    model = model_of(name)
    if size is None:
        level = round(quality * FINE)
        blocks = _write(pixels, level, model)
    else:
        level, blocks = _fitting(pixels, size, model)
    height, width, channels = pixels.shape
    facts = {"height": height, "width": width, "channels": channels, "rows": ROWS, "quality": level, "model": name}
    return facts, blocks


def decompress_image(facts: Mapping[str, Any], blocks: Sequence[bytes | None]) -> Pixels:
    """Read a picture from facts and blocks; a block that is None was lost, and its band is grey.

    What is read from the blocks is the same everywhere; pixels may differ by one where another library adds them up.

    Raises
    ------
    FileError
        Facts or a block are damaged.
    """
    try:
        height, width, channels, rows, level = (
            int(facts[name]) for name in ("height", "width", "channels", "rows", "quality")
        )
        model = model_of(facts["model"])
    except (LookupError, TypeError, ValueError, OverflowError):
        raise FileError("what a picture's file says of it is damaged") from None
    if min(height, width, rows) < 1 or channels not in {1, 3} or rows % FINE or not FINE <= level <= HIGHEST * FINE:
        raise FileError("what a picture's file says of it is damaged")
    if height * width > MOST:
        raise FileError(f"{height} x {width} pixels: no more than {MOST:,} are opened")
    if len(blocks) != -(-height // rows):
        raise FileError(f"{len(blocks)} blocks of a picture are there, and {-(-height // rows)} were written")
    found = np.full((height, width, channels), LOST, np.uint8)
    for number, block in enumerate(blocks):
        if block is None:
            continue
        band = found[number * rows : (number + 1) * rows]
        try:
            band[:] = bands.read(block, band.shape, level, model)
        except (ValueError, IndexError, AssertionError, OverflowError) as error:
            reason = error if isinstance(error, FileError) else "it is damaged"
            raise FileError(f"block {number + 1} of the picture cannot be read: {reason}") from None
    return found


@cache
def model_of(name: str) -> Model:
    """Read the model that comes with isthmus for least `error`, or for the most `likeness`."""
    return fit.read(_WEIGHTS / f"{_NAMES[name]}.safetensors")


def _write(pixels: Pixels, level: int, model: Model) -> list[bytes]:
    return [bands.write(pixels[start : start + ROWS], level, model) for start in range(0, len(pixels), ROWS)]


def _fitting(pixels: Pixels, size: int, model: Model) -> tuple[int, list[bytes]]:
    """Find the best quality whose blocks take no more than `size` bytes, by halving what it may lie in."""
    low, high = round(LOWEST * FINE), round(HIGHEST * FINE)
    best = low, _write(pixels, low, model)
    least = sum(map(len, best[1]))
    if least > size:
        raise DataError(f"the picture does not fit in {size} bytes: it takes {least} at the lowest quality")
    while low < high:
        middle = (low + high + 1) // 2
        blocks = _write(pixels, middle, model)
        if sum(map(len, blocks)) <= size:
            low, best = middle, (middle, blocks)
        else:
            high = middle - 1
    return best
