"""Laws of rows drawn from codes: with a learnt prior every code makes up rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from isthmus import Autoencoder, load
from isthmus.errors import UsageError
from isthmus.nets.codes import CODES

QUICK = {"epochs": 2, "width": 32, "blocks": 1, "batch_size": 64}
ROWS = 40


@pytest.fixture(scope="module", params=[(code, given) for code in CODES for given in ((), ("zone", "area"))], ids=str)
def model(request, frame):
    """A model with a learnt prior, of every code, with and without condition columns."""
    code, condition = request.param
    code = {"sparse": "sparse:24:k=8"}.get(code, f"{code}:4")
    return Autoencoder(code, prior="learnt", condition=condition, **QUICK).fit(frame)


def test_rows_are_of_the_training_rows_kind(model, frame):
    rows = model.sample(ROWS)
    assert rows.dtypes.to_dict() == frame.dtypes.to_dict()
    assert set(rows["zone"].dropna()) <= set(frame["zone"].dropna())
    for column in ("area", "rooms", "price", "sold"):
        assert rows[column].dropna().between(frame[column].min(), frame[column].max()).all()


def test_a_loaded_model_draws_the_same_rows(model, tmp_path):
    model.save(tmp_path / "m.isthmus")
    loaded = load(tmp_path / "m.isthmus")
    pd.testing.assert_frame_equal(loaded.sample(ROWS, seed=5), model.sample(ROWS, seed=5))
    assert not model.sample(ROWS, seed=6).equals(model.sample(ROWS, seed=5))
    assert loaded.inspect() == model.inspect()
    assert loaded.prior == "learnt"


def test_conditions_are_met(model):
    given = {name: value for name, value in (("zone", "hill"), ("area", 120.0)) if name in model.condition}
    rows = model.sample(ROWS, given=given)
    for name, value in given.items():
        assert (rows[name] == value).all()


def test_the_normal_prior_stays_that_of_gaussian_codes(model):
    if model.net_.code.name == "gaussian":
        assert not model.sample(ROWS, prior="normal").equals(model.sample(ROWS))
        return
    with pytest.raises(UsageError, match="has no prior"):
        model.sample(ROWS, prior="normal")


def test_the_same_seed_learns_the_same_prior(frame):
    first, second, other = (Autoencoder(3, prior="learnt", **QUICK, seed=seed).fit(frame) for seed in (1, 1, 2))
    for name, weight in first.prior_.state_dict().items():
        assert np.array_equal(weight, second.prior_.state_dict()[name])
    assert not np.array_equal(first.prior_.leave.weight, other.prior_.leave.weight)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"prior": "odd"}, "'normal' or 'learnt'"),
        ({"prior": "normal"}, "code dense:3 has none"),
        ({"prior": "learnt", "corruption": "mask"}, "corruption mask"),
    ],
)
def test_a_prior_that_cannot_be_is_refused(frame, settings, says):
    with pytest.raises(UsageError, match=says):
        Autoencoder(3, **settings, **QUICK).fit(frame)


def test_a_model_without_that_prior_says_so(frame):
    masked, normal = Autoencoder(3, **QUICK).fit(frame), Autoencoder("gaussian:3", **QUICK).fit(frame)
    with pytest.raises(UsageError, match="corruption mask"):
        masked.sample(5, prior="normal")
    with pytest.raises(UsageError, match="fit with prior learnt"):
        normal.sample(5, prior="learnt")


def test_a_budget_leaves_time_for_the_prior(frame):
    facts = Autoencoder(3, prior="learnt", budget="2s", width=32, blocks=1, batch_size=64).fit(frame).inspect()
    assert facts["prior"]["steps"] > 0
    assert np.isfinite(facts["prior"]["nats"])
