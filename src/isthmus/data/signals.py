"""Sound files to samples and back, through libsndfile."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import DataError, FileError, UsageError
from isthmus.files import writing

Samples = npt.NDArray[np.float32]
Wholes = npt.NDArray[np.int32]

_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
_MOST = 1 << 31
"""Samples that a file may hold: twelve hours of one channel at 48 kHz; a header that says more is broken."""
_MANY = 192_000
"""Samples a second of all channels together, where only so many seconds are taken."""
_FASTEST = 1 << 20
"""Samples a second of each channel: five times what sound cards take."""


@dataclass(frozen=True)
class Signal:
    """Samples (n, channels) between -1 and 1, how many a second, and how the file held them.

    `subtype` is libsndfile's word for that, such as PCM_16, and `bits` what whole numbers of that kind take, 0 where
    the file held none.
    """

    samples: Samples
    rate: int
    subtype: str = "PCM_16"

    @property
    def bits(self) -> int:
        """Bits of a sample, where samples are whole numbers."""
        return _BITS.get(self.subtype, 0)


def open_signal(path: str | PathLike[str], *, longest: float = math.inf) -> Signal:
    """Read a WAV, FLAC, Ogg or other file of sound.

    Parameters
    ----------
    path
        Of the file.
    longest
        Seconds that are taken, of at most 192,000 samples in all channels together. The header is asked before samples
        are read: a small file can hold days of silence.

    Raises
    ------
    FileError
        There is no such file, or it is broken, of another kind, or says that it holds more than it can.
    DataError
        It holds no samples, or more than are taken.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "tone.wav"
    >>> write_signal(path, Signal(np.sin(np.arange(800, dtype=np.float32) / 5)[:, None], 8000))
    >>> again = open_signal(path)
    >>> again.samples.shape, again.rate, again.bits
    ((800, 1), 8000, 16)
    """
    file, samples = _read(path, "float32", longest)
    return Signal(samples, int(file.samplerate), str(file.subtype))


def open_wholes(path: str | PathLike[str]) -> tuple[Wholes, int, int]:
    """Read the whole numbers that a file holds: samples (n, channels), how many a second, bits of each.

    Raises
    ------
    FileError
        As `open_signal`.
    DataError
        It holds no samples, or none that are whole numbers.
    """
    file, samples = _read(path, "int32")
    bits = _BITS.get(str(file.subtype), 0)
    if not bits:
        raise DataError(
            f"'{fspath(path)}' holds {file.subtype} samples, not whole numbers: choose a quality from 1 to 8"
        )
    return samples >> (32 - bits), int(file.samplerate), bits


def write_signal(path: str | PathLike[str], signal: Signal) -> None:
    """Write samples to a file of the kind that its extension names; louder ones than the file can hold are clipped."""
    kind = _kind(path)
    _write(path, np.clip(signal.samples, -1.0, 1.0), signal.rate, _subtype(kind, signal.subtype), kind)


def write_wholes(path: str | PathLike[str], samples: Wholes, rate: int, bits: int) -> None:
    """Write whole numbers (n, channels) of so many bits, exactly; `UsageError` where that kind of file cannot."""
    kind = _kind(path)
    subtype = next((s for s, b in _BITS.items() if b == bits and _sound().check_format(kind, s)), None)
    if subtype is None:
        raise UsageError(f"'{fspath(path)}': a {kind} file cannot hold {bits}-bit samples: name a .wav file")
    _write(path, samples.astype(np.int32) << (32 - bits), rate, subtype, kind)


def _read(path: str | PathLike[str], dtype: str, longest: float = math.inf) -> tuple[Any, Any]:
    name, sound = fspath(path), _sound()
    if not Path(path).is_file():
        raise FileError(f"there is no file '{name}'")
    if not Path(path).stat().st_size:
        raise FileError(f"'{name}' is empty: no sound can be read from it")
    try:
        with sound.SoundFile(name) as file:
            if file.frames * file.channels > _MOST:
                raise FileError(f"'{name}' says that it holds {file.frames:,} samples: its header is broken")
            if file.samplerate > _FASTEST:
                raise FileError(f"'{name}' says that a second has {file.samplerate:,} samples: its header is broken")
            if file.frames > longest * file.samplerate or file.frames * file.channels > longest * _MANY:
                told = f"{file.frames / file.samplerate:,.0f} seconds of {file.channels} x {file.samplerate:,} samples"
                raise DataError(f"'{name}' holds {told}: at most {longest:g} seconds of {_MANY:,} are taken; cut it")
            samples = file.read(dtype=dtype, always_2d=True)
    except (sound.LibsndfileError, TypeError, ValueError, MemoryError) as error:
        if isinstance(error, FileError | DataError):
            raise
        raise FileError(f"'{name}' cannot be read as sound: {_reason(error)}") from None
    if not samples.size:
        raise DataError(f"'{name}' holds no samples")
    if dtype == "float32" and not np.isfinite(samples).all():
        raise DataError(f"'{name}' holds samples that are not numbers: it is broken, or no sound")
    return file, samples


def _write(path: str | PathLike[str], samples: Any, rate: int, subtype: str, kind: str) -> None:
    sound = _sound()
    with writing(path) as temporary:
        try:
            sound.write(fspath(temporary), samples, rate, subtype=subtype, format=kind)
        except (sound.LibsndfileError, ValueError) as error:
            raise FileError(f"'{fspath(path)}' cannot be written: {_reason(error)}") from None


def _kind(path: str | PathLike[str]) -> str:
    known = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG", ".aiff": "AIFF", ".aif": "AIFF", ".mp3": "MP3"}
    if (kind := known.get(Path(path).suffix.lower())) is None:
        raise UsageError(f"'{fspath(path)}': name a file that ends in {', '.join(known)}")
    return kind


def _subtype(kind: str, wanted: str) -> str:
    sound = _sound()
    for subtype in (wanted, {"PCM_U8": "PCM_S8", "PCM_S8": "PCM_U8"}.get(wanted, "PCM_16"), "PCM_16"):
        if sound.check_format(kind, subtype):
            return subtype
    return str(sound.default_subtype(kind))


def _reason(error: Exception) -> str:
    text = str(getattr(error, "error_string", "") or error)
    return text.strip().rstrip(".") or "it is broken"


def _sound() -> ModuleType:
    try:
        return import_module("soundfile")
    except (ImportError, OSError):
        raise UsageError('sound needs the package soundfile: pip install "isthmus[sound]"') from None
