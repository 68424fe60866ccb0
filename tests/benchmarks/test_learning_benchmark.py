"""The benchmark of codes as inputs measures what it says, on a small table."""

import learning
import numpy as np
import pandas as pd
from learning import FOLDS, Labelled, Settings, measure


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
