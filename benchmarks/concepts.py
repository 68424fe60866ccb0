"""`make bench-concepts`: concepts found in a language model, and what steering by them does.

python benchmarks/concepts.py --quick    does it run? A little text and one seed, results to the screen

Features are chosen on text learnt from, and judged on held-out text; the prompts steered from are used for nothing
else. SmolLM2 and the activations are had as in sae_quality.py; the language of what is written is told by lingua
(`make peers-sae`).
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from results import OURS, Page, Section
from runner import Bench, MissingSourceError, main
from sae_quality import CONTEXT, Loaded, harvested, load_smollm2, say
from torch import Tensor
from torch.nn import functional as F

from isthmus.data.passages import Passage
from isthmus.sparse import SparseAutoencoder
from isthmus.tasks.interpret.find import Scores, auroc, score
from isthmus.tasks.interpret.placed import Placed
from isthmus.tasks.interpret.steer import AFTER, Change, Pace, steered
from isthmus.tasks.interpret.towards import LATER, RAISED, SILENCED, STRENGTH, changes

PROMPTS = (
    "The train arrived at the station and",
    "My brother told me that",
    "On Monday the children",
    "There is a small village where",
    "The doctor looked at him and said",
    "In this chapter we will",
    "Last summer we decided to",
    "The old man sat by the window and",
    "A good breakfast should",
    "She has always wanted to",
)
"""Neutral beginnings, on which nothing was chosen or tried."""


@dataclass(frozen=True)
class Settings:
    """How much is done; the defaults are the benchmark, all else is for trying it out.

    Parameters
    ----------
    seed, seeds
        The first seed of weights and of what is drawn while writing, and how many.
    rows
        Tokens to learn from.
    epochs
        Passes; None for as many as isthmus takes by itself.
    passages
        Of each kind, to choose features by, and as many to judge them by.
    prompts, new
        How many prompts are written on from, and how many tokens.
    """

    seed: int = 0
    seeds: int = 3
    rows: int = 400_000
    epochs: float | None = None
    passages: int = 200
    prompts: int = len(PROMPTS)
    new: int = 30


QUICK = Settings(seeds=1, rows=6_000, epochs=2.0, passages=20, prompts=2, new=8)


@dataclass(frozen=True)
class Source:
    """A language model, the layer and the code that are measured, and what is expected."""

    name: str
    title: str
    load: Callable[[Path], Loaded]
    layer: int
    code: str
    concepts: tuple[str, ...]
    goals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """What was written: words in French, nats a token that it surprises the model as it is, and how varied it is."""

    french: float
    nats: float
    varied: float


def measure(source: Source, loaded: Loaded, settings: Settings) -> list[Section]:
    """Find concepts by one feature each, then steer towards French, with several seeds."""
    acts = harvested(source.name, source.layer, loaded, settings.rows)
    found: list[dict[str, float]] = []
    wrote: list[dict[str, Written]] = []
    lost: list[dict[str, float]] = []
    for seed in range(settings.seed, settings.seed + settings.seeds):
        say(f"isthmus {source.code}, seed {seed}")
        sae = SparseAutoencoder(source.code, epochs=settings.epochs, seed=seed, device="cpu").fit(acts)
        placed = Placed.of(loaded.language, sae.net.eval(), sae.facts_)
        say("finding")
        learn, held = _scored(placed, loaded, settings)
        found.append({kind: told(kind, learn, held) for kind in source.concepts})
        say("steering")
        means = {kind: np.asarray(each.mean.mean(axis=0)).ravel() for kind, each in learn.items()}
        ways = _ways(placed, means, told_by(learn, "fr"), seed)
        wrote.append({name: _write(placed, way, settings, seed) for name, way in ways.items()})
        lost.append(_silenced(placed, loaded, means, settings, seed))
    return [_finding(source, found), _steering(wrote, settings), _ablating(lost)]


# finding


def _scored(placed: Placed, loaded: Loaded, settings: Settings) -> tuple[dict[str, Scores], dict[str, Scores]]:
    """Score every feature in passages learnt from, and in held-out ones, of each kind."""
    learn: dict[str, list[Passage]] = {kind: [] for kind in loaded.text.held}
    for passage in loaded.text.learn:
        learn[str(passage.source)].append(passage)
    chosen = {kind: score(placed, some[: settings.passages], kind) for kind, some in learn.items()}
    judged = {
        kind: score(placed, [Passage(text, kind, i) for i, text in enumerate(some[: settings.passages])], kind)
        for kind, some in loaded.text.held.items()
    }
    return chosen, judged


def told_by(learn: Mapping[str, Scores], kind: str) -> int:
    """Choose the feature that best tells a kind's passages, of those learnt from, from all others."""
    areas, gain = _areas(learn, kind)
    return int(np.lexsort((-gain, -areas))[0])


