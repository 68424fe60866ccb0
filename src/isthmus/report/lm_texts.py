"""Texts for the tour of language models: of several kinds, from a user's folder or from what is installed."""

from __future__ import annotations

import json
import re
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from isthmus.data.catalogues import plain, sentences
from isthmus.data.passages import Passage, read_passages
from isthmus.errors import DataError, FileError
from isthmus.files import writing

__all__ = ["CATALOGUES", "Kind", "foreign", "gather", "words_of"]

LANGUAGES = {"fr": "French", "de": "German", "es": "Spanish", "it": "Italian", "nl": "Dutch", "pt": "Portuguese"}
CATALOGUES = "pip install --no-deps plone.app.locales"
"""What brings sentences of these languages: the translations of a web site's pages."""
_HELD, _EVERY = 60, 6
"""Passages of a kind that are set apart, every sixth, at most so many."""
_LEAST, _MOST = 60, 700_000
"""Passages that a kind needs, and characters that are taken of it."""


@dataclass(frozen=True)
class Kind:
    """A kind of text: its name, the file to learn from, and passages set apart."""

    name: str
    path: Path
    held_out: list[Passage]


def gather(folder: Path | None, out: Path) -> list[Kind]:
    """Write a file of passages for every kind of text, and set some apart.

    Parameters
    ----------
    folder
        A folder of texts, a file a kind, named after it. None takes what is installed: sentences from translations in
        packages, English from Python's own help, and code from its library.
    out
        The folder to write to, made if it is not there.

    Raises
    ------
    DataError
        There are fewer than two kinds that have passages enough.
    """
    found = _of_folder(folder) if folder is not None else _installed()
    out.mkdir(parents=True, exist_ok=True)
    kinds = []
    for name, passages in found:
        texts = list(_some(passages))
        if len(texts) >= _LEAST:
            held = texts[_EVERY // 2 :: _EVERY][:_HELD]
            chosen = set(held)
            path = out / f"{name}.jsonl"
            with writing(path) as temporary:
                lines = (json.dumps({"text": text}, ensure_ascii=False) for text in texts if text not in chosen)
                temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
            kinds.append(Kind(name, path, [Passage(text, name, number) for number, text in enumerate(held)]))
    if len(kinds) < 2:
        names = ", ".join(kind.name for kind in kinds) or "none"
        raise DataError(f"texts of two kinds or more are needed, {_LEAST} passages each; found: {names}")
    return kinds


def _some(passages: Iterable[str]) -> Iterator[str]:
    """Take passages until there is enough."""
    size = 0
    for text in passages:
        if size > _MOST:
            return
        size += len(text)
        yield text


def _of_folder(folder: Path) -> Iterator[tuple[str, Iterable[str]]]:
    if not folder.is_dir():
        raise FileError(f"'{folder}' is no folder: name one with a text file for each kind of text")
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise FileError(f"'{folder}' holds no files")
    for path in files:
        yield path.stem, (passage.text for passage in read_passages([path]))


def _installed() -> Iterator[tuple[str, Iterable[str]]]:
    for code, name in LANGUAGES.items():
        yield name, sentences(code)
    yield "English", _english()
    yield "code", _code()


def _english() -> Iterator[str]:
    """Give paragraphs of Python's help that are prose."""
    from pydoc_data import topics

    for topic in topics.topics.values():
        for paragraph in topic.split("\n\n"):
            text = " ".join(paragraph.split())
            signs = sum(not (letter.isalnum() or letter in " ,.'") for letter in text)
            if plain(text) and text[0].isupper() and text[-1] in ".!?" and signs < 0.04 * len(text):
                yield text


def _code() -> Iterator[str]:
    """Give functions and classes of Python's library, a few of each file."""
    folder = Path(sysconfig.get_path("stdlib"))
    for path in sorted([*folder.glob("*.py"), *folder.glob("[a-z]*/*.py")]):
        if "test" not in str(path.relative_to(folder)) and "site-packages" not in path.parts:
            parts = re.split(r"\n\n+(?=    def |def |class |@)", path.read_text(encoding="utf-8", errors="ignore"))
            yield from islice((part.rstrip() for part in parts[1:] if 80 < len(part) < 600), 12)


def words_of(kinds: Iterable[Kind]) -> str:
    """List the kinds.

    >>> words_of([Kind("French", Path("a"), []), Kind("code", Path("b"), [])])
    'French and code'
    """
    names = [kind.name for kind in kinds]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def foreign(kinds: Iterable[Kind]) -> list[str]:
    """Name the kinds that are languages other than English, by what the files are called."""
    known = {*LANGUAGES.values(), *LANGUAGES}
    return [kind.name for kind in kinds if kind.name in known]
