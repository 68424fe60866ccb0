"""``compress`` and ``decompress`` in the shell."""

import json

import pandas as pd
import pytest


@pytest.fixture
def packed(isthmus, houses_csv):
    assert isthmus("compress", houses_csv, "-o", "h.isz", "-q").code == 0
    return "h.isz"


@pytest.mark.parametrize("out", ["again.csv", "again.parquet", "again.json", "again.csv.gz", "again.tsv"])
def test_a_table_comes_back_in_any_format(isthmus, packed, houses_csv, tmp_path, out):
    ended = isthmus("decompress", packed, "-o", out)
    if out.endswith(".tsv"):
        assert ended.code == 2
        return
    assert (ended.code, ended.err) == (0, f"wrote {out}: 160 rows\n")
    read = {"csv": pd.read_csv, "gz": pd.read_csv, "parquet": pd.read_parquet, "json": pd.read_json}
    again = read[out.rpartition(".")[2]](tmp_path / out)
    want = pd.read_csv(houses_csv)
    assert again["area"].tolist() == want["area"].tolist()
    assert again["zone"].fillna("").tolist() == want["zone"].fillna("").tolist()
    if out == "again.csv":
        pd.testing.assert_frame_equal(again, want)


def test_it_says_what_it_wrote_and_what_each_column_takes(isthmus, houses_csv):
    ended = isthmus("compress", houses_csv, "-o", "h.isz", "--json", "-q")
    facts = json.loads(ended.out)
    assert facts["was"] == houses_csv.stat().st_size > facts["bytes"]
    told = json.loads(isthmus("inspect", "h.isz", "--json").out)
    assert told["rows"] == 160
    assert [row["column"] for row in told["columns"]] == ["area", "rooms", "zone", "pool", "sold", "price"]
    shown = isthmus("inspect", "h.isz")
    assert shown.code == 0
    assert "160 rows" in shown.out
    assert "follows from" in shown.out


def test_some_rows_only(isthmus, packed, houses_csv, tmp_path):
    assert isthmus("decompress", packed, "-o", "few.csv", "--rows", "3:5").code == 0
    assert pd.read_csv(tmp_path / "few.csv")["area"].tolist() == pd.read_csv(houses_csv)["area"].iloc[3:5].tolist()


def test_within_a_tolerance(isthmus, houses_csv, tmp_path):
    assert isthmus("compress", houses_csv, "-o", "n.isz", "--tolerance", "area=2", "-q").code == 0
    assert isthmus("decompress", "n.isz", "-o", "n.csv", "-q").code == 0
    apart = (pd.read_csv(tmp_path / "n.csv")["area"] - pd.read_csv(houses_csv)["area"]).abs()
    assert 0 < apart.max() <= 2 + 1e-9


def test_a_curve_is_drawn(isthmus, houses_csv, tmp_path):
    ended = isthmus("compress", houses_csv, "-o", "h.isz", "--curve", "h.png", "--budget", 1, "--json", "-q")
    curve = json.loads(ended.out)["curve"]
    assert [row["tolerance"] for row in curve] == [0.0, 0.001, 0.003, 0.01, 0.03, 0.1]
    assert curve[-1]["isthmus"] < curve[0]["isthmus"]
    assert (tmp_path / "h.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["decompress", "h.isz", "-o", "x.csv", "--rows", "5"], 2, "--rows 5: give A:B, rows counted from 0"),
        (["decompress", "h.isz", "-o", "x.csv", "--rows", "500:600"], 2, "'h.isz' has 160 rows, none of them from 500"),
        (["decompress", "nowhere.isz", "-o", "x.csv"], 1, "'nowhere.isz': no such file"),
        (["decompress", "h.isz", "-o", "x.docx"], 2, "'x.docx': unknown extension"),
        (["compress", "DATA", "-o", "x.zip"], 2, "'x.zip': unknown extension; known are .isz"),
        (["compress", "DATA", "-o", "x.isz", "--tolerance", "much"], 2, "--tolerance much: give a share such as 0.01"),
        (["compress", "DATA", "-o", "x.isz", "--tolerance", "0.1", "area=1"], 2, "give one share for all columns, or"),
        (["compress", "DATA", "-o", "x.isz", "--tolerance", "zone=1"], 2, "it holds no numbers; a category is always"),
    ],
)
def test_what_is_wrong_gets_one_line(isthmus, packed, houses_csv, tmp_path, words, code, line):
    ended = isthmus(*[houses_csv if word == "DATA" else word for word in words])
    assert ended.code == code
    assert line in ended.err
    assert ended.err.count("\n") == 1
    assert not [path for path in tmp_path.iterdir() if path.name != "h.isz"]


def test_a_damaged_file_is_salvaged_only_when_asked(isthmus, packed, tmp_path):
    data = (tmp_path / packed).read_bytes()
    (tmp_path / packed).write_bytes(data[:-10])
    ended = isthmus("decompress", packed, "-o", "x.csv")
    assert ended.code == 1
    assert "--salvage" in ended.err
    assert not (tmp_path / "x.csv").exists()
    ended = isthmus("decompress", packed, "-o", "x.csv", "--salvage")
    assert ended.code == 0
    assert "warning: 'h.isz': its end is missing or damaged, after 1 blocks" in ended.err
    assert len(pd.read_csv(tmp_path / "x.csv")) == 160
