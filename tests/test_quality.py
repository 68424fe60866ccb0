"""A floor under what the jobs achieve on real rows, with margins wide enough for any machine."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from isthmus import Autoencoder
from isthmus.errors import IsthmusWarning


@pytest.fixture(scope="module")
def rows():
    """Cell measurements, ten numbers and what the cells were: 420 training rows and 149 held-out ones."""
    frame = load_breast_cancer(as_frame=True).frame
    words = frame["target"].map({0: "malignant", 1: "benign"})
    frame = frame[frame.columns[:10]].assign(target=words)
    frame = frame.sample(frac=1, random_state=0, ignore_index=True)
    return frame[:420], frame[420:].reset_index(drop=True)


@pytest.fixture(scope="module")
def held_out(rows):
    return rows[1]


@pytest.fixture(scope="module", autouse=True)
def quiet():
    """Held-out rows reach a little beyond the training rows' range, which is said and is fine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IsthmusWarning)
        yield


@pytest.fixture(scope="module")
def narrow(rows):
    return Autoencoder(2, width=64).fit(rows[0])


@pytest.fixture(scope="module")
def wide(rows):
    return Autoencoder(width=64).fit(rows[0])


def errors(frame, other, scaler):
    """Root mean squared error of the numbers, in standard deviations."""
    numbers = list(frame.columns[:10])
    return float(np.sqrt(((scaler.transform(frame[numbers]) - scaler.transform(other[numbers])) ** 2).mean()))


def test_two_numbers_keep_about_as_much_as_two_principal_components_or_more(rows, narrow, held_out):
    train = rows[0]
    scaler = StandardScaler().fit(train[train.columns[:10]])
    dummies = [np.column_stack([scaler.transform(f[f.columns[:10]]), f["target"] == "benign"]) for f in rows]
    pca = PCA(2).fit(dummies[0])
    back = pca.inverse_transform(pca.transform(dummies[1]))
    by_pca = float(np.sqrt(((back - dummies[1])[:, :10] ** 2).mean()))
    rebuilt = narrow.reconstruct(held_out)
    assert errors(held_out, rebuilt, scaler) < 1.1 * by_pca  # which is the best that straight lines can do
    assert (rebuilt["target"] == held_out["target"]).mean() >= ((back[:, 10] > 0.5) == dummies[1][:, 10]).mean() - 0.03


def test_filled_cells_beat_the_median_and_the_mode(rows, wide, held_out):
    train = rows[0]
    scaler = StandardScaler().fit(train[train.columns[:10]])
    hidden = np.random.default_rng(0).random(held_out.shape) < 0.2
    filled = wide.impute(held_out.mask(hidden))
    usual = held_out.mask(hidden).fillna(train[train.columns[:10]].median()).fillna(train["target"].mode()[0])
    assert errors(held_out, filled, scaler) < 0.7 * errors(held_out, usual, scaler)
    asked = hidden[:, 10]
    right = [(table["target"] == held_out["target"])[asked].mean() for table in (filled, usual)]
    assert right[0] > right[1] + 0.1


def test_made_up_rows_have_the_columns_shapes(rows, wide):
    train, made = rows[0], wide.sample(420)
    shapes = [1 - _distance(train[name], made[name]) for name in train.columns[:10]]
    shares = [frame["target"].value_counts(normalize=True) for frame in (train, made)]
    shapes.append(1 - 0.5 * float((shares[0] - shares[1]).abs().sum()))
    assert np.mean(shapes) >= 0.9


def test_made_up_rows_keep_what_hangs_together(rows, wide):
    numbers = list(rows[0].columns[:10])
    seen, made = (frame[numbers].corr().to_numpy() for frame in (rows[0], wide.sample(420)))
    assert np.abs(seen - made).mean() < 0.15


def test_rows_with_swapped_cells_are_found(wide, held_out):
    spoilt = held_out.copy()
    odd = np.arange(0, len(held_out), 10)
    spoilt.loc[odd, "mean radius"] = held_out["mean radius"].to_numpy()[::-1][odd]
    spoilt.loc[odd, "mean concavity"] = held_out["mean concavity"].to_numpy()[::-1][odd]
    scores = wide.outliers(spoilt).scores
    rest = np.setdiff1d(np.arange(len(held_out)), odd)
    above = (scores[odd][:, None] > scores[rest]).mean()  # the chance that a spoilt row scores above another
    assert above > 0.75


def _distance(one: pd.Series, other: pd.Series) -> float:
    """Largest distance of two distribution functions (Kolmogorov and Smirnov)."""
    at = np.sort(np.concatenate([one, other]))
    below = [np.searchsorted(np.sort(each), at, side="right") / len(each) for each in (one, other)]
    return float(np.abs(below[0] - below[1]).max())
