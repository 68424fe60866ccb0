"""Intervals hold what they say they hold, however wrong the network is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isthmus.nets.codes import Dense
from isthmus.nets.columns import Columns, TableDistribution
from isthmus.nets.corruptions import Mask
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.likelihoods import Numeric
from isthmus.tasks.uncertainty import Calibration, certainty


@pytest.fixture(scope="module")
def rows():
    """A tied pair of numbers, and one of a few values: 1,000 rows to learn from and 1,000 others."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    return np.split(np.column_stack([x, x + rng.normal(size=2000), rng.poisson(1.0, 2000)]), 2)


@pytest.fixture(scope="module")
def net(rows):
    """A network that was never trained: its distributions are wrong, and far too sure."""
    torch.manual_seed(0)
    numbers = Columns([Numeric.learn(torch.from_numpy(column.copy())) for column in rows[0].T])
    net = Hourglass(numbers, Dense(2), width=16, corruption=(Mask(),)).eval()
    with torch.no_grad():
        net.decoder.head.weight.mul_(3)
    return net


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_calibrated_intervals_hold_their_share_of_new_cells(net, rows, share):
    calibration = Calibration.learn(net, rows[0], seed=0)
    rng = np.random.default_rng(1)
    hidden = rng.random(rows[1].shape) < rng.random((len(rows[1]), 1))
    sure = certainty(net, rows[1], hidden, rows[1], calibration.level(share))
    held = (sure.low <= rows[1]) & (rows[1] <= sure.high)
    for j in (0, 1):
        assert abs(held[hidden[:, j], j].mean() - share) < 0.08
    assert held[hidden[:, 2], 2].mean() > share - 0.08  # whole numbers cannot be cut finer


def test_uncalibrated_ones_of_this_network_do_not(net, rows):
    hidden = np.ones(rows[1].shape, dtype=bool)
    sure = certainty(net, rows[1], hidden, rows[1], Calibration.nominal(net).level(0.9))
    held = (sure.low <= rows[1]) & (rows[1] <= sure.high)
    assert held[:, :2].mean() < 0.8


def test_quantiles_and_shares_are_each_others_inverse(rows):
    x = torch.from_numpy(rows[0])
    numbers = Columns([Numeric.learn(column) for column in x.T])
    logits = torch.randn(len(x), numbers.total, generator=torch.Generator().manual_seed(0))
    said = TableDistribution(numbers, logits, torch.zeros(len(x), 3))
    for j in range(3):
        for q in (0.05, 0.3, 0.9):
            value = said.quantile(j, q)
            less, most = said.shares(j, value)
            assert bool((less <= q + 1e-6).all())
            assert bool((most >= q - 1e-6).all())
