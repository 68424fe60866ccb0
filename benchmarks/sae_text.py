"""Text to read with language models: ten kinds of it, of each four fifths to learn from and one to judge by."""

from __future__ import annotations

import random
import re
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from runner import MissingSourceError

from isthmus.data.passages import Passage

LANGUAGES = ("en", "fr", "de", "es", "it", "pt", "nl")
LINES = 20
"""Lines of Python that make a passage."""
OPENING = re.compile(r"Once|One day|One |There once|There was|There were|In a ")


@dataclass(frozen=True)
class Text:
    """Passages to learn from, in turn of each kind, and by kind those held out."""

    learn: list[Passage]
    held: dict[str, list[str]]


def text(folder: Path, kinds: tuple[str, ...]) -> Text:
    """Read and split kinds of text: languages by their codes, "base64", "stories", "more stories", "python"."""
    parts = {kind: _split(kind, folder) for kind in kinds}
    learn = [Passage(each, kind, number) for kind, (some, _) in parts.items() for number, each in enumerate(some)]
    return Text(_in_turn(learn, kinds), {kind: held for kind, (_, held) in parts.items()})


def _in_turn(passages: list[Passage], kinds: tuple[str, ...]) -> list[Passage]:
    """Lay passages so that at any point about as many characters of each kind have come, while there are some."""
    left = {kind: iter([p for p in passages if p.source == kind]) for kind in kinds}
    given = dict.fromkeys(kinds, 0)
    found: list[Passage] = []
    while left:
        turn = min(left, key=given.__getitem__)
        passage = next(left[turn], None)
        if passage is None:
            del left[turn]
        else:
            given[turn] += len(passage.text)
            found.append(passage)
    return found


def _split(kind: str, folder: Path) -> tuple[list[str], list[str]]:
    """Shuffle a kind's passages, and set a fifth apart."""
    read: dict[str, Callable[[Path], list[str]]] = {
        "stories": partial(_stories, names="ab"),
        "more stories": partial(_stories, names="c"),
        "python": _python,
    }
    found = read[kind](folder) if kind in read else _sentences(folder, kind)
    if not found:
        raise MissingSourceError(f"there is no {kind} in {folder}: name the folder of data files with --data")
    random.Random(7).shuffle(found)
    cut = len(found) * 4 // 5
    kept = {"base64": 700, "python": 4000}.get(kind, cut)  # what is long for its kind does not crowd out the rest
    learn = found[: min(cut, kept)] + _declaration(folder, kind)
    random.Random(8).shuffle(learn)
    return learn, found[cut:]


def _declaration(folder: Path, kind: str) -> list[str]:
    """Read the Universal Declaration of Human Rights in a language: sentences alone are few."""
    path = folder / "languages" / "udhr" / f"{kind}.txt"
    lines = [line.strip() for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    return [line for line in lines if len(line) > 30]


def _sentences(folder: Path, kind: str) -> list[str]:
    path = folder / "languages" / "sentences" / f"{kind}.txt"
    return [line for line in path.read_text("utf-8").splitlines() if line.strip()] if path.exists() else []


def _stories(folder: Path, names: str) -> list[str]:
    """Put together the stories of some files, whose paragraphs stand apart like the stories themselves."""
    found: list[str] = []
    for name in names:
        path = folder / "tinystories" / f"tinystories_{name}.txt"
        for part in path.read_text("utf-8").replace("<|endoftext|>", "\n\n").split("\n\n") if path.exists() else []:
            paragraph = re.sub(r"\s*\n\s*", " ", part.strip())
            if paragraph and (not found or OPENING.match(paragraph)):
                found.append(paragraph)
            elif paragraph:
                found[-1] += "\n" + paragraph
    return found


def _python(folder: Path) -> list[str]:
    """Cut the running interpreter's standard library into passages."""
    library = Path(sysconfig.get_paths()["stdlib"])
    left_out = {"site-packages", "test", "tests", "idlelib", "encodings", "pydoc_data"}
    found = []
    for path in [*sorted(library.glob("*.py")), *sorted(library.glob("[a-z]*/*.py"))]:
        if left_out.intersection(path.parts):
            continue
        try:
            lines = path.read_text("utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        parts = ("\n".join(lines[start : start + LINES]).strip("\n") for start in range(0, len(lines), LINES))
        found += [part for part in parts if len(part) > 200]
    return found
