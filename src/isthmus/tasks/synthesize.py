"""New rows, cell by cell: from nothing, from some given cells, or from what is left of a row with holes.

A network trained to fill any set of hidden cells from any set of visible ones is every conditional
distribution at once. Drawing one hidden cell after another, each from its distribution given all cells so
far, therefore draws from the joint distribution of them all (Uria et al. 2014, "A deep and tractable density
estimator", section 3). Tokens that break a rule between columns (`nets/rules.py`) are left out of each draw.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from isthmus.errors import UsageError
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Flags, Floats, device_of
from isthmus.tasks.limits import draw_limited
from isthmus.tasks.uncover import Limit, Rows

TRIAL = 250_000
"""Cells in a trial run: enough for shares to a third of a percent, and a few seconds at most."""

TRIALS = 2
"""Trial runs: a correction changes what later cells are drawn given, so that the first leaves a little to do."""

PIECE = 32_768
"""Rows drawn at a time, so that memory stays bounded."""

TRIES = 8
"""Times that rows are drawn whose first cells leave no value for a later one that no rule forbids."""


@torch.no_grad()
def unmask(
    net: Hourglass,
    x: Floats,
    hidden: Flags,
    seed: int | torch.Generator,
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
        Same seed, same rows; or a generator, which goes on where it was, so that rows can be drawn in several calls.
    limits
        Limits on columns, by number; these are drawn first, jointly, and all rows must then be alike.
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
    rng = seed if isinstance(seed, torch.Generator) else torch.Generator(device=device).manual_seed(seed)
    pieces = []
    for start in range(0, len(x), PIECE):
        values = torch.from_numpy(x[start : start + PIECE].copy()).to(device)
        open_cells = torch.from_numpy(hidden[start : start + PIECE].copy()).to(device)
        if limits:
            draw_limited(net, values, open_cells, limits, rng)
        pieces.append(_unmasked(net, values, open_cells, rng, missing=missing, seen=seen).cpu().numpy())
    return np.concatenate(pieces) if pieces else x.copy()


def _unmasked(
    net: Hourglass, values: Tensor, hidden: Tensor, rng: torch.Generator, *, missing: bool, seen: Tensor | None
) -> Tensor:
    """Draw the hidden cells of values (rows, columns), and rows that run into a dead end of the rules again."""
    again = torch.arange(len(values), device=values.device)
    for _ in range(TRIES):
        rows = Rows(net, values[again], hidden[again], missing=missing)
        hopeless = rows.stuck.clone()  # what is known of them breaks a rule already
        rows.draw(hidden[again], rng, seen=seen)
        values[again] = rows.values
        again = again[rows.stuck & ~hopeless]
        if not len(again):
            break
    return net.rules.complete(net.columns, values, hidden, missing=missing)


@torch.no_grad()
def settle(net: Hourglass, x: Floats, seed: int, cells: int = TRIAL) -> None:
    """Keep made-up rows from drifting: correct the logits by what a trial run gets wrong on average.

    Every cell is drawn given those before it, so that small errors add up: a category that is a little too rare makes
    what goes with it too rare as well. The correction is, for each token, the log of its share among the training rows
    `x` over its mean probability in a trial of so many `cells`, twice.
    """
    token = net.columns.tokenize(torch.from_numpy(x).to(net.drift.device)).token
    wanted = net.columns.log_marginals(token)
    rows = max(min(4 * len(x), cells // x.shape[1]), 1)
    nothing = np.full((rows, x.shape[1]), np.nan)
    for trial in range(TRIALS):
        seen = torch.full_like(net.drift, 0.5)
        unmask(net, nothing, np.isnan(nothing), seed + trial, seen=seen)
        share = seen @ net.columns.member
        got = (seen / share[net.columns.owner]).log()
        net.drift += (wanted - got).clamp(-1.0, 1.0)
