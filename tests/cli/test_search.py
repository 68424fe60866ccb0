"""``isthmus index`` and ``isthmus search``."""

import json
import shutil

import pandas as pd
import pytest

pytest.importorskip("lancedb")


@pytest.fixture
def indexed(isthmus, tmp_path, houses_csv, houses_model):
    """A model and an index of houses, in the folder where commands run."""
    shutil.copy(houses_csv, "houses.csv")
    shutil.copy(houses_model, "m.isthmus")
    ended = isthmus("index", "m.isthmus", "houses.csv", "-o", "houses.index")
    assert (ended.code, ended.err.strip()) == (0, "wrote houses.index: 160 rows")
    return isthmus


def test_an_index_is_searched_by_rows_by_a_part_of_one_and_by_number(indexed) -> None:
    ended = indexed("search", "houses.index", "houses.csv", "-n", "1", "-o", "found.csv")
    assert (ended.code, ended.err.strip()) == (0, "wrote found.csv: 160 rows")
    assert (pd.read_csv("found.csv")["isthmus_row"] == range(160)).mean() > 0.9  # some are alike
    ended = indexed("search", "houses.index", "--given", "area=120", "zone=hill", "--where", "zone = 'hill'", "--json")
    assert {row["zone"] for row in json.loads(ended.out)["rows"]} == {"hill"}
    ended = indexed("search", "houses.index", "--row", "3", "-n", "2")
    assert len(ended.out.splitlines()) == 3


def test_an_index_grows_shrinks_and_is_encoded_anew(indexed) -> None:
    ended = indexed("index", "m.isthmus", "houses.csv", "-o", "houses.index", "--append", "--json")
    assert json.loads(ended.out) == {"out": "houses.index", "rows": 320, "added": 160}
    ended = indexed("index", "m.isthmus", "-o", "houses.index", "--delete", "isthmus_row >= 160")
    assert ended.err.strip() == "deleted 160 rows of houses.index, which holds 160"
    indexed("fit", "houses.csv", "-o", "n.isthmus", "--code", "2", "--epochs", "1", "-q")
    ended = indexed("index", "n.isthmus", "houses.csv", "-o", "houses.index", "--append")
    assert "holds codes of another model than 'n.isthmus'" in ended.err
    ended = indexed("index", "n.isthmus", "-o", "houses.index", "--retrain")
    assert ended.err.strip() == "encoded 160 rows of houses.index anew"
    assert indexed("index", "n.isthmus", "houses.csv", "-o", "houses.index", "--append", "-q").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("index", "m.isthmus", "-o", "x"), "DATA: name the rows to index"),
        (("index", "m.isthmus", "houses.csv", "-o", "x", "--retrain"), "DATA: with --retrain and --delete, none"),
        (("index", "m.isthmus", "-o", "x", "--retrain", "--delete", "a > 1"), "say one of them"),
        (("index", "m.isthmus", "houses.csv", "-o", "houses.index"), "is there already"),
        (("search", "houses.index"), "say what to look for"),
        (("search", "houses.csv", "--row", "1"), "is no index"),
        (("search", "houses.index", "--given", "area"), "--given area: write COL=VALUE"),
        (("search", "houses.index", "--row", "1", "--where", "nix = 1"), "condition 'nix = 1': "),
    ],
)
def test_bad_words_get_one_line(indexed, words, message) -> None:
    ended = indexed(*words)
    assert ended.code in (1, 2)
    assert message in ended.err
    assert len(ended.err.strip().splitlines()) == 1
