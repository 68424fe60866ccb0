"""The text around places of a store: which rows are shown, and each one's token as text, once for all places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from isthmus.tasks.interpret.aspects import Example
from isthmus.tasks.interpret.features import AFTER, BEFORE

__all__ = ["Shown", "Texts", "show"]

Wholes = npt.NDArray[np.int64]
Reader = Callable[[Sequence[int]], Sequence[str]]


class Texts(Protocol):
    """Tokens of rows, and what each is part of."""

    def __len__(self) -> int: ...
    def tokens(self, rows: Wholes, /) -> npt.NDArray[np.int32]:
        """Give the token of each row."""

    def passages(self, rows: Wholes, /) -> npt.NDArray[np.int32]:
        """Give the passage of each row."""

    def texts(self, rows: Wholes, /) -> npt.NDArray[np.int32]:
        """Give the text of each row."""


@dataclass(frozen=True)
class Shown:
    """Rows that are shown, in order, as text.

    Attributes
    ----------
    rows
        (n,) the rows.
    words, word
        Distinct tokens as text, and which of them (n,) each row is.
    begins, ends
        (n,) the first row of the passage that each row is part of, and the row after its last.
    text
        (n,) the text that each is part of.
    """

    rows: Wholes
    words: list[str]
    word: Wholes
    begins: Wholes
    ends: Wholes
    text: npt.NDArray[np.int32]

    def span(self, row: int) -> tuple[int, int, int]:
        """Give where what surrounds a row begins among the rows shown, how long it is, and where in it the row is."""
        at = int(np.searchsorted(self.rows, row))
        first = max(row - BEFORE, int(self.begins[at]))
        last = min(row + AFTER + 1, int(self.ends[at]))
        return at - (row - first), last - first, row - first

    def example(self, row: int, names: Sequence[str]) -> Example:
        """Give a row with what surrounds it; `names` are those of the texts."""
        start, length, peak = self.span(row)
        tokens = [self.words[word] for word in self.word[start : start + length].tolist()]
        source = names[self.text[start]] if len(names) > 1 else None
        return Example(tokens, peak, int(self.rows[start] - self.begins[start]), source)


def show(texts: Texts, places: Wholes, read: Reader) -> Shown:
    """Read the tokens around places, each once.

    Parameters
    ----------
    texts
        The store.
    places
        Rows, in any order.
    read
        Turns tokens that follow each other into a text for each.

    Examples
    --------
    >>> class Rows:
    ...     def __len__(self): return 4
    ...     def tokens(self, rows): return rows + 7
    ...     def passages(self, rows): return np.array([0, 0, 1, 1])[rows]
    ...     def texts(self, rows): return 0 * rows
    >>> shown = show(Rows(), np.array([3]), lambda ids: [f" {each}" for each in ids])
    >>> shown.example(3, ["a"]).tokens, shown.rows.tolist()
    ([' 9', ' 10'], [2, 3])
    """
    passage = texts.passages(np.arange(len(texts), dtype=np.int64))
    edges = np.flatnonzero(np.diff(passage)) + 1
    starts, stops = np.concatenate([[0], edges]), np.concatenate([edges, [len(passage)]])
    places = np.unique(places)
    run = np.searchsorted(starts, places, side="right") - 1
    wanted = np.zeros(len(passage) + 1, dtype=np.int64)
    np.add.at(wanted, np.maximum(places - BEFORE, starts[run]), 1)
    np.add.at(wanted, np.minimum(places + AFTER + 1, stops[run]), -1)
    rows = np.flatnonzero(np.cumsum(wanted)[:-1] > 0)
    run = np.searchsorted(starts, rows, side="right") - 1
    words: dict[str, int] = {}
    word: list[int] = []
    tokens = texts.tokens(rows)
    breaks = np.flatnonzero((np.diff(rows) != 1) | (np.diff(run) != 0)) + 1
    for some in np.split(tokens, breaks):
        word += [words.setdefault(text, len(words)) for text in read(some.tolist())]
    return Shown(rows, list(words), np.array(word, dtype=np.int64), starts[run], stops[run], texts.texts(rows))
