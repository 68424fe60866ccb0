"""Windows of text: passages whose tokens are laid side by side by length, computed, and put back into their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt

from isthmus.data.passages import Passage
from isthmus.errors import UsageError
from isthmus.nets.language import Language

__all__ = ["WINDOW", "Reading", "Window", "compute", "windows"]

Floats = npt.NDArray[np.float32]
Wholes = npt.NDArray[np.int32]

WINDOW = 16_384
"""Tokens that a window has at least; enough that rows of nearly equal length are found among them."""


@dataclass(frozen=True)
class Reading:
    """How text is read: of which layers and site, how many tokens the model sees, and how many are computed together.

    `batch_tokens` counts those that only fill rows up. In another batch, results differ by rounding.
    """

    layers: tuple[int, ...]
    site: str = "residual"
    context: int = 128
    batch_tokens: int = 2048

    def check(self, language: Language) -> None:
        """Refuse a layer or site that the model does not have, and a context that holds no token."""
        for layer in self.layers:
            language.site(layer, self.site)
        if not 2 <= self.context <= language.context:
            raise UsageError(f"context {self.context}: {language.name} reads 2 to {language.context:,} tokens")


@dataclass
class Window:
    """Chunks of the tokens of whole passages, in their order, with the passage and the text that each is of."""

    chunks: list[list[int]] = field(default_factory=list)
    passages: list[int] = field(default_factory=list)
    texts: list[int] = field(default_factory=list)
    rows: int = 0

    def add(self, chunk: list[int], passage: int, text: int) -> None:
        """Append a chunk."""
        self.chunks.append(chunk)
        self.passages.append(passage)
        self.texts.append(text)
        self.rows += len(chunk)

    def cut(self, rows: int) -> Window:
        """Give the first rows only."""
        kept = Window()
        for chunk, passage, text in zip(self.chunks, self.passages, self.texts, strict=True):
            if kept.rows < rows:
                kept.add(chunk[: rows - kept.rows], passage, text)
        return kept

    def columns(self) -> tuple[Wholes, Wholes, Wholes]:
        """Give the token, the passage and the text of every row."""
        lengths = list(map(len, self.chunks))
        tokens = np.fromiter((token for chunk in self.chunks for token in chunk), np.int32, self.rows)
        return (
            tokens,
            np.repeat(np.array(self.passages, np.int32), lengths),
            np.repeat(np.array(self.texts, np.int32), lengths),
        )


def windows(
    language: Language,
    passages: Iterable[Passage],
    context: int,
    *,
    names: Sequence[str] = (),
    first: int = 0,
    tokens: int = WINDOW,
) -> Iterator[Window]:
    """Read passages into windows of at least `tokens`, from passage `first` on, one after another.

    `names` are those of the texts, in the order in which rows are to number them.
    """
    places = {name: place for place, name in enumerate(names)}
    window = Window()
    for number, passage in enumerate(islice(passages, first, None), first):
        for chunk in language.chunks(language.encode(passage.text), context):
            window.add(chunk, number, places.get(passage.source, 0))
        if window.rows >= tokens:
            yield window
            window = Window()
    if window.rows:
        yield window


def compute(
    language: Language, window: Window, reading: Reading, told: Callable[[int], None] = lambda _: None
) -> list[Floats]:
    """Give the activations (rows, width) of a window at each layer, in the order of its rows.

    Chunks of like length are computed together, so that little is filled up; each sees itself alone. `told` hears how
    many rows were computed.
    """
    starts = np.cumsum([0, *map(len, window.chunks)])
    found = [np.empty((window.rows, language.width), np.float32) for _ in reading.layers]
    for numbers in _batches(list(map(len, window.chunks)), reading.batch_tokens):
        chunks = [window.chunks[number] for number in numbers]
        ids, mask = language.batch(chunks)
        for layer, values in zip(found, language.activations_at(ids, mask, reading.layers, reading.site), strict=True):
            rows = values.float().cpu().numpy()
            for row, number in enumerate(numbers):
                layer[starts[number] : starts[number + 1]] = rows[row, : len(window.chunks[number])]
        told(sum(map(len, chunks)))
    return found


def _batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Group chunks of like length, at most so many tokens a group with those that fill it up.

    A group that is a quarter full ends before a chunk that is a fifth longer than its shortest.

    >>> list(_batches([5, 1, 4, 2], 10))
    [[1, 3], [2], [0]]
    """
    held: list[int] = []
    real = 0
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        full = (len(held) + 1) * lengths[number] > tokens
        if held and (full or (4 * real >= tokens and 5 * lengths[number] > 6 * lengths[held[0]])):
            yield held
            held, real = [], 0
        held.append(number)
        real += lengths[number]
    if held:
        yield held
