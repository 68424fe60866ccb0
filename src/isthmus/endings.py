"""What files hold, by their endings."""

from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import Any

__all__ = ["COMPRESSED", "PICTURE", "PICTURES", "SOUND", "SOUNDS", "kind_of", "media_in"]

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


def media_in(folder: Path) -> Iterator[Path]:
    """Find the pictures and sounds in a folder and in those within it.

    What is hidden is left out: a run that was killed leaves files half written under names that begin with a dot.
    """
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if kind_of(path) is not None and not hidden and path.is_file():
            yield path
