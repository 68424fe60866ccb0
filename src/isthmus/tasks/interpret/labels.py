"""A short label for a feature: what its strongest examples share that other places in the text seldom have.

Each thing that can be said of a place (`aspects`) is weighed by share * log(share / usual share): how much it tells,
and for how many of the examples. How far the label holds is told beside it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from isthmus.tasks.interpret.aspects import Aspect, Example, aspects

__all__ = ["NO_PATTERN", "Background", "Label", "label", "telling"]

NO_PATTERN = "no common pattern"
_ENOUGH, _LIFT = 0.55, 3.0
"""The share of the strongest examples a label must hold for, and how many times as often as usual."""
_MOST, _EACH = 3, 0.15
"""Values joined by "or" at most, and the share of the examples that each must be met in."""
_WHERE = ("language", "source", "where")
_WHAT = ("token", "word", "next", "prev", "ends", "begins", "shape", "script", "place", "part")
_JOINED = ("token", "word", "next", "prev", "ends", "begins")
_DEAD = "never fires"
_FAVOUR = {"token": 1.1, "prev": 0.95, "topic": 0.7}
"""Of labels that tell as much, the plainer is taken."""


@dataclass(frozen=True)
class Background:
    """How often every aspect is met at places drawn from all of the text."""

    counts: Mapping[Aspect, int]
    places: int

    @classmethod
    def of(cls, examples: Iterable[Example]) -> Background:
        """Count the aspects of places drawn at random."""
        return cls.of_sets(aspects(example) for example in examples)

    @classmethod
    def of_sets(cls, told: Iterable[Collection[Aspect]]) -> Background:
        """Count aspects that are known already, a set a place."""
        counts: Counter[Aspect] = Counter()
        places = 0
        for each in told:
            counts.update(each)
            places += 1
        return cls(counts, places)

    def share(self, some: Iterable[Aspect]) -> float:
        """Give the usual share of places with one of some aspects of a kind, never quite nought."""
        return min(1.0, (sum(self.counts.get(each, 0) for each in some) + 0.5) / (self.places + 1))


@dataclass(frozen=True)
class Label:
    """A label and how far it holds.

    Attributes
    ----------
    text
        The label.
    top, drawn
        Shares of the strongest examples, and of those drawn from all where the feature fires, that it holds for; None
        where nothing was found to hold.
    usual
        The share of all places that it holds for.
    written
        Whether a chat model wrote it.
    """

    text: str
    top: float | None = None
    drawn: float | None = None
    usual: float = 1.0
    written: bool = False

    @property
    def clear(self) -> float:
        """How well the label tells the feature's places from others, 0 to 1."""
        if self.top is None:
            return 0.0
        held = self.top if self.drawn is None else (self.top + self.drawn) / 2
        return max(0.0, held - self.usual)


def label(top: Sequence[Example], drawn: Sequence[Example], background: Background) -> Label:
    """Label a feature by its strongest examples.

    Parameters
    ----------
    top
        The strongest examples.
    drawn
        Some drawn from all where the feature fires: they say how far the label holds beyond the strongest.
    background
        What is usual.

    Examples
    --------
    >>> usual = Background.of(Example(["a", " b", " c"], place % 3) for place in range(99))
    >>> label([Example(["red", " end", " dot"], 1)] * 9, [], usual).text
    '“end”'
    """
    if not top:
        return Label(_DEAD)
    told = [aspects(example) for example in top]
    best = sorted(_candidates(told, background), key=_order)
    if not best:
        return Label(_often(told, background))
    whats, wheres = ([each for each in best if each[1][0][0] in kinds] for kinds in (_WHAT, _WHERE))
    wheres.sort(key=lambda each: each[1][0][0] != "language")  # says more than the name of a file
    chosen = [wheres[0][1] if best[0][1][0][0] in _WHERE else best[0][1]]
    other = whats if chosen[0][0][0] in _WHERE else wheres
    if other and _adds(other[0][1], told, background):
        chosen.append(other[0][1])
    chosen.sort(key=lambda some: some[0][0] in _WHERE)
    held = [_share(chosen, each) for each in (told, [aspects(example) for example in drawn])]
    usual = math.prod(background.share(some) for some in chosen[:1])
    return Label(_words(chosen), held[0], held[1] if drawn else None, usual)


