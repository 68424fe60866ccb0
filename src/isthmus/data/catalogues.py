"""Sentences in many languages from the translations that installed packages carry (gettext's .mo files)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from importlib.metadata import distributions
from os import PathLike
from pathlib import Path

from isthmus.errors import FileError

__all__ = ["read_messages", "sentences"]

_MAGIC = 0x950412DE
_FILLED = re.compile(r"%[(sdrif{]|[<>{}$\\]|https?:|\$\{")
"""What sentences that are filled in or marked up hold."""
_WORDS, _LETTERS = 5, 30


def read_messages(path: str | PathLike[str]) -> list[str]:
    r"""Read the translations of a .mo file.

    Raises
    ------
    FileError
        It is none, or cut short.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "one.mo"
    >>> head = struct.pack("<7I", 0x950412DE, 0, 1, 28, 36, 0, 0)
    >>> _ = path.write_bytes(head + struct.pack("<4I", 2, 44, 5, 47) + b"hi\0salut\0")
    >>> read_messages(path)
    ['salut']
    """
    held = Path(path).read_bytes()
    order = next((each for each in "<>" if held[:4] == struct.pack(f"{each}I", _MAGIC)), None)
    if order is None:
        raise FileError(f"'{path}' is no catalogue of translations (.mo)")
    try:
        count, _, second = struct.unpack_from(f"{order}3I", held, 8)
        spans = [struct.unpack_from(f"{order}2I", held, second + 8 * j) for j in range(count)]
        texts = [held[start : start + size] for size, start in spans]
        return [text.decode().split("\0")[0] for text in texts]
    except (struct.error, UnicodeDecodeError):
        raise FileError(f"'{path}' is cut short, or not in UTF-8") from None


def sentences(language: str) -> Iterator[str]:
    """Give the sentences of a language (ISO 639-1) in the catalogues of installed packages, each once.

    Only plain ones of five words or more: none with places to be filled in, and none with markup.
    """
    seen: set[str] = set()
    for path in sorted(_catalogues(language)):
        try:
            messages = read_messages(path)
        except (FileError, OSError):
            continue
        for message in messages:
            text = " ".join(message.split())
            if text not in seen and plain(text):
                seen.add(text)
                yield text


def plain(text: str) -> bool:
    """Tell a sentence from a heading or a template.

    >>> plain("Veuillez remplir le formulaire ci-dessous."), plain("Page %(number)s de toutes celles-ci ici")
    (True, False)
    """
    return len(text) >= _LETTERS and text.count(" ") >= _WORDS - 1 and not _FILLED.search(text)


def _catalogues(language: str) -> Iterator[Path]:
    for package in distributions():
        for file in package.files or ():
            parts = file.parts
            translated = file.suffix == ".mo" and len(parts) > 2 and parts[-2] == "LC_MESSAGES"
            if translated and parts[-3].replace("-", "_").partition("_")[0].lower() == language:
                yield Path(str(file.locate()))
