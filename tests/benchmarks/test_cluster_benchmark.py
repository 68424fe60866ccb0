"""The benchmark of groups measures what it says, on a small table."""

import numpy as np
import pandas as pd
from cluster import Known, Settings, measure


def test_groups_are_measured_on_codes_columns_and_components() -> None:
    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1], 40)
    frame = pd.DataFrame({"area": np.where(kind, 200, 60) + rng.normal(0, 5, 80), "pool": np.where(kind, "Y", "N")})
    (section,) = measure(Known("tiny", "", lambda _: (frame, kind)), (frame, kind), Settings(epochs=20))
    figures = {row.figure: row.values for row in section.rows}
    assert set(figures["k-means, k known: ARI"]) == {"isthmus", "plain codes", "columns", "PCA"}
    assert figures["k-means, k known: ARI"]["columns"] == 1
    assert set(figures["HDBSCAN: ARI of two trainings"]) == {"isthmus", "plain codes"}
    assert "k-means, k known: groups" not in figures and "k-means, k chosen: groups" in figures
