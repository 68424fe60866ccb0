"""Features put to use: find those that tell texts apart, watch where they fire, steer a language model by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.data.passages import Passage, read_passages
from isthmus.errors import UsageError
from isthmus.sparse import SparseAutoencoder
from isthmus.tasks.interpret import find as finding
from isthmus.tasks.interpret import monitor as watching
from isthmus.tasks.interpret import steer as steering
from isthmus.tasks.interpret import towards as between
from isthmus.tasks.interpret.monitor import Flag, Guard, Guarded
from isthmus.tasks.interpret.placed import Placed
from isthmus.tasks.interpret.steer import Change

if TYPE_CHECKING:
    from isthmus.language import LanguageModel, Texts

__all__ = ["Change", "Flag", "Guard", "Guarded", "find", "guard", "guarded", "monitor", "steer", "steered", "towards"]

Sae = SparseAutoencoder | str | PathLike[str]
Changes = Mapping[int, float] | Sequence[Change]


def find(
    lm: LanguageModel,
    sae: Sae,
    text: Texts,
    against: Texts,
    *,
    n: int = 10,
    column: str | None = None,
    unit: str | None = None,
) -> list[dict[str, Any]]:
    """Give the features that best tell one text from another, each by itself; see `LanguageModel.find`."""
    has, others = (_passages(each, column, unit) for each in (text, against))
    return finding.find(_placed(lm, sae), has, others, n)


def monitor(
    lm: LanguageModel,
    sae: Sae,
    text: Texts,
    thresholds: Mapping[int, float],
    *,
    column: str | None = None,
    unit: str | None = None,
) -> Iterator[Flag]:
    """Tell where features are above their thresholds in texts; see `LanguageModel.monitor`."""
    return watching.watch(_placed(lm, sae), _passages(text, column, unit), thresholds)


def steer(
    lm: LanguageModel,
    sae: Sae,
    prompt: str,
    changes: Changes,
    *,
    how: str = "clamp",
    new: int = 40,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> dict[str, Any]:
    """Write on from a prompt without and with changed features; see `LanguageModel.steer`."""
    done = _changes(changes, how)
    return steering.steer(_placed(lm, sae), done, prompt, new=new, temperature=temperature, top_p=top_p, seed=seed)


def towards(
    lm: LanguageModel,
    sae: Sae,
    text: Texts,
    away: Texts,
    *,
    raised: int = between.RAISED,
    silenced: int = between.SILENCED,
    strength: float = between.STRENGTH,
    column: str | None = None,
    unit: str | None = None,
) -> list[Change]:
    """Choose what to change to write more as one text and less as another; see `LanguageModel.towards`."""
    wanted, other = (_passages(each, column, unit) for each in (text, away))
    return between.towards(_placed(lm, sae), wanted, other, raised=raised, silenced=silenced, strength=strength)


@contextmanager
def steered(lm: LanguageModel, sae: Sae, changes: Changes, *, how: str = "clamp") -> Iterator[None]:
    """Change features wherever the model runs within the block; see `LanguageModel.steered`."""
    with steering.steered(_placed(lm, sae), _changes(changes, how)):
        yield


def guard(lm: LanguageModel, sae: Sae, thresholds: Mapping[int, float]) -> Guard:
    """Make a guard for a loop of one's own, or transformers' `generate`; see `LanguageModel.guard`."""
    return Guard(_placed(lm, sae), thresholds)


def guarded(
    lm: LanguageModel,
    sae: Sae,
    prompt: str,
    thresholds: Mapping[int, float],
    *,
    then: str = "stop",
    new: int = 40,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Guarded:
    """Write on from a prompt, letting no token through at which a feature fires; see `LanguageModel.guarded`."""
    placed = _placed(lm, sae)
    ids = steering.tokens_of(placed, prompt, new)
    return watching.guarded(
        placed, ids, thresholds, then=then, new=new, temperature=temperature, top_p=top_p, seed=seed
    )


def _placed(lm: LanguageModel, sae: Sae) -> Placed:
    from isthmus.store import load

    model = sae if isinstance(sae, SparseAutoencoder) else load(sae)
    if not isinstance(model, SparseAutoencoder):
        raise UsageError(f"'{sae}' is no sparse autoencoder of activations: `isthmus fit ACTS` makes one")
    return Placed.of(lm.opened, model.net.to(lm.opened.device), model.facts_)


def _passages(texts: Texts, column: str | None, unit: str | None) -> Iterator[Passage]:
    """Read texts; a passage of source code, which has no lines of its own, is what stands between blank lines."""
    several = [texts] if isinstance(texts, str | PathLike) else list(texts)
    for path in map(Path, several):
        whole = path.suffix.lower() not in (".txt", ".jsonl", ".parquet")
        yield from read_passages([path], column=column, unit=unit or ("paragraph" if whole else None))


def _changes(changes: Changes, how: str) -> list[Change]:
    """Read {feature: amount}, or changes that say how each.

    >>> _changes({17: 4.0}, "add")
    [Change(feature=17, how='add', by=4.0, later=None)]
    """
    if isinstance(changes, Mapping):
        return [Change(int(feature), how, float(by)) for feature, by in changes.items()]
    return list(changes)
