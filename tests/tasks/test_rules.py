"""Rules between columns: learnt where they hold, kept in every made-up row, and saved with the model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import isthmus
from isthmus import Autoencoder
from isthmus.data.sources import open_table
from isthmus.errors import IsthmusWarning, UsageError
from isthmus.nets.rules import Rules

QUICK = {"epochs": 2, "width": 32, "blocks": 1, "batch_size": 64}
CITIES = {"Lyon": "F", "Nice": "F", "Lille": "F", "Graz": "A", "Linz": "A", "Bern": "C", "Basel": "C"}


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    city = rng.choice(list(CITIES), 600)
    floors = rng.integers(1, 5, 600)
    garage = pd.Series(rng.choice(["in", "out"], 600)).where(rng.random(600) < 0.7)
    return pd.DataFrame(
        {
            "floors": floors,
            "city": city,
            "country": pd.Series(city).map(CITIES),
            "height": pd.Series(city).map({each: 100.0 + 7.5 * i for i, each in enumerate(CITIES)}),
            "bell": np.where(floors > 2, "yes", "no"),
            "garage": garage,
            "cars": pd.Series(rng.integers(1, 4, 600)).where(garage.notna()),
            "gold": np.where(rng.random(600) < 0.9, 0, rng.integers(500, 9000, 600)),
            "paid": rng.uniform(10, 99, 600).round(2),
        }
    )


@pytest.fixture(scope="module")
def model(frame):
    return Autoencoder(**QUICK).fit(frame)


def pairs(model):
    names = [variable.name for variable in model.schema_.coded]
    return {(names[a], names[b]) for a, b in model.net_.rules.determined.tolist()}


def broken(rows, frame, source, target):
    """Count the rows whose target is not what the training rows have for their source."""
    wanted = dict(zip(frame[source].fillna(-1), frame[target].fillna(-1), strict=True))
    return sum(wanted[a] != b for a, b in zip(rows[source].fillna(-1), rows[target].fillna(-1), strict=True))


def test_what_a_few_rows_say_is_a_rule_if_it_is_no_accident():
    """Five pools of five areas say nothing; that none of the 595 houses without an area has a pool says it."""
    pool = np.array(["none"] * 595 + ["good", "fair", "good", "good", "fair"])
    area = np.array([0] * 595 + [300, 444, 512, 561, 800])
    other = np.random.default_rng(0).permutation(pool)
    rules = Autoencoder(**QUICK).fit(pd.DataFrame({"area": area, "pool": pool, "other": other})).net_.rules
    assert rules.determined.tolist() == [[0, 1]]


def test_determined_columns_are_found_and_no_others(model):
    assert pairs(model) == {
        ("city", "country"),
        ("city", "height"),
        ("height", "city"),
        ("height", "country"),
        ("floors", "bell"),
    }


def test_no_made_up_row_breaks_a_rule(model, frame):
    rows = model.sample(500, seed=3)
    for source, target in pairs(model):
        assert broken(rows, frame, source, target) == 0
    assert rows["city"].nunique() == len(CITIES)


def test_missing_values_keep_their_pattern(model):
    rows = model.sample(500)
    assert (rows["garage"].isna() == rows["cars"].isna()).all()
    assert 0.1 < rows["garage"].isna().mean() < 0.6


def test_whole_numbers_decimals_ranges_and_spikes_stay(model, frame):
    rows = model.sample(500)
    assert (rows["floors"] % 1 == 0).all()
    assert np.array_equal(rows["paid"], rows["paid"].round(2))
    assert rows["gold"].between(0, frame["gold"].max()).all()
    assert abs((rows["gold"] == 0).mean() - 0.9) < 0.06
    assert rows[rows["gold"] > 0]["gold"].min() >= frame[frame["gold"] > 0]["gold"].min()


def test_given_cells_decide_what_they_determine(model, frame):
    assert (model.sample(50, given={"city": "Graz"})["country"] == "A").all()
    swiss = model.sample(200, given={"country": "C"})
    assert set(swiss["city"]) == {"Bern", "Basel"}
    assert broken(swiss, frame, "city", "height") == 0
    assert (model.sample(50, given={"floors": (3, None)})["bell"] == "yes").all()


def test_given_cells_that_rule_each_other_out_are_refused(model):
    for given in ({"city": "Graz", "country": "C"}, {"floors": (3, 4), "bell": "no"}, {"city": "Bern", "height": 100}):
        with pytest.raises(UsageError, match="rules the other's value out") as error:
            model.sample(5, given=given)
        assert "\n" not in str(error.value)


def test_what_was_never_seen_together_is_told_and_drawn(model):
    with pytest.warns(IsthmusWarning, match="go together least|never seen together"):
        rows = model.sample(5, given={"garage": "in", "cars": 2, "paid": (95.0, 95.02), "city": "Graz", "gold": 0})
    assert (rows["cars"] == 2).all()
    with pytest.warns(IsthmusWarning, match="beyond 10"):
        assert (model.sample(5, given={"paid": 2000})["paid"] == 2000).all()


def test_imputed_draws_keep_rules_that_the_rest_of_the_row_keeps(model, frame):
    holed = frame.assign(country=None)
    drawn = model.impute(holed, method="sample")
    assert (drawn["country"] == frame["country"]).all()
    contradictory = frame.head(40).assign(city="Graz", country="C", height=np.nan)
    assert model.impute(contradictory, method="sample").notna().all().all()


def test_rules_are_in_the_model_file(model, tmp_path):
    model.save(tmp_path / "cities.isthmus")
    loaded = isthmus.load(tmp_path / "cities.isthmus")
    assert loaded.net_.rules.facts() == model.net_.rules.facts()
    pd.testing.assert_frame_equal(loaded.sample(60), model.sample(60))


def test_what_may_be_accident_is_no_rule():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "name": [f"n{i}" for i in range(300)],  # every value once: it determines everything, and says nothing
            "flag": np.where(np.arange(300) == 7, "odd", "usual"),
            "size": rng.choice(["s", "m", "l"], 300),
        }
    )
    model = Autoencoder(schema={"name": "category"}, **QUICK).fit(frame)
    assert model.net_.rules.facts() == {"pairs": 0, "determined": 0, "values": 0}


def test_what_follows_from_rules_is_a_rule(model, frame):
    """No city has the height of one and the country of another, though those two columns share no given rule."""
    columns = model.net_.columns
    found = model.net_.rules.barred(columns, logical=True)
    slices, barred = found.slices, found.square
    x = torch.from_numpy(model.codec_.encode(open_table(frame)))
    token = columns.tokenize(x).token
    for row in token[:50].tolist():
        lines = [slices[j].start + row[j] for j in slices]
        assert not barred[lines][:, lines].any()
    names = [variable.name for variable in model.schema_.coded]
    height, country = names.index("height"), names.index("country")
    assert (~barred[slices[height], slices[country]]).sum() == len(CITIES)


def test_what_known_cells_bar_is_left_out_and_nothing_else(model, frame):
    columns = model.net_.columns
    found = model.net_.rules.barred(columns)
    cells = columns.tokenize(torch.from_numpy(model.codec_.encode(open_table(frame.sample(60, random_state=0)))))
    shut = torch.rand(cells.hidden.shape, generator=torch.Generator().manual_seed(0)) < 0.5
    for column, tokens in found.slices.items():
        hidden = shut.clone()
        hidden[:, column] = True
        wanted = torch.zeros(len(hidden), columns.sizes[column])
        for row in range(len(hidden)):
            for other in found.slices.keys() - {column}:
                if not hidden[row, other]:
                    line = found.square[found.slices[other].start + cells.token[row, other], tokens]
                    wanted[row, line] = -torch.inf
        assert torch.equal(found.penalty(column, cells.token, hidden), wanted)
        assert wanted.isneginf().any()


def test_a_table_without_rules_has_an_empty_square():
    rules = Rules()
    columns = Autoencoder(**QUICK).fit(pd.DataFrame({"a": np.arange(40.0) ** 1.5, "b": list("xy") * 20})).net_.columns
    assert rules.barred(columns).square.shape == (0, 0)
