"""Pictures and sounds as the page is sent them and sends them, and how near one is to another."""

from __future__ import annotations

import io
import warnings
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from starlette.responses import Response

from isthmus.data.images import open_picture
from isthmus.data.signals import Signal, open_signal, write_signal
from isthmus.data.spectrograms import drawn, powers
from isthmus.errors import DataError, IsthmusWarning

T = TypeVar("T")

LONGEST = 30.0
"""Seconds of a sound that are played."""
LISTENED = 60.0
"""Seconds of a sound that may be sent."""
DRAWN = (160, 640)
"""Bands of pitch and moments of a spectrogram that is looked at."""


def as_url(pixels: npt.NDArray[np.uint8]) -> str:
    """Turn pixels (rows, columns[, 1 or 3]) into an address that a page can show."""
    from PIL import Image

    flat = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    held = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(flat)).save(held, "png", compress_level=1)
    return "data:image/png;base64," + b64encode(held.getvalue()).decode()


def heard(signal: Signal) -> Response:
    """Answer with a sound that a page can play: the first `LONGEST` seconds, as 16-bit WAV."""
    return Response(_wav(Signal(signal.samples[: int(LONGEST * signal.rate)], signal.rate)), media_type="audio/wav")


def as_sound_url(signal: Signal) -> str:
    """Turn a whole sound into an address that holds it as 16-bit WAV."""
    return "data:audio/wav;base64," + b64encode(_wav(Signal(signal.samples, signal.rate))).decode()


def as_spectrograms(sounds: Sequence[Signal]) -> list[str]:
    """Draw sounds as addresses of pictures of one scale: the lighter, the louder, low pitch at the bottom.

    Raises
    ------
    DataError
        One is too short for that.
    """
    found = [powers(each.samples, each.rate, *DRAWN) for each in sounds]
    loudest = max(float(each.max()) for each in found)
    return [as_url(drawn(each, loudest)) for each in found]


def _wav(signal: Signal) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sound.wav"
        write_signal(path, signal)
        return path.read_bytes()


def picture_of(sent: bytes, name: str = "the picture") -> npt.NDArray[np.uint8]:
    """Read a picture (rows, columns, 1 or 3) that was sent; `name` is what faults call it.

    Raises
    ------
    FileError
        It is none, or cannot be read.
    """
    return _read(sent, name, open_picture)


def sound_of(sent: bytes, name: str = "the sound") -> Signal:
    """Read a sound of at most `LISTENED` seconds that was sent; `name` is what faults call it.

    Raises
    ------
    FileError, DataError
        It is none, cannot be read, holds no samples, or lasts longer.
    """
    return _read(sent, name, lambda path: open_signal(path, longest=LISTENED))


def _read(sent: bytes, name: str, read: Callable[[Path], T]) -> T:
    """Read what was sent as a file, under a name of its own: nothing that is sent names a path."""
    with TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", IsthmusWarning)
        path = Path(folder) / "sent"
        path.write_bytes(sent)
        try:
            found = read(path)
        except DataError as error:
            raise type(error)(str(error).replace(f"'{path}'", name)) from None
    for each in warned:
        warnings.warn(str(each.message).replace(f"'{path}'", name), each.category, stacklevel=3)
    return found


def scaled(pixels: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Cut the middle out of a picture and scale it to a size (rows, columns), nothing of it stretched.

    >>> scaled(np.zeros((30, 50, 3), np.uint8), (8, 8)).shape
    (8, 8, 3)
    """
    from PIL import Image, ImageOps

    flat = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
    found = np.asarray(ImageOps.fit(flat, size[::-1], Image.Resampling.LANCZOS), np.uint8)
    return found.reshape(*size, pixels.shape[2])


def decibels(signal: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """Give how much stronger a signal is than what another differs from it by, in decibels.

    >>> round(decibels(np.full(4, 1.0), np.full(4, 1.1)), 6)
    20.0
    """
    error = np.square(signal - other, dtype=np.float64).sum()
    return float(10 * np.log10(max(np.square(signal, dtype=np.float64).sum(), 1e-12) / max(error, 1e-12)))


def psnr(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """Give the peak signal-to-noise ratio of two pictures of bytes, in decibels.

    >>> psnr(np.full((4, 4), 10, np.uint8), np.full((4, 4), 20, np.uint8))
    28.130803608679...
    """
    error = np.square(one.astype(np.float64) - other.reshape(one.shape)).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
