"""The imputer in the place of scikit-learn's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from isthmus import Autoencoder, Imputer
from isthmus.errors import UsageError

QUICK = Autoencoder(epochs=2, width=32, blocks=1, batch_size=64)


@parametrize_with_checks([Imputer(QUICK, add_indicator=True)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def gaps():
    """Flowers, a sixth of whose first three numbers are missing."""
    frame = load_iris(as_frame=True).data
    hidden = np.random.default_rng(0).random(frame.shape) < [1 / 6, 1 / 6, 1 / 6, 0]
    return frame.mask(hidden)


@pytest.mark.parametrize("indicator", [False, True])
def test_arrays_come_out_as_of_a_simple_imputer(gaps, indicator):
    ours = Imputer(QUICK, add_indicator=indicator).fit(gaps.to_numpy())
    theirs = SimpleImputer(add_indicator=indicator).fit(gaps.to_numpy())
    full, expected = (imputer.transform(gaps.to_numpy()) for imputer in (ours, theirs))
    assert full.shape == expected.shape
    assert full.dtype == expected.dtype
    assert not np.isnan(full).any()
    known = gaps.notna().to_numpy()
    assert np.array_equal(full[:, :4][known], gaps.to_numpy()[known])
    assert np.array_equal(full[:, 4:], expected[:, 4:])
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())


def test_frames_come_out_as_frames_with_their_names_and_rows(gaps):
    shuffled = gaps.sample(frac=1, random_state=0)
    imputer = Imputer(QUICK, add_indicator=True)
    full = imputer.fit_transform(shuffled)
    assert isinstance(full, pd.DataFrame)
    assert full.index.equals(shuffled.index)
    names = list(SimpleImputer(add_indicator=True).fit(gaps).get_feature_names_out())
    assert list(full.columns) == list(imputer.get_feature_names_out()) == names
    assert full.notna().all().all()
    assert full["missingindicator_sepal length (cm)"].equals(shuffled["sepal length (cm)"].isna())
    assert isinstance(Imputer(QUICK).fit_transform(pl.from_pandas(gaps)), pl.DataFrame)


def test_words_are_filled_too():
    rng = np.random.default_rng(0)
    size = rng.normal(size=200)
    frame = pd.DataFrame({"size": size, "kind": np.where(size > 0, "large", "small")})
    holed = frame.assign(kind=frame["kind"].mask(rng.random(200) < 0.3))
    full = Imputer(Autoencoder(epochs=60, width=32, blocks=1, batch_size=64)).fit_transform(holed)
    assert (full["kind"] == frame["kind"])[holed["kind"].isna()].mean() > 0.8


def test_it_works_in_a_pipeline_and_on_some_of_the_columns(gaps):
    y = load_iris().target
    assert make_pipeline(Imputer(QUICK), LogisticRegression(max_iter=500)).fit(gaps, y).score(gaps, y) > 0.8
    some = ColumnTransformer([("fill", Imputer(QUICK), list(gaps.columns[:3]))], remainder="passthrough")
    assert not np.isnan(some.fit_transform(gaps)).any()


def test_what_was_given_is_not_fitted_and_a_draw_repeats_with_its_seed(gaps):
    imputer = Imputer(QUICK, method="sample", seed=1).fit(gaps)
    assert not hasattr(QUICK, "net_")
    pd.testing.assert_frame_equal(imputer.transform(gaps), imputer.transform(gaps))
    assert not imputer.transform(gaps).equals(imputer.set_params(seed=2).transform(gaps))


def test_an_unknown_method_is_told_in_one_line(gaps):
    with pytest.raises(UsageError, match="methods are mode, mean, sample") as error:
        Imputer(QUICK, method="median").fit(gaps)
    assert "\n" not in str(error.value)
