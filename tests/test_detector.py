"""The outlier detector: scikit-learn's interface, PyOD's names, and what it finds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from isthmus import Autoencoder, OutlierDetector
from isthmus.errors import UsageError

QUICK = {"width": 32, "blocks": 1, "batch_size": 64}


@parametrize_with_checks([OutlierDetector(epochs=2, **QUICK)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def ring():
    """Points on a ring, and in its empty middle six that no column alone can tell."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 400)
    rows = np.stack([np.cos(angle), np.sin(angle)], 1) + 0.05 * rng.normal(size=(400, 2))
    return np.vstack([rows, 0.3 * rng.normal(size=(6, 2))]), np.arange(406) >= 400


@pytest.fixture(scope="module")
def detector(ring):
    return OutlierDetector(contamination=0.05, epochs=20, **QUICK).fit(ring[0])


def test_what_no_column_tells_is_found_although_it_was_trained_on(ring, detector):
    assert roc_auc_score(ring[1], detector.decision_scores_) > 0.95


def test_both_ladders_tell_the_same(ring, detector):
    rows, _ = ring
    scores = detector.score_samples(rows)
    assert np.array_equal(-scores, detector.decision_scores_)
    assert np.allclose(detector.decision_function(rows), scores - detector.offset_)
    assert np.array_equal(detector.predict(rows) == -1, detector.labels_ == 1)
    assert np.array_equal(detector.fit_predict(rows), detector.predict(rows))
    assert detector.threshold_ == -detector.offset_
    assert detector.labels_.mean() == pytest.approx(0.05, abs=0.005)


def test_a_row_scores_the_same_alone_and_among_others(ring, detector):
    rows, _ = ring
    assert np.array_equal(detector.score_samples(rows[:1]), detector.score_samples(rows)[:1])
    # another place in a batch may round another way
    assert np.allclose(detector.score_samples(rows[::-1]), detector.score_samples(rows)[::-1], rtol=0, atol=1e-4)


def test_words_and_holes_are_welcome():
    rng = np.random.default_rng(0)
    colour = rng.choice(["red", "green"], 300)
    frame = pd.DataFrame({"colour": colour, "size": np.where(colour == "red", 1.0, 5.0) + 0.1 * rng.normal(size=300)})
    frame.loc[3:9, "size"] = np.nan
    frame.loc[0] = ["red", 5.0]
    found = OutlierDetector(0.01, epochs=20, **QUICK).fit(frame)
    assert found.predict(frame)[0] == -1
    assert list(found.feature_names_in_) == ["colour", "size"]


def test_auto_flags_few_usual_rows_and_the_odd_ones(ring):
    rows, odd = ring
    found = OutlierDetector("auto", epochs=20, **QUICK).fit(rows[~odd])
    assert (found.predict(rows[~odd]) == -1).mean() < 0.03
    assert (found.predict(rows[odd]) == -1).mean() > 0.7


@pytest.mark.parametrize("contamination", [0, 0.6, -1, "half"])
def test_a_share_out_of_range_is_told_in_one_line(contamination):
    with pytest.raises(UsageError, match="contamination is"):
        OutlierDetector(contamination).fit(np.eye(5))


def test_its_model_explains_and_makes_up_rows(ring, detector):
    told = detector.model_.outliers(ring[0]).explain(top=2, cells=1)
    assert told.num_rows == 2
    assert detector.model_.sample(5).shape == (5, 2)


def test_nothing_is_learnt_for_rows_that_nobody_asked_for(detector):
    assert not detector.model_.net_.drift.any()


@pytest.fixture(scope="module")
def found(ring):
    rows, odd = ring
    return Autoencoder(epochs=10, **QUICK).fit(rows[~odd][:300]).outliers(rows)


def test_flags_are_the_share_asked_for(found):
    flags = found.flags(0.1)
    assert flags.sum() == 41
    assert found.scores[flags].min() >= found.scores[~flags].max()


def test_false_alarms_among_new_usual_rows_are_as_promised(found, ring):
    usual = found.flags(false_alarms=0.05)[300:][~ring[1][300:]]
    assert usual.mean() < 0.15
    assert found.flags(false_alarms=1e-4).sum() <= found.flags(false_alarms=0.01).sum()


@pytest.mark.parametrize("asked", [{}, {"share": 0.1, "false_alarms": 0.1}, {"share": 0}, {"false_alarms": 1}], ids=str)
def test_flags_out_of_range_are_told_in_one_line(found, asked):
    with pytest.raises(UsageError):
        found.flags(**asked)
