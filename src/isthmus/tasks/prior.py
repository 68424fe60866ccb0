"""New rows from codes, for models that have not learnt to fill hidden cells: draw a code, then a row from it.

A code is drawn from its own prior, the standard normal of a variational code, or from a prior learnt after training, as
in latent diffusion (Zhang et al. 2024, "Mixed-type tabular data synthesis with score-based diffusion in latent space").
Given the code, cells are drawn each on its own, but for tokens that break a rule between columns (`nets/rules.py`).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from isthmus.nets.columns import Cells
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.priors import Prior
from isthmus.tasks.batches import Floats, device_of
from isthmus.tasks.synthesize import PIECE, TRIAL, TRIES
from isthmus.tasks.uncover import Rows
from isthmus.training.loop import train
from isthmus.training.plan import History, Plan
from isthmus.training.progress import Progress

ROWS = 4096
"""Rows through a network at once."""

TRIALS = 8
"""Trials of made-up rows after which corrections of logits have settled: each changes what the next one sees."""


@torch.no_grad()
def from_prior(
    net: Hourglass,
    x: Floats,
    seed: int | torch.Generator,
    *,
    learnt: Prior | None = None,
    seen: Tensor | None = None,
) -> Floats:
    """Draw the cells of rows that are not given.

    Parameters
    ----------
    net
        A network whose code has a prior, unless `learnt` is given.
    x
        Values (rows, columns) of condition columns, NaN elsewhere. Condition columns that are not given are drawn
        first, from codes decoded without them.
    seed
        Same seed, same rows; or a generator, as in `unmask`.
    learnt
        A prior learnt by `learn_prior`; by default codes come from the code's own prior.
    seen
        Where given, (tokens,) to which the probabilities of all drawn cells are added.
    """
    device = device_of(net)
    rng = seed if isinstance(seed, torch.Generator) else torch.Generator(device=device).manual_seed(seed)
    pieces = []
    for start in range(0, len(x), PIECE):
        values = torch.from_numpy(x[start : start + PIECE].copy()).to(device)
        hidden = values.isnan()
        again = torch.arange(len(values), device=device)
        for _ in range(TRIES):
            rows = _drawn(net, values[again], hidden[again], rng, learnt, seen)
            values[again] = rows.values
            again = again[rows.stuck]
            if not len(again):
                break
        pieces.append(net.rules.complete(net.columns, values, hidden).cpu().numpy())
    return np.concatenate(pieces)


def _drawn(
    net: Hourglass, values: Tensor, hidden: Tensor, rng: torch.Generator, learnt: Prior | None, seen: Tensor | None
) -> Rows:
    """Draw the hidden cells of values (rows, columns)."""
    rows = Rows(net, values.masked_fill(hidden, torch.nan), hidden)
    drift = net.drift if learnt is None else learnt.drift
    code = None if learnt is not None else net.code.prior(len(values), rng)
    others = [column for column in range(values.shape[1]) if column not in net.condition]
    for columns in filter(None, (net.condition, others)):
        if learnt is not None:
            code = torch.cat([learnt.draw(part, rng) for part in torch.split(features(net, rows.cells), ROWS)])
        assert code is not None
        state = _states(net, code, rows.cells)
        for column in columns:
            mine = hidden[:, column].nonzero()[:, 0]
            if len(mine):
                rows.draw_column(mine, column, state[mine], drift, rng, seen=seen)
    return rows


@torch.no_grad()
def settle_prior(net: Hourglass, x: Floats, seed: int, learnt: Prior | None = None, cells: int = TRIAL) -> None:
    """Correct the logits of made-up rows by what trials of so many `cells`, half of them each, get wrong on average.

    As `synthesize.settle`, for rows drawn from codes; `x` (rows, columns) are the training rows. A correction moves
    shares by less than itself where codes leave little choice, so that the first ones are made larger, and by
    chance as well, so that the last ones are made smaller.
    """
    drift = net.drift if learnt is None else learnt.drift
    wanted = net.columns.log_marginals(net.columns.tokenize(torch.from_numpy(x).to(drift.device)).token)
    rows = max(min(4 * len(x), cells // 2 // x.shape[1]), 1)
    nothing = np.full((rows, x.shape[1]), np.nan)
    for trial in range(TRIALS):
        seen = torch.full_like(drift, 0.5)
        from_prior(net, nothing, seed + trial, learnt=learnt, seen=seen)
        got = (seen / (seen @ net.columns.member)[net.columns.owner]).log()
        drift += 1.5 * (1 - trial / TRIALS) * (wanted - got).clamp(-1.0, 1.0)


def learn_prior(
    net: Hourglass,
    x: Tensor,
    held_out: Tensor,
    plan: Plan,
    progress: Progress | None = None,
) -> tuple[Prior, History]:
    """Learn what the codes of values `x` (rows, columns) are like; `held_out` (rows, columns) tell when to stop."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        given = sum(net.columns.sizes[j] for j in net.condition)
        prior = Prior(net.code, given=given, tokens=net.columns.total, width=net.width).to(device_of(net))
    pre, held = _shown(net, x), _shown(net, held_out)
    read, _ = net.code.forward(pre[:, : net.code.projected], torch.Generator(pre.device).manual_seed(plan.seed))
    prior.centre, prior.spread = read.mean(0), read.std(0, correction=0).clamp(min=1e-6)
    history = train(prior, pre, held, plan, progress=progress)
    return prior, history


@torch.no_grad()
def _shown(net: Hourglass, x: Tensor) -> Tensor:
    """Give what a prior learns from: pre-codes and given columns (rows, projected + given)."""
    pieces = []
    for rows in torch.split(x, ROWS):
        cells = net.columns.tokenize(rows.to(device_of(net)))
        pieces.append(torch.cat([net.project(cells), features(net, cells)], 1))
    return torch.cat(pieces)


def features(net: Hourglass, cells: Cells) -> Tensor:
    """Give the condition columns' tokens one-hot (rows, tokens of them), 0 where hidden."""
    one_hot = [
        torch.nn.functional.one_hot(cells.token[:, j], net.columns.sizes[j]) * ~cells.hidden[:, j : j + 1]
        for j in net.condition
    ]
    return torch.cat([*one_hot, torch.zeros(len(cells.token), 0, device=cells.token.device)], 1).float()


def _states(net: Hourglass, code: Tensor, cells: Cells) -> Tensor:
    """Give what the head reads: the decoder's hidden state (rows, width)."""
    states = []
    for rows in torch.split(torch.arange(len(code), device=code.device), ROWS):
        given = Cells(*(part[rows] for part in cells)) if net.condition else None
        states.append(net.decoder.trunk(code[rows], given, net.columns))
    return torch.cat(states)
