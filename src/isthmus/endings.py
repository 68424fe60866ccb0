"""What files hold, by their endings."""

from os import PathLike, fspath
from pathlib import Path
from typing import Any

__all__ = ["COMPRESSED", "PICTURE", "PICTURES", "SOUND", "SOUNDS", "kind_of"]

PICTURE, SOUND = "picture", "sound"
COMPRESSED = (".isz",)
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
SOUNDS = (".wav", ".flac", ".ogg", ".aiff", ".aif", ".mp3")


def kind_of(source: Any) -> str | None:
    """Tell whether a path is that of a picture or a sound.

    >>> kind_of("me.PNG"), kind_of("me.csv")
    ('picture', None)
    """
    if not isinstance(source, str | PathLike):
        return None
    suffix = Path(fspath(source)).suffix.lower()
    return PICTURE if suffix in PICTURES else SOUND if suffix in SOUNDS else None
