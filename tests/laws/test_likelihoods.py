"""Laws of likelihoods: tokens and values go round, probabilities sum to one, quantiles are in order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isthmus.nets.columns import Columns, TableDistribution
from isthmus.nets.likelihoods import UNKNOWN, Categorical, Numeric, likelihood_from

QUIET = settings(max_examples=40, deadline=None)
NUMBERS = st.floats(-1e300, 1e300, allow_nan=False) | st.integers(-5, 5).map(float) | st.just(float("nan"))
COLUMNS = st.lists(NUMBERS, min_size=1, max_size=200).filter(lambda x: not np.isnan(x).all())


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def said(likelihoods, rows=7, seed=0):
    columns = Columns(likelihoods)
    drawn = torch.randn(rows, columns.outputs, generator=rng(seed)) * 8
    return columns, TableDistribution(columns, drawn[:, : columns.total], drawn[:, columns.total :])


@QUIET
@given(COLUMNS)
def test_a_number_lies_in_its_own_bin_and_so_does_what_the_bin_gives_back(column):
    x = torch.tensor(column, dtype=torch.float64)
    likelihood = Numeric.learn(x)
    token = likelihood.tokens(x)
    assert ((token >= 0) & (token < likelihood.size)).all()
    assert likelihood.missing == bool(x.isnan().any())
    back = likelihood.values(token, rng())
    assert torch.equal(back.isnan(), x.isnan())
    assert torch.equal(likelihood.tokens(back), token)
    low, high = likelihood.range
    assert ((back >= low) & (back <= high) | back.isnan()).all()
    if len(set(x[~x.isnan()].tolist())) <= 8:
        assert torch.equal(back.nan_to_num(nan=7.5), x.nan_to_num(nan=7.5))


@QUIET
@given(COLUMNS)
def test_standard_units_are_finite_and_bins_ascend(column):
    likelihood = Numeric.learn(torch.tensor(column, dtype=torch.float64))
    assert likelihood.present <= 64
    assert (likelihood.starts.diff() > 0).all()
    assert (likelihood.inside.diff(dim=1) >= 0).all()
    assert likelihood.unit.isfinite().all() and likelihood.unit[1] > 0
    assert likelihood.standardise(likelihood.centre).isfinite().all()


@QUIET
@given(st.lists(st.integers(-1, 6) | st.none(), min_size=1, max_size=50))
def test_categories_go_round_and_unseen_ones_are_unknown(column):
    x = torch.tensor([np.nan if each is None else float(each) for each in column], dtype=torch.float64)
    likelihood = Categorical.learn(x, 7)
    token = likelihood.tokens(x)
    assert torch.equal(token == UNKNOWN, x == -1)
    known = token != UNKNOWN
    back = likelihood.values(token[known], rng())
    assert torch.equal(back.nan_to_num(nan=9.0), x[known].nan_to_num(nan=9.0))


def test_missing_is_unknown_where_nothing_ever_was_missing():
    nothing = torch.tensor([np.nan], dtype=torch.float64)
    seen = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert Numeric.learn(seen).tokens(nothing).item() == UNKNOWN
    assert Categorical.learn(seen, 3).tokens(nothing).item() == UNKNOWN


@pytest.mark.parametrize("shape", ["normal", "lognormal", "mostly zero", "two values", "whole numbers"])
def test_bins_drawn_as_often_as_seen_keep_the_marginal(shape):
    random = np.random.default_rng(0)
    values = {
        "normal": random.normal(size=4000),
        "lognormal": random.lognormal(sigma=2, size=4000),
        "mostly zero": random.normal(size=4000) * (random.random(4000) < 0.2),
        "two values": random.choice([0.1, 1e9], size=4000, p=[0.9, 0.1]),
        "whole numbers": np.rint(random.normal(0, 400, size=4000)),
    }[shape]
    x = torch.from_numpy(values)
    likelihood = Numeric.learn(x)
    drawn = likelihood.values(likelihood.tokens(x), rng()).numpy()
    at = np.sort(np.concatenate([values, drawn]))
    below = [np.searchsorted(np.sort(each), at, side="right") / 4000 for each in (values, drawn)]
    assert np.abs(below[0] - below[1]).max() < 0.02
    if shape == "whole numbers":
        assert drawn.mean() == pytest.approx(values.mean(), abs=20)


@QUIET
@given(COLUMNS, st.integers(0, 100))
@example([3002399751580331.0] * 3, 0)
def test_probabilities_sum_to_one_and_quantiles_are_ordered(column, seed):
    x = torch.tensor(column, dtype=torch.float64)
    numeric = Numeric.learn(x)
    categorical = Categorical.learn(torch.tensor([0.0, 1.0, np.nan], dtype=torch.float64), 4)
    columns, distribution = said([numeric, categorical], seed=seed)
    for j, likelihood in enumerate(columns.likelihoods):
        for p, size in (
            (distribution.probabilities(j), likelihood.size),
            (distribution.present(j), likelihood.present),
        ):
            assert p.shape == (7, size)
            assert torch.allclose(p.sum(1), torch.ones(7), atol=1e-5)
            assert (p >= 0).all()
    quantiles = torch.stack([distribution.quantile(0, q) for q in (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)])
    assert (quantiles.diff(dim=0) >= 0).all()
    low, high = numeric.range
    for value in (quantiles, distribution.mean()[:, 0], distribution.mode()[:, 0]):
        assert ((value >= low) & (value <= high)).all()
    rebuilt = distribution.rebuilt()
    assert (
        (rebuilt >= torch.tensor([low, 0.0], dtype=torch.float64))
        & (rebuilt <= torch.tensor([high, 3.0], dtype=torch.float64))
        | rebuilt.isnan()
    ).all()
    assert ((distribution.mode()[:, 1] >= 0) & (distribution.mode()[:, 1] < 4)).all()


def test_log_prob_is_the_log_of_the_probability():
    x = torch.tensor([[0.5, 1.0], [1.5, np.nan], [2.5, 0.0]], dtype=torch.float64)
    columns, distribution = said([Numeric.learn(x[:, 0]), Categorical.learn(x[:, 1], 2)], rows=3)
    token = columns.tokenize(x).token
    each = [distribution.probabilities(j).gather(1, token[:, j : j + 1]) for j in (0, 1)]
    expected = torch.cat(each, 1)
    assert torch.allclose(distribution.log_prob(token).exp(), expected, atol=1e-6)


@pytest.mark.parametrize(
    "learn",
    [
        Numeric.learn,
        lambda x: Categorical.learn(x.clamp(0, 3).round(), 4),
    ],
    ids=["numeric", "categorical"],
)
def test_facts_and_tensors_make_the_same_again(learn):
    x = torch.randn(300, generator=rng(), dtype=torch.float64)
    x[::10] = torch.nan
    one = learn(x)
    other = likelihood_from(one.facts())
    other.load_state_dict(one.state_dict())
    assert torch.equal(one.tokens(x), other.tokens(x))
    token = one.tokens(x)
    assert torch.equal(one.values(token, rng()).nan_to_num(), other.values(token, rng()).nan_to_num())


@pytest.mark.parametrize("column", [[3.0], [3.0] * 9, [1e308, -1e308], [5e-324, 1e-323, 0.0], [1e-300] * 3 + [2e-300]])
def test_extreme_columns_have_finite_units(column):
    likelihood = Numeric.learn(torch.tensor(column, dtype=torch.float64))
    assert likelihood.unit.isfinite().all()
    assert likelihood.unit[1] > 0


def test_a_column_without_any_cell_has_no_value_to_tell():
    nothing = torch.full((4,), torch.nan, dtype=torch.float64)
    likelihood = Categorical.learn(nothing, 2)
    assert likelihood.values(likelihood.tokens(nothing), rng()).isnan().all()
