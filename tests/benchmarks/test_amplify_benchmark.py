"""The benchmark on rare kinds runs, on a table whose rare kind is easily told."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("ctgan")
pytest.importorskip("imblearn")
pytest.importorskip("sdmetrics")

import amplify
from results import OURS, Result
from runner import MissingSourceError

WAYS = {OURS, amplify.NONE, amplify.WEIGHTS, amplify.COPIES, amplify.SMOTE, amplify.CTGAN}


@pytest.fixture(scope="module")
def section():
    rng = np.random.default_rng(0)
    area = rng.uniform(40, 260, 400).round(1)
    frame = amplify.with_outcome(pd.DataFrame({"area": area, "zone": rng.choice(["hill", "bay"], 400)}), area > 235)
    source = amplify.Rare("tiny", "A tiny table", lambda _: frame)
    (found,) = amplify.measure(source, frame, dataclasses.replace(amplify.QUICK, rows=250))
    return found


def test_every_way_is_measured(section):
    rows = {row.figure: row.values for row in section.rows}
    assert len(rows) == 14
    assert all(set(values) == WAYS for values in rows.values())
    assert np.isfinite([list(values.values()) for values in rows.values()]).all()
    assert rows["boosted trees: average precision"][amplify.NONE] > 0.9  # one number tells the kind


def test_the_mean_over_tables_has_the_goal(section):
    found = amplify.overall({name: Result(name, name, {}, [section]) for name in "ab"})
    assert found.rows[-1].values == section.rows[-2].values
    result = Result("all", "all", {}, [found])
    result.set_goals(amplify.SOURCES["all"].goals)
    assert [row.figure for row in found.rows if row.goal] == [amplify.MEAN]


def test_a_missing_file_says_what_to_do(tmp_path: Path):
    for load in (amplify.stroke, amplify.mammography):
        with pytest.raises(MissingSourceError, match="ISTHMUS_DATA"):
            load(tmp_path)


def test_rows_are_added_up_to_the_share_and_no_test_row_changes():
    frame = amplify.with_outcome(pd.DataFrame({"x": np.arange(300.0)}), np.arange(300) > 280)
    for name, (rows, _) in amplify.ways(frame, 0, dataclasses.replace(amplify.QUICK, share=0.3)).items():
        if name not in (amplify.NONE, amplify.WEIGHTS, amplify.CTGAN):
            assert abs((rows[amplify.RARE] == "yes").mean() - 0.3) < 0.01
        pd.testing.assert_frame_equal(rows.iloc[:300], frame)