def _candidates(told: Sequence[set[Aspect]], background: Background) -> list[tuple[float, tuple[Aspect, ...]]]:
    """List what holds for enough examples, with its weight; values of some kinds are joined by "or"."""
    counts: Counter[Aspect] = Counter(each for some in told for each in some)
    found: list[tuple[float, tuple[Aspect, ...]]] = []
    for aspect, count in counts.items():
        if count >= max(2, _ENOUGH * len(told)) or count == len(told):
            weight = telling(count / len(told), background.share([aspect]))
            found.append((weight * _FAVOUR.get(aspect[0], 1.0), (aspect,)))
    for kind in _JOINED:
        joined = _join([each for each in counts if each[0] == kind], told, background)
        if joined is not None:
            found.append(joined)
    return [each for each in found if each[0] > 0]


def _order(candidate: tuple[float, tuple[Aspect, ...]]) -> tuple[float, int, tuple[Aspect, ...]]:
    """Put what tells most first; of what tells as much, the longest ("-ing" before "-ng"), then by the alphabet."""
    weight, some = candidate
    return -weight, -sum(len(value) for _, value in some), some


def _join(
    some: Sequence[Aspect], told: Sequence[set[Aspect]], background: Background
) -> tuple[float, tuple[Aspect, ...]] | None:
    """Find the few values of one kind that together tell most."""
    counts = Counter(each for place in told for each in place if each in set(some))
    ranked = sorted(
        (each for each in some if counts[each] >= max(2, _EACH * len(told))), key=lambda each: (-counts[each], each)
    )
    kept: list[Aspect] = []
    best = 0.0
    for aspect in ranked[:12]:
        tried = [*kept, aspect]
        share = sum(any(each in place for each in tried) for place in told) / len(told)
        weight = telling(share, background.share(tried))
        if weight > 1.15 * best and len(tried) <= _MOST:
            kept, best = tried, weight
    share = sum(any(each in place for each in kept) for place in told) / len(told)
    return (best * _FAVOUR.get(kept[0][0], 1.0), tuple(kept)) if len(kept) > 1 and share >= _ENOUGH else None


def telling(share: float, usual: float) -> float:
    """Weigh what holds for a share of the examples; nothing that is not far more frequent than usual counts."""
    return share * math.log(share / usual) if share > _LIFT * usual or (share > 0.9 and usual < 0.6) else 0.0


def _adds(some: Sequence[Aspect], told: Sequence[set[Aspect]], background: Background) -> bool:
    """Tell whether a second aspect is worth saying: it holds nearly always, where it usually does not."""
    share = sum(any(each in place for each in some) for place in told) / len(told)
    return share >= 0.75 and background.share(some) < 0.34


def _share(chosen: Sequence[Sequence[Aspect]], told: Sequence[set[Aspect]]) -> float:
    fits = [all(any(each in place for each in some) for some in chosen) for place in told]
    return sum(fits) / len(fits) if fits else 0.0


def _often(told: Sequence[set[Aspect]], background: Background) -> str:
    """Say which tokens are met most beyond the usual, where nothing holds for most examples."""
    counts = Counter(each for place in told for each in place if each[0] == "token")
    ranked = sorted(counts, key=lambda each: (-_gain(counts[each] / len(told), background.share([each])), each))
    some = ", ".join(_quoted(each[1]) for each in ranked[:3])
    return f"{NO_PATTERN}: {some}" if some else NO_PATTERN


def _gain(share: float, usual: float) -> float:
    return share * math.log(share / usual)


def _words(chosen: Sequence[Sequence[Aspect]]) -> str:
    """Say it in words.

    >>> _words([[("next", "of")], [("language", "English")]])
    'before “of”, in English'
    """
    return ", ".join(_say(some[0][0], [each[1] for each in some], place > 0) for place, some in enumerate(chosen))


def _say(kind: str, values: Sequence[str], second: bool) -> str:
    several = " or ".join(_quoted(value) for value in values)
    if kind == "source":
        return f"in {several}"
    if kind in _WHERE:
        return f"in {values[0]}" if second else values[0]
    patterns = {
        "token": several,
        "word": f"part of {several}",
        "next": f"before {several}",
        "prev": f"after {several}",
        "ends": "words in " + ", ".join(f"-{value}" for value in values),
        "begins": "words in " + ", ".join(f"{value}-" for value in values),
        "script": f"{values[0]} script",
        "topic": f"near {several}",
    }
    return patterns.get(kind, values[0])


def _quoted(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else f"U+{ord(letter):04X}" for letter in text[:24])
    return f"“{shown}{'…' if len(text) > 24 else ''}”"
