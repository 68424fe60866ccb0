"""Groups of a model's rows, and rows against the rest, told in words that hold."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from isthmus import Autoencoder
from isthmus.data.variables import Boolean, Category, Count, Moment, Number
from isthmus.errors import UsageError
from isthmus.inwords import phrase
from isthmus.tasks.contrast import Fact


@pytest.fixture(scope="module")
def frame():
    """Three kinds of people, who differ in what they earn, their age and whether they are married."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 600)
    return pd.DataFrame(
        {
            "wage": np.array([20_000, 60_000, 30_000])[kind] + rng.normal(0, 3_000, 600).round(),
            "age": np.array([22, 50, 75])[kind] + rng.integers(-4, 5, 600),
            "married": rng.random(600) < np.array([0.02, 0.98, 0.5])[kind],
            "luck": rng.normal(size=600).round(3),
        }
    ), kind


@pytest.fixture(scope="module")
def model(frame):
    return Autoencoder(width=48, blocks=1, epochs=60).fit(frame[0])


def test_groups_are_named_by_what_sets_them_apart(model, frame):
    table, kind = frame
    found = model.cluster(table, 3)
    for each in found.clusters:
        own = found.labels == each.number
        assert np.bincount(kind[own]).max() / own.sum() > 0.95
        assert each.rows == own.sum()
        assert "luck" not in each.name
        assert each.stability > 0.9
    rich = next(each for each in found.clusters if kind[found.labels == each.number][0] == 1)
    assert "wage" in rich.name and "or more" in rich.name
    assert {"wage", "age", "married"} == {fact["variable"] for fact in rich.facts}
    assert next(fact["phrase"] for fact in rich.facts if fact["variable"] == "married") == "married"


def test_shares_hold_of_the_rows(model, frame):
    table, kind = frame
    facts = model.contrast(table, np.flatnonzero(kind == 2))
    assert [fact["bits"] for fact in facts] == sorted((fact["bits"] for fact in facts), reverse=True)
    age = next(fact for fact in facts if fact["variable"] == "age")
    low = float(age["phrase"].removeprefix("age ").removesuffix(" or more"))
    assert age["inside"] == (table["age"][kind == 2] >= low).mean()
    assert age["outside"] == (table["age"][kind != 2] >= low).mean()
    assert facts == model.contrast(table, kind == 2)


def test_rows_drawn_by_chance_have_nothing_in_common(model, frame):
    rows = np.random.default_rng(5).permutation(600)[:60]
    assert model.contrast(frame[0], rows) == []


def test_groups_are_given_as_the_table_came(model, frame):
    found = model.cluster(frame[0], column="kind")
    assert isinstance(found.table, pd.DataFrame)
    assert list(found.table) == [*frame[0], "kind"]
    pd.testing.assert_frame_equal(found.table[list(frame[0])], frame[0])
    assert (found.table["kind"] == found.labels).all()
    assert found.k == len(found.clusters)


@pytest.mark.parametrize("rows", [[], [600], [-1], [0.5], np.ones(600, bool), np.ones(5, bool), list(range(600))])
def test_rows_that_cannot_be_compared_are_refused_in_one_line(model, frame, rows):
    with pytest.raises(UsageError, match=r"^rows") as error:
        model.contrast(frame[0], rows)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fact", "variable", "words"),
    [
        (Fact(0, 1, True, low=46_000.0), Number("wage", "double", False, 0, 9e4), "wage 46,000 or more"),
        (Fact(0, 1, True, high=0.25), Number("x", "double", False, 0, 1, None), "x up to 0.25"),
        (Fact(0, 1, True, low=3, high=3), Count("rooms", "int64", False, 1, 9), "rooms 3"),
        (Fact(0, 1, True), Number("bmi", "double", True, 0, 90), "bmi not missing"),
        (Fact(0, 1, True, missing=True), Number("bmi", "double", True, 0, 90), "bmi missing"),
        (Fact(0, 1, True, values=(0,)), Boolean("smokes", "bool", False, (False, True)), "not smokes"),
        (Fact(0, 1, True, values=(1,)), Boolean("pool", "string", False, ("N", "Y")), "pool Y"),
        (
            Fact(0, 1, True, values=(2, 0, 3)),
            Category("z", "string", False, (" a", "b", "c")),
            "z c, a or never seen in training",
        ),
    ],
)
def test_facts_are_told_in_words(fact, variable, words):
    assert phrase(fact, variable) == words


def test_moments_are_told_as_dates():
    sold = Moment("sold", "date32[day]", missing=False, low=0, high=900, unit="D", origin=14610)
    day = (datetime.date(2010, 5, 1) - datetime.date(2010, 1, 1)).days
    assert phrase(Fact(0, 1, True, low=day), sold) == "sold 2010-05-01 or more"
