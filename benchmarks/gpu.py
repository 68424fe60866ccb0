"""`make bench-gpu`: what a GPU makes of training and of use: in float32, by default, and compiled, beside the CPU.

python benchmarks/gpu.py                       on the GPU there is, results to benchmarks/results
python benchmarks/gpu.py --only table use      some of it; the other results stay as they are
python benchmarks/gpu.py --device cpu --quick  does it run? Everything made small, results to the screen

Where there is no GPU nothing is measured. sae-lens is measured beside the sparse autoencoders where it is installed.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch
from gpu_cases import APART, CASES, REPEATED, Case, Job
from results import OURS, Page, Section
from runner import Bench, main
from sae_peers import PEERS
from torch import nn

import isthmus
from isthmus.errors import IsthmusWarning
from isthmus.nets.dictionaries import Dictionary
from isthmus.training.loop import train
from isthmus.training.plan import Plan
from isthmus.training.precision import finished, wants_bf16
from isthmus.training.progress import Silent

FLOAT32, COMPILED, CPU = "float32", "compiled", "CPU"
SPEED, FIRST, PAYS = "rows a second", "seconds until the first step", "steps from which compiling pays"
LOSS, CODES_APART = "held-out loss", "codes: farthest from the CPU"


@dataclass(frozen=True)
class Settings:
    """How much is done; the defaults are the benchmark, all else is for trying it out.

    Parameters
    ----------
    seed
        Of data, weights and the order of rows.
    device
        What is measured, beside the CPU.
    steps, warm
        Steps that are timed, and steps before them that are not.
    cpu_steps
        Steps that are timed on the CPU.
    judged_steps
        Steps after which held-out losses are compared.
    rows
        Rows that are encoded and filled.
    small
        Whether everything is made small.
    compile
        Whether steps are compiled as well.
    """

    seed: int = 0
    device: str = "cuda"
    steps: int = 300
    warm: int = 20
    cpu_steps: int = 6
    judged_steps: int = 200
    rows: int = 200_000
    small: bool = False
    compile: bool = True


QUICK = Settings(steps=3, warm=1, cpu_steps=2, judged_steps=3, rows=300, small=True, compile=False)


@dataclass(frozen=True)
class Way:
    """One way to train: where, how exactly, and whether compiled."""

    name: str
    device: torch.device
    precision: str = "auto"
    compile: bool = False


def ways(settings: Settings) -> list[Way]:
    """Give all that are measured, the default first, the CPU last."""
    device = torch.device(settings.device)
    found = [Way(OURS, device), Way(FLOAT32, device, "float32")]
    if settings.compile:
        found.append(Way(COMPILED, device, compile=True))
    return [*found, Way(CPU, torch.device("cpu"))]


class Clock(Silent):
    """Takes the time until training starts, and of the steps after those that are to warm up."""

    def __init__(self, device: torch.device, warm: int, steps: int) -> None:
        self.device, self.warm, self.last = device, warm, warm + steps
        self.began, self.first, self.seconds = time.perf_counter(), 0.0, 0.0

    def start(self, steps: int, seconds: float, step: int) -> None:
        """Note that the first step comes now: gradients have been taken, and compiled, before."""
        self.first = time.perf_counter() - self.began

    def step(self, step: int) -> None:
        """Note the steps that count."""
        if step in (self.warm, self.last):
            finished(self.device)
            self.seconds = time.perf_counter() - (self.seconds if step == self.last else 0.0)


def trained(job: Job, way: Way, steps: int, warm: int) -> tuple[nn.Module, Clock]:
    """Train by the package's own loop, for so many steps after those to warm up."""
    module, clock = job.make().to(way.device), Clock(way.device, warm, steps)
    plan = Plan(
        steps=warm + steps,
        batch_size=job.batch,
        learning_rate=job.rate,
        checks=1,
        precision=way.precision,
        compile=way.compile,
    )
    train(module, job.rows, job.held, plan, progress=clock)
    return module, clock


