"""The sampler among imbalanced-learn's: its own checks, its pipelines, every kind of table."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("imblearn")

from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import parametrize_with_checks
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler

from isthmus import Amplifier, Autoencoder
from isthmus.errors import DataError, UsageError

QUICK = Autoencoder(epochs=2, width=32, blocks=1, batch_size=64)


@parametrize_with_checks([Amplifier(autoencoder=QUICK, random_state=0)])
def test_imbalanced_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def rare():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"age": rng.uniform(20, 80, 300).round(), "sex": rng.choice(["f", "m"], 300)})
    X.loc[::17, "age"] = np.nan
    y = pd.Series(np.where(X["age"] > 72, "dead", "alive"), name="fate")
    return X, y


def test_words_and_missing_cells_come_through(rare):
    X, y = rare
    more, fates = Amplifier(autoencoder=QUICK, random_state=0).fit_resample(X, y)
    assert Counter(fates)["dead"] == Counter(fates)["alive"] == (y == "alive").sum()
    assert more.dtypes.equals(X.dtypes)
    pd.testing.assert_frame_equal(more.iloc[: len(X)], X)
    assert (fates[: len(X)] == y).all()
    assert set(more["sex"]) == {"f", "m"}


def test_the_strategy_says_how_many(rare):
    X, y = rare
    wanted = {"dead": 100}
    _, fates = Amplifier(sampling_strategy=wanted, autoencoder=QUICK).fit_resample(X, y)
    assert Counter(fates) == {"alive": (y == "alive").sum(), "dead": 100}


def test_it_works_in_a_pipeline():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 3))
    y = (X[:, 0] + X[:, 1] > 1.8).astype(int)
    pipeline = make_pipeline(
        Amplifier(autoencoder=clone(QUICK).set_params(epochs=20)), StandardScaler(), LogisticRegression()
    )
    assert cross_val_score(pipeline, X, y, cv=2, scoring="roc_auc").mean() > 0.9
    assert len(pipeline.fit(X, y).predict(X)) == len(X)  # nothing is added to rows that are only predicted


def test_a_column_may_be_called_class(rare):
    X, y = rare
    more, _ = Amplifier(autoencoder=QUICK).fit_resample(X.rename(columns={"sex": "class"}), y)
    assert list(more) == ["age", "class"]


def test_a_whole_schema_is_refused_in_one_line(rare):
    X, y = rare
    schema = clone(QUICK).fit(X).schema_
    with pytest.raises(UsageError, match="class") as error:
        Amplifier(autoencoder=clone(QUICK).set_params(schema=schema)).fit_resample(X, y)
    assert "\n" not in str(error.value)


def test_sparse_rows_are_refused_in_one_line(rare):
    from scipy.sparse import csr_matrix

    with pytest.raises((DataError, ValueError)):
        Amplifier(autoencoder=QUICK).fit_resample(csr_matrix(np.eye(20)), [0] * 15 + [1] * 5)
