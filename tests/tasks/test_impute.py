"""Filled numbers are means, also beyond what one mean a bin can say."""

import numpy as np
import pytest
import torch

from isthmus.nets.codes import parse_code
from isthmus.nets.corruptions import parse_corruption
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.fit import fit
from isthmus.tasks.impute import impute
from isthmus.tasks.plan import Settings


def tailed(rows: int, seed: int):
    """Two numbers with a long tail, one nearly twice the other."""
    rng = np.random.default_rng(seed)
    size = np.exp(1.2 * rng.standard_normal(rows))
    return np.column_stack([size, 2 * size + 0.02 * rng.standard_normal(rows)])


@pytest.fixture(scope="module")
def net() -> Hourglass:
    settings = Settings(parse_code("dense"), parse_corruption("mask"), epochs=60, width=32, blocks=1, batch_size=64)
    return fit(tailed(1500, 0), [None, None], settings).net


def test_a_hidden_number_in_the_tail_is_told_finer_than_its_bin(net):
    x = tailed(500, 1)
    x = x[x.max(1) < net.columns.numerics[1].range[1] * 0.9]
    last = net.columns.numerics[1]
    tail = x[:, 1] >= float(last.starts[-1])
    assert tail.sum() >= 5
    holed = x.copy()
    holed[:, 1] = np.nan
    filled = impute(net, holed, "mean", 0)
    one_value = np.abs(x[tail, 1] - float(last.centre[-1])).mean()
    assert np.abs(filled[tail, 1] - x[tail, 1]).mean() < 0.7 * one_value


def test_what_is_trained_is_what_is_filled_in(net):
    x = torch.from_numpy(tailed(50, 2))
    hidden = torch.tensor([[False, True]]).expand(50, 2)
    with torch.no_grad():
        said = net(net.columns.tokenize(x, hidden))
        mean, expected = said.mean(), said.expected().double()
    for j, each in enumerate(net.columns.numerics):
        wanted = (expected[:, j] * each.unit[1] + each.unit[0]).clamp(*each.range)
        torch.testing.assert_close(mean[:, j], wanted, rtol=1e-4, atol=1e-4)


def test_a_network_without_offsets_is_read_as_one(net):
    config = net.config()
    assert config["offsets"]
    del config["offsets"]
    old = Hourglass.from_config(config)
    assert old.decoder.offsets is None