def speed(case: Case, job: Job, settings: Settings) -> Section:
    """Time steps in every way."""
    section = Section(
        "Training",
        f"{job.batch:,} rows a step, {settings.steps:,} steps, on the CPU {settings.cpu_steps:,}; checks, start and "
        f"compiling are not in the rate. {_card(settings)}",
    )
    rate, first = {}, {}
    for way in ways(settings):
        steps = settings.cpu_steps if way.name == CPU else settings.steps
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", IsthmusWarning)
            _, clock = trained(job, way, steps, 2 if way.name == CPU else settings.warm)
        if way.compile and told:  # it went on as it was, which is not what this column says
            print(f"  {way.name}: left out, {told[0].message}", file=sys.stderr, flush=True)
            continue
        rate[way.name], first[way.name] = steps * job.batch / clock.seconds, clock.first
        print(f"  {way.name}: {rate[way.name]:,.0f} rows a second", file=sys.stderr, flush=True)
    if case.name.startswith("sae"):
        rate |= {name: _peer(name, job, settings) for name in PEERS}
    section.add(SPEED, rate, digits=0, headline=True)
    section.add(FIRST, first, digits=1)
    section.add("times the CPU", {name: value / rate[CPU] for name, value in rate.items() if name != CPU}, digits=1)
    if COMPILED in rate:
        gained = job.batch / rate[OURS] - job.batch / rate[COMPILED]
        steps = (first[COMPILED] - first[OURS]) / gained if gained > 0 else float("inf")
        section.add(PAYS, {OURS: steps}, digits=0)
        pays = f"pays from {steps:,.0f} steps on" if gained > 0 else "does not pay"
        print(f"  compiling {pays}", file=sys.stderr, flush=True)
    return section


def agreement(case: Case, job: Job, settings: Settings) -> Section:
    """Compare what as many steps come to, judged on the CPU and in float32, under the same noise."""
    section = Section(
        "The same as on the CPU?",
        f"Held-out loss after {settings.judged_steps:,} steps from the same weights on the same rows; it may differ by "
        f"{case.apart:g}.",
    )
    loss, other = {}, 0.0
    for way in ways(settings):
        module, _ = trained(job, way, settings.judged_steps, 1)
        if way.name == OURS:
            again, _ = trained(job, way, settings.judged_steps, 1)
            pairs = list(zip(module.parameters(), again.parameters(), strict=True))
            other = sum(int((a != b).sum()) for a, b in pairs) / sum(a.numel() for a, _ in pairs)
        loss[way.name] = judged(module, job, settings.seed)
    apart = {name: abs(value - loss[CPU]) for name, value in loss.items() if name != CPU}
    section.add(LOSS, loss, digits=4)
    section.add(APART, apart, digits=4, headline=True)
    section.add(REPEATED, {OURS: other}, digits=4)
    return section


@torch.no_grad()
def judged(module: Any, job: Job, seed: int) -> float:
    """Give the sum of a module's held-out losses, weighed as at the end of a run."""
    module = module.cpu().eval()
    losses, weights = module.losses(job.held, torch.Generator().manual_seed(seed)), module.weights(1.0)
    return float(sum(weights[name] * loss for name, loss in losses.items()))


def _peer(name: str, job: Job, settings: Settings) -> float:
    """Give how many rows a second a peer learns on the device."""
    device, module = torch.device(settings.device), job.make()
    assert isinstance(module, Dictionary)
    rows, steps = job.rows.to(device), settings.steps + settings.warm
    k = getattr(module.kind, "k", 32)
    peer = PEERS[name](rows[:8192], module.size, k, steps * job.batch, job.batch)
    rng = torch.Generator(device).manual_seed(settings.seed)
    for step in range(steps):
        if step == settings.warm:
            finished(device)
            began = time.perf_counter()
        peer.step(rows[torch.randint(len(rows), (job.batch,), generator=rng, device=device)])
    finished(device)
    return settings.steps * job.batch / (time.perf_counter() - began)


