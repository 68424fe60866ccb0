"""The features of a sparse autoencoder as a page: where each fires, what it does, and a label for it."""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable, Sequence
from os import PathLike, fspath
from pathlib import PurePath
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from isthmus.data.activations import Activations
from isthmus.errors import DataError, UsageError
from isthmus.language import LanguageModel
from isthmus.nets.language import Language
from isthmus.report.browser import write_browser
from isthmus.report.features_page import WORDS, Page, rounded
from isthmus.sparse import SparseAutoencoder
from isthmus.store import load
from isthmus.tasks.fit import pick_device
from isthmus.tasks.interpret.features import Collected, collect, logit_effects, nearest
from isthmus.tasks.interpret.shown import Shown, show

__all__ = ["browse"]

_USUAL = 4000
"""Places drawn from all of the text, to know what is usual there."""


def browse(
    sae: SparseAutoencoder | str | PathLike[str],
    activations: Activations | str | PathLike[str],
    out: str | PathLike[str],
    lm: LanguageModel | str | PathLike[str] | None = None,
    *,
    examples: int = 20,
    endpoint: str | None = None,
    asked: int = 100,
    start: Sequence[tuple[int, str]] = (),
    device: str = "auto",
    verbose: bool = False,
) -> dict[str, Any]:
    """Write a page of a sparse autoencoder's features over stored activations.

    Parameters
    ----------
    sae
        A fitted autoencoder, or its file.
    activations
        The folder that `isthmus lm harvest` wrote; what is shown of every feature is what is in there.
    out
        The .html file to write.
    lm
        The language model that was harvested: it tells which words a feature makes likelier. Without it the page does
        not say.
    examples
        Strongest examples of each feature.
    endpoint
        The URL of a chat model (as OpenAI's /v1/chat/completions) that is to write labels. The examples are sent there;
        without it nothing is sent anywhere.
    asked
        How many features it is asked for, those that fire most often.
    start
        Features to name on the first page, each with a remark.
    device
        Where codes are computed: "cpu", "cuda", "mps" or "auto".
    verbose
        Tell on stderr how far it is.

    Returns
    -------
    dict
        `features`, `tokens`, `dead` (share that never fires), `l0`, `bytes`, `seconds`, `features_per_second`.
    """
    began = time.perf_counter()
    model = sae if isinstance(sae, SparseAutoencoder) else _open(sae)
    acts = activations if isinstance(activations, Activations) else Activations.open(activations)
    opened = LanguageModel(lm, device=device) if isinstance(lm, str | PathLike) else lm
    language = None if opened is None else opened.opened
    _check(model, acts, language)
    tell = _teller(verbose)
    place = pick_device(device)
    net = copy.deepcopy(model.net).to(place).eval()
    usable = np.zeros(len(acts), dtype=bool)
    usable[acts.usable] = True
    names = _names(acts)
    found = collect(
        acts,
        net,
        usable,
        texts=len(names),
        examples=examples,
        device=place,
        progress=lambda rows: tell(f"read {rows:,} of {len(acts):,} tokens"),
    )
    tell(f"labels of {net.size:,} features")
    page = Page(found, _shown(acts, found, language), names)
    labels = page.labels()
    if endpoint is not None:
        tell(f"asking {endpoint}")
        labels = page.asked(labels, endpoint, asked)
    effects = None if language is None else _effects(net.directions(), language)
    browser = page.browser(labels, effects, nearest(net.directions()), _title(model, net.size), start)
    size = write_browser(out, browser)
    seconds = time.perf_counter() - began
    alive = found.count > 0
    return {
        "features": net.size,
        "tokens": found.rows,
        "dead": float(1 - alive.mean()),
        "l0": float(found.count.sum() / max(found.rows, 1)),
        "labelled": float(np.mean([each.top is not None for each in labels])),
        "bytes": size,
        "seconds": seconds,
        "features_per_second": net.size / seconds,
    }


def _open(path: str | PathLike[str]) -> SparseAutoencoder:
    model = load(path)
    if not isinstance(model, SparseAutoencoder):
        raise UsageError(
            f"'{fspath(path)}' holds no sparse autoencoder of activations; for a model of a table: isthmus features"
        )
    return model


def _check(model: SparseAutoencoder, acts: Activations, language: Language | None) -> None:
    """Refuse activations or a language model that are not those the autoencoder was fitted to."""
    if model.net.width != acts.width:
        raise DataError(
            f"'{acts.path}' holds activations of {acts.width} numbers; the autoencoder reads {model.net.width}"
        )
    for name in ("layer", "site"):
        mine, theirs = model.facts_.get(name), acts.facts.get(name)
        if mine is not None and theirs is not None and mine != theirs:
            raise DataError(f"'{acts.path}' holds activations of {name} {theirs}; the autoencoder was fitted to {mine}")
    if language is not None and acts.facts.get("lm_sha") not in (None, language.sha):
        raise DataError(f"'{acts.path}' was harvested from {acts.facts.get('lm')}, not from this {language.name}")


def _teller(verbose: bool) -> Callable[[str], None]:
    last = [0.0]

    def tell(words: str) -> None:
        if verbose and time.perf_counter() > last[0] + 2:
            print(f"features: {words}", file=sys.stderr, flush=True)
            last[0] = time.perf_counter()

    return tell


def _names(acts: Activations) -> list[str]:
    """Name the texts by their files, without endings."""
    texts = acts.facts.get("texts") or ["text"]
    return [PurePath(str(text["name"] if isinstance(text, dict) else text)).stem for text in texts]


def _title(model: SparseAutoencoder, size: int) -> str:
    lm, layer, site = (model.facts_.get(name) for name in ("lm", "layer", "site"))
    where = "" if layer is None else f", layer {layer}" + ("" if site in (None, "residual") else f" {site}")
    return f"{lm or 'A language model'}{where}: {size:,} features"


def _shown(acts: Activations, found: Collected, language: Language | None) -> tuple[Shown, npt.NDArray[np.int64]]:
    """Read the text around all that is shown, and around places drawn to know what is usual."""
    drawn = np.random.default_rng(0).permutation(acts.usable)[:_USUAL]
    places = np.concatenate([found.top.row.ravel(), found.drawn.row.ravel(), drawn])
    read = language.pieces if language is not None else lambda ids: [acts.pieces.get(each, f" {each}") for each in ids]
    return show(acts, places[places >= 0], read), drawn


def _effects(directions: torch.Tensor, language: Language) -> list[list[tuple[str, float]]]:
    """Give for each feature the words it makes likelier, then those it makes less likely."""
    tokens, effects = logit_effects(directions, language.unembed().to(directions.device), WORDS)
    known = {int(token): language.pieces([int(token)])[0] for token in np.unique(tokens)}
    return [
        [(known[token], rounded(effect)) for token, effect in zip(row, sizes, strict=True)]
        for row, sizes in zip(tokens.tolist(), effects.tolist(), strict=True)
    ]
