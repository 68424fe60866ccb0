"""Encode, decode, and both: what a code keeps of a row."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Codes, Floats, through


def encode(net: Hourglass, x: Floats) -> Codes:
    """Values (rows, columns) to codes (rows, size)."""
    return through(net, lambda rows: net.encode(net.columns.tokenize(rows)), x)


def decode(net: Hourglass, codes: Codes, given: Floats | None = None) -> Floats:
    """Codes (rows, size) to values (rows, columns); `given` (rows, columns) holds the condition columns.

    Condition columns that are given come back as they were given.
    """
    if given is None or not net.condition:
        return through(net, lambda code: net.decode(code).rebuilt(), codes)
    values = through(net, lambda code, rows: net.decode(code, net.columns.tokenize(rows)).rebuilt(), codes, given)
    known = given[:, net.condition]
    values[:, net.condition] = np.where(np.isnan(known), values[:, net.condition], known)
    return values


def reconstruct(net: Hourglass, x: Floats) -> Floats:
    """Values (rows, columns) through the code and back."""
    return decode(net, encode(net, x), x)


def log_likelihood(net: Hourglass, x: Floats) -> Floats:
    """Nats (rows, columns) of each cell under what its row's code says, negative; 0 where unknown."""
    return through(net, lambda rows: _log_prob(net, rows), x).astype(np.float64)


def _log_prob(net: Hourglass, rows: Tensor) -> Tensor:
    cells = net.columns.tokenize(rows)
    return torch.where(cells.hidden, 0.0, net(cells).log_prob(cells.token))
