"""``cluster`` prints groups in words, writes them beside the rows, and draws them."""

import json

import pandas as pd
import pytest


def test_groups_are_printed_in_words(isthmus, houses_model, houses_csv):
    ended = isthmus("cluster", houses_model, houses_csv, "-k", 3)
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0].split() == ["cluster", "rows", "stability", "name"]
    assert len(lines) == 4
    assert sum(int(line.split()[1]) for line in lines[1:]) == 160
    assert "3 groups of 160 rows" in ended.err


@pytest.mark.parametrize("name", ["grouped.csv", "grouped.parquet"])
def test_the_table_is_written_with_a_column_of_groups(isthmus, tmp_path, houses_model, houses_csv, name):
    ended = isthmus("cluster", houses_model, houses_csv, "-o", name, "--json", "--column", "kind")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    read = pd.read_csv if name.endswith("csv") else pd.read_parquet
    written, before = read(tmp_path / name), pd.read_csv(houses_csv)
    assert list(written) == [*before, "kind"]
    assert written["price"].equals(before["price"].astype(written["price"].dtype))
    assert written["kind"].value_counts().to_dict() == {each["number"]: each["rows"] for each in told["clusters"]}
    assert told["k"] == written["kind"].nunique()
    assert told["clear"] in (True, False)


@pytest.mark.parametrize("name", ["groups.png", "groups.html"])
def test_groups_are_drawn(isthmus, tmp_path, houses_model, houses_csv, name):
    assert isthmus("cluster", houses_model, houses_csv, "-o", name, "--shapes", "-q").code == 0
    assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("-k", 3, "--shapes"), "say one of them"),
        (("-k", 0), "whole number of 1 or more"),
        (("-k", 5000), "different codes"),
        (("--column", "zone"), "the data have a column of that name"),
        (("-o", "groups.xlsx"), "unknown extension"),
    ],
)
def test_groups_that_cannot_be_are_refused_in_one_line(isthmus, tmp_path, houses_model, houses_csv, words, says):
    ended = isthmus("cluster", houses_model, houses_csv, *words)
    assert ended.code == 2
    assert says in ended.err and ended.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
