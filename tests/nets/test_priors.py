"""A prior draws codes like those it was shown, and what is given decides which part of them."""

import numpy as np
import pytest
import torch

from isthmus.nets.codes import Dense, Gaussian
from isthmus.nets.priors import Prior
from isthmus.training.loop import train
from isthmus.training.plan import Plan

PLAN = Plan(steps=300, batch_size=256, learning_rate=3e-3)


@pytest.fixture(scope="module")
def moons():
    """Two numbers (4096, 2) on two arcs far from a normal distribution, and which arc, one-hot (4096, 2)."""
    rng = np.random.default_rng(0)
    angle, upper = rng.uniform(0, np.pi, 4096), rng.random(4096) < 0.7
    points = np.where(upper, [np.cos(angle), np.sin(angle)], [1 - np.cos(angle), 0.5 - np.sin(angle)]).T
    points = 5 + 3 * points + rng.normal(0, 0.2, (4096, 2))
    return torch.tensor(points, dtype=torch.float32), torch.nn.functional.one_hot(torch.tensor(upper).long(), 2)


def fitted(code, rows, given):
    torch.manual_seed(0)
    prior = Prior(code, given=given, tokens=1, width=64, blocks=2)
    read = rows[:, : code.size]
    prior.centre, prior.spread = read.mean(0), read.std(0)
    train(prior, rows[512:], rows[:512], PLAN)
    return prior


@torch.no_grad()
def drawn(prior, given):
    return prior.draw(given, torch.Generator().manual_seed(1))


def test_a_prior_draws_what_it_was_shown(moons):
    points, upper = moons
    prior = fitted(Dense(2), torch.cat([points, upper], 1), given=2)
    for arc in torch.eye(2):
        made, real = drawn(prior, arc.expand(2000, 2)), points[(upper == arc).all(1)]
        for quantile in (0.1, 0.5, 0.9):
            assert torch.allclose(made.quantile(quantile, 0), real.quantile(quantile, 0), atol=0.5)
        nearest = torch.cdist(made, real).min(1).values
        assert nearest.mean() < 0.2  # on the arc: a normal distribution of the same spread is at 0.7


def test_a_gaussian_code_is_shown_as_it_is_drawn():
    """A row's code is a distribution: the spread of what is drawn is that of means and of noise together."""
    mean = torch.randn(4096, 1, generator=torch.Generator().manual_seed(2))
    prior = fitted(Gaussian(1), torch.cat([mean, torch.full_like(mean, np.log(3.0))], 1), given=0)
    assert drawn(prior, torch.zeros(4000, 0)).std() == pytest.approx(2.0, rel=0.15)


def test_what_is_drawn_is_as_likely_as_the_density_says():
    """Drawing computes number after number what the density computes at once: both are the same distribution."""
    torch.manual_seed(3)
    prior = Prior(Dense(3), given=1, tokens=1, width=24, blocks=2)
    for weight in prior.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    given = torch.ones(20_000, 1)
    made = drawn(prior, given)
    edges = made.quantile(torch.linspace(0.02, 0.98, 25), 0)
    grid = (edges[1:] + edges[:-1]) / 2
    with torch.no_grad():
        first = prior.log_prob(torch.nn.functional.pad(grid[:, :1], (0, 2)), given[:24])[:, 0].exp()
    share = first * (edges[1:, 0] - edges[:-1, 0])
    assert torch.allclose(share, torch.full_like(share, 0.04), atol=0.01)


def test_no_number_depends_on_those_after_it():
    prior = Prior(Dense(4), given=0, tokens=1, width=32, blocks=2)
    for weight in prior.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    code = torch.randn(1, 4, requires_grad=True)
    for number in range(4):
        (slope,) = torch.autograd.grad(prior.log_prob(code, torch.zeros(1, 0))[0, number], code)
        assert (slope[0, number + 1 :] == 0).all()
        assert (slope[0, : number + 1] != 0).all()
