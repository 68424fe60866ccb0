from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from isthmus.errors import FileError
from isthmus.report import charts
from isthmus.report.labels import NAMES, Groups, Scale, read_labels
from isthmus.report.measures import Fidelity
from isthmus.report.pictures import map_picture, png, svg

ROWS = 60
PLACES = np.random.default_rng(0).normal(size=(ROWS, 3))
LABELS = {
    "none": None,
    "numbers": np.where(np.arange(ROWS) % 7, np.arange(ROWS) * 1.5, np.nan),
    "constant": np.full(ROWS, 3),
    "all missing": np.full(ROWS, np.nan),
    "truths": np.arange(ROWS) % 2 == 0,
    "dates": np.where(np.arange(ROWS) % 7, np.datetime64("2010-01-01") + np.arange(ROWS), np.datetime64("NaT")),
    "many names": np.array([f"zone {i % 20}" for i in range(ROWS)], dtype=object),
    "odd names": np.array(["_$x$ <b>", None] * (ROWS // 2), dtype=object),
}


class _Sources(HTMLParser):
    """What the elements of a page load; a script's own text is no element."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {name}={value}" for name, value in attrs if name in ("src", "href", "action")]

    @classmethod
    def of(cls, page: str) -> list[str]:
        parser = cls()
        parser.feed(page)
        return parser.found


def _pixels(path: Path) -> int:
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    return int.from_bytes(data[16:20]) * int.from_bytes(data[20:24])


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("dim", [2, 3])
def test_a_map_of_any_labels_is_a_picture(labels, dim, tmp_path):
    map_picture(PLACES[:, :dim], labels, tmp_path / "map.png", "$title$")
    assert _pixels(tmp_path / "map.png") > 500_000
    assert [file.name for file in tmp_path.iterdir()] == ["map.png"]


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_an_interactive_map_holds_every_row_and_loads_nothing(labels, tmp_path):
    map_picture(PLACES, labels, tmp_path / "map.html", "<script>alert(1)</script>")
    page = (tmp_path / "map.html").read_text("utf-8")
    assert not _Sources.of(page)
    assert "<script>alert" not in page
    assert len(page) < 100_000
    assert "IsthmusMap" in page


def test_one_point_has_a_map(tmp_path):
    map_picture([[0.5, 0.5]], ["here"], tmp_path / "map.png")
    map_picture([[0.5, 0.5]], [1.0], tmp_path / "map.html")


def test_numbers_have_a_scale_and_names_at_most_twelve_groups():
    assert isinstance(read_labels(LABELS["numbers"]), Scale)
    assert isinstance(read_labels(LABELS["dates"]), Scale)
    groups = read_labels(LABELS["many names"])
    assert isinstance(groups, Groups)
    assert len(groups.names) == NAMES + 1
    assert groups.names[-1] == "other"


def test_a_map_leaves_the_old_file_when_it_cannot_be_written(tmp_path):
    with pytest.raises(FileError, match="no folder"):
        map_picture(PLACES[:, :2], None, tmp_path / "missing" / "map.png")


def _charts() -> dict[str, Figure]:
    history = [
        {"step": i, "train": {"hidden": 2 / i}, "held_out": {"hidden": 3 / i, "total": 3 / i}} for i in (1, 2, 3)
    ]
    found = [Fidelity("$zone", False, 0.5), Fidelity("area", True, 7.0)]
    return {
        "curves": charts.curves(history, 3),
        "dots": charts.dots({"one": found, "another": found[:]}),
        "rebuilt": charts.rebuilt(["a", "b"], PLACES[:, :2], PLACES[:, 1:]),
    }


@pytest.mark.parametrize("name", ["curves", "dots", "rebuilt"])
def test_a_chart_is_a_picture_and_a_part_of_a_page(name, tmp_path):
    chart = _charts()[name]
    png(chart, tmp_path / "chart.png")
    assert _pixels(tmp_path / "chart.png") > 100_000
    drawn = svg(chart, 'words & "more"')
    assert drawn.startswith('<svg role="img" aria-label="words &amp; &quot;more&quot;"')
    assert "var(--ink)" in drawn
    assert "<style" not in drawn
    assert svg(chart, "words") == svg(chart, "words")


def test_words_in_a_picture_are_escaped():
    drawn = svg(charts.rebuilt(["<script>"], PLACES[:, :1], PLACES[:, :1]), "")
    assert "<script>" not in drawn
    assert "&lt;script&gt;" in drawn
