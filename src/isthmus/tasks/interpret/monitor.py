"""Watch: tell where features fire in a text, and stop or turn a language model where one fires in what it writes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from isthmus.data.passages import Passage
from isthmus.errors import UsageError
from isthmus.nets.language import draw
from isthmus.tasks.interpret.placed import Placed

__all__ = ["THEN", "Flag", "Guard", "Guarded", "guarded", "watch"]

THEN = ("stop", "rewrite")
AROUND = 8
"""Tokens before and after a flag that make its context."""
TRIES = 16
"""Tokens tried in one place before it is given up."""


@dataclass(frozen=True)
class Flag:
    """Where a feature fires.

    Attributes
    ----------
    source, passage
        The text, and the passage's place in it, counted from 0.
    token
        The token's place in the passage, counted from 0; `piece` is its text.
    feature, value
        Which feature, and how strongly.
    context
        What stands around, the token itself between >> and <<.
    """

    source: str
    passage: int
    token: int
    piece: str
    feature: int
    value: float
    context: str


def watch(placed: Placed, passages: Iterable[Passage], thresholds: Mapping[int, float]) -> Iterator[Flag]:
    """Tell where features are above their thresholds, a passage at a time, as soon as it is read.

    Parameters
    ----------
    placed
        The language model with its dictionary; only these features are computed.
    passages
        The text.
    thresholds
        By feature.
    """
    features = _checked(placed, thresholds)
    limits = torch.tensor([thresholds[feature] for feature in features])
    language = placed.language
    start = len(language.encode(""))
    for passage in passages:
        for number, chunk in enumerate(language.chunks(language.encode(passage.text), placed.context)):
            before, pieces = number * (placed.context - start), language.pieces(chunk)
            values = placed.values(chunk, features)
            for place, column in (values > limits).nonzero().tolist():
                if number and place < start:  # the first token that every part has was read with the first
                    continue
                yield Flag(
                    passage.source,
                    passage.number,
                    before + place,
                    pieces[place],
                    features[column],
                    float(values[place, column]),
                    context(pieces, place),
                )


class Guard:
    """Watches features in what a language model writes, token by token.

    Within `watching`, every token that the model reads after the prompt is looked at. As a stopping criterion of
    transformers' `generate` (``stopping_criteria=[guard]``) it ends the rows in which a feature fired: with the token
    after the one that fired, which is when that was read.

    Parameters
    ----------
    placed
        The language model with its dictionary; only these features are computed.
    thresholds
        By feature.

    Attributes
    ----------
    values
        (rows, features), how strongly each fires at the token read last.
    fired
        (rows,) whether any was above its threshold since `watching` began.
    """

    values: Tensor
    fired: Tensor

    def __init__(self, placed: Placed, thresholds: Mapping[int, float]) -> None:
        self.placed, self.features = placed, _checked(placed, thresholds)
        self.limits = torch.tensor([thresholds[feature] for feature in self.features])

    @contextmanager
    def watching(self) -> Iterator[Guard]:
        """Look at what the model reads within the block; what it read first is the prompt."""
        self.fired = torch.zeros(0, dtype=torch.bool)
        with self.placed.language.edited(self.placed.place.layer, self.placed.place.site, self._look):
            yield self

    def _look(self, x: Tensor) -> Tensor:
        self.values = self.placed.fire(x[:, -1], self.features)
        if len(self.fired) != len(x):
            self.fired = torch.zeros(len(x), dtype=torch.bool)
        else:
            self.fired |= self.above
        return x

    @property
    def above(self) -> Tensor:
        """Which rows (rows,) have a feature above its threshold at the token read last."""
        return (self.values > self.limits).any(1)

    def __call__(self, ids: Tensor, scores: Any = None, **_: Any) -> Tensor:
        """Say which rows (rows,) are to end, as transformers asks."""
        return self.fired.to(ids.device)


@dataclass(frozen=True)
class Guarded:
    """What a guarded model wrote: its tokens, their text, the flags that were raised, and whether it was stopped."""

    ids: list[int]
    text: str
    flags: list[Flag]
    stopped: bool


def guarded(
    placed: Placed,
    ids: Sequence[int],
    thresholds: Mapping[int, float],
    *,
    then: str = "stop",
    new: int = 40,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Guarded:
    """Write on from some tokens and let no token through at which a feature fires.

    Parameters
    ----------
    placed
        The language model with its dictionary.
    ids
        The tokens so far.
    thresholds
        By feature.
    then
        "stop" before such a token, or "rewrite": take it back and choose another in its place; after `TRIES` in one
        place stop there.
    new
        Tokens to write at most.
    temperature, top_p, seed
        As in `Language.written`.
    """
    if then not in THEN:
        raise UsageError(f"then is {then!r}; known are {', '.join(THEN)}")
    language, guard = placed.language, Guard(placed, thresholds)
    random = torch.Generator().manual_seed(seed)
    written: list[int] = []
    flags: list[Flag] = []
    tried: list[int] = []  # in the place that is to be written
    stopped = False
    with guard.watching(), torch.no_grad():
        out = language.model(language.batch([ids])[0], use_cache=True)
        while len(written) < new and not stopped:
            logits = out.logits[0, -1].float().cpu().index_fill(0, torch.tensor(tried, dtype=torch.long), -torch.inf)
            token = draw(logits, temperature, top_p, random)
            if token in language.ends:
                break
            read = language.model(language.batch([[token]])[0], cache=out.cache, use_cache=True)
            if guard.above[0]:
                flags += _flags(guard, [*ids, *written, token])
                tried.append(token)
                stopped = then == "stop" or len(tried) == TRIES
                if not stopped:
                    read.cache.crop(-1)
            else:
                written.append(token)
                out, tried = read, []
    return Guarded(written, "".join(language.pieces(written)), flags, stopped)


def _flags(guard: Guard, ids: Sequence[int]) -> list[Flag]:
    """Tell what fires at the last of some tokens."""
    pieces, last = guard.placed.language.pieces(ids), len(ids) - 1
    around = context(pieces, last)
    return [
        Flag("", 0, last, pieces[last], guard.features[column], float(guard.values[0, column]), around)
        for column in (guard.values[0] > guard.limits).nonzero()[:, 0].tolist()
    ]


def context(pieces: Sequence[str], place: int) -> str:
    """Show a token, between >> and <<, in what stands around it.

    >>> context(["He", " said", " non", "."], 2)
    'He said>> non<<.'
    """
    before, after = pieces[max(0, place - AROUND) : place], pieces[place + 1 : place + 1 + AROUND]
    return f"{''.join(before)}>>{pieces[place]}<<{''.join(after)}"


def _checked(placed: Placed, thresholds: Mapping[int, float]) -> list[int]:
    features = placed.check(thresholds)
    for feature in features:
        if not math.isfinite(thresholds[feature]):
            raise UsageError(f"feature {feature}: threshold {thresholds[feature]} is no number to be above")
    return features
