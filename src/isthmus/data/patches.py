"""Small patches of pictures, or moments of sounds as spectra, as rows of numbers to learn a sparse code of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.data.images import open_picture
from isthmus.data.signals import open_signal
from isthmus.endings import PICTURE, PICTURES, SOUND, SOUNDS, kind_of, media_in
from isthmus.errors import DataError, FileError

__all__ = ["Patches", "open_patches", "read_patches"]

Floats = npt.NDArray[np.float32]

SIDE = 8
"""Pixels of a patch's side."""
BANDS, FRAMES, HOP = 32, 8, 0.016
"""Bands of a spectrum, frames of a patch of sound, and seconds from one to the next."""
LOWEST = 60.0
"""Hertz of the lowest band."""
MOST = 100_000
_FLOOR = 1e-4
_FLAT = 1e-3


@dataclass(frozen=True)
class Patches:
    """Patches of all files of a folder.

    Attributes
    ----------
    matrix
        (n, height * width * channels), each patch with its own mean removed.
    mean
        (n,) those means.
    file, place
        (n,) the file each is from, and (n, 2) where: down and right in pixels, or 0 and the moment in seconds.
    names
        Of the files.
    facts
        `kind` ("picture" or "sound"), `height`, `width`, `channels`, and of sounds `hertz`, the middle of each band.
    """

    matrix: Floats
    mean: Floats
    file: npt.NDArray[np.int64]
    place: npt.NDArray[np.float64]
    names: list[str]
    facts: dict[str, Any]

    def __len__(self) -> int:
        return len(self.matrix)


def read_patches(folder: str | PathLike[str], *, most: int = MOST, seed: int = 0) -> tuple[Floats, dict[str, Any]]:
    """Read patches of a folder of pictures or sounds as rows (n, numbers), and the facts of `Patches`."""
    patches = open_patches(folder, most=most, seed=seed)
    return patches.matrix, {"patches": patches.facts}


