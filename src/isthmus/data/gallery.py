"""A folder of pictures or of sounds, or an array of pictures, as bytes to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.data.images import open_picture
from isthmus.data.npys import unbroken
from isthmus.data.signals import open_signal
from isthmus.data.spectrograms import spectrogram
from isthmus.endings import PICTURE, PICTURES, SOUND, kind_of, media_in
from isthmus.errors import DataError, FileError

__all__ = ["Gallery", "Pictures", "open_gallery", "open_pictures"]

Bytes = npt.NDArray[np.uint8]

SIDE = 160
"""Rows and columns of a square, where pictures are as large as that."""
LEAST = 8
MOST = 1 << 30
"""Bytes of all squares together."""


@dataclass(frozen=True)
class Gallery:
    """Squares (n, channels, side, side) of pictures, the number of the picture that each is of, and their names."""

    squares: Bytes
    picture: npt.NDArray[np.int64]
    names: list[str]

    @property
    def channels(self) -> int:
        """1 where all pictures are grey, 3 where any is coloured."""
        return int(self.squares.shape[1])


def open_gallery(source: Any, channels: int | None = None) -> Gallery:
    """Cut pictures into squares of one size that together cover all of each.

    Parameters
    ----------
    source
        A folder, in which folders are read too; an array (pictures, rows, columns) or (pictures, rows, columns,
        channels) of bytes, or of numbers between 0 and 1, or the path of one (.npy, .npz); or a list of pictures.
    channels
        1 to make all of them grey, 3 to give all of them three planes; by default as they are.

    Raises
    ------
    FileError
        The folder or a file is missing or broken, or there is no picture.
    DataError
        The pictures are too small, too many, or no pictures.

    Examples
    --------
    >>> open_gallery(np.zeros((5, 28, 28), np.uint8)).squares.shape
    (5, 1, 28, 28)
    """
    names, pictures = _read(source)
    wanted = channels or max(picture.shape[2] for picture in pictures)
    side = min(SIDE, *(min(picture.shape[:2]) for picture in pictures))
    if side < LEAST:
        small = next(n for n, picture in zip(names, pictures, strict=True) if min(picture.shape[:2]) == side)
        raise DataError(f"'{small}' is {side} pixels wide or high: pictures to learn from need {LEAST}")
    squares, numbers = [], []
    for number, picture in enumerate(pictures):
        for top in _starts(picture.shape[0], side):
            for left in _starts(picture.shape[1], side):
                squares.append(as_planes(picture[top : top + side, left : left + side], wanted))
                numbers.append(number)
        if len(squares) * side * side * wanted > MOST:
            raise DataError(f"{len(pictures):,} pictures are more than {MOST:,} bytes: take fewer, or smaller ones")
    return Gallery(np.stack(squares), np.array(numbers), names)


@dataclass(frozen=True)
class Pictures:
    """Whole pictures (n, channels, rows, columns) of one size, what each shows if that is known, and their names.

    `sounds` are the files of those that are spectrograms of sounds, `seconds` how long one usually is.
    """

    planes: Bytes
    labels: list[str] | None
    names: list[str]
    sounds: list[Path] | None = None
    seconds: float | None = None


def open_pictures(source: Any, labels: Any = None) -> Pictures:
    """Read pictures of one size, with what they show: `labels`, or the names of the folders that they are in.

    Parameters
    ----------
    source
        As of `open_gallery`, or one picture's file; in an .npz file an array `y`, `y_train` or `labels` of as many says
        what they show. A folder of sounds, or one's file, becomes a spectrogram of each.
    labels
        What each picture shows, in their order; a folder's are in the order of their paths.

    Raises
    ------
    FileError, DataError
        As `open_gallery`; also where pictures are not of one size, or there are not as many labels.

    Examples
    --------
    >>> open_pictures(np.zeros((2, 8, 8), np.uint8), [7, 3]).labels
    ['7', '3']
    """
    sounds = _sounds_of(source)
    seconds = None
    if sounds is None:
        names, pictures = _read(source)
    else:
        names, pictures, seconds = _of_sounds(sounds, Path(fspath(source)))
    sizes = {picture.shape[:2]: name for name, picture in zip(names, pictures, strict=True)}
    if len(sizes) > 1:
        (one, first), (two, second) = list(sizes.items())[:2]
        sizes_told = f"'{first}' has {one[1]} x {one[0]} pixels, '{second}' {two[1]} x {two[0]}"
        raise DataError(f"pictures to make others like must be of one size: {sizes_told}")
    if labels is None:
        labels = _labels_of(source, names)
    elif len(labels) != len(pictures):
        raise DataError(f"{len(labels):,} labels for {len(pictures):,} pictures: give one each")
    channels = max(picture.shape[2] for picture in pictures)
    planes = np.stack([as_planes(picture, channels) for picture in pictures])
    return Pictures(planes, None if labels is None else [str(each) for each in labels], names, sounds, seconds)


def _labels_of(source: Any, names: list[str]) -> list[str] | None:
    """Take labels from an .npz file's other array, or from folders, where everything is in one."""
    if not isinstance(source, str | PathLike):
        return None
    path = Path(fspath(source))
    if path.suffix.lower() == ".npz":
        with unbroken(), np.load(path, allow_pickle=False) as found:
            for name in ("y", "y_train", "labels"):
                if name in found.files and found[name].shape == (len(names),):
                    return [str(each) for each in found[name].tolist()]
    folders = [Path(name).parent.as_posix() for name in names]
    return folders if path.is_dir() and "." not in folders and len(set(folders)) > 1 else None


