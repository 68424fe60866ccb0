"""The benchmark of codes as inputs measures what it says, on a small table."""

import learning
import numpy as np
import pandas as pd
import pytest
import spoken
from learning import DIGIT, FOLDS, SPEAKER, Labelled, Settings, measure
from runner import MissingSourceError


def test_every_learner_is_measured_on_every_input() -> None:
    rng = np.random.default_rng(0)
    area = rng.uniform(40, 260, 200).round(1)
    frame = pd.DataFrame({"area": area, "rooms": (area // 40).astype(int), "zone": rng.choice(["a", "b"], 200)})
    labels = np.where(area > 150, "large", "small")
    found = measure(Labelled("tiny", "", lambda _: (frame, labels)), (frame, labels), Settings(epochs=2, draws=1))
    accuracy, seconds = found
    assert len(accuracy.rows) == 9
    assert all(set(row.values) == {"isthmus", "raw", "PCA", "network"} for row in accuracy.rows)
    assert accuracy.rows[0].values["raw"] > 0.9
    assert {row.figure for row in seconds.rows} >= {"inputs (s)", "5-NN (s)"}


def test_goals_are_figures_that_are_measured() -> None:
    assert set(learning.BENCH.sources["mnist"].goals) == {FOLDS}
    assert set(learning.BENCH.sources["spoken"].goals) == {DIGIT, SPEAKER}


def test_recordings_are_told_by_takes_that_are_not_held_out() -> None:
    rng = np.random.default_rng(0)
    digits, takes = np.repeat(["0", "1"], 10), np.tile(np.arange(10), 2)
    speakers = np.where(takes % 2, "ann", "bob")
    pictures = np.zeros((20, 64, 64), np.uint8)
    pictures[digits == "1", :20] = 200  # high pitches
    pictures[speakers == "ann", :, ::2] += 40
    pictures += rng.integers(0, 10, pictures.shape, np.uint8)
    found = measure(
        learning.BENCH.sources["spoken"], spoken.Spoken(pictures, digits, speakers, takes), Settings(steps=2)
    )
    near, seconds = found
    assert "10 recordings to learn from" in near.note and "of 10, the last 5 takes" in near.note
    assert [row.figure for row in near.rows] == [DIGIT, SPEAKER]
    assert all(set(row.values) == {"isthmus", "raw", "PCA", "mean cepstra"} for row in near.rows)
    assert near.rows[0].values["raw"] == near.rows[0].values["mean cepstra"] == 1.0
    assert [row.figure for row in seconds.rows] == ["inputs (s)"]


def test_cepstra_tell_the_shape_over_pitches_and_not_the_loudness() -> None:
    falling = np.uint8(np.broadcast_to(np.linspace(200, 50, 64)[:, None], (64, 64)))
    found = spoken.cepstra(np.stack([falling, falling + 40, falling[::-1]]))
    assert found.shape == (3, 32)
    np.testing.assert_allclose(found[0], found[1], atol=1e-9)
    assert found[0, 0] == pytest.approx(-found[2, 0]) and abs(found[0, 0]) > 1


def test_missing_recordings_are_said(tmp_path) -> None:
    with pytest.raises(MissingSourceError, match="there is no folder"):
        spoken.load(tmp_path)
