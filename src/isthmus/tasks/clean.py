"""Repairs of the cells that are surest to be wrong, and numbers smoothed by what the rest of their rows tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Flags, Floats
from isthmus.tasks.cells import read, suspect, told
from isthmus.tasks.slips import Ways

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Repairs:
    """Suspected cells, surest first.

    `row` and `column`; the `value` proposed; `wrong`, the probability that the cell is; `right`, the probability that
    the proposal is (of a number: within half a standard deviation); `way`, what went wrong; `sure`, whether it belongs
    to those that are to be made. `suspicion` (rows, columns) is the probability of every cell that it is wrong.
    """

    row: Places
    column: Places
    value: Floats
    wrong: Floats
    right: Floats
    way: Places
    sure: Flags
    suspicion: Floats


def repairs(net: Hourglass, x: Floats, ways: Sequence[Ways], false: float) -> Repairs:
    """Look for wrong cells of values (rows, columns), and choose which to repair.

    Those are the surest ones, as many as keep the expected share of `false` repairs, of cells that were right; among
    them only such whose proposal is likelier right than not.
    """
    found = suspect(net, x, ways)
    wrong = np.where(found.found, found.wrong, -1.0)
    order = np.argsort(-wrong, axis=None, kind="stable")[: int(found.found.sum())]
    row, column = (each.astype(np.int64) for each in np.divmod(order, x.shape[1]))
    wrong = wrong[row, column]
    value, right, way = np.zeros(len(row)), np.zeros(len(row)), np.zeros(len(row), dtype=np.int64)
    for j in np.unique(column):
        mine = column == j
        rows = row[mine]
        p = told(net, read(net, x[rows], found.found[rows]), j)
        said = ways[j].propose(p, x[rows, j], found.rates[:, j])
        value[mine], right[mine], way[mine] = said.value, said.right * wrong[mine], said.way
    likely = (right > 0.5).nonzero()[0]
    expected = np.cumsum(1 - wrong[likely]) / np.arange(1, len(likely) + 1)
    sure = np.zeros(len(row), dtype=bool)
    sure[likely[expected <= false]] = True
    return Repairs(row, column, value, wrong, right, way, sure, found.wrong)


def denoise(net: Hourglass, x: Floats, columns: Sequence[int]) -> Floats:
    """Draw the numbers of some columns (rows, columns) towards what the rest of their rows makes expected.

    The surer the expectation the more, as a Wiener filter does: noise is taken to be as large as the variance left
    where the rest of the row tells most (its lowest twentieth), and a number keeps what exceeds it (Lee 1980, "Digital
    image enhancement and noise filtering by use of local statistics").
    """
    smooth = x.copy()
    cells = read(net, x, np.zeros(x.shape, dtype=bool))
    for j in columns:
        centre = net.columns.numerics[net.columns.numeric.index(j)].centre.cpu().numpy()
        p = told(net, cells, j)
        mean = p @ centre
        variance = (p @ centre**2 - mean**2).clip(1e-12)
        keeps = 1 - np.minimum(np.quantile(variance, 0.05) / variance, 1)
        smooth[:, j] = np.where(np.isnan(x[:, j]), np.nan, mean + keeps * (x[:, j] - mean))
    return smooth
