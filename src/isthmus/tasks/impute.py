"""Missing cells filled: hide them, encode what is there, and ask the decoder."""

from __future__ import annotations

from typing import Literal

import numpy as np
from torch import Tensor

from isthmus.errors import UsageError
from isthmus.nets.columns import TableDistribution
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Flags, Floats, through
from isthmus.tasks.synthesize import unmask

Method = Literal["mode", "mean", "sample"]
METHODS: tuple[Method, ...] = ("mode", "mean", "sample")


def holes(net: Hourglass, x: Floats) -> Flags:
    """Which cells of values (rows, columns) are to be filled: missing (NaN), or unseen (-1) in a category."""
    found = np.isnan(x)
    categorical = [j for j in range(x.shape[1]) if j not in net.columns.numeric]
    found[:, categorical] |= x[:, categorical] < 0
    return found


def impute(net: Hourglass, x: Floats, method: Method, seed: int) -> Floats:
    """Fill the holes in values (rows, columns).

    `mode` takes the likeliest value, `mean` the expected number, `sample` draws all holes of a row jointly,
    so that repeated draws differ as much as the data leave open.
    """
    hidden = holes(net, x)
    rows = hidden.any(1)
    filled = x.copy()
    if method == "sample":
        filled[rows] = unmask(net, x[rows], hidden[rows], seed, missing=False)
        return filled
    if method not in ("mode", "mean"):
        raise UsageError(f"impute method {method!r} is unknown; methods are mode, mean and sample")

    if not rows.any():
        return filled
    lacking = np.flatnonzero(hidden.any(0))  # what no row lacks need not be read off
    which = lacking.tolist()

    def fill(part: Tensor, where: Tensor) -> Tensor:
        said: TableDistribution = net(net.columns.tokenize(part, where))
        return said.mode(which) if method == "mode" else said.mean(which)

    cells = np.ix_(rows, lacking)
    filled[cells] = np.where(hidden[cells], through(net, fill, x[rows], hidden[rows]), x[cells])
    return filled
