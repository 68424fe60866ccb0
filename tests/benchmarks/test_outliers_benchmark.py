"""The outlier benchmark's splits and means, on rows whose answer is known. No times are asserted."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pyod")

import outliers
from outliers import QUICK, SOURCES, Labelled, Source, measure, normals, unsupervised
from results import OURS
from runner import MissingSourceError


@pytest.fixture
def found() -> Labelled:
    rng = np.random.default_rng(0)
    return Labelled("blob", np.vstack([rng.normal(size=(200, 3)), rng.normal(size=(10, 3)) + 9]), np.arange(210) >= 200)


def test_normals_are_fitted_on_without_any_outlier(found: Labelled) -> None:
    case = normals(found, 0)
    assert len(case.fit) == 100
    assert case.fit.max() < 9 / 2 + 1
    assert (len(case.score), case.odd.sum()) == (110, 10)
    everything = unsupervised(found, 0)
    assert everything.fit is everything.score


def test_all_detectors_are_measured_and_the_mean_has_a_goal(found: Labelled) -> None:
    sections = measure(Source("blob", "A blob", lambda _: [found]), [found, found], QUICK)
    assert len(sections) == 6
    means = [section.rows[-1] for section in sections]
    assert {row.figure for row in means} == set(outliers.GOALS)
    for section in sections:
        assert set(section.rows[0].values) == {OURS, "IForest", "PCA"}
    assert means[0].values["IForest"] > 0.95
    assert means[0].values[OURS] > 0.95


def test_data_that_is_not_there_is_told(tmp_path) -> None:
    with pytest.raises(MissingSourceError, match="there is no file"):
        SOURCES["twelve"].load(tmp_path)
