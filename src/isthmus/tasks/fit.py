"""From values to a trained hourglass: what the table decides, and what follows from it."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from isthmus.errors import UsageError
from isthmus.nets.codes import Code
from isthmus.nets.columns import Columns
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.likelihoods import Categorical, Likelihood, Numeric
from isthmus.nets.priors import Prior
from isthmus.nets.rules import Rules
from isthmus.nets.start import start_at_principal_components
from isthmus.tasks.batches import Floats
from isthmus.tasks.plan import Settings, plan_of, trial_cells
from isthmus.tasks.prior import learn_prior, settle_prior
from isthmus.tasks.synthesize import settle
from isthmus.training.loop import train
from isthmus.training.plan import History, Plan
from isthmus.training.progress import Progress
from isthmus.training.seeds import generator
from isthmus.training.sources import Source


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

NUMBERS = 0.05
"""Weight of numbers' own errors in a code with a prior and nothing to repair. The histograms tell such a code all that
is drawn; a code that knows numbers finer than these is further from its prior for nothing."""

PRIOR_RATE = 2e-3
"""Learning rate of a prior."""


def fit(
    x: Floats,
    values: Sequence[int | None],
    settings: Settings,
    *,
    started: float | None = None,
    progress: Progress | None = None,
    stream: Callable[[npt.NDArray[np.bool_], int], Sequence[Source]] | None = None,
    train: Callable[..., History] = train,
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
    stream
        Where the values are but a sample of more: gives those to train on, all but the held-out rows of the sample,
        in batches of a size, by shards.
    train
        The training loop, or what lets others do it.
    """
    started = time.monotonic() if started is None else started
    rows = torch.from_numpy(np.ascontiguousarray(x))
    columns = columns_of(rows, values)
    held = hold_out(len(rows), settings.seed)
    training = rows[~held] if (~held).any() else rows
    net = build(columns, training, settings)
    source = None if stream is None else stream(held.numpy(), settings.batch_size)
    rows_of = len(training) if source is None else sum(map(len, source))
    plan = plan_of(settings, rows_of, len(columns.sizes))
    history = train(
        net,
        training if source is None else source,
        rows[held],
        plan,
        started=started,
        progress=progress,
        checkpoint=settings.checkpoint,
        resume=settings.resume,
        identity={"net": net.config(), "data": _fingerprint(x)},
    )
    prior = learning = None
    if settings.makes_rows:
        net.rules = Rules.learn(columns, rows).to(net.drift.device)
        prior, learning = _get_ready(net, training, rows[held], settings, plan, started, progress)
    return Trained(net, history, prior, learning, held.numpy())


def columns_of(rows: torch.Tensor, values: Sequence[int | None]) -> Columns:
    """Learn the likelihoods of columns from their values (rows, columns)."""
    return Columns([_likelihood(rows[:, j], size) for j, size in enumerate(values)])


def build(columns: Columns, training: torch.Tensor, settings: Settings) -> Hourglass:
    """Build an hourglass, which starts at what training values (rows, columns) tell without training."""
    code = settings.code if settings.code.size is not None else _sized(settings.code, columns)
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
    return net.to(pick_device(settings.device))


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
    x, seed, cells = training.numpy(), settings.seed, trial_cells(settings)
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


def hold_out(rows: int, seed: int) -> torch.Tensor:
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
