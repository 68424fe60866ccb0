"""From values to a trained hourglass: what the table decides, and what follows from it."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from isthmus.errors import UsageError
from isthmus.nets.codes import Code
from isthmus.nets.columns import Columns
from isthmus.nets.corruptions import Corruption
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.likelihoods import Categorical, Likelihood, Numeric
from isthmus.nets.priors import Prior
from isthmus.nets.rules import Rules
from isthmus.nets.start import start_at_principal_components
from isthmus.tasks.batches import Floats
from isthmus.tasks.outliers import GROUPS
from isthmus.tasks.outliers import ROWS as REFERENCE
from isthmus.tasks.prior import learn_prior, settle_prior
from isthmus.tasks.synthesize import TRIAL, settle
from isthmus.training.loop import History, Plan, train
from isthmus.training.progress import Progress
from isthmus.training.seeds import generator


@dataclass(frozen=True)
class Settings:
    """What a fit was asked for; None and "auto" are decided by the table."""

    code: Code
    corruption: tuple[Corruption, ...]
    condition: tuple[int, ...] = ()
    prior: str | None = None
    width: int = 192
    blocks: int = 2
    epochs: float | None = None
    budget: float | None = None
    batch_size: int = 256
    learning_rate: float = 3e-3
    seed: int = 0
    device: str = "auto"
    checkpoint: Path | None = None
    resume: bool = False


@dataclass(frozen=True)
class Trained:
    """A trained network, how it went, and which rows were held out to judge it; the same of a learnt prior."""

    net: Hourglass
    history: History
    prior: Prior | None
    learning: History | None
    held_out: np.ndarray[tuple[int], np.dtype[np.bool_]]


NUMBERS_A_COLUMN = 3
"""Size of a code that the table decides."""

STEPS_AT_LEAST, STEPS_AT_MOST, EPOCHS = 500, 12000, 26
"""A default fit passes this often over the data, but takes no fewer and no more steps than these."""

NUMBERS = 0.05
"""Weight of numbers' own errors in a code with a prior and nothing to repair. The histograms tell such a code all that
is drawn; a code that knows numbers finer than these is further from its prior for nothing."""

SHARE, PRIOR_RATE = 0.7, 2e-3
"""Share of a budget that the autoencoder has where a prior is learnt after it, and the prior's learning rate."""


