"""Steer: change features of a language model's activations while it writes, and see what it writes then."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from isthmus.errors import UsageError
from isthmus.tasks.interpret.placed import Placed

__all__ = ["AFTER", "HOW", "Change", "Pace", "edit_of", "next_tokens", "steer", "steered", "tokens_of"]

HOW = ("add", "clamp", "ablate")

AFTER = 8
"""Tokens after which a text is on its way, and less will keep it there: what is said already speaks as well."""


@dataclass(frozen=True)
class Change:
    """What is done to a feature at every token.

    Parameters
    ----------
    feature
        Its number.
    how
        "add" that many units of it; "clamp" it to a value, whatever it is (Templeton et al. 2024); "ablate" it, which
        is to clamp it to 0.
    by
        Units added, or the value clamped to, in the units of the feature's code.
    later
        What `by` becomes once 8 tokens have been written; None leaves it as it is.

    Raises
    ------
    UsageError
        An unknown way, or an amount that is no number.
    """

    feature: int
    how: str = "clamp"
    by: float = 0.0
    later: float | None = None

    def __post_init__(self) -> None:
        if self.how not in HOW:
            raise UsageError(f"how is {self.how!r}; known are {', '.join(HOW)}")
        for name, amount in (("by", self.by), ("later", self.later or 0.0)):
            if not math.isfinite(amount):
                raise UsageError(f"feature {self.feature}: {name} {amount} is no amount; give a number")


class Pace:
    """Count the tokens of a text being written: a pass over several tokens is a prompt, one over one adds to it."""

    def __init__(self) -> None:
        self.written = 0

    def later(self, x: Tensor) -> bool:
        """Count a pass over activations (..., T, width), and tell whether the text is on its way."""
        self.written = 0 if x.shape[-2] > 1 else self.written + 1
        return self.written >= AFTER


def edit_of(placed: Placed, changes: Sequence[Change]) -> Callable[[Tensor], Tensor]:
    """Make the function of activations (..., width) that carries changes out, all at once; sinks stay as they are.

    What a feature is set to is reached along its direction: ``x + (wanted - code) direction``, so that what other
    features say is left in place.
    """
    features = placed.check([change.feature for change in changes])
    if len(set(features)) < len(features):
        twice = next(feature for feature in features if features.count(feature) > 1)
        raise UsageError(f"feature {twice} is given twice: say once what is done to it")
    if placed.net.target is not None:
        raise UsageError("a transcoder's features add to another layer than they are read at: steer by an autoencoder")
    directions = placed.net.directions()[features]
    amounts = [0.0 if change.how == "ablate" else change.by for change in changes]
    eased = [by if change.later is None else change.later for by, change in zip(amounts, changes, strict=True)]
    first, later = directions.new_tensor(amounts), directions.new_tensor(eased)
    kept = directions.new_tensor([float(change.how == "add") for change in changes])  # of its own code

    pace = Pace()

    def edit(x: Tensor) -> Tensor:
        by = later if pace.later(x) else first
        rows = x.flatten(0, -2).float()
        shift = by.expand(len(rows), -1)
        if not kept.all():
            shift = shift - (1 - kept) * placed.net.encode_feature(rows, features)
        shift = shift * (rows.norm(dim=1, keepdim=True) <= placed.sink_norm)
        moved: Tensor = rows + shift @ directions
        return moved.view(x.shape).to(x.dtype)

    return edit


@contextmanager
def steered(placed: Placed, changes: Sequence[Change]) -> Iterator[None]:
    """Carry changes out wherever the model runs within the block, transformers' own `generate` too."""
    edit = edit_of(placed, changes)
    with placed.language.edited(placed.place.layer, placed.place.site, edit):
        yield


def steer(
    placed: Placed,
    changes: Sequence[Change],
    prompt: str,
    *,
    new: int = 40,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
    top: int = 10,
) -> dict[str, Any]:
    """Write on from a prompt without and with changes, and compare what comes next.

    Parameters
    ----------
    placed
        The language model with its dictionary.
    changes
        What is done, all at once.
    prompt
        The text to write on from.
    new
        Tokens to write.
    temperature, top_p, seed
        As in `Language.written`; 0 takes the likeliest token each time.
    top
        Next tokens to compare.

    Returns
    -------
    dict
        `prompt`; `without` and `with`, what is written; `next`, as in `next_tokens`.
    """
    language = placed.language
    ids = tokens_of(placed, prompt, new)

    def write() -> str:
        found = language.generate(ids, new, temperature=temperature, top_p=top_p, seed=seed)
        return "".join(language.pieces(found))

    without = write()
    with steered(placed, changes):
        changed = write()
    return {"prompt": prompt, "without": without, "with": changed, "next": next_tokens(placed, changes, ids, top)}


def tokens_of(placed: Placed, prompt: str, new: int) -> list[int]:
    """Give the tokens of a prompt after which `new` more are to be written."""
    ids = placed.language.encode(prompt)
    if not ids or not prompt.strip():
        raise UsageError("the prompt holds no token: give one of a word or more")
    if len(ids) + new > placed.language.context:
        raise UsageError(
            f"a prompt of {len(ids):,} tokens and {new:,} to write: '{placed.language.name}' reads "
            f"{placed.language.context:,} at most"
        )
    return ids


def next_tokens(placed: Placed, changes: Sequence[Change], ids: Sequence[int], top: int = 10) -> list[dict[str, Any]]:
    """Give the tokens whose probability to come next changes most.

    Returns
    -------
    list of dict
        Largest change first: `token`, `piece`, its text, and the probabilities `without` and `with` the changes.
    """
    language = placed.language
    batch, mask = language.batch([list(ids)])

    def chances() -> Tensor:
        return F.softmax(language.logits(batch, mask)[0, -1].float(), dim=-1)

    without = chances()
    with steered(placed, changes):
        changed = chances()
    order = (changed - without).abs().topk(min(top, len(without))).indices.tolist()
    return [
        {
            "token": token,
            "piece": language.pieces([token])[0],
            "without": float(without[token]),
            "with": float(changed[token]),
        }
        for token in order
    ]