def open_patches(
    folder: str | PathLike[str], *, most: int = MOST, seed: int = 0, like: dict[str, Any] | None = None
) -> Patches:
    """Read patches of a folder of pictures or sounds, the same of every file, drawn at random.

    A picture is cut into squares of 8 pixels, grey where all are, and its bytes become 0 to 1. A sound becomes 32 bands
    of its spectrum, an octave's as wide as any other's, as logarithms of their amplitudes, 8 frames of 16 ms a patch.
    Patches without any contrast are left out.

    Parameters
    ----------
    folder
        The folder; pictures and sounds may not be mixed. Folders in it are read too.
    most
        Patches to read, of all files together.
    seed
        Of the places.
    like
        Facts of patches that these are to be like: of so many channels, or bands.

    Raises
    ------
    FileError
        The folder is missing, holds neither pictures nor sounds, or a file of it is broken.
    DataError
        It holds both, or they are not like the others.

    Examples
    --------
    >>> import tempfile
    >>> from isthmus.data.images import save_picture
    >>> folder = Path(tempfile.mkdtemp())
    >>> save_picture(folder / "a.png", np.random.default_rng(0).integers(0, 255, (32, 32, 1)).astype(np.uint8))
    >>> patches = open_patches(folder, most=50)
    >>> patches.matrix.shape, abs(float(patches.matrix.mean(1).max())) < 1e-6
    ((50, 64), True)
    """
    paths, kind = _files(Path(folder))
    rng = np.random.default_rng(seed)
    each = max(1, -(-most // len(paths)))
    read, facts = _pictures(paths, like) if kind == PICTURE else _sounds(paths, like)
    rows, files, places = [], [], []
    for number, path in enumerate(paths):
        cut = read(path, each, rng)
        if cut is not None:
            rows.append(cut[0].reshape(len(cut[0]), -1))
            places.append(cut[1])
            files.append(np.full(len(cut[0]), number))
    if not rows:
        raise DataError(f"'{folder}': every file is too small for a patch of {facts['height']} x {facts['width']}")
    matrix, file, place = np.concatenate(rows), np.concatenate(files), np.concatenate(places)
    mean = matrix.mean(1, keepdims=True)
    matrix = (matrix - mean).astype(np.float32)
    kept = np.flatnonzero(matrix.std(1) > _FLAT)[:most]
    if not len(kept):
        raise DataError(f"'{folder}': no patch has any contrast")
    names = [path.relative_to(folder).as_posix() for path in paths]
    return Patches(matrix[kept], mean[kept, 0].astype(np.float32), file[kept], place[kept], names, facts)


Cut = tuple[npt.NDArray[Any], npt.NDArray[np.float64]]
Reader = Callable[[Path, int, np.random.Generator], Cut | None]


def _files(folder: Path) -> tuple[list[Path], str]:
    if not folder.is_dir():
        raise FileError(f"'{folder}' is no folder of pictures or sounds")
    paths = sorted(media_in(folder))
    kinds = {kind_of(path) for path in paths}
    if not paths:
        raise FileError(f"'{folder}' holds neither pictures ({', '.join(PICTURES)}) nor sounds ({', '.join(SOUNDS)})")
    if len(kinds) > 1:
        raise DataError(f"'{folder}' holds pictures and sounds: give each a folder of its own")
    return paths, PICTURE if kinds == {PICTURE} else SOUND


def _pictures(paths: list[Path], like: dict[str, Any] | None) -> tuple[Reader, dict[str, Any]]:
    """Give a reader of squares, grey where the first pictures are, and the facts."""
    if like is not None:
        channels = int(like.get("channels", 0)) if like.get("kind") == PICTURE else 0
        if not channels:
            raise DataError("these are pictures; the autoencoder was fitted to sounds")
    else:
        channels = max(open_picture(path).shape[2] for path in paths[:8])

    def read(path: Path, each: int, rng: np.random.Generator) -> Cut | None:
        pixels = open_picture(path).astype(np.float32) / 255
        pixels = pixels.mean(2, keepdims=True) if channels == 1 else np.broadcast_to(pixels, (*pixels.shape[:2], 3))
        if min(pixels.shape[:2]) < SIDE:
            return None
        down, right = (rng.integers(0, size - SIDE + 1, each) for size in pixels.shape[:2])
        inside = np.arange(SIDE)
        cut = pixels[(down[:, None] + inside)[:, :, None], (right[:, None] + inside)[:, None, :]]
        return cut, np.stack([down, right], 1).astype(np.float64)

    return read, {"kind": PICTURE, "height": SIDE, "width": SIDE, "channels": channels}


def _sounds(paths: list[Path], like: dict[str, Any] | None) -> tuple[Reader, dict[str, Any]]:
    """Give a reader of patches of spectra, and the facts: bands up to half the lowest rate of the first sounds."""
    if like is not None and like.get("kind") != SOUND:
        raise DataError("these are sounds; the autoencoder was fitted to pictures")
    if like is None:
        highest = 0.45 * min(open_signal(path).rate for path in paths[:8])
        hertz = np.geomspace(LOWEST, highest, BANDS)
    else:
        hertz = np.asarray(like["hertz"], dtype=np.float64)

    def read(path: Path, each: int, rng: np.random.Generator) -> Cut | None:
        signal = open_signal(path)
        if signal.rate < 2 * hertz[-1]:
            raise DataError(
                f"'{path}' has {signal.rate:,} samples a second: too few for bands up to {hertz[-1]:,.0f} Hz"
            )
        bands = _spectrum(signal.samples.mean(1), signal.rate, hertz)
        if len(bands) < FRAMES:
            return None
        start = rng.integers(0, len(bands) - FRAMES + 1, each)
        cut = bands[start[:, None] + np.arange(FRAMES)].transpose(0, 2, 1)[:, ::-1, :, None]  # high bands on top
        return cut, np.stack([0 * start, start * HOP], 1)

    facts = {"kind": SOUND, "height": BANDS, "width": FRAMES, "channels": 1, "hertz": hertz.round(1).tolist()}
    return read, facts


def _spectrum(samples: Floats, rate: int, hertz: npt.NDArray[np.floating[Any]]) -> Floats:
    """Give logarithms of amplitudes (frames, bands), of frames of twice the hop or what the lowest band needs."""
    hop = round(HOP * rate)
    size = max(2 * hop, round(2 * rate / hertz[0]))
    if len(samples) < size:
        return np.zeros((0, len(hertz)), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop] * np.hanning(size).astype(np.float32)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 / size
    ratio = (hertz[-1] / hertz[0]) ** (0.5 / (len(hertz) - 1))
    at = np.fft.rfftfreq(size, 1 / rate)
    near = np.stack([_band(at, float(low / ratio), float(low * ratio)) for low in hertz], 1)
    found: Floats = np.log(np.sqrt(power @ near) + _FLOOR).astype(np.float32)
    return found


def _band(at: npt.NDArray[np.floating[Any]], low: float, high: float) -> npt.NDArray[np.float64]:
    """Weigh frequencies: those of a band alike, or the nearest alone where it lies between two."""
    inside = (at >= low) & (at < high)
    if not inside.any():
        inside = np.arange(len(at)) == np.abs(at - (low * high) ** 0.5).argmin()
    weights: npt.NDArray[np.float64] = inside / inside.sum()
    return weights
