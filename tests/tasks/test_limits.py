"""Limits on several columns: met by every row, jointly, and in proportion."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus import Autoencoder
from isthmus.nets.likelihoods import Numeric
from isthmus.tasks.limits import chance, effective
from isthmus.tasks.uncover import Limit

COLUMN = st.lists(st.integers(-20, 20) | st.floats(-20, 20), min_size=2, max_size=90)


@pytest.fixture(scope="module")
def frame():
    """Big things are dear, but for one in ten."""
    rng = np.random.default_rng(0)
    size = rng.choice([1, 2, 3], 2000, p=[0.6, 0.3, 0.1])
    dear = np.where(rng.random(2000) < 0.9, size == 3, rng.random(2000) < 0.1)
    return pd.DataFrame({"size": size, "price": np.where(dear, 500.0, 20.0) + rng.uniform(0, 9, 2000).round(2)})


@pytest.fixture(scope="module")
def model(frame):
    return Autoencoder(epochs=40, width=32, blocks=1, batch_size=128).fit(frame)


def test_limits_are_met_jointly(model, frame):
    """Sizes first would be drawn 3:1 from big things; cheap big things are rare."""
    given = {"size": (2, 3), "price": (None, 100)}
    rows = model.sample(1000, given=given)
    assert rows["size"].between(2, 3).all()
    assert (rows["price"] <= 100).all()
    real = frame[frame["size"].between(2, 3) & (frame["price"] <= 100)]
    assert abs((rows["size"] == 3).mean() - (real["size"] == 3).mean()) < 0.04


def test_the_chance_of_limits_is_the_share_of_rows_that_meet_them(model, frame):
    columns = model.net_.columns.likelihoods
    limits = {
        0: Limit(np.array([False, True, True]), -np.inf, np.inf),
        1: Limit(np.ones(columns[1].present, bool), -np.inf, 100.0),
    }
    real = (frame["size"] >= 2) & (frame["price"] <= 100)
    assert abs(chance(model.net_, limits) - real.mean()) < 0.04


def test_a_range_inside_one_bin_takes_its_share_of_it(model, frame):
    rows = model.sample(400, given={"price": (21.0, 22.0)})
    assert rows["price"].between(21, 22).all()
    assert rows["price"].nunique() > 50


def test_ends_between_two_possible_values_are_kept_after_rounding(model):
    rows = model.sample(300, given={"price": (20.004, 20.996), "size": (0.5, 1.5)})
    assert rows["price"].between(20.004, 20.996).all()
    assert (rows["size"] == 1).all()


def test_effective_sample_size():
    assert effective(torch.zeros(8)) == pytest.approx(8)
    assert effective(torch.tensor([0.0, -torch.inf, 0.0])) == pytest.approx(2)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-20, 20) | st.floats(-20, 20), min_size=2, max_size=90), st.floats(-25, 25), st.floats(0, 9)
)
def test_shares_of_bins_are_shares_and_draws_stay_between(column, low, length):
    likelihood = Numeric.learn(torch.tensor(column, dtype=torch.float64))
    share = likelihood.share(low, low + length)
    assert ((share >= 0) & (share <= 1)).all()
    assert torch.equal(likelihood.share(-torch.inf, torch.inf), torch.ones_like(share))
    token = share.nonzero()[:, 0].repeat(5)
    value = likelihood.between(token, torch.Generator().manual_seed(0), low, low + length)
    assert ((value >= low) & (value <= low + length)).all()
