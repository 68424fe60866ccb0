"""New rows from codes, for models that have not learnt to fill hidden cells: draw a code, then a row from it.

A code is drawn from its own prior, the standard normal of a variational code, or from a prior learnt after training
(Zhang et al. 2024, "Mixed-type tabular data synthesis with score-based diffusion in latent space"). Given the code,
cells are drawn each on its own.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from isthmus.nets.columns import Cells
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.priors import Flow
from isthmus.tasks.batches import Floats, device_of
from isthmus.tasks.synthesize import TRIAL
from isthmus.tasks.uncover import stratified
from isthmus.training.loop import History, Plan, train
from isthmus.training.progress import Progress

TRIALS = 3
"""Trials after which corrections of logits have settled: each changes what the next one sees."""


@torch.no_grad()
def from_prior(
    net: Hourglass,
    rows: int,
    seed: int,
    given: Floats | None = None,
    *,
    learnt: Flow | None = None,
    seen: Tensor | None = None,
) -> Floats:
    """Draw rows (rows, columns).

    Condition columns that are not given are drawn first, from codes decoded without them.

    Parameters
    ----------
    net
        A network whose code has a prior, unless `learnt` is given.
    rows
        How many.
    seed
        Same seed, same rows.
    given
        Values (rows, columns) of condition columns, NaN elsewhere.
    learnt
        A prior learnt by `learn_prior`; by default codes come from the code's own prior.
    seen
        Where given, (tokens,) to which the probabilities of all drawn cells are added.
    """
    rng = torch.Generator(device=device_of(net)).manual_seed(seed)
    drift = net.drift if learnt is None else learnt.drift
    values = torch.full((rows, len(net.columns.sizes)), torch.nan, dtype=torch.float64, device=drift.device)
    if given is not None:
        values = torch.from_numpy(given).to(drift.device)
    code = torch.empty(0) if learnt is not None else net.code.prior(rows, rng)
    others = [column for column in range(values.shape[1]) if column not in net.condition]
    for columns in filter(None, (net.condition, others)):
        cells = net.columns.tokenize(values, values.isnan())
        if learnt is not None:
            code = torch.cat([learnt.draw(part, rng) for part in torch.split(features(net, cells), ROWS)])
        state = _states(net, code, cells)
        for column in columns:
            tokens = net.columns.slices[column]
            p = (net.decoder.logits(state, tokens) + drift[tokens]).softmax(1)
            if seen is not None:
                seen[tokens] += p.sum(0)
            drawn = net.columns.likelihoods[column].values(stratified(p.double(), rng), rng)
            values[:, column] = torch.where(values[:, column].isnan(), drawn, values[:, column])
    if given is not None:
        drawn_cells = torch.from_numpy(np.isnan(given)).to(drift.device)
    else:
        drawn_cells = torch.ones_like(values, dtype=torch.bool)
    return net.rules.complete(net.columns, values, drawn_cells).cpu().numpy()


@torch.no_grad()
def settle_prior(net: Hourglass, x: Floats, seed: int, learnt: Flow | None = None, cells: int = TRIAL) -> None:
    """Correct the logits of made-up rows by what a trial of so many cells gets wrong on average.

    As `synthesize.settle`, for rows drawn from codes; `x` (rows, columns) are the training rows.
    """
    drift = net.drift if learnt is None else learnt.drift
    wanted = net.columns.log_marginals(net.columns.tokenize(torch.from_numpy(x).to(drift.device)).token)
    for _ in range(TRIALS):
        seen = torch.full_like(drift, 0.5)
        from_prior(net, max(cells // TRIALS // x.shape[1], 1), seed, learnt=learnt, seen=seen)
        got = (seen / (seen @ net.columns.member)[net.columns.member.argmax(1)]).log()
        drift += (wanted - got).clamp(-1.0, 1.0)


def learn_prior(
    net: Hourglass,
    x: Tensor,
    held_out: Tensor,
    plan: Plan,
    *,
    started: float | None = None,
    progress: Progress | None = None,
) -> tuple[Flow, History]:
    """Learn what the codes of values `x` (rows, columns) are like; `held_out` (rows, columns) tell when to stop."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        given = sum(net.columns.sizes[j] for j in net.condition)
        prior = Flow(net.code, given=given, tokens=net.columns.total, width=net.width).to(device_of(net))
    pre, held = _seen_by(net, x), _seen_by(net, held_out)
    read, _ = net.code.forward(pre[:, : net.code.projected], torch.Generator(pre.device).manual_seed(plan.seed))
    prior.centre, prior.spread = read.mean(0), read.std(0).clamp(min=1e-6)
    history = train(prior, pre, held, plan, started=started, progress=progress)
    return prior, history


@torch.no_grad()
def _seen_by(net: Hourglass, x: Tensor) -> Tensor:
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


def _states(net: Hourglass, read: Tensor, cells: Cells) -> Tensor:
    """Give what the head reads: the decoder's hidden state (rows, width)."""
    pieces = zip(*(torch.split(part, ROWS) for part in (read, *cells)), strict=True)
    given = (Cells(*rest) if net.condition else None for _, *rest in pieces)
    return torch.cat(
        [net.decoder.trunk(own, known, net.columns) for own, known in zip(torch.split(read, ROWS), given, strict=True)]
    )
