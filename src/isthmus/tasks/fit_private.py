"""A fit with differential privacy: rows are counted under noise, their gradients are taken under noise, and no more.

1. How many rows there are, under noise, decides how long to train.
2. Columns are counted (`counts.py`), and pairs of them (`standin.py`). Bins of numbers, frequencies, where training
   starts and the number of weights follow from these counts alone.
3. The network is trained on rows drawn from the counts, at no cost.
4. It goes on with noisy gradients of the real rows (`training/private.py`).
5. Whatever a fit learns afterwards (the logits' correction, and what `isthmus.model` compares rows with) it learns from
   the counts, or from rows that the network made up. No row is held out, nothing stops early, and no loss is told.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from isthmus.nets.columns import Columns
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks import privacy
from isthmus.tasks.batches import Flags, Floats
from isthmus.tasks.counts import MOST_ROWS, Domain, count
from isthmus.tasks.fit import build, columns_of, hold_out
from isthmus.tasks.plan import Settings, plan_of, trial_cells
from isthmus.tasks.standin import Tree
from isthmus.tasks.synthesize import settle, unmask
from isthmus.training.loop import train
from isthmus.training.plan import History, Plan
from isthmus.training.private import Chance, Noise, Private
from isthmus.training.progress import Progress

BATCH = 4
"""Times the usual batch's rows that a step of noisy gradients is expected to have: noise is shared by more of them."""

STEPS, PASSES = 800, 60
"""Steps of noisy gradients, but no more expected passes over the rows than these."""

CLIP = 1.0
"""Length that a row's gradient is cut to; Adam does not mind the scale, but what is cut off matters."""

RATE = 0.15
"""Share of the usual learning rate for noisy gradients: the network knows much by then, and noise may undo it.
One run on California's blocks (epsilon 3, width 96, 300 steps): held-out rows cost 10.45 before, 10.38 with .05, 10.29
with .15; higher rates were not tried."""

DRAWN = 8192
"""Rows drawn from the counts at least: they cost nothing, and few would be learnt by heart."""

MADE = 4096
"""Rows made up to compare others with."""


@dataclasses.dataclass(frozen=True)
class Trained:
    """A trained network, rows that it made up (rows, columns), which of these are held out, and what was spent."""

    net: Hourglass
    history: History
    made: Floats
    held_out: Flags
    rows: int
    facts: dict[str, Any]


def fit_private(
    x: Floats, domains: Sequence[Domain], settings: Settings, *, progress: Progress | None = None
) -> Trained:
    """Train an hourglass on values (rows, columns), of which it tells no more than `settings.private` allows.

    Parameters
    ----------
    x
        Categories as indices, numbers as they are, NaN where missing.
    domains
        What is known of the columns without these rows.
    settings
        What was asked for.
    """
    wanted = settings.private
    assert wanted is not None
    chance = Chance(wanted.seed)
    spent = privacy.ROWS * wanted.epsilon
    rows = max(len(x) + chance.geometric(1 / spent), 1)
    delta = privacy.usual_delta(rows) if wanted.delta is None else wanted.delta
    expected, steps = _pace(settings, rows)
    shares = privacy.share_out(wanted.epsilon - spent, delta, expected / rows, steps)

    independent, columns, stand_in = _counted(x, domains, rows, shares, settings.seed, chance)
    held = hold_out(len(stand_in), settings.seed)
    free, judged = torch.from_numpy(stand_in)[~held], torch.from_numpy(stand_in)[held]
    net = build(columns, free, settings)
    history = train(net, free, judged, plan_of(settings, len(free), len(domains)), progress=progress)
    noise = Noise(shares.rate, expected, CLIP, shares.gradients, steps)
    _train_on_rows(net, torch.from_numpy(np.ascontiguousarray(x)), noise, chance, (free, judged), settings, progress)

    settle(net, independent, settings.seed, trial_cells(settings))
    nothing = np.full((MADE, x.shape[1]), np.nan)
    made = unmask(net, nothing, np.isnan(nothing), settings.seed)
    # how long it took, and notes on memory, follow from the rows: neither is told
    told = History(history.checks, history.best_step, history.best_loss, history.steps + steps, 0.0)
    return Trained(net, told, made, np.arange(MADE) >= MADE * 3 // 4, rows, shares.facts(spent))


def _pace(settings: Settings, rows: int) -> tuple[float, int]:
    """Give the rows that a step of noisy gradients is expected to have, and the number of such steps."""
    expected = min(BATCH * settings.batch_size, rows / 4) if rows >= 8 else rows
    passes = PASSES if settings.epochs is None else settings.epochs
    most = passes * rows / expected
    return float(expected), max(1, round(most if settings.epochs is not None else min(STEPS, most)))


def _counted(
    x: Floats, domains: Sequence[Domain], rows: int, shares: privacy.Shares, seed: int, chance: Chance
) -> tuple[Floats, Columns, Floats]:
    """Count rows; give columns as they were counted, each on its own, their likelihoods, and rows that stand in."""
    counted = count(x, domains, rows, shares.one, privacy.ROUNDS, chance)
    size, rng = min(max(rows, 256), MOST_ROWS), np.random.default_rng(seed)
    independent = np.column_stack([each.column(size, rng) for each in counted])
    columns = columns_of(torch.from_numpy(independent), [domain.values for domain in domains])
    tree = Tree.learn(columns, independent, x, rows, shares.all, shares.tree, chance)
    return independent, columns, tree.draw(max(size, DRAWN), seed)


def _train_on_rows(
    net: Hourglass,
    rows: torch.Tensor,
    noise: Noise,
    chance: Chance,
    free: tuple[torch.Tensor, torch.Tensor],
    settings: Settings,
    progress: Progress | None,
) -> None:
    """Go on with noisy gradients, and keep the average of the last weights; what is `free` is all that is judged by."""
    numbers = slice(net.columns.total, None)
    still = [] if net.decoder.offsets is None else list(net.decoder.offsets.parameters())
    head = net.decoder.head
    before = head.weight[numbers].detach().clone(), head.bias[numbers].detach().clone()
    for weight in still:
        weight.requires_grad_(False)
    private = Private(net, rows, noise, chance)
    plan = Plan(
        steps=noise.steps,
        batch_size=min(round(noise.expected), len(free[0])),  # of what time is promised by
        learning_rate=RATE * settings.learning_rate,
        weight_decay=0.0,
        clip=None,
        best=False,
        seed=settings.seed,
    )
    train(private, *free, plan, progress=progress)
    private.release()
    for weight in still:
        weight.requires_grad_(True)
    with torch.no_grad():  # noisy gradients say nothing of numbers' means: what was added there is noise alone
        head.weight[numbers], head.bias[numbers] = before
