"""What can be said of one place in a text: its token, the words around, the kind of characters, the language, ..."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from isthmus.tasks.interpret.tongues import language_of, script_of

__all__ = ["Aspect", "Example", "aspects", "word_at"]

Aspect = tuple[str, str]
"""A kind, such as "next", and what it is there, such as "of"."""

_CODE = re.compile(r"[(){}\[\]=_;<>|\\]|\b(?:def|self|return|import|None|function|class|elif)\b")
_PLACES = ("the first token of a text", "the second token of a text", "the third token of a text")


@dataclass(frozen=True)
class Example:
    """A place in a text and what stands around it.

    Parameters
    ----------
    tokens
        The tokens shown, as text; joined, they are the text.
    peak
        Which of them it is.
    before
        Tokens of the passage that come before those shown.
    source
        The text's name, where there are several.
    """

    tokens: Sequence[str]
    peak: int
    before: int = 0
    source: str | None = None


def aspects(example: Example) -> set[Aspect]:
    """Say all that is known of a place.

    Examples
    --------
    >>> found = aspects(Example(["The", " cat", " is", " sit", "ting", " down"], 4))
    >>> ("word", "sitting") in found, ("prev", "sit") in found, ("ends", "ing") in found
    (True, True, True)
    """
    found = set(_token(example))
    found.update(_around(example))
    found.update(_shape(example.tokens[example.peak]))
    found.update(_place(example))
    found.update(_where(example))
    return found


def word_at(tokens: Sequence[str], peak: int) -> str:
    """Put together the word that a token is part of.

    Examples
    --------
    >>> word_at([" sit", "ting", " down"], 0)
    'sitting'
    """
    if not tokens[peak].strip()[:1].isalpha():
        return tokens[peak].strip()
    first, last = peak, peak + 1
    while first > 0 and tokens[first][:1].isalpha() and tokens[first - 1][-1:].isalpha():
        first -= 1
    while last < len(tokens) and tokens[last][:1].isalpha() and tokens[last - 1][-1:].isalpha():
        last += 1
    return "".join(tokens[first:last]).strip()


def _token(example: Example) -> Iterator[Aspect]:
    """Give the token itself, and the word it is part of."""
    token = example.tokens[example.peak]
    plain = token.strip().casefold()
    if plain:
        yield "token", plain
    word = word_at(example.tokens, example.peak)
    folded = word.casefold()
    if folded and folded != plain:
        yield "word", folded
    if token[:1].isalpha() and example.peak > 0 and example.tokens[example.peak - 1][-1:].isalpha():
        yield "part", "inside a word"
    if word.isalpha():
        for letters in (2, 3, 4):
            if len(folded) >= letters + 2:
                yield "ends", folded[-letters:]
                yield "begins", folded[:letters]


def _around(example: Example) -> Iterator[Aspect]:
    """Give what comes right before and after, and the longer words of the rest."""
    tokens, peak = example.tokens, example.peak
    for kind, text in (
        ("prev", "".join(tokens[max(0, peak - 3) : peak])),
        ("next", "".join(tokens[peak + 1 : peak + 4])),
    ):
        words = re.findall(r"\w+|[^\w\s]+", text)
        if words:
            yield kind, (words[-1] if kind == "prev" else words[0]).casefold()
    rest = "".join([*tokens[:peak], " ", *tokens[peak + 1 :]])
    for word in {word.casefold() for word in re.findall(r"[^\W\d_]{4,}", rest)}:
        yield "topic", word


def _shape(token: str) -> Iterator[Aspect]:
    """Say what kind of characters the token is of."""
    plain = token.strip()
    if not plain:
        yield "shape", "line breaks" if "\n" in token else "white space"
        return
    if plain.isdigit():
        yield "shape", "numbers"
    elif not any(letter.isalnum() for letter in plain):
        yield "shape", "punctuation"
    elif len(plain) > 1 and plain.isupper():
        yield "shape", "words in capitals"
    elif plain[0].isupper():
        yield "shape", "capitalised words"
    elif any(letter.isalpha() and not letter.isascii() for letter in plain) and script_of(plain) is None:
        yield "shape", "letters with accents"
    if (script := script_of(plain)) is not None:
        yield "script", script


def _place(example: Example) -> Iterator[Aspect]:
    """Where in the passage, line or sentence the token stands."""
    place = example.before + example.peak
    if place < len(_PLACES):
        yield "place", _PLACES[place]
    left = "".join(example.tokens[: example.peak])
    if left.endswith("\n") or "\n" in example.tokens[example.peak][:-1]:
        yield "place", "starts of lines"
    elif left.rstrip("\"' »”)").endswith((".", "!", "?", "。")):
        yield "place", "starts of sentences"
    if left.count('"') % 2 or left.rfind("“") > left.rfind("”") or left.rfind("«") > left.rfind("»"):
        yield "where", "quotations"


def _where(example: Example) -> Iterator[Aspect]:
    """Say what text the token stands in."""
    text = "".join(example.tokens)
    if len(_CODE.findall(text)) * 12 > len(text) / 2 and len(text) > 20:
        yield "where", "code"
    if (language := language_of(text)) is not None:
        yield "language", language
    if sum(letter.isdigit() for letter in text) > 0.15 * len(text):
        yield "where", "text full of numbers"
    if example.source is not None:
        yield "source", example.source
