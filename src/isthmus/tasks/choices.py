"""What could stand in a cell: each value of a category, and how likely the rest of the row makes it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from isthmus.nets.columns import TableDistribution
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Floats, through
from isthmus.tasks.impute import holes


def choices(net: Hourglass, x: Floats, columns: Sequence[int]) -> list[Floats]:
    """Give probabilities (rows, values) of each of some categorical columns, whose own cells are hidden.

    Parameters
    ----------
    x
        Values (rows, columns); what is missing or unseen is hidden as well.
    columns
        Those asked about. The ones of which nothing is known are asked about together, each other one by itself.
    """
    hidden = holes(net, x)
    blank = [j for j in columns if hidden[:, j].all()]
    asked = [blank] if blank else []
    found: dict[int, Floats] = {}
    for together in [*asked, *([j] for j in columns if j not in blank)]:
        where = hidden.copy()
        where[:, together] = True

        def ask(rows: Tensor, cells: Tensor, which: Sequence[int] = together) -> Tensor:
            said: TableDistribution = net(net.columns.tokenize(rows, cells))
            return torch.cat([said.present(j).double() for j in which], 1)

        answers = through(net, ask, x, where)
        ends = np.cumsum([net.columns.likelihoods[j].present for j in together])
        found |= dict(zip(together, np.split(answers, ends[:-1], axis=1), strict=True))
    return [found[j] for j in columns]
