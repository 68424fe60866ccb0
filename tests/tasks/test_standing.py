"""Rows as they stand: standard deviations of numbers and levels, and views that need no company."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.tasks.standing import Standing


@pytest.fixture(scope="module")
def standing():
    """Two numbers, and categories of two and of five levels."""
    rng = np.random.default_rng(0)
    numbers = rng.normal([5, -1], [2, 0.1], size=(800, 2))
    rows = np.column_stack([numbers, rng.random(800) < 0.1, rng.integers(5, size=800)]).astype(float)
    units = np.array([[5, 2], [-1, 0.1], [np.nan, np.nan], [np.nan, np.nan]])
    return Standing(rows, units)


def test_every_column_has_a_variance_of_one(standing):
    variances = standing.standardised(standing.rows).var(0)
    assert np.add.reduceat(variances, [0, 1, 2, 4]) == pytest.approx(1, abs=0.1)


def test_two_levels_are_as_far_apart_as_standard_deviations(standing):
    column = standing.rows[:, 2]
    zero, one = standing.standardised(np.array([[5, -1, 0, 0], [5, -1, 1, 0]], dtype=float))
    assert np.linalg.norm(zero - one) == pytest.approx(1 / column.std())


def test_missing_and_unseen_cells_stand_at_nought(standing):
    assert not standing.standardised(np.array([[np.nan, np.nan, np.nan, -1]])).any()


def test_far_rows_are_odd_in_both_views_and_farther_ones_odder_in_the_nearest(standing):
    far = np.array([[25, 1, 1, 0], [50, 1, 1, 0], [1e300, 1, 1, 0]], dtype=float)
    usual, odd = standing.distances(standing.rows), standing.distances(far)
    assert (odd.min(0) > np.quantile(usual, 0.95, axis=0)).all()
    assert (np.diff(odd[:, 0]) > 0).all()
    assert np.isfinite(odd).all()


def test_company_changes_nothing(standing):
    rows = standing.rows[:300]
    alone = np.concatenate([standing.distances(rows[[i]]) for i in (0, 7, 299)])
    assert np.array_equal(alone, standing.distances(rows)[[0, 7, 299]])
    assert standing.distances(rows[:0]).shape == (0, 2)


def test_few_rows_and_rows_all_alike_have_distances():
    for rows in (np.zeros((1, 2)), np.full((2, 2), np.nan), np.ones((9, 2))):
        found = Standing(rows, np.array([[0, 1], [np.nan, np.nan]])).distances(np.zeros((3, 2)))
        assert np.isfinite(found).all()
