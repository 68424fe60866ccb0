"""The autoencoder among scikit-learn's estimators."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from isthmus import Autoencoder, Gaussian, Mask
from isthmus.errors import DataError, UsageError

QUICK = {"width": 32, "blocks": 1, "batch_size": 64}


@parametrize_with_checks([Autoencoder(epochs=2, **QUICK)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def flowers():
    return load_iris(as_frame=True, return_X_y=True)


def test_it_works_in_a_pipeline(flowers):
    X, y = flowers
    pipeline = make_pipeline(StandardScaler(), Autoencoder(2, epochs=30, **QUICK), LogisticRegression())
    assert pipeline.fit(X, y).score(X, y) > 0.8
    assert pipeline[:-1].transform(X).shape == (150, 2)


def test_a_search_chooses_the_code_that_keeps_more(flowers):
    model = Autoencoder(corruption="none", epochs=120, **QUICK)
    search = GridSearchCV(model, {"code": [1, 2]}, cv=KFold(2, shuffle=True, random_state=0)).fit(flowers[0])
    assert search.best_params_ == {"code": 2}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.transform(flowers[0]).shape == (150, 2)


def test_a_clone_has_the_settings_and_nothing_learnt(flowers):
    code, given = Gaussian(3, beta=0.5), ["petal width (cm)"]
    model = Autoencoder(code, corruption=(Mask(),), condition=given, epochs=1, **QUICK)
    copy = clone(model.fit(flowers[0]))
    assert copy.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        copy.encode(flowers[0])


def test_codes_come_as_a_frame_when_asked_for(flowers):
    model = Autoencoder(3, epochs=1, **QUICK).set_output(transform="pandas")
    codes = model.fit_transform(flowers[0])
    assert isinstance(codes, pd.DataFrame)
    assert list(codes.columns) == list(model.get_feature_names_out()) == [f"autoencoder{i}" for i in range(3)]
    assert codes.index.equals(flowers[0].index)


def test_scikit_learns_names_are_isthmus_words(flowers):
    X = flowers[0]
    model = Autoencoder(3, epochs=1, **QUICK).fit(X)
    assert np.array_equal(model.transform(X), model.encode(X))
    pd.testing.assert_frame_equal(model.inverse_transform(model.transform(X)), model.reconstruct(X))
    assert model.score(X) == pytest.approx(model.score_samples(X).mean())
    assert list(model.feature_names_in_) == list(X.columns)
    assert model.n_features_in_ == 4


@pytest.mark.parametrize(
    "settings",
    [
        {"code": 0},
        {"code": "wide:3"},
        {"code": "gaussian:4:beta=-1"},
        {"code": "sparse:4:k=9"},
        {"code": 2.5},
        {"corruption": "fire"},
        {"corruption": "noise:0.5-0.1"},
        {"condition": ["nothing"]},
        {"columns": ["nothing"]},
        {"width": 0},
        {"blocks": 1.5},
        {"epochs": -1},
        {"epochs": float("nan")},
        {"budget": "soon"},
        {"learning_rate": 0},
        {"batch_size": 0},
        {"seed": -1},
        {"device": "abacus"},
    ],
    ids=str,
)
def test_settings_out_of_range_are_told_in_one_line(flowers, settings):
    with pytest.raises(UsageError) as error:
        Autoencoder(**(QUICK | {"epochs": 1} | settings)).fit(flowers[0])
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("codes", [[1.0, 2.0], [[1.0]], [["a", "b"]], [[np.nan, 1.0]], [[np.inf, 1.0]]], ids=str)
def test_codes_of_another_shape_or_kind_are_told_in_one_line(flowers, codes):
    model = Autoencoder(2, epochs=1, **QUICK).fit(flowers[0])
    with pytest.raises(DataError, match="codes") as error:
        model.decode(codes)
    assert "\n" not in str(error.value)
