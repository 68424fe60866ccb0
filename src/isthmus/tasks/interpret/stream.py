"""Activations as a stream: to train on while they are harvested, with nothing stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from isthmus.data.passages import Passage
from isthmus.errors import DataError
from isthmus.nets.language import Language
from isthmus.tasks.interpret.reading import Floats, Reading, compute, windows

__all__ = ["Stream"]

_SINK = 4.0


class Stream:
    """Batches (B, W) of the activations of passages, shuffled through a buffer; read once.

    Rows that are sinks, those of the first tokens of texts, are left out: `sink_norm` is four times the median norm
    in the first window of text.

    Parameters
    ----------
    language
        The model.
    passages
        The text.
    layer, site, context, batch_tokens
        As in `Reading`.
    batch_size
        Rows a batch; what does not fill one at the end is left out.
    buffer_rows
        Rows among which each batch is drawn: the memory it takes.
    seed
        Of the draws.

    Raises
    ------
    DataError
        The passages hold no token.
    """

    def __init__(
        self,
        language: Language,
        passages: Iterable[Passage],
        *,
        layer: int,
        site: str = "residual",
        context: int = 128,
        batch_size: int = 2048,
        batch_tokens: int = 2048,
        buffer_rows: int = 65_536,
        seed: int = 0,
    ) -> None:
        self.batch_size, self.width = batch_size, language.width
        self._buffer, self._seed = max(buffer_rows, 2 * batch_size), seed
        reading = Reading((layer,), site, context, batch_tokens)
        reading.check(language)
        self._parts = (compute(language, window, reading)[0] for window in windows(language, passages, reading.context))
        first = next(self._parts, None)
        if first is None:
            raise DataError("the texts hold no token that the language model knows")
        self.sink_norm = _SINK * float(np.median(np.linalg.norm(first, axis=1)))
        self._held = [self._usable(first)]

    def __iter__(self) -> Iterator[Tensor]:
        """Give batch after batch."""
        random = np.random.default_rng(self._seed)
        for part in self._parts:
            self._held.append(self._usable(part))
            if sum(map(len, self._held)) >= self._buffer:
                yield from self._drawn(random, self._buffer // 2)
        yield from self._drawn(random, 0)

    def _drawn(self, random: np.random.Generator, left: int) -> Iterator[Tensor]:
        """Shuffle what is held and give batches of it until about so many rows are left."""
        rows = np.concatenate(self._held)
        rows = rows[random.permutation(len(rows))]
        batches = max(len(rows) - left, 0) // self.batch_size
        self._held = [rows[batches * self.batch_size :]]
        for number in range(batches):
            yield torch.from_numpy(rows[number * self.batch_size : (number + 1) * self.batch_size])

    def _usable(self, rows: Floats) -> Floats:
        usable: Floats = rows[np.linalg.norm(rows, axis=1) <= self.sink_norm]
        return usable