def told(kind: str, learn: Mapping[str, Scores], held: Mapping[str, Scores]) -> float:
    """Judge the feature chosen for a kind on held-out passages."""
    return float(_areas(held, kind)[0][told_by(learn, kind)])


def _areas(scores: Mapping[str, Scores], kind: str) -> tuple[Any, Any]:
    from scipy import sparse

    own = scores[kind].mean
    others = sparse.csr_array(sparse.vstack([each.mean for name, each in scores.items() if name != kind]))
    return auroc(own, others), np.asarray(own.mean(axis=0) - others.mean(axis=0)).ravel()


# steering

Way = Callable[[], AbstractContextManager[None]]


def _ways(placed: Placed, means: Mapping[str, Any], best: int, seed: int) -> dict[str, Way]:
    """Name ways to make the model write French, and what each is to be compared with."""
    both = changes(means["fr"], means["en"])
    raised, silenced = ([change for change in both if change.how == how] for how in ("clamp", "ablate"))
    up = [change.feature for change in raised]
    directions = placed.net.directions()
    push = STRENGTH * torch.as_tensor(means["fr"][up], dtype=torch.float32) @ directions[up]
    random = torch.Generator().manual_seed(seed + 10_000)
    others = torch.randperm(placed.net.size, generator=random)[:RAISED]
    random_push = directions[others].sum(0)
    random_push *= push.norm() / random_push.norm()
    whole = torch.as_tensor(means["fr"] - means["en"], dtype=torch.float32) @ directions
    alone = STRENGTH * float(means["fr"][best])  # of its mean over all tokens, as of the others
    return {
        "nothing": nullcontext,
        "one feature": lambda: steered(placed, [Change(best, "clamp", alone)]),
        "features raised alone": lambda: steered(placed, raised),
        OURS: lambda: steered(placed, both),
        "English silenced alone": lambda: steered(placed, silenced),
        "random features": lambda: _added(placed, random_push, silenced),
        "all features' difference": lambda: _added(placed, whole * push.norm() / whole.norm(), []),
    }


@contextmanager
def _added(placed: Placed, push: Tensor, changes: Sequence[Change]) -> Iterator[None]:
    """Add a vector at every token that is no sink, besides changing features."""
    pace = Pace()

    def edit(x: Tensor) -> Tensor:
        strength = LATER if pace.later(x) else 1.0
        moved: Tensor = x + strength * push * (x.norm(dim=-1, keepdim=True) <= placed.sink_norm)
        return moved

    with ExitStack() as stack:
        stack.enter_context(placed.language.edited(placed.place.layer, placed.place.site, edit))
        if changes:
            stack.enter_context(steered(placed, changes))
        yield


def _write(placed: Placed, way: Way, settings: Settings, seed: int) -> Written:
    """Write on from the prompts, and judge what was written."""
    language = placed.language
    french, nats, varied = [], [], []
    for prompt in PROMPTS[: settings.prompts]:
        ids = language.encode(prompt)
        with way():
            new = language.generate(ids, settings.new, temperature=0.7, top_p=0.9, seed=seed)
        if len(new) < 3:
            continue
        french.append(share_of_french("".join(language.pieces(new))))
        nats.append(surprise(placed, [*ids, *new], len(ids)))
        threes = [tuple(new[i : i + 3]) for i in range(len(new) - 2)]
        varied.append(len(set(threes)) / len(threes))
    return Written(*(statistics.mean(each) if each else 0.0 for each in (french, nats, varied)))


def surprise(placed: Placed, ids: Sequence[int], start: int = 1) -> float:
    """Give the nats a token, from a place on, that a text surprises the language model by."""
    batch, mask = placed.language.batch([list(ids)])
    logits = placed.language.logits(batch, mask)[0, start - 1 : -1].float()
    return float(F.cross_entropy(logits, torch.tensor(ids[start:])))


def share_of_french(text: str) -> float:
    """Give the share of words that lingua takes for French, among the languages that were learnt from."""
    words = len(text.split())
    spans = _lingua().detect_multiple_languages_of(text) if words else []
    french = [text[span.start_index : span.end_index] for span in spans if span.language.name == "FRENCH"]
    return min(1.0, sum(len(part.split()) for part in french) / max(words, 1))


_MADE: list[Any] = []


def _lingua() -> Any:
    """Make the detector once: it reads its tables of letters when made."""
    if not _MADE:
        from lingua import Language, LanguageDetectorBuilder

        names = ("ENGLISH", "FRENCH", "GERMAN", "SPANISH", "ITALIAN", "PORTUGUESE", "DUTCH")
        _MADE.append(LanguageDetectorBuilder.from_languages(*(getattr(Language, name) for name in names)).build())
    return _MADE[0]


