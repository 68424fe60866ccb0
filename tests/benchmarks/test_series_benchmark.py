"""The benchmark of series measures every method on every series, and says what it skips."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import series
from results import OURS
from runner import MissingSourceError


@pytest.fixture
def folder(tmp_path):
    """Two labelled series of 400 moments, each with a jump."""
    windows = {}
    for name, row in (("a.csv", 200), ("b.csv", 120)):
        when = pd.date_range("2024-01-01", periods=400, freq="1h")
        value = np.sin(np.arange(400) / 4)
        value[row : row + 5] += 3
        (tmp_path / "nab" / "labels").mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"timestamp": when, "value": value}).to_csv(tmp_path / "nab" / name, index=False)
        windows[name] = [[str(when[row - 2]), str(when[row + 8])]]
    windows["c.csv"] = [["2024-01-01", "2024-01-02"]]  # which is not there
    (tmp_path / "nab" / "labels" / "combined_windows.json").write_text(json.dumps(windows))
    return tmp_path


def test_every_method_is_measured(folder):
    sources = series.BENCH.sources
    held = [sources[name].load(folder) for name in ("seen", "unseen")]
    assert [[own.name for own in some] for some in held] == [["a.csv"], ["b.csv"]]
    assert held[0][0].odd.sum() == 11
    (section,) = series.measure(sources["seen"], held[0], series.Settings(series=1))
    rows = {row.figure: row.values for row in section.rows}
    assert all(values.keys() == series.PEERS.keys() for values in rows.values())
    assert rows["mean AUROC"][OURS] > 0.9
    assert rows["mean stretches found (%)"][OURS] == 100
    assert rows["seconds / isthmus's"][OURS] == 1


def test_without_the_data_it_says_so(tmp_path):
    with pytest.raises(MissingSourceError, match="there are no labels"):
        series.BENCH.sources["seen"].load(tmp_path)