def fit(
    x: Floats,
    values: Sequence[int | None],
    settings: Settings,
    *,
    started: float | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train an hourglass on values (rows, columns).

    Parameters
    ----------
    x
        Categories as indices, numbers as they are, NaN where missing.
    values
        For each column the number of values of a category, None for a number.
    settings
        What was asked for.
    started
        When the user's budget began to count, on `time.monotonic`'s clock.
    """
    started = time.monotonic() if started is None else started
    device = pick_device(settings.device)
    rows = torch.from_numpy(np.ascontiguousarray(x))
    columns = Columns([_likelihood(rows[:, j], size) for j, size in enumerate(values)])
    code = settings.code if settings.code.size is not None else _sized(settings.code, columns)
    held = _hold_out(len(rows), settings.seed)
    training = rows[~held] if (~held).any() else rows
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        net = Hourglass(
            columns,
            code,
            width=settings.width,
            blocks=settings.blocks,
            condition=settings.condition,
            corruption=settings.corruption,
            visible=_visible(code, len(columns.sizes)),
            numbers=NUMBERS if code.generative and not settings.corruption else 1.0,
        )
        start_at_principal_components(net, training)
    net.to(device)
    plan = _plan(settings, len(training), len(columns.sizes))
    history = train(
        net,
        training,
        rows[held],
        plan,
        started=started,
        progress=progress,
        checkpoint=settings.checkpoint,
        resume=settings.resume,
        identity={"net": net.config(), "data": _fingerprint(x)},
    )
    net.rules = Rules.learn(columns, rows).to(device)
    prior, learning = _get_ready(net, training, rows[held], settings, plan, started, progress)
    return Trained(net, history, prior, learning, held.numpy())


def _plan(settings: Settings, rows: int, columns: int) -> Plan:
    """Decide how long to train on so many rows and columns."""
    batch = min(settings.batch_size, rows)
    epochs = settings.epochs if settings.epochs is not None else EPOCHS
    steps = max(1, round(epochs * max(1, rows // batch)))
    if settings.epochs is None:
        steps = min(max(steps, STEPS_AT_LEAST), STEPS_AT_MOST)
    share = SHARE if settings.prior == "learnt" else 1.0
    return Plan(
        steps=steps,
        batch_size=batch,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        budget=None if settings.budget is None else settings.budget * share,
        reserve=_afterwards(rows, columns, _trial(settings)) / batch,
    )


def _trial(settings: Settings) -> int:
    """Give the cells in a trial run of made-up rows: fewer where time is short."""
    return TRIAL if settings.budget is None else int(TRIAL * min(1.0, settings.budget / 60))


def _get_ready(
    net: Hourglass,
    training: torch.Tensor,
    held_out: torch.Tensor,
    settings: Settings,
    plan: Plan,
    started: float,
    progress: Progress | None,
) -> tuple[Prior, History] | tuple[None, None]:
    """Prepare a trained network to make up rows, and learn a prior of its codes if one was asked for."""
    x, seed, cells = training.numpy(), settings.seed, _trial(settings)
    if net.unmasks:
        settle(net, x, seed, cells)
    elif net.code.generative:
        settle_prior(net, x, seed, cells=cells)
    if settings.prior != "learnt":
        return None, None
    left = None if settings.budget is None else max(settings.budget - (time.monotonic() - started), 1.0)
    plan = dataclasses.replace(plan, learning_rate=PRIOR_RATE, budget=left)
    prior, learning = learn_prior(net, training, held_out, plan, progress)
    settle_prior(net, x, seed, prior, cells)
    return prior, learning


def _likelihood(column: torch.Tensor, values: int | None) -> Likelihood:
    return Numeric.learn(column) if values is None else Categorical.learn(column, values)


def _sized(code: Code, columns: Columns) -> Code:
    """Three numbers a column, but no more than the columns' own numbers and values could need, and at most 256."""
    needed = len(columns.numeric) + sum(size - 1 for j, size in enumerate(columns.sizes) if j not in columns.numeric)
    size = max(1, min(NUMBERS_A_COLUMN * (len(columns.sizes) + 1), needed, 256))
    if code.name == "sparse":
        size = max(4 * size, getattr(code, "k", 1))
    return dataclasses.replace(code, size=size)


def _visible(code: Code, columns: int) -> float:
    """Weigh rebuilding what is seen by 0.4 at three numbers a column, and more the narrower the code, up to 1."""
    return min(0.4 * max(NUMBERS_A_COLUMN * columns / (code.size or 1), 1.0), 1.0)


def _afterwards(rows: int, columns: int, trial: int) -> float:
    """Give how many rows' worth of training the work after it takes; a row only read is a third of one trained."""
    reference = min(rows, REFERENCE) * min(columns, GROUPS)
    return (min(4 * rows * columns, trial) + reference) / 3


def _hold_out(rows: int, seed: int) -> torch.Tensor:
    """Choose a tenth of the rows, at most 1,024, to judge by; a table of one row judges by it."""
    count = min(max(1, rows // 10), 1024)
    chosen = torch.zeros(rows, dtype=torch.bool)
    chosen[torch.randperm(rows, generator=generator(torch.device("cpu"), seed, 4))[:count]] = True
    return chosen


def _fingerprint(x: Floats) -> str:
    """Tell two tables apart: a run goes on only with the data it began with."""
    return hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest()[:16]


def pick_device(name: str) -> torch.device:
    """Choose where to compute: CUDA, else MPS, else the processor, unless told."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError):
        raise UsageError(f"device {name!r} cannot be used here; give auto, cpu, cuda or mps") from None
    return device
