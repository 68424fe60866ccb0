"""Which words of a column are likely misspellings of others.

A rare word one letter from a frequent one is a slip or a word of its own. How often words that are no slips lie so
close is told by the frequent words among themselves: where codes such as RL, RM and RH are usual, closeness says
little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isthmus.data.arrays import Floats

__all__ = ["Spelling", "spelling"]

RARE = 0.02
"""A slip is written at most so often for each time that the right word is."""


class Spelling(NamedTuple):
    """For each word the positions of those it may be a misspelling of, and the odds that it is one.

    `strays` are the odds that it belongs to another column and only got into this one.
    """

    near: list[list[int]]
    odds: npt.NDArray[np.float64]
    strays: npt.NDArray[np.float64]


def spelling(words: Sequence[str], counts: Floats, elsewhere: Mapping[str, float] | None = None) -> Spelling:
    """Judge a column's words by their counts, by how they are written, and by how often they are found `elsewhere`.

    Examples
    --------
    >>> words = ["centre", "cnetre", "harbour", "hill", "moor", "clerk"]
    >>> found = spelling(words, np.array([500.0, 1, 400, 300, 2, 1]), {"clerk": 600})
    >>> found.near
    [[], [0], [], [], [], []]
    >>> bool(found.odds[1] > 2), bool(found.odds[4] == 0), bool(found.strays[5] > 2)
    (True, True, True)
    """
    rare = counts < RARE * max(counts.max(), 1)
    close = _neighbours(words)
    near = [sorted(j for j in close[i] if counts[i] < RARE * counts[j]) if rare[i] else [] for i in range(len(words))]
    away = np.array([(elsewhere or {}).get(word, 0.0) for word in words])
    stray = rare & (counts < RARE * away)
    usual = np.flatnonzero(~rare)
    crowded = np.array([any(not rare[j] for j in close[i]) for i in usual])
    again = counts.clip(1)  # the same slip seldom happens again: a word that repeats is the likelier one of its own
    return Spelling(
        near,
        _odds(np.array([bool(each) for each in near]), rare, crowded) / again,
        _odds(stray, rare, away[usual] > RARE * counts[usual]) / again,
    )


def _odds(alike: npt.NDArray[np.bool_], rare: npt.NDArray[np.bool_], usual: npt.NDArray[np.bool_]) -> Floats:
    """Odds (words,) that rare words which are alike something are no words of their own, 0 for the others.

    By chance as large a share of the rare words would be alike as of the `usual` ones is.
    """
    share = (usual.sum() + 0.5) / (len(usual) + 1)
    by_chance = ((rare & ~alike).sum() + 1) * share / (1 - share)
    return np.asarray(alike * alike.sum() / by_chance, dtype=np.float64)


def _neighbours(words: Sequence[str]) -> list[set[int]]:
    """Positions of the words one slip from each."""
    places: dict[str, list[int]] = {}
    for i, word in enumerate(words):
        for variant in _variants(word):
            places.setdefault(variant, []).append(i)
    return [{j for variant in _variants(word) for j in places[variant]} - {i} for i, word in enumerate(words)]


def _variants(word: str) -> set[str]:
    """Give a word as it is but for case, and with any one letter left out: one slip apart, two words share one."""
    plain = word.casefold().strip()
    return {plain} | {plain[:i] + plain[i + 1 :] for i in range(len(plain))} - {""}
