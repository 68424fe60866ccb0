"""Towards: what to change so that a language model writes more as one text and less as another."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from isthmus.data.passages import Passage
from isthmus.errors import DataError, UsageError
from isthmus.tasks.interpret.find import score
from isthmus.tasks.interpret.placed import Placed
from isthmus.tasks.interpret.steer import Change

__all__ = ["RAISED", "SILENCED", "STRENGTH", "changes", "towards"]

RAISED, SILENCED, STRENGTH, LATER = 10, 80, 3.0, 0.5
"""Features raised, to so many times their mean in the text, and features ablated; and what share of that strength is
kept once a text is on its way.

Tried on SmolLM2 towards French: one raised alone changes little; while the features of English speak, it stays English;
and full strength for longer than it takes to begin makes loops and invented words of what had begun well.
"""


def towards(
    placed: Placed,
    text: Iterable[Passage],
    away: Iterable[Passage],
    *,
    raised: int = RAISED,
    silenced: int = SILENCED,
    strength: float = STRENGTH,
) -> list[Change]:
    """Choose features to change by what they do in two texts.

    Parameters
    ----------
    placed
        The language model with its dictionary.
    text, away
        Passages that are written as is wanted, and as is not.
    raised, silenced
        How many features are clamped high: those whose mean over a passage rises most from `away` to `text`; and how
        many are ablated: those whose mean falls most.
    strength
        How many times its mean in `text` a feature is clamped to; half as many once 8 tokens have been written.

    Raises
    ------
    UsageError
        Counts below 0, nothing to change, or a strength that is not more than 0.
    DataError
        One of the two holds no token that the dictionary reads, or no feature fires more in `text`.
    """
    _check(raised, silenced, strength)
    wanted, other = (
        np.asarray(score(placed, passages, name).mean.mean(axis=0)).ravel()
        for passages, name in ((text, "the text to go towards"), (away, "the text to go away from"))
    )
    return changes(wanted, other, raised=raised, silenced=silenced, strength=strength)


def changes(
    wanted: npt.NDArray[np.float64],
    other: npt.NDArray[np.float64],
    *,
    raised: int = RAISED,
    silenced: int = SILENCED,
    strength: float = STRENGTH,
) -> list[Change]:
    """Choose them by every feature's mean (features,) in the two texts.

    Examples
    --------
    >>> changes(np.array([0.0, 2.0, 0.1]), np.array([1.0, 0.0, 0.1]))
    [Change(feature=1, how='clamp', by=6.0, later=3.0), Change(feature=0, how='ablate', by=0.0, later=None)]
    """
    gain = wanted - other
    up = [int(f) for f in np.argsort(-gain, kind="stable")[:raised] if gain[f] > 0]
    down = [int(f) for f in np.argsort(gain, kind="stable")[:silenced] if gain[f] < 0]
    if raised and not up:
        raise DataError("no feature fires more in the text to go towards than in the other: give texts that differ")
    amounts = {f: strength * float(wanted[f]) for f in up}
    raise_ = [Change(f, "clamp", by, later=LATER * by) for f, by in amounts.items()]
    return raise_ + [Change(f, "ablate") for f in down]


def _check(raised: int, silenced: int, strength: float) -> None:
    if min(raised, silenced) < 0 or raised + silenced == 0:
        raise UsageError(f"raised={raised}, silenced={silenced}: give 0 or more, and not 0 for both")
    if not strength > 0 or strength == float("inf"):
        raise UsageError(f"strength={strength}: give a number above 0")