def _silenced(
    placed: Placed, loaded: Loaded, means: Mapping[str, Any], settings: Settings, seed: int
) -> dict[str, float]:
    """Silence French features in held-out text, and see how many nats a token French and English come to cost more."""
    gain = means["fr"] - means["en"]
    french = np.argsort(-gain)[:SILENCED].tolist()
    usual = means["fr"]
    alike = np.argsort(np.abs(usual[:, None] - usual[french][None]).min(axis=1)).tolist()
    random = np.random.default_rng(seed).permutation([f for f in alike[: 4 * SILENCED] if f not in french])[:SILENCED]
    cost = {}
    for kind, name in (("fr", "French"), ("en", "English")):
        texts = list(_long(placed, loaded.text.held[kind], settings.passages // 4))
        plain = statistics.mean(surprise(placed, ids) for ids in texts)
        cost[f"{name} text as it is"] = plain
        for what, features in (("French features", french), ("others", random.tolist())):
            with steered(placed, [Change(int(f), "ablate") for f in features]):
                cost[f"{what} silenced, {name} text"] = statistics.mean(surprise(placed, ids) for ids in texts) - plain
    return cost


def _long(placed: Placed, texts: Sequence[str], count: int) -> Iterator[list[int]]:
    """Give the tokens of so many texts that have ten or more."""
    encoded = (placed.language.encode(text, CONTEXT) for text in texts)
    long = [ids for ids in encoded if len(ids) >= 10]
    yield from long[:count]


# how it is told


def _finding(source: Source, found: Sequence[Mapping[str, float]]) -> Section:
    section = Section(
        "one feature a concept",
        f"{source.code} at layer {source.layer}. The feature that best tells a kind of text from the nine others is "
        f"chosen on passages learnt from; its AUROC on held-out ones: the mean and the worst of {len(found)} seeds.",
    )
    for kind in source.concepts:
        values = [each[kind] for each in found]
        section.add(f"{NAMES[kind]}: AUROC", {OURS: statistics.mean(values)}, headline=True)
        section.add(f"{NAMES[kind]}: AUROC of the worst seed", {OURS: min(values)})
    return section


def _steering(wrote: Sequence[Mapping[str, Written]], settings: Settings) -> Section:
    section = Section(
        "steered to French",
        f"Written on from {settings.prompts} English prompts with {len(wrote)} seeds, {settings.new} tokens each, "
        f"temperature .7. isthmus: the {RAISED} features that rise most in French clamped to {STRENGTH:g} times their "
        f"mean there, half that after {AFTER} tokens, the {SILENCED} that fall most silenced. Random features: as long "
        "a push in a drawn direction, the same silenced. All features' difference: as long a push along the difference "
        "of the means. Surprise: of the model as it is; what real French costs it stands in the last section.",
    )
    figures: dict[str, Callable[[Written], float]] = {
        "share of words in French": lambda each: each.french,
        "surprise (nats a token)": lambda each: each.nats,
        "share of three-token runs that are new": lambda each: each.varied,
    }
    for figure, of in figures.items():
        values = {way: statistics.mean(of(each[way]) for each in wrote) for way in wrote[0]}
        section.add(figure, values, digits=2, headline=figure.startswith("share of words"))
    return section


def _ablating(lost: Sequence[Mapping[str, float]]) -> Section:
    section = Section(
        "French silenced",
        f"Nats a token that held-out text comes to cost more when the {SILENCED} features that rise most in French are "
        "silenced, and as many others that are as frequent in French.",
    )
    for text in ("French", "English"):
        values = {
            OURS if what == "French features" else what: statistics.mean(
                each[f"{what} silenced, {text} text"] for each in lost
            )
            for what in ("French features", "others")
        }
        section.add(f"{text} text costs more (nats a token)", values, headline=True)
        asis = statistics.mean(each[f"{text} text as it is"] for each in lost)
        section.add(f"{text} text, nothing silenced (nats a token)", {OURS: asis}, digits=2)
    return section


NAMES = {"fr": "French", "de": "German", "es": "Spanish", "python": "Python", "base64": "base64"}


def _load(folder: Path) -> Loaded:
    if find_spec("lingua") is None:
        raise MissingSourceError("there is no lingua to tell languages by: make peers-sae")
    return load_smollm2(folder)


SOURCES = {
    "smollm2": Source(
        "smollm2",
        "SmolLM2-135M-Instruct, residual stream of layer 14",
        _load,
        layer=14,
        code="sparse:4x:k=32",
        concepts=tuple(NAMES),
        goals={f"{name}: AUROC": "≥ 0.95" for name in NAMES.values()} | {"share of words in French": "≥ 0.5"},
    )
}

BENCH = Bench(
    Page("concepts", "Concepts in a language model", "One feature a concept, and what steering by features does."),
    SOURCES,
    measure,
    Settings(),
    QUICK,
    packages=("transformers", "lingua-language-detector"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
