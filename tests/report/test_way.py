"""The picture of a way between rows shows every column that changes, and nothing that does not."""

import datetime

import pyarrow as pa
import pytest

from isthmus.report.way import way_figure, way_picture

ROWS = pa.table(
    {
        "area": [50.0, 75.0, 100.0],
        "zone": ["hill", None, "<bay>"],
        "rooms": [3, 3, 3],
        "sold": [datetime.date(2010, 1, day) for day in (1, 2, 3)],
    }
)


def test_columns_that_stay_are_left_out():
    panels = {axes.get_title("left"): axes for axes in way_figure(ROWS).axes if axes.get_visible()}
    assert list(panels) == ["area", "zone", "sold"]
    assert [label.get_text() for label in panels["zone"].get_yticklabels()] == ["hill", "missing", "<bay>"]
    assert panels["area"].lines[0].get_ydata().tolist() == [50.0, 75.0, 100.0]


def test_a_way_on_which_nothing_changes_is_drawn_as_well():
    still = ROWS.take([0, 0, 0])
    assert [axes.get_title("left") for axes in way_figure(still).axes if axes.get_visible()] == ["area"]


@pytest.mark.parametrize("name", ["way.png", "way.html"])
def test_a_way_is_a_picture_or_a_page(tmp_path, name):
    way_picture(ROWS, tmp_path / name, "From row 0 to row 9")
    content = (tmp_path / name).read_bytes()
    if name.endswith("png"):
        assert content.startswith(b"\x89PNG")
    else:
        assert b"From row 0 to row 9" in content
        assert b"&lt;bay&gt;" in content
        assert b"<bay>" not in content
