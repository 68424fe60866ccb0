"""Cells under limits, drawn jointly: from all rows that would meet every limit, in their proportions.

Drawing one limited cell after another takes the first from the rows that meet its own limit, whether or not they could
meet the next. So candidates are drawn in that way, each with the probability of meeting the limits it came across as
its weight, and resampled by these weights (Doucet, de Freitas and Gordon 2001, "Sequential Monte Carlo methods in
practice", chapter 1). Nothing is thrown away for not meeting a limit: how rare the rows are costs no time.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from isthmus.nets.hourglass import Hourglass
from isthmus.nets.likelihoods import Numeric
from isthmus.tasks.batches import device_of
from isthmus.tasks.uncover import Limit, Rows

CANDIDATES = 512
"""Candidates at least in one round."""

ROUNDS = 16
"""Rounds of candidates at most, until as many as rows are asked for count in effect."""


def draw_limited(
    net: Hourglass, values: Tensor, hidden: Tensor, limits: Mapping[int, Limit], rng: torch.Generator
) -> None:
    """Draw the limited cells of values (rows, columns), rows alike but for those, and mark them as not hidden."""
    columns = sorted(limits)
    pool, weights = [], []
    for _ in range(ROUNDS):
        candidates, weight = _candidates(net, values[:1], hidden[:1], limits, max(len(values), CANDIDATES), rng)
        pool.append(candidates[:, columns])
        weights.append(weight)
        if len(columns) == 1 or effective(torch.cat(weights)) >= len(values):
            break
    chosen = _systematic(torch.cat(weights), len(values), rng)
    values[:, columns] = torch.cat(pool)[chosen]
    hidden[:, columns] = False
    twice = _repeated(chosen)
    for column in columns:  # candidates chosen twice are the same in what kind of rows they are, not in every digit
        likelihood, limit = net.columns.likelihoods[column], limits[column]
        if isinstance(likelihood, Numeric):
            token = likelihood.tokens(values[twice, column])
            values[twice, column] = likelihood.between(token, rng, limit.low, limit.high)


@torch.no_grad()
def chance(net: Hourglass, limits: Mapping[int, Limit], seed: int = 0) -> float:
    """Estimate the share of rows that meet all limits, as if there were no rules."""
    rng = torch.Generator(device=device_of(net)).manual_seed(seed)
    nothing = torch.full((1, len(net.columns.sizes)), torch.nan, dtype=torch.float64, device=device_of(net))
    _, weight = _candidates(net, nothing, nothing.isnan(), limits, CANDIDATES, rng, ruled=False)
    return float(weight.exp().mean())


def effective(weight: Tensor) -> float:
    """Count how many equal weights vary as little as these log-weights (candidates,): Kish's effective sample size."""
    share = weight.softmax(0)
    return float(1 / share.square().sum())


def _candidates(
    net: Hourglass,
    row: Tensor,
    hidden: Tensor,
    limits: Mapping[int, Limit],
    count: int,
    rng: torch.Generator,
    *,
    ruled: bool = True,
) -> tuple[Tensor, Tensor]:
    """Draw the limited cells of so many copies of a row, and the log-probabilities of meeting their limits."""
    rows = Rows(net, row.expand(count, -1), hidden.expand(count, -1), ruled=ruled)
    limited = torch.zeros(count, row.shape[1], dtype=torch.bool, device=row.device)
    limited[:, list(limits)] = True
    rows.draw(limited, rng, limits=limits)
    return rows.values, rows.weight


def _systematic(weight: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """Choose candidates (count,) in proportion to exp(weight), in random order; alike where none is possible."""
    share = torch.where(weight.isneginf().all(), torch.zeros_like(weight), weight).softmax(0)
    u = torch.rand(1, generator=rng, device=weight.device, dtype=share.dtype)
    places = (torch.arange(count, device=weight.device) + u) / count
    chosen = torch.searchsorted(share.cumsum(0), places).clamp(max=len(weight) - 1)
    return chosen[torch.randperm(count, generator=rng, device=weight.device)]


def _repeated(chosen: Tensor) -> Tensor:
    """Places (repeats,) at which a number was there before."""
    ordered, order = chosen.sort(stable=True)
    return order[1:][ordered[1:] == ordered[:-1]]
