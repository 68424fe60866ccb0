"""`make bench-sae`: how fast sparse autoencoders train, and whether they find the features that are there.

python benchmarks/sae.py                    all shapes, results to benchmarks/results
python benchmarks/sae.py --only planted     the dictionary that is known; the other results stay as they are
python benchmarks/sae.py --quick            does it run? A few steps, results to the screen

Needs sae-lens for its figures beside ours (`make peers-sae`); without it they are left out.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import torch
from results import OURS, Page, Section
from runner import Bench, main
from sae_peers import LENS, PEERS, PLAIN, Coder
from torch import Tensor
from torch.nn import functional as F

from isthmus.nets import gathered
from isthmus.nets.dictionaries import Dictionary
from isthmus.nets.sparsity import BatchTopK, Sparsity, TopK
from isthmus.sparse import SparseAutoencoder
from isthmus.tasks.dictionary import fit, plan_of
from isthmus.training.progress import Silent

OURS_TOPK = "isthmus, top-k"
ONE_PRODUCT, TORCH_PRODUCT = "encoder's product alone", "the same by torch.mm"


@dataclass(frozen=True)
class Settings:
    """How much is done; the defaults are the benchmark, all else is for trying it out.

    Parameters
    ----------
    seed
        Of data, weights and the order of rows.
    steps
        Steps of each run that is timed, at d 512; ten times as many at d 64, the same for all.
    rows
        Activations to learn from.
    tokens
        How many activations, repeats included, everyone learns the planted dictionary from.
    """

    seed: int = 0
    steps: int = 100
    rows: int = 200_000
    tokens: int = 8_000_000


QUICK = Settings(steps=4, rows=6_000, tokens=20_000)


@dataclass(frozen=True)
class Mixture:
    """Activations that are sums of known directions, each there by chance.

    Parameters
    ----------
    width, features, active
        Numbers a row, directions in all, and how many of them a row on average.
    decline
        How fast chances fall with a direction's rank (Zipf): rank^-decline.
    noise
        Standard deviation of what is added to every number.
    """

    width: int
    features: int
    active: float
    decline: float
    noise: float

    def rows(self, count: int, seed: int) -> tuple[Tensor, Tensor]:
        """Draw rows (count, width), and give the directions (features, width)."""
        rng = torch.Generator().manual_seed(seed + 1_000_003)  # far from the seeds that first weights are drawn by
        directions = F.normalize(torch.randn(self.features, self.width, generator=rng), dim=1)
        chance = torch.arange(1, self.features + 1).float() ** -self.decline
        chance = (chance * self.active / chance.sum()).clamp(max=0.5)
        rows = torch.empty(count, self.width)
        for part in torch.split(rows, 4096):
            there = torch.rand(len(part), self.features, generator=rng) < chance
            sizes = 0.5 + 1.5 * torch.rand(len(part), self.features, generator=rng)
            torch.mm(there * sizes, directions, out=part)
            part.add_(torch.randn(part.shape, generator=rng), alpha=self.noise)
        return rows, directions


@dataclass(frozen=True)
class Shape:
    """A run that is measured: its data, the autoencoder's size and k, and rows a step."""

    name: str
    title: str
    mixture: Mixture
    size: int
    k: int
    batch: int
    goals: Mapping[str, str] = field(default_factory=dict)

    def load(self, folder: Path) -> Mixture:
        """Need no data but its own."""
        return self.mixture


class Clock(Silent):
    """Notes when each step was done."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def step(self, step: int) -> None:
        """Note one."""
        self.at.append(time.perf_counter())

    @property
    def seconds(self) -> float:
        """The median step, the first tenth left out."""
        kept = self.at[len(self.at) // 10 :]
        return statistics.median(after - before for before, after in pairwise(kept))


def ours(kind: Sparsity, learn: Tensor, held: Tensor, shape: Shape, steps: int, seed: int) -> tuple[Dictionary, Clock]:
    """Train one by the package's own loop, at its usual rate."""
    clock = Clock()
    epochs = steps * shape.batch / len(learn)
    rate = SparseAutoencoder().learning_rate
    plan = plan_of(len(learn), batch_size=shape.batch, epochs=epochs, learning_rate=rate, seed=seed, budget=None)
    found = fit(
        [(kind, seed)], learn, learn[:8192], held, plan,
        width=shape.mixture.width, device=torch.device("cpu"), progress=clock,
    )  # fmt: skip
    return found[0][0], clock


