"""The benchmark on maps measures what it says, on a few rows."""

import maps
import numpy as np
import pytest
from maps import Data, Labelled, Settings, measure
from results import OURS


@pytest.fixture
def light(monkeypatch):
    """Without the peers that take long to import."""
    monkeypatch.setattr(maps, "PEERS", {name: maps.PEERS[name] for name in (OURS, "PCA")})


def test_maps_are_measured(light):
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=200)
    x = (6 * np.eye(4)[labels] + rng.normal(size=(200, 4))).astype(np.float32)
    kept, placed, times = measure(Data("tiny", "", lambda _: Labelled(x, labels)), Labelled(x, labels), Settings())
    figures = {row.figure: row.values for section in (kept, placed, times) for row in section.rows}
    assert set(figures["5-NN accuracy"]) == {OURS, "PCA", "all numbers"}
    assert figures["trustworthiness"][OURS] > figures["trustworthiness"]["PCA"] > 0.5
    assert figures["5-NN accuracy, placed"][OURS] > 0.8
    assert figures["fit, seconds"][OURS] > 0


def test_neighbours_kept_are_all_of_them_or_about_none():
    x = np.random.default_rng(0).normal(size=(200, 3))
    assert maps.overlap(x, x) == 1.0
    assert maps.overlap(x, x[::-1]) < 0.2


def test_goals_are_figures_that_are_measured(light):
    goals = {figure for source in maps.SETS for figure in source.goals}
    assert goals == {"trustworthiness", "5-NN accuracy", "5-NN accuracy, placed"}
