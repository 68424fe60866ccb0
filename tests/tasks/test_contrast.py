"""What sets rows apart: what differs comes first, chance is not told, and shares are those of the rows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from isthmus.tasks.contrast import contrast, telling

ROWS = 1000


@pytest.fixture(scope="module")
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def chosen(rng):
    return rng.random(ROWS) < 0.3


@pytest.fixture(scope="module")
def table(rng, chosen):
    """A number that is higher in the chosen rows, a category that is another there, and two that do not care."""
    number = np.where(chosen, rng.normal(60, 5, ROWS), rng.normal(40, 5, ROWS)).round(2)
    category = np.where(chosen & (rng.random(ROWS) < 0.6), 2, rng.integers(0, 2, ROWS))
    return np.column_stack([rng.normal(size=ROWS), number, category, rng.integers(0, 4, ROWS)]).astype(float)


SIZES = (None, None, 3, 4)


def test_what_differs_comes_first_and_chance_is_not_sure(table, chosen):
    facts = contrast(table, SIZES, chosen)
    assert [fact.column for fact in facts[:2]] == [1, 2]
    assert [fact.sure for fact in facts] == [True, True, False, False]
    assert 0.5 < facts[0].bits < 1
    assert max(fact.bits for fact in facts[2:]) < 0.02


def test_ranges_and_values_are_told_with_their_shares(table, chosen):
    number, category = contrast(table, SIZES, chosen)[:2]
    assert 46 < number.low < 54 and number.high == math.inf
    held = table[:, 1] >= number.low
    assert (number.inside, number.outside) == (held[chosen].mean(), held[~chosen].mean())
    assert category.values == (2,)
    assert category.inside == (table[chosen, 2] == 2).mean()
    assert category.outside == 0


def test_a_range_between_others_is_closed_and_in_few_digits(rng):
    column = rng.uniform(0, 1000, ROWS).round(3)
    chosen = (column > 300.5) & (column < 401.5) & (rng.random(ROWS) < 0.9)
    (fact,) = contrast(column[:, None], (None,), chosen)
    assert 250 < fact.low < 310 and 390 < fact.high < 450
    assert len(f"{fact.low:g}") <= 5 and len(f"{fact.high:g}") <= 5
    assert fact.inside > 0.9


def test_chance_is_seldom_sure(rng):
    """Of columns that have nothing to do with the choice, few pass, however few the rows."""
    x = np.column_stack([rng.normal(size=(300, 60)), rng.integers(0, 5, (300, 60))])
    sizes = [None] * 60 + [5] * 60
    for n in (6, 30, 150):
        flags = np.arange(300) < n
        assert np.mean([fact.sure for fact in contrast(x, sizes, flags)]) < 0.05


def test_missing_cells_and_values_never_seen_count(rng):
    chosen = np.arange(ROWS) < 200
    holed = np.where(chosen & (rng.random(ROWS) < 0.7), np.nan, rng.normal(size=ROWS))
    strange = np.where(chosen, -1.0, rng.integers(0, 3, ROWS))
    facts = {fact.column: fact for fact in contrast(np.column_stack([holed, strange]), (None, 3), chosen)}
    assert facts[0].missing and facts[0].inside == np.isnan(holed[:200]).mean() and facts[0].outside == 0
    assert facts[1].values == (3,) and facts[1].bits == pytest.approx(1, abs=0.02)
    for size in (None, 3):
        (empty,) = contrast(np.full((ROWS, 1), np.nan), (size,), chosen)
        assert not empty.sure and empty.bits == 0


def test_a_name_does_not_say_the_same_twice(table, chosen):
    again = np.column_stack([table, table[:, 1] * 2 + 1])
    facts = contrast(again, (*SIZES, None), chosen)
    assert {facts[0].column, facts[1].column} == {1, 4}
    assert [facts[place].column for place in telling(again, (*SIZES, None), facts)] == [1, 2]
    assert telling(table, SIZES, contrast(table, SIZES, chosen), most=1) == [0]
