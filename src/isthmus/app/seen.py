"""Pictures and sounds as the page is sent them and sends them, and how near one is to another."""

from __future__ import annotations

import io
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from starlette.responses import Response

from isthmus.data.images import open_picture
from isthmus.data.signals import Signal, write_signal
from isthmus.errors import FileError

LONGEST = 30.0
"""Seconds of a sound that are played."""


def as_url(pixels: npt.NDArray[np.uint8]) -> str:
    """Turn pixels (rows, columns[, 1 or 3]) into an address that a page can show."""
    from PIL import Image

    flat = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    held = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(flat)).save(held, "png", compress_level=1)
    return "data:image/png;base64," + b64encode(held.getvalue()).decode()


def heard(signal: Signal) -> Response:
    """Answer with a sound that a page can play: the first `LONGEST` seconds, as 16-bit WAV."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sound.wav"
        write_signal(path, Signal(signal.samples[: int(LONGEST * signal.rate)], signal.rate))
        return Response(path.read_bytes(), media_type="audio/wav")


def picture_of(sent: bytes) -> npt.NDArray[np.uint8]:
    """Read a picture (rows, columns, 1 or 3) that was sent.

    Raises
    ------
    FileError
        It is none, or cannot be read.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "picture"
        path.write_bytes(sent)
        try:
            return open_picture(path)
        except FileError as error:
            raise FileError(str(error).replace(f"'{path}'", "the picture")) from None


def psnr(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """Give the peak signal-to-noise ratio of two pictures of bytes, in decibels.

    >>> psnr(np.full((4, 4), 10, np.uint8), np.full((4, 4), 20, np.uint8))
    28.130803608679...
    """
    error = np.square(one.astype(np.float64) - other.reshape(one.shape)).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
