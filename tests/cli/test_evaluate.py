"""``evaluate`` on a model of a small table."""

import json

import pytest

pytest.importorskip("sdmetrics")


def test_made_up_rows_are_evaluated(isthmus, tmp_path, houses_model, houses_csv):
    ended = isthmus("evaluate", houses_model, houses_csv, "--rows", 60)
    assert ended.code == 0, ended.err
    assert "each column alone" in ended.out
    assert isthmus("sample", houses_model, "-n", 50, "-o", "made.csv").code == 0
    words = ("--synthetic", "made.csv", "--held-out", houses_csv, "--target", "zone", "-o", "report.json")
    assert isthmus("evaluate", houses_model, houses_csv, *words).code == 0
    result = json.loads((tmp_path / "report.json").read_text())
    assert result["target"] == "zone"
    assert result["made-up rows"] == "50 given"
    assert set(result["figures"]["quality"]) == {"synthetic", "bootstrap", "each column alone", "held-out rows"}


def test_a_report_is_written_and_told_to_programs(isthmus, tmp_path, houses_model, houses_csv):
    ended = isthmus("evaluate", houses_model, houses_csv, "--rows", 60, "-o", "report.html", "--json")
    assert json.loads(ended.out)["rows looked at"] == 60
    assert "told apart" in (tmp_path / "report.html").read_text(encoding="utf-8")
