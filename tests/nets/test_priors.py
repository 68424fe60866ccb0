"""A flow turns noise into what it was shown, and what is given decides which part of it."""

import numpy as np
import pytest
import torch

from isthmus.nets.codes import Dense, Gaussian
from isthmus.nets.priors import Flow
from isthmus.training.loop import Plan, train

PLAN = Plan(steps=400, batch_size=256, learning_rate=3e-3)


@pytest.fixture(scope="module")
def moons():
    """Two numbers (4096, 2) on two arcs far from a normal distribution, and which arc (4096,)."""
    rng = np.random.default_rng(0)
    angle, upper = rng.uniform(0, np.pi, 4096), rng.random(4096) < 0.7
    points = np.where(upper, [np.cos(angle), np.sin(angle)], [1 - np.cos(angle), 0.5 - np.sin(angle)]).T
    points = 5 + 3 * points + rng.normal(0, 0.2, (4096, 2))
    return torch.tensor(points, dtype=torch.float32), torch.tensor(upper, dtype=torch.float32)


def fitted(code, rows, given):
    torch.manual_seed(0)
    flow = Flow(code, given=given, tokens=1, width=64, blocks=2)
    read = rows[:, : code.size]
    flow.centre, flow.spread = read.mean(0), read.std(0)
    train(flow, rows[512:], rows[:512], PLAN)
    return flow


@torch.no_grad()
def drawn(flow, given):
    return flow.draw(given, torch.Generator().manual_seed(1))


def test_a_flow_draws_what_it_was_shown(moons):
    points, upper = moons
    flow = fitted(Dense(2), torch.cat([points, upper[:, None]], 1), given=1)
    for arc in (0.0, 1.0):
        made, real = drawn(flow, torch.full((2000, 1), arc)), points[upper == arc]
        for quantile in (0.1, 0.5, 0.9):
            assert torch.allclose(made.quantile(quantile, 0), real.quantile(quantile, 0), atol=0.5)
        nearest = torch.cdist(made, real).min(1).values
        assert nearest.mean() < 0.2  # on the arc: a normal distribution of the same spread is at 0.7


def test_a_gaussian_code_is_shown_as_it_is_drawn():
    """A row's code is a distribution: the spread of what is drawn is that of means and of noise together."""
    mean = torch.randn(4096, 1, generator=torch.Generator().manual_seed(2))
    flow = fitted(Gaussian(1), torch.cat([mean, torch.full_like(mean, np.log(3.0))], 1), given=0)
    assert drawn(flow, torch.zeros(4000, 0)).std() == pytest.approx(2.0, rel=0.15)
