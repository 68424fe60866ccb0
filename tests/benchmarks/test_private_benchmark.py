"""The benchmark of differential privacy runs, and every epsilon has its figures beside those without privacy."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sdmetrics")
pytest.importorskip("opacus")

import private
from results import OURS
from sources import Source


def test_it_measures_every_epsilon(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    area = rng.uniform(40, 260, 400).round(1)
    frame = pd.DataFrame(
        {"area": area, "zone": rng.choice(["hill", "bay"], 400), "pool": np.where(area > 150, "Y", "N")}
    )
    monkeypatch.setitem(private.RANGES, "tiny", {"area": (0, 300)})
    source = Source("tiny", "A tiny table", lambda _: frame, "pool", "Y")
    sections = private.measure(source, frame, private.QUICK)
    rows = {row.figure: row.values for section in sections for row in section.rows}
    assert set(rows["epsilon 10: quality, overall (%)"]) == {OURS, "no privacy", "independent columns"}
    assert 9 < rows["epsilon 10: epsilon of the file"][OURS] <= 10
    assert rows["epsilon 10: AUC, trained on them"]["real rows"] > 0.95
    assert rows["epsilon 10: copies of training rows (%)"][OURS] < 50


def test_the_public_schema_has_ranges_set_by_hand(monkeypatch) -> None:
    monkeypatch.setitem(private.RANGES, "tiny", {"age": (0, 120)})
    schema = private.public("tiny", pd.DataFrame({"age": [17, 90, 40], "sex": ["f", "m", "f"]}))
    assert (schema["age"].low, schema["age"].high) == (0.0, 120.0)
    assert schema["sex"].values == ("f", "m")
