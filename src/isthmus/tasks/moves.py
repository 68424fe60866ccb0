"""What a feature of a sparse code does to the cells of rows: decoded with it and without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isthmus.nets.columns import TableDistribution
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Codes, Floats, through

__all__ = ["Move", "moves"]


@dataclass(frozen=True)
class Move:
    """What a feature does to one column, on average over rows where it fires.

    Parameters
    ----------
    column
        Its place.
    size
        Of a number the change in standard deviations, of a category the change in the probability of `value`.
    value
        The category whose probability changes most, None of a number; the number of values means "missing".
    without, with_
        What is expected without the feature and with it: of numbers in standard deviations from the mean, of a category
        its probability.
    """

    column: int
    size: float
    value: int | None
    without: float
    with_: float


def moves(net: Hourglass, codes: Codes, feature: int, x: Floats | None = None) -> list[Move]:
    """Compare what rows are decoded to with what they are without a feature, largest change first.

    Parameters
    ----------
    net
        The model.
    codes
        (rows, size) of rows where the feature fires.
    feature
        Its number.
    x
        (rows, columns), the rows' values, where the decoder reads condition columns.
    """
    off = codes.copy()
    off[:, feature] = 0
    with_, without = (_said(net, each, x).mean(0) for each in (codes, off))
    numeric = net.columns.numeric
    found = [
        Move(j, float(with_[k] - without[k]), None, float(without[k]), float(with_[k])) for k, j in enumerate(numeric)
    ]
    at = len(numeric)
    for j in range(len(net.columns.sizes)):
        if j not in numeric:
            shares = slice(at, at + net.columns.likelihoods[j].size)
            change = with_[shares] - without[shares]
            value = int(np.abs(change).argmax())
            found.append(
                Move(j, float(change[value]), value, float(without[shares][value]), float(with_[shares][value]))
            )
            at = shares.stop
    return sorted(found, key=lambda move: -abs(move.size))


def _said(net: Hourglass, codes: Codes, x: Floats | None) -> Floats:
    """Give numbers in standard deviations, then probabilities of every other column's values, for every code."""
    others = [j for j in range(len(net.columns.sizes)) if j not in net.columns.numeric]

    def told(said: TableDistribution) -> Tensor:
        return torch.cat([said.numbers, *(said.probabilities(j) for j in others)], 1)

    if x is None or not net.condition:
        return through(net, lambda code: told(net.decode(code)), codes).astype(np.float64)
    return through(net, lambda code, rows: told(net.decode(code, net.columns.tokenize(rows))), codes, x).astype(
        np.float64
    )
