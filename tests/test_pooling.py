"""Rubin's rules against what is known of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

import isthmus as im
from isthmus.errors import UsageError

TABLES = arrays(np.float64, (4, 3), elements=st.floats(-100, 100))


def test_the_rules_by_hand():
    pooled = im.pool([1.0, 2.0, 3.0], [0.5, 0.5, 0.5])
    between = 1.0
    total = 0.5 + (1 + 1 / 3) * between
    share = (1 + 1 / 3) * between / total
    assert pooled.estimate == 2
    assert pooled.standard_error == pytest.approx(np.sqrt(total))
    assert pooled.dof == pytest.approx(2 / share**2)
    odds = (1 + 1 / 3) * between / 0.5
    assert pooled.missing_information == pytest.approx((odds + 2 / (2 / share**2 + 3)) / (odds + 1))


@given(TABLES, TABLES)
def test_gaps_only_add_to_the_error(estimates, errors):
    pooled = im.pool(estimates, errors**2)
    assert np.all(pooled.standard_error**2 >= (errors**2).mean(0) * (1 - 1e-9))
    assert np.all((pooled.missing_information >= 0) & (pooled.missing_information <= 1 + 1e-9))


@given(arrays(np.float64, 3, elements=st.floats(-100, 100)))
def test_tables_that_agree_are_one_table(estimates):
    pooled = im.pool([estimates] * 5, [np.ones(3)] * 5)
    assert np.allclose(pooled.estimate, estimates)
    assert np.allclose(pooled.standard_error, 1)
    assert np.allclose(pooled.missing_information, 0, atol=1e-9)


def test_few_rows_lower_the_degrees_of_freedom():
    few, many, any_ = (im.pool([1.0, 2.0], [0.5, 0.5], dof=dof).dof for dof in (10, 1e9, None))
    assert few < many
    assert many == pytest.approx(any_)


def test_fitted_results_are_read():
    index = ["slope", "constant"]
    fits = [
        SimpleNamespace(params=pd.Series([a, 1.0], index), bse=pd.Series([0.1, 0.2], index), df_resid=50.0)
        for a in (1.0, 1.1, 1.2)
    ]
    pooled = im.pool(fits)
    plain = im.pool([[a, 1.0] for a in (1.0, 1.1, 1.2)], [[0.01, 0.04]] * 3, dof=50)
    assert pooled.names == ("slope", "constant")
    for name in ("estimate", "standard_error", "dof", "missing_information"):
        assert np.allclose(getattr(pooled, name), getattr(plain, name))


def test_intervals_hold_the_truth_as_often_as_they_say():
    """A mean of 60 numbers, half of them missing and drawn from what is left: the textbook case."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(400):
        seen = rng.normal(size=30)
        estimates, variances = [], []
        for _ in range(5):
            spread = seen.std(ddof=1) * np.sqrt(29 / rng.chisquare(29))
            full = np.append(seen, rng.normal(rng.normal(seen.mean(), spread / np.sqrt(30)), spread, 30))
            estimates.append(full.mean())
            variances.append(full.var(ddof=1) / 60)
        low, high = im.pool(estimates, variances, dof=59).interval(0.9)[0]
        held += low <= 0 <= high
    assert stats.binomtest(held, 400, 0.9).pvalue > 0.01


@pytest.mark.parametrize(
    ("estimates", "variances"),
    [
        ([1.0], [1.0]),
        ([1.0, 2.0], [1.0]),
        ([[1.0, 2.0], [1.0]], [[1.0], [1.0]]),
        (["a", "b"], [1.0, 1.0]),
        ([1.0, 2.0], [1.0, -1.0]),
        ([1.0, 2.0], None),
        ([], None),
    ],
    ids=str,
)
def test_what_cannot_be_pooled_is_told_in_one_line(estimates, variances):
    with pytest.raises(UsageError) as error:
        im.pool(estimates, variances)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_a_share(level):
    with pytest.raises(UsageError, match="level"):
        im.pool([1.0, 2.0], [1.0, 1.0]).interval(level)
