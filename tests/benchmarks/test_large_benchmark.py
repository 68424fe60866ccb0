"""The benchmark of large tables makes tables of the size asked for, and measures processes by themselves."""

import large
import pytest
from large import ENDINGS, VERBS, Ground, Layout, Settings, make, rows_of
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
        Layout("csv", "encode", Ground(), 1e18).load(None)
    sources = large.bench().sources
    assert set(sources) == {f"{ending}-{verb}" for ending in ENDINGS for verb in VERBS}
    assert all(source.goals == {"peak memory, GB": "< 2"} for source in sources.values())


def test_what_is_measured_on_is_made_once_and_one_at_a_time(monkeypatch):
    ran = []
    monkeypatch.setattr(large, "_run", lambda words: ran.append(words[0]) or (1.0, 0.1))
    ground, settings = Ground(), Settings(size=1e6, part=1000)
    table, part = ground.of("csv", settings)
    assert ground.of("csv", settings) == (table, part)
    assert ran == ["fit", "inspect"]
    assert (Parts.open(table).rows, Parts.open(part).rows) == (ground.rows, ground.few)
    other, _ = ground.of("parquet", settings)
    assert other.exists() and not table.exists()
