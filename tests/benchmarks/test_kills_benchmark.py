"""The benchmark of kills: one kill of each kind that is quick, and what it is to notice."""

import killed
import kills
import pytest
from killed import JOBS

QUICK = {job.name: job for job in JOBS if job.name in ("fit", "compress")}


@pytest.mark.parametrize("name", QUICK)
def test_a_kill_leaves_nothing_half_and_the_next_start_ends_well(name, tmp_path):
    (section,) = kills.measure(kills.Killed(QUICK[name], kills.GOALS), tmp_path, kills.Settings(kills=1))
    found = {row.figure: row.values["isthmus"] for row in section.rows}
    assert found[kills.KILLS] == 1
    assert all(found.get(figure, 0) == 0 for figure in kills.GOALS)


def test_half_a_result_and_a_lost_row_are_noticed(tmp_path):
    start, whole, here = (tmp_path / name for name in ("start", "whole", "here"))
    for folder, held in ((start, b"old"), (whole, b"new"), (here, b"ne")):
        folder.mkdir()
        (folder / "t.isz").write_bytes(held)
    assert killed.look_compress(here, start, whole, []).half
    assert not killed.look_compress(start, start, whole, []).half
    (here / "m.isthmus").write_bytes(b"half")
    assert killed.look_fit(here, start, whole, []).half