def theirs(name: str, learn: Tensor, shape: Shape, steps: int, seed: int) -> tuple[Coder, Clock]:
    """Train a peer on as many rows, in batches of its own order."""
    torch.manual_seed(seed)
    peer, clock = PEERS[name](learn[:8192], shape.size, shape.k, steps * shape.batch, shape.batch), Clock()
    rng = torch.Generator().manual_seed(seed)
    for step in range(steps):
        peer.step(learn[torch.randint(len(learn), (shape.batch,), generator=rng)])
        clock.step(step)
    return peer.coder(), clock


def explained(held: Tensor, rebuild: Callable[[Tensor], Tensor]) -> float:
    """Give the share of held-out rows' variance about their mean that is rebuilt."""
    with torch.no_grad():
        left = sum(float((part - rebuild(part)).square().sum()) for part in torch.split(held, 2048))
    return 1 - left / float((held - held.mean(0)).square().sum())


def products(shape: Shape, rows: Tensor, times: int = 15) -> dict[str, float]:
    """Time the one product that has to be dense: by the quickest way known here, and by torch.mm into its place."""
    encoder, offset = F.normalize(torch.randn(shape.size, shape.mixture.width), dim=1), torch.zeros(shape.size)
    place, batch = torch.empty(shape.batch, shape.size), rows[: shape.batch]
    ways = {
        ONE_PRODUCT: lambda: gathered.product(batch, encoder, offset),
        TORCH_PRODUCT: lambda: torch.mm(batch, encoder.T, out=place),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def speed(shape: Shape, mixture: Mixture, settings: Settings) -> list[Section]:
    """Train everyone on as many rows, and time every step."""
    rows, _ = mixture.rows(settings.rows + 8192, settings.seed)
    learn, held = rows[:-8192], rows[-8192:]
    steps = settings.steps * (10 if mixture.width < 128 else 1)
    rate, kept = {}, {}
    before = products(shape, learn)
    for name, kind in ((OURS, BatchTopK(shape.size, k=shape.k)), (OURS_TOPK, TopK(shape.size, k=shape.k))):
        net, clock = ours(kind, learn, held, shape, steps, settings.seed)
        rate[name] = shape.batch / clock.seconds
        kept[name] = explained(held, lambda part, net=net: net.decode(net.encode(part)))
    for name in PEERS:
        coder, clock = theirs(name, learn, shape, steps, settings.seed)
        rate[name] = shape.batch / clock.seconds
        kept[name] = explained(held, lambda part, coder=coder: coder.decode(coder.encode(part)))
    after = products(shape, learn)
    bound = {name: shape.batch / min(before[name], after[name]) for name in before}
    section = Section(
        "Training",
        f"Width {mixture.width}, {shape.size:,} features, {shape.k} active, {shape.batch:,} rows a step, {steps:,} "
        f"steps; the median step, all that a run does included. {ONE_PRODUCT.capitalize()}: what nobody can undercut, "
        "in the quickest way known here (oneDNN), and by torch.mm, which plain code calls.",
    )
    section.add("rows a second", rate | bound, digits=0)
    for name in (LENS, PLAIN):
        if name in rate:
            section.add(f"times {name}", {own: rate[own] / rate[name] for own in (OURS, OURS_TOPK)}, digits=1,
                        headline=True)  # fmt: skip
    shares = {name: {own: rate[own] / bound[name] for own in (OURS, OURS_TOPK)} for name in bound}
    section.add(f"share of {ONE_PRODUCT}", shares[ONE_PRODUCT], digits=2)
    section.add("share of that product by torch.mm", shares[TORCH_PRODUCT], digits=2, headline=True)
    section.add("variance explained after as many rows", kept, headline=True)
    return [section]


def planted(shape: Shape, mixture: Mixture, settings: Settings) -> list[Section]:
    """See how many of the known directions each finds."""
    rows, directions = mixture.rows(settings.rows + 8192, settings.seed)
    learn, held = rows[:-8192], rows[-8192:]
    steps = max(1, settings.tokens // shape.batch)
    found, alive, kept = {}, {}, {}

    def judge(
        name: str, decoder: Tensor, encode: Callable[[Tensor], Tensor], rebuild: Callable[[Tensor], Tensor]
    ) -> None:
        with torch.no_grad():
            found[name] = (F.normalize(decoder, dim=1) @ directions.T).max(0).values
            counts = sum((encode(part) > 0).sum(0) for part in torch.split(learn[:100_000], 2048))
            alive[name] = float((counts == 0).float().mean())
        kept[name] = explained(held, rebuild)

    net, _ = ours(BatchTopK(shape.size, k=shape.k), learn, held, shape, steps, settings.seed)
    judge(OURS, net.decoder, net.encode, lambda part: net.decode(net.encode(part)))
    for name in PEERS:
        coder, _ = theirs(name, learn, shape, steps, settings.seed)
        decoder = coder.decode(torch.eye(shape.size)) - coder.decode(torch.zeros(1, shape.size))
        judge(name, decoder, coder.encode, lambda part, coder=coder: coder.decode(coder.encode(part)))
    section = Section(
        "Directions found",
        f"{mixture.features:,} directions in {mixture.width} numbers, {mixture.active:g} a row on average, the rarest "
        f"in one row of {round(1 / float(_rarest(mixture))):,}; {shape.size:,} features, {shape.k} active, "
        f"{steps * shape.batch:,} rows learnt from. A direction is found where a feature's cosine with it is above .9; "
        "dead: active in none of 100,000 rows.",
    )
    section.add("directions found", {name: float((best > 0.9).float().mean()) for name, best in found.items()},
                headline=True)  # fmt: skip
    section.add("mean of the largest cosines", {name: float(best.mean()) for name, best in found.items()})
    section.add("dead features", alive, headline=True)
    section.add("variance explained", kept)
    return [section]


def _rarest(mixture: Mixture) -> float:
    chance = torch.arange(1, mixture.features + 1).float() ** -mixture.decline
    return float(chance[-1] * mixture.active / chance.sum())


GOALS = {f"times {LENS}": "≥ 6", f"times {PLAIN}": "≥ 3.5", "share of that product by torch.mm": "≥ 0.80"}
WIDE, NARROW = Mixture(512, 2048, 24, 1.0, 0.02), Mixture(64, 256, 8, 1.0, 0.02)
SHAPES = (
    Shape("wide", "Width 512, batches of 2,048", WIDE, 8192, 32, 2048, GOALS),
    Shape("wide_4096", "Width 512, batches of 4,096", WIDE, 8192, 32, 4096),
    Shape("narrow", "Width 64, batches of 2,048", NARROW, 2048, 16, 2048),
    Shape("narrow_4096", "Width 64, batches of 4,096", NARROW, 2048, 16, 4096),
    Shape("planted", "A planted dictionary", Mixture(256, 1024, 16, 0.5, 0.05), 1024, 16, 2048,
          {"directions found": "≥ 0.95", "dead features": "< 0.02"}),
)  # fmt: skip


def measure(source: Shape, mixture: Mixture, settings: Settings) -> list[Section]:
    """Measure speed, or what is found."""
    return (planted if source.name == "planted" else speed)(source, mixture, settings)


BENCH = Bench(
    Page(
        "sae",
        "Benchmark on training sparse autoencoders",
        "Activations made of known directions; everyone learns from as many rows, on the same threads.",
    ),
    {shape.name: shape for shape in SHAPES},
    measure,
    Settings(),
    QUICK,
    ("sae-lens",),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
