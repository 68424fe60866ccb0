"""How sure a filled cell is: the probability of a category, and a range that a number lies in as often as is said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isthmus.nets.columns import TableDistribution
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Flags, Floats, device_of, through

PASSES = 4
"""How often held-out rows are asked about, each time with other cells hidden."""

GRID = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Certainty:
    """Of each cell (rows, columns) the probability of its value, or the low and high end of a range; else NaN."""

    probability: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Calibration:
    """What the decoder must be asked for to be right as often as is wanted, learnt from held-out rows.

    A network is surer of cells that it learnt from than of new ones. The central part of its distribution that holds a
    held-out cell is a conformity score (Romano et al. 2019, "Conformalized quantile regression", in terms of shares):
    its quantiles tell how wide a part of the distribution holds nine cells in ten.

    Attributes
    ----------
    levels
        Of each number (numbers, grid), the part to ask for, by the share of cells that it is to hold.
    """

    levels: Floats

    @classmethod
    def nominal(cls, net: Hourglass) -> Calibration:
        """Take what the decoder says at its word."""
        return cls(np.tile(GRID, (len(net.columns.numeric), 1)))

    @classmethod
    def learn(cls, net: Hourglass, x: Floats, seed: int) -> Calibration:
        """Learn from values (rows, columns) that the network was not trained on."""
        rng, scores = np.random.default_rng(seed), []
        for _ in range(PASSES):
            hidden = rng.random(x.shape) < rng.random((len(x), 1))
            asked = through(net, lambda rows, where: _scores(net, rows, where), x, hidden)
            scores.append(np.where(hidden[:, net.columns.numeric], asked, np.nan))
        found, nominal = np.concatenate(scores).T, cls.nominal(net).levels
        for j, column in enumerate(found):
            known = np.sort(column[~np.isnan(column)])
            if len(known):
                # one more cell, as far out as can be, makes the share hold for new cells and not only for these
                nominal[j] = np.append(known, 1.0)[np.ceil(GRID * len(known)).astype(int)]
        return cls(nominal)

    def level(self, share: float) -> Floats:
        """Give the part (numbers,) to ask for, so that it holds this share of cells."""
        return np.array([np.interp(share, GRID, levels) for levels in self.levels])


def _scores(net: Hourglass, rows: Tensor, hidden: Tensor) -> Tensor:
    """Give the smallest central parts (rows, numbers) of the distributions of hidden cells that hold their values."""
    said: TableDistribution = net(net.columns.tokenize(rows, hidden))
    scores = torch.full((len(rows), len(net.columns.numeric)), torch.nan, dtype=torch.float64, device=rows.device)
    for i, j in enumerate(net.columns.numeric):
        less, most = said.shares(j, rows[:, j].nan_to_num(0.0))
        score = torch.maximum(1 - 2 * most, 2 * less - 1).clamp(0, 1)
        scores[:, i] = torch.where(rows[:, j].isnan(), torch.nan, score)
    return scores


def certainty(net: Hourglass, x: Floats, hidden: Flags, filled: Floats, levels: Floats) -> Certainty:
    """Say how sure filled values (rows, columns) are.

    Parameters
    ----------
    x, hidden
        Values (rows, columns), and which of them were filled.
    filled
        The values with their holes filled.
    levels
        The central part (numbers,) of each number's distribution to give the ends of.
    """
    wanted = torch.from_numpy(levels).to(device_of(net))

    def ask(rows: Tensor, where: Tensor, values: Tensor) -> Tensor:
        said: TableDistribution = net(net.columns.tokenize(rows, where))
        answers = torch.full((len(rows), 3, rows.shape[1]), torch.nan, dtype=torch.float64, device=rows.device)
        for j in range(rows.shape[1]):
            if j in net.columns.numeric:
                part = wanted[net.columns.numeric.index(j)]
                answers[:, 1, j] = said.quantile(j, (1 - part) / 2)
                answers[:, 2, j] = said.quantile(j, (1 + part) / 2)
            else:
                token = values[:, j].nan_to_num(0.0).long().clamp(min=0)[:, None]
                answers[:, 0, j] = said.present(j).double().gather(1, token)[:, 0]
        return answers

    answers = np.where(hidden[:, None], through(net, ask, x, hidden, filled), np.nan)
    return Certainty(answers[:, 0], answers[:, 1], answers[:, 2])
