"""New rows, cell by cell: from nothing, from some given cells, or from what is left of a row with holes.

A network trained to fill any set of hidden cells from any set of visible ones is every conditional
distribution at once. Drawing one hidden cell after another, each from its distribution given all cells so
far, therefore draws from the joint distribution of them all (Uria et al. 2014, "A deep and tractable density
estimator", section 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from isthmus.errors import UsageError
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Flags, Floats, device_of


class Limit(NamedTuple):
    """What a column may come out as: which of its tokens, and the range that a number keeps to."""

    allowed: Flags
    low: float
    high: float


ROWS = 4096
TRIAL = 250_000
"""Cells in a trial run: enough for shares to a third of a percent, and a few seconds at most."""


@torch.no_grad()
def unmask(
    net: Hourglass,
    x: Floats,
    hidden: Flags,
    seed: int,
    *,
    limits: Mapping[int, Limit] | None = None,
    missing: bool = True,
    seen: Tensor | None = None,
) -> Floats:
    """Draw the hidden cells of rows, each row in a random order of its own, and leave the others as they are.

    Parameters
    ----------
    net
        A network trained with hidden cells.
    x
        Values (rows, columns); those of hidden cells do not matter.
    hidden
        Which cells (rows, columns) to draw.
    seed
        Same seed, same rows.
    limits
        Limits on columns, by number; limited columns are drawn first.
    missing
        Whether a cell may come out missing.
    seen
        Where given, (tokens,) to which the probabilities of all drawn cells are added.
    """
    if not net.unmasks:
        raise UsageError(
            "this model was fitted without hidden cells, which drawing them needs: fit with corruption mask"
        )
    device = device_of(net)
    rng = torch.Generator(device=device).manual_seed(seed)
    values, open_cells = torch.from_numpy(x.copy()).to(device), torch.from_numpy(hidden.copy()).to(device)
    limits = limits or {}
    urgent = torch.zeros(x.shape[1], device=device)
    urgent[list(limits)] = -1.0
    order = torch.rand(x.shape, generator=rng, device=device) + urgent + 2.0 * ~open_cells
    order = order.argsort(1)
    remaining = open_cells.sum(1)
    for step in range(int(remaining.max()) if len(x) else 0):
        rows = (remaining > step).nonzero()[:, 0]
        drawn = order[rows, step]
        state = _states(net, values[rows], open_cells[rows])
        for column in sorted(set(drawn.tolist())):
            mine = drawn == column
            logits = net.decoder.logits(state[mine], net.columns.slices[column]) + net.drift[net.columns.slices[column]]
            if seen is not None:
                seen[net.columns.slices[column]] += logits.softmax(1).sum(0)
            value = _draw(net, column, logits, rng, limits.get(column), missing)
            values[rows[mine], column] = value
            open_cells[rows[mine], column] = False
    return values.cpu().numpy()


@torch.no_grad()
def settle(net: Hourglass, x: Floats, seed: int, cells: int = TRIAL) -> None:
    """Keep made-up rows from drifting: correct the logits by what a trial run gets wrong on average.

    Every cell is drawn given those before it, so that small errors add up: a category that is a little too rare makes
    what goes with it too rare as well. The correction is, for each token, the log of its share among the training rows
    `x` over its mean probability in a trial of so many `cells`.
    """
    token = net.columns.tokenize(torch.from_numpy(x).to(net.drift.device)).token
    wanted = net.columns.log_marginals(token)
    rows = max(min(4 * len(x), cells // x.shape[1]), 1)
    seen = torch.full_like(net.drift, 0.5)
    nothing = np.full((rows, x.shape[1]), np.nan)
    unmask(net, nothing, np.isnan(nothing), seed, seen=seen)
    share = seen @ net.columns.member
    got = (seen / share[net.columns.member.argmax(1)]).log()
    net.drift += (wanted - got).clamp(-1.0, 1.0)


def _states(net: Hourglass, values: Tensor, hidden: Tensor) -> Tensor:
    """Give what the head reads: the decoder's hidden state (rows, width)."""
    states = []
    for part, holes in zip(torch.split(values, ROWS), torch.split(hidden, ROWS), strict=True):
        cells = net.columns.tokenize(part, holes)
        read = net.code.decode(net.encode(cells))
        states.append(net.decoder.trunk(read, cells if net.condition else None, net.columns))
    return torch.cat(states)


def _draw(
    net: Hourglass,
    column: int,
    logits: Tensor,
    rng: torch.Generator,
    limit: Limit | None,
    missing: bool,
) -> Tensor:
    """Draw values (rows,) of one column from its logits (rows, tokens)."""
    likelihood = net.columns.likelihoods[column]
    if likelihood.missing and (limit is not None or not missing):
        logits[:, -1] = -torch.inf
    if limit is not None:
        forbidden = ~torch.from_numpy(limit.allowed).to(logits.device)
        logits[:, : likelihood.present] = logits[:, : likelihood.present].masked_fill(forbidden, -torch.inf)
    token = _stratified(logits.softmax(1).double(), rng)
    value = likelihood.values(token, rng)
    if limit is None or not likelihood.numeric:
        return value
    for _ in range(8):  # a bin may reach over the limit: draw again, then cut
        outside = (value < limit.low) | (value > limit.high)
        value = torch.where(outside, likelihood.values(token, rng), value)
    return value.clamp(limit.low, limit.high)


def _stratified(p: Tensor, rng: torch.Generator) -> Tensor:
    """Draw a token for each row of probabilities (rows, tokens), one draw in each 1/rows of [0, 1].

    Each row's draw is uniform on its own; together they are spread evenly, so that the shares of tokens drawn
    vary less from their expectation than independent draws would.
    """
    rows = len(p)
    place = torch.randperm(rows, generator=rng, device=p.device)
    u = (place + torch.rand(rows, generator=rng, device=p.device, dtype=p.dtype)) / rows
    cumulative = p.cumsum(1)
    token = (cumulative <= (u * cumulative[:, -1])[:, None]).sum(1)
    return token.clamp(max=p.shape[1] - 1)


@torch.no_grad()
def from_prior(net: Hourglass, rows: int, seed: int, given: Floats | None = None) -> Floats:
    """Draw codes from the code's own prior and a row from what the decoder says of each.

    Condition columns that are not given are drawn first, from codes decoded without them.
    """
    rng = torch.Generator(device=device_of(net)).manual_seed(seed)
    code = net.code.prior(rows, rng)
    values = torch.full((rows, len(net.columns.sizes)), torch.nan, dtype=torch.float64, device=code.device)
    if given is not None:
        values = torch.from_numpy(given).to(code.device)
    others = [column for column in range(values.shape[1]) if column not in net.condition]
    for columns in filter(None, (net.condition, others)):
        given_cells = net.columns.tokenize(values, values.isnan()) if net.condition else None
        said = net.decode(code, given_cells)
        for column in columns:
            token = _stratified(said.probabilities(column).double(), rng)
            drawn = net.columns.likelihoods[column].values(token, rng)
            values[:, column] = torch.where(values[:, column].isnan(), drawn, values[:, column])
    return values.cpu().numpy()