def use(settings: Settings) -> list[Section]:
    """Time what is done with a fitted model, from its file, on the device and on the CPU."""
    section = Section(
        "Use",
        f"{settings.rows:,} rows of 6 numbers and 9 categories, a tenth of the cells missing where they are filled; "
        f"always in float32. {_card(settings)}",
    )
    whole, holes = frames(settings.rows, settings.seed)
    rates: dict[str, dict[str, float]] = {"encode": {}, "impute": {}}
    codes = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.isthmus"
        model = isthmus.Autoencoder(16, epochs=2, seed=settings.seed, device=settings.device)
        model.fit(whole[:5000]).save(path)
        for name, device in ((OURS, settings.device), (CPU, "cpu")):
            model = isthmus.load(path, device=device)
            model.encode(whole[:100])
            for job, work in (("encode", lambda: model.encode(whole)), ("impute", lambda: model.impute(holes))):  # noqa: B023
                began = time.perf_counter()
                found = work()
                rates[job][name] = len(whole) / (time.perf_counter() - began)
                codes[name] = np.asarray(found) if job == "encode" else codes[name]
    for job, rate in rates.items():
        section.add(f"{job}: {SPEED}", rate, digits=0, headline=True)
    section.add(CODES_APART, {OURS: float(np.abs(codes[OURS] - codes[CPU]).max())}, digits=6)
    return [section]


def frames(rows: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make a frame of 6 numbers and 9 categories that depend on each other, and the same with holes."""
    rng = np.random.default_rng(seed)
    shown = rng.normal(size=(rows, 4)) @ rng.normal(size=(4, 15)) + 0.3 * rng.normal(size=(rows, 15))
    whole = pd.DataFrame(shown[:, :6].round(2), columns=[f"number {j}" for j in range(6)])
    for j in range(9):
        whole[f"kind {j}"] = np.array([*"abcdefgh"])[np.digitize(shown[:, 6 + j], np.linspace(-3, 3, 7))]
    holes = whole.mask(rng.random(whole.shape) < 0.1)
    return whole, holes


def _card(settings: Settings) -> str:
    """Tell what is measured."""
    device = torch.device(settings.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    kind = "bf16" if wants_bf16("auto", device) else "float32"
    return f"On {name}, CUDA {torch.version.cuda}: {OURS} trains in {kind} there, which is the default."


@dataclass(frozen=True)
class Use:
    """Encoding and filling, as the other cases are told."""

    name: str = "use"
    title: str = "Encoding and filling rows of a table"
    goals: Mapping[str, str] = field(default_factory=lambda: {CODES_APART: "≤ 0.001"})

    def load(self, folder: Path) -> Use:
        """Need no data but its own."""
        return self


def measure(source: Case | Use, loaded: Any, settings: Settings) -> list[Section]:
    """Measure training, and whether it is the same as on the CPU; or use."""
    if isinstance(source, Use):
        return use(settings)
    job = source.prepare(settings.small, settings.seed)
    found = [speed(source, job, settings)]
    return found if source.apart is None else [*found, agreement(source, job, settings)]


PAGE = Page(
    "gpu",
    "Benchmark on a GPU",
    "Training of every kind of model and use of one, on a GPU and on the CPU of the same machine, on as many threads "
    "as it has cores; the data are made up.",
)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark by its command line; give the exit code, which is that of nothing measured without a GPU."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--device", default=Settings().device)
    options, rest = parser.parse_known_args(arguments)
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        print("no GPU here: nothing measured; --device cpu --quick shows that it would run", file=sys.stderr)
        return 1
    settings, quick = (dataclasses.replace(each, device=options.device) for each in (Settings(), QUICK))
    sources = {case.name: case for case in (*CASES, Use())}
    bench = Bench(PAGE, sources, measure, settings, quick, ("sae-lens",))
    return main(bench, ["--threads", str(os.cpu_count() or 1), *rest])


if __name__ == "__main__":
    sys.exit(run())
