"""Small pictures laid out as one, or as one that moves."""

from __future__ import annotations

import math
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from isthmus.data.images import save_picture
from isthmus.files import writing

Bytes = npt.NDArray[np.uint8]

GAP = 2
SMALL = 800
"""Pixels up to which a sheet is enlarged, each pixel to a square of whole pixels."""
PAUSE = 90, 1500
"""Milliseconds that each picture of an animation stands, and the last."""


def sheet(pictures: Bytes, columns: int | None = None) -> Bytes:
    """Lay pictures (n, rows, columns[, 3]) out in lines, on grey, row by row: by default in a square.

    >>> sheet(np.zeros((5, 28, 28), np.uint8), columns=3).shape
    (62, 92, 1)
    """
    many = pictures if pictures.ndim == 4 else pictures[..., None]
    n, high, wide, channels = many.shape
    across = columns or math.ceil(math.sqrt(n))
    down = -(-n // across)
    page = np.full((down * (high + GAP) + GAP, across * (wide + GAP) + GAP, channels), 128, np.uint8)
    for number, picture in enumerate(many):
        top, left = (
            GAP + place * (size + GAP) for place, size in zip(divmod(number, across), (high, wide), strict=True)
        )
        page[top : top + high, left : left + wide] = picture
    return page


def save_sheet(path: str | PathLike[str], pictures: Bytes, columns: int | None = None) -> None:
    """Write pictures as one .png, enlarged where it would be small."""
    save_picture(path, _enlarged(sheet(pictures, columns)))


def save_film(path: str | PathLike[str], frames: Bytes) -> None:
    """Write frames (steps, n, rows, columns[, 3]) as a .gif in which each is a sheet."""
    sheets = [_enlarged(sheet(frame)) for frame in frames]
    first, *others = [Image.fromarray(each[..., 0] if each.shape[2] == 1 else each) for each in sheets]
    stay = [PAUSE[0]] * len(others) + [PAUSE[1]]
    with writing(path) as temporary:
        first.save(temporary, format="GIF", save_all=True, append_images=others, duration=stay, loop=0)


def save_each(folder: str | PathLike[str], pictures: Bytes) -> None:
    """Write pictures as 0.png, 1.png, ... of a folder."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    digits = len(str(len(pictures) - 1))
    for number, picture in enumerate(pictures):
        save_picture(Path(folder) / f"{number:0{digits}}.png", picture if picture.ndim == 3 else picture[..., None])


def _enlarged(page: Bytes) -> Bytes:
    times = max(1, SMALL // max(page.shape[:2]))
    return page.repeat(times, 0).repeat(times, 1)


def marked(planes: Bytes, error: npt.NDArray[np.float32]) -> Bytes:
    """Show pictures (n, channels, rows, columns), then the same in grey with red where they are odd (2 n, ..., 3).

    `error` (n, rows, columns) is 1 where it is usual; red begins at 2 and is full at 6.
    """
    colours = np.broadcast_to(planes.transpose(0, 2, 3, 1), (len(planes), *planes.shape[2:], 3))
    grey = colours.mean(3, keepdims=True) * np.ones(3) * 0.7
    heat = ((error - 2) / 4).clip(0, 1)[..., None]
    red = grey * (1 - heat) + np.array([255.0, 40.0, 20.0]) * heat
    return np.concatenate([colours, red.round().astype(np.uint8)])
