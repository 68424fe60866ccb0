"""How good sparse autoencoders are, on a language model and text that nothing was learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.data.passages import mixed_passages, read_passages
from isthmus.errors import UsageError
from isthmus.language import LanguageModel, Measured, Texts
from isthmus.nets.language import Language
from isthmus.sparse import SparseAutoencoder
from isthmus.tasks.interpret.measure import fidelity, histogram, matched
from isthmus.tasks.interpret.placed import Placed
from isthmus.tasks.interpret.probing import passages, probes, splitting
from isthmus.tasks.interpret.replaced import Place, Replaced

__all__ = ["measure"]

PASSAGES = 400
"""Passages of each text that tell a concept: more change little."""


def measure(
    lm: LanguageModel,
    saes: Measured | Sequence[Measured],
    texts: Texts,
    *,
    tokens: int = 20_000,
    concept: Texts | None = None,
    against: Texts | None = None,
    column: str | None = None,
    unit: str | None = None,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Measure what sparse autoencoders keep of a language model's activations, each at its own layer.

    Parameters
    ----------
    lm
        The language model.
    saes
        Autoencoders, or their files; one or several.
    texts
        Text that none of them learnt from, as `LanguageModel.harvest` takes it.
    tokens
        How many tokens of it are read; each is predicted once for every autoencoder, and three times beside.
    concept, against
        Texts that have something and others that do not, a passage each: can few features tell them apart?
    column, unit
        As in `isthmus.data.passages.read_passages`.
    seed
        Of the halves of the passages that probes learn from and are judged by.

    Returns
    -------
    list of dict
        One for each autoencoder. `l0`, `explained`, `dead` and `density`, of activations; `recovered`,
        `recovered_zero`, `added`, `same` and losses, of predictions; `found_again` and `cosine`, of features that are
        in the first autoencoder too, where that is of the same place; `probes` and `splitting`, of the concept.

    Raises
    ------
    DataError, UsageError
        An autoencoder belongs to another model, or there is too little text.
    """
    if (concept is None) != (against is None):
        raise UsageError("concept and against go together: passages that have something, and others that do not")
    several = [saes] if isinstance(saes, SparseAutoencoder | str | PathLike) else list(saes)
    if not several:
        raise UsageError("there is no autoencoder to measure: name one or several")
    models = [_opened(sae) for sae in several]
    names = [fspath(sae) if isinstance(sae, str | PathLike) else str(sae.code) for sae in several]
    language = lm.opened
    placed = [Placed.of(language, model.net, model.facts_) for model in models]
    ids = _read(language, texts, tokens, placed[0].context, column, unit)
    bases: dict[tuple[Place, float | None], Replaced] = {}
    found = []
    for name, model, at in zip(names, models, placed, strict=True):
        key = (at.place, model.facts_.get("sink_norm"))
        if key not in bases:
            bases[key] = Replaced(language, ids, *key)
        kept = fidelity(model.net, bases[key].rows())
        row = {"name": Path(name).name, "code": str(model.net.kind), "features": model.net.size}
        row |= {"layer": at.place.layer, "site": at.place.site, "rows": kept.rows, "l0": kept.l0}
        row |= {"explained": kept.explained, "dead": kept.dead, **bases[key].by(model.net)}
        row["density"] = histogram(kept.density)
        if model is not models[0] and at.place == placed[0].place:
            row["cosine"], row["found_again"] = matched(model.net.directions(), models[0].net.directions())
        if concept is not None and against is not None:
            row |= _told(language, model, at.place, bases[key].sink_norm, (concept, against), column, unit, seed)
        found.append(row)
    return found


def _opened(sae: Measured) -> SparseAutoencoder:
    from isthmus.store import load

    model = sae if isinstance(sae, SparseAutoencoder) else load(sae)
    if not isinstance(model, SparseAutoencoder):
        raise UsageError(f"'{sae}' is no sparse autoencoder of activations: `isthmus fit ACTS` makes one")
    return model


def _read(
    language: Language, texts: Texts, tokens: int, context: int, column: str | None, unit: str | None
) -> list[list[int]]:
    """Read so many tokens of texts in turn, in parts of at most a context."""
    found: list[list[int]] = []
    count = 0
    for passage in mixed_passages(_paths(texts), column=column, unit=unit):
        for chunk in language.chunks(language.encode(passage.text), context):
            found.append(chunk[: tokens - count])
            count += len(found[-1])
            if count >= tokens:
                return found
    return found


def _told(
    language: Language,
    model: SparseAutoencoder,
    place: Place,
    sink_norm: float,
    texts: tuple[Texts, Texts],
    column: str | None,
    unit: str | None,
    seed: int,
) -> dict[str, Any]:
    """Try to tell two texts apart by few features."""
    rows, has = [], []
    for flag, some in zip((True, False), texts, strict=True):
        for number, passage in enumerate(read_passages(_paths(some), column=column, unit=unit)):
            if number == PASSAGES:
                break
            rows.append(language.encode(passage.text, language.context)[:128])
            has.append(flag)
    read = passages(language, model.net, rows, place, sink_norm)
    flags = np.array(has)
    return {"probes": probes(read, flags, seed=seed), "splitting": splitting(read, flags, seed=seed)}


def _paths(texts: Texts) -> list[str | PathLike[str]]:
    return [texts] if isinstance(texts, str | PathLike) else list(texts)
