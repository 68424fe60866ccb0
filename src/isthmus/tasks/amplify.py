"""More rows of a rare kind: real ones whose cells are partly drawn anew, given that they are of the kind.

Redrawing a random part of a row's cells from their distribution given the others is a step of Gibbs sampling (Geman
and Geman 1984): started at rows of the kind it gives rows of the kind, which lie between copies, as random oversampling
makes them, and rows made up from nothing, which hold what the model got wrong as well.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Flags, Floats
from isthmus.tasks.synthesize import unmask
from isthmus.tasks.uncover import Limit

FRESH = 0.5
"""Share of a row's other cells that are drawn anew."""


def amplify(
    net: Hourglass, x: Floats, values: Mapping[int, float], limits: Mapping[int, Limit], n: int, seed: int
) -> Floats:
    """Draw rows (n, columns) of the kind that `values` and `limits` describe.

    Each real row of the kind is used equally often, as far as n allows; where there is none, rows are made up from
    nothing but the kind.

    Parameters
    ----------
    net
        A network trained with hidden cells.
    x
        Real rows (rows, columns) of every kind.
    values, limits
        What makes the kind, by column number: cells that are known, and cells that keep to limits.
    n
        How many.
    seed
        Same seed, same rows.
    """
    real = x[of_kind(net, x, values, limits)]
    if not len(real):
        rows = np.full((n, x.shape[1]), np.nan)
        rows[:, list(values)] = list(values.values())
        return unmask(net, rows, np.isnan(rows), seed, limits=limits)
    rng = np.random.default_rng(seed)
    rows = np.resize(rng.permutation(real), (n, x.shape[1]))
    hidden = rng.random(rows.shape) < FRESH
    hidden[:, [*values, *limits]] = False
    return unmask(net, rows, hidden, seed)


def of_kind(net: Hourglass, x: Floats, values: Mapping[int, float], limits: Mapping[int, Limit]) -> Flags:
    """Tell which rows (rows,) are of the kind."""
    found = np.ones(len(x), dtype=bool)
    for column, value in values.items():
        found &= x[:, column] == value
    for column, limit in limits.items():
        cells = x[:, column]
        if net.columns.likelihoods[column].numeric:
            found &= (cells >= limit.low) & (cells <= limit.high)
        else:
            found &= np.isin(cells, np.flatnonzero(limit.allowed))
    return found