def as_planes(picture: Bytes, channels: int) -> Bytes:
    """Turn (rows, columns, 1 or 3) into (channels, rows, columns): grey as the mean of colours, or planes alike."""
    planes = picture.transpose(2, 0, 1)
    if len(planes) == channels:
        return np.ascontiguousarray(planes)
    if channels == 1:
        return np.asarray(planes.mean(0, keepdims=True).round(), np.uint8)
    return np.ascontiguousarray(np.broadcast_to(planes, (channels, *planes.shape[1:])))


def _starts(size: int, side: int) -> list[int]:
    """Give where squares begin that cover a length, as evenly as can be."""
    count = -(-size // side)
    return [round(number * (size - side) / max(1, count - 1)) for number in range(count)]


def _read(source: Any) -> tuple[list[str], list[Bytes]]:
    if isinstance(source, str | PathLike):
        path = Path(fspath(source))
        if path.suffix.lower() in {".npy", ".npz"}:
            return _of_array(_load(path), str(path))
        if kind_of(path) == PICTURE and path.is_file():
            return [path.name], [open_picture(path)]
        return _of_folder(path)
    if isinstance(source, list | tuple):
        found = [_of_array(np.asarray(each)[None], f"picture {number}")[1][0] for number, each in enumerate(source)]
        if not found:
            raise DataError("there are no pictures in an empty list")
        return [str(number) for number in range(len(found))], found
    return _of_array(np.asarray(source), "the array")


def _of_folder(folder: Path) -> tuple[list[str], list[Bytes]]:
    if not folder.is_dir():
        raise FileError(f"'{folder}' is no folder of pictures")
    paths = sorted(path for path in media_in(folder) if kind_of(path) == PICTURE)
    if not paths:
        raise FileError(f"'{folder}' holds no pictures ({', '.join(PICTURES)})")
    return [path.relative_to(folder).as_posix() for path in paths], [open_picture(path) for path in paths]


def _sounds_of(source: Any) -> list[Path] | None:
    """List the sounds where there are any, and no pictures."""
    if not isinstance(source, str | PathLike):
        return None
    path = Path(fspath(source))
    if kind_of(path) == SOUND:
        return [path]
    media = sorted(media_in(path)) if path.is_dir() else []
    sounds = [each for each in media if kind_of(each) == SOUND]
    if sounds and len(sounds) < len(media):
        raise FileError(f"'{path}' holds pictures as well as sounds: put them into folders of their own")
    return sounds or None


def _of_sounds(paths: list[Path], source: Path) -> tuple[list[str], list[Bytes], float]:
    """Draw sounds; give their names, their spectrograms, and the median of their seconds."""
    drawn, seconds = [], []
    for path in paths:
        signal = open_signal(path)
        try:
            drawn.append(spectrogram(signal.samples, signal.rate))
            seconds.append(len(signal.samples) / signal.rate)
        except DataError as error:
            raise DataError(f"'{path}': {error}") from None
    names = [path.relative_to(source).as_posix() if path != source else path.name for path in paths]
    return names, drawn, float(np.median(seconds))


def _load(path: Path) -> npt.NDArray[Any]:
    """Read the one array of pictures in a file, or the first of those that could be."""
    try:
        with unbroken():
            found = np.load(path, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return found
            with found:
                arrays = [found[name] for name in found.files if found[name].ndim in {3, 4}]
    except FileNotFoundError:
        raise FileError(f"there is no file '{path}'") from None
    except (OSError, ValueError) as error:
        raise FileError(f"'{path}' is no array that can be read: {error}") from None
    if not arrays:
        raise FileError(f"'{path}' holds no array of pictures (pictures, rows, columns)")
    return np.asarray(arrays[0])


def _of_array(array: npt.NDArray[Any], name: str) -> tuple[list[str], list[Bytes]]:
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in {1, 3} or not array.size:
        raise DataError(f"{name} of shape {array.shape} holds no pictures: (pictures, rows, columns[, 1 or 3])")
    return [str(number) for number in range(len(array))], list(_to_bytes(array, name))


def _to_bytes(array: npt.NDArray[Any], name: str) -> Bytes:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return np.asarray(array >> 8, np.uint8)
    if array.dtype.kind not in "f" or not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
        raise DataError(f"{name} of {array.dtype} is no picture: bytes, or numbers between 0 and 1, are expected")
    return np.asarray((array * 255).round(), np.uint8)
