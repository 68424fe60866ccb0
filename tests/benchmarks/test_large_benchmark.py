"""The benchmark of large tables makes tables of the size asked for, and measures processes by themselves."""

import large
import pytest
from large import VERBS, Layout, Settings, make, rows_of
from runner import MissingSourceError

from isthmus.data.parts import Parts


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_table_is_of_the_size_asked_for(tmp_path, ending):
    path = tmp_path / f"table.{ending}"
    rows = make(path, Settings(size=2e7))
    found = Parts.open(path)
    assert found.rows == rows == rows // large.GROUP * large.GROUP
    assert len(found.kinds) == 20
    assert 1e7 < path.stat().st_size < 4e7
    assert not rows_of(1, 0).equals(rows_of(0, 0))


def test_a_process_is_measured_alone():
    seconds, peak = large._run(["--version"])
    assert seconds > 0
    assert 0.005 < peak < 1
    with pytest.raises(RuntimeError, match="no such file"):
        large._run(["encode", "none.isthmus", "none.csv", "-o", "codes.npy"])


def test_a_full_disk_is_told_and_every_verb_has_a_goal():
    with pytest.raises(MissingSourceError, match="GB free of 3000000000"):
        Layout("csv", "", 1e18).load(None)
    assert set(large.bench().sources["csv"].goals) == {f"{verb}: peak memory, GB" for verb in VERBS}
