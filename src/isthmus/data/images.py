"""Pictures in files <-> bytes (height, width, 1 or 3): PNG, JPEG, BMP and WebP, through Pillow."""

from __future__ import annotations

import warnings
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from isthmus.errors import FileError, IsthmusWarning, UsageError
from isthmus.files import writing

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["open_picture", "save_picture"]

Pixels = npt.NDArray[np.uint8]

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP", ".webp": "WEBP"}
MOST = 1 << 27
"""Pixels of the largest picture that is opened: a header can claim any number."""
_OPTIONS: dict[str, dict[str, int]] = {"JPEG": {"quality": 95}, "WEBP": {"lossless": 1}}
_GREY = {"1", "L", "LA", "La"}
_DEEP = {"I", "F", "I;16", "I;16B", "I;16L", "I;16N"}


def open_picture(path: str | PathLike[str]) -> Pixels:
    """Read a picture as bytes (height, width, 1) where it is grey, or (height, width, 3), turned as its camera says.

    What bytes of grey or of red, green and blue cannot hold is converted, with a warning: more than 8 bits, other
    colours (CMYK), transparency, which becomes white, and all but the first picture of an animation.

    Raises
    ------
    FileError
        The file is missing, empty, cut short, no picture, or claims to hold too large a one.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "dot.png"
    >>> save_picture(path, np.full((2, 3, 1), 7, np.uint8))
    >>> open_picture(path).shape
    (2, 3, 1)
    """
    from PIL import Image, UnidentifiedImageError

    source = Path(path)
    if source.is_dir():
        raise FileError(f"'{path}' is a folder: name a picture")
    try:
        if not source.stat().st_size:
            raise FileError(f"'{path}' is empty: a picture was expected")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is lower
            picture = Image.open(source, formats=sorted(set(FORMATS.values())))
        with picture:
            if picture.width * picture.height > MOST:
                raise _too_large(path, f"{picture.width} x {picture.height} pixels")
            picture.load()
            return _bytes(picture, str(path))
    except Image.DecompressionBombError:
        raise _too_large(path, "hundreds of millions of pixels") from None
    except FileNotFoundError:
        raise FileError(f"there is no file '{path}'") from None
    except UnidentifiedImageError:
        raise FileError(f"'{path}' is not a picture that can be read: PNG, JPEG, BMP or WebP is expected") from None
    except MemoryError:
        raise _too_large(path, "more than memory can") from None
    except (OSError, SyntaxError, EOFError, ValueError, OverflowError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"'{path}' is cut short or damaged: {error}") from None


def save_picture(path: str | PathLike[str], pixels: Pixels) -> None:
    """Write bytes (height, width, 1 or 3) as the ending of `path` says; WebP without loss, JPEG with little.

    Raises
    ------
    UsageError
        The ending is of no known format.
    FileError
        The file cannot be written.
    """
    from PIL import Image

    kind = FORMATS.get(Path(path).suffix.lower())
    if kind is None:
        raise UsageError(f"'{path}' does not say which picture to write: end it in {', '.join(FORMATS)}")
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    with writing(path) as temporary:
        picture.save(temporary, format=kind, **_OPTIONS.get(kind, {}))


def _bytes(picture: Image, path: str) -> Pixels:
    """Turn what Pillow read into bytes, and warn of what is lost by that."""
    from PIL import Image, ImageOps

    if getattr(picture, "n_frames", 1) > 1:
        _warn(path, f"is an animation of {picture.n_frames} pictures: the first is taken")  # type: ignore[attr-defined]
        picture.seek(0)
    shown = ImageOps.exif_transpose(picture)
    if shown.mode in _DEEP:
        _warn(path, "has more than 8 bits a pixel: the highest 8 are kept")
        deep = np.asarray(shown, np.float64)
        return np.asarray(np.clip(deep // 256, 0, 255), np.uint8)[..., None]
    if shown.has_transparency_data:
        _warn(path, "is transparent in parts: they become white")
        grey = shown.mode in _GREY
        layer = shown.convert("RGBA")
        shown = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("L" if grey else "RGB")
    elif shown.mode in _GREY:
        shown = shown.convert("L")
    elif shown.mode not in {"RGB", "P"}:
        _warn(path, f"has colours of another kind ({shown.mode}): they are converted to red, green and blue")
        shown = shown.convert("RGB")
    else:
        shown = shown.convert("RGB")
    found = np.asarray(shown, np.uint8)
    return found[..., None] if found.ndim == 2 else found


def _warn(path: str, what: str) -> None:
    warnings.warn(f"'{path}' {what}", IsthmusWarning, stacklevel=4)


def _too_large(path: str | PathLike[str], claim: str) -> FileError:
    return FileError(f"'{path}' claims to hold {claim}: no more than {MOST:,} are opened; make it smaller first")
