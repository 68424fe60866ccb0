"""The benchmark on two runs measures what it says, on a small table."""

import compare
import numpy as np
import pandas as pd
from compare import Codes, Settings, measure


def test_two_runs_are_measured() -> None:
    rng = np.random.default_rng(0)
    area = rng.uniform(40, 260, 200).round(1)
    frame = pd.DataFrame({"area": area, "pool": np.where(area > 150, "Y", "N"), "zone": rng.choice(["a", "b"], 200)})
    (section,) = measure(Codes("tiny", "", lambda _: frame, 2), frame, Settings(epochs=2))
    figures = {row.figure: row.values for row in section.rows}
    assert {"isthmus", "linear", "as they are", "chance"} == set(figures["neighbours aligned"])
    assert "outliers, ranks" in figures


def test_goals_are_figures_that_are_measured() -> None:
    assert set(compare.BENCH.sources["adult"].goals) == {"neighbours aligned"}
