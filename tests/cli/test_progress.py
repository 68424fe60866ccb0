"""``--log`` and ``--log-json``: how a fit goes, for programs."""

import csv
import json

import pytest

from isthmus import load

QUICK = ("--code", "3", "--epochs", "2")


def test_a_fit_is_written_down_and_shown_as_json(isthmus, houses_csv, tmp_path):
    ended = isthmus("fit", houses_csv, "-o", "m", *QUICK, "--log", "run.csv", "--log-json", "--json")
    assert ended.code == 0
    lines = [json.loads(line) for line in ended.err.splitlines()]
    assert [lines[0]["event"], lines[-1]["event"]] == ["start", "stop"]
    with (tmp_path / "run.csv").open() as file:
        rows = list(csv.DictReader(file))
    checks = load(tmp_path / "m").history_.checks
    assert [int(row["step"]) for row in rows] == [check["step"] for check in checks]
    assert [row["step"] for row in lines if row["event"] == "check"] == [check["step"] for check in checks]


def test_a_quiet_fit_is_written_down_as_well(isthmus, houses_csv, tmp_path):
    assert isthmus("fit", houses_csv, "-o", "m", *QUICK, "--log", "run.jsonl", "-q") == (0, "", "")
    assert all(json.loads(line)["run"] == 1 for line in (tmp_path / "run.jsonl").read_text().splitlines())


@pytest.mark.parametrize("name, says", [("run.txt", "unknown extension"), ("m.csv", "is to be the model")])
def test_a_log_that_cannot_be_is_refused_first(isthmus, houses_csv, tmp_path, name, says):
    ended = isthmus("fit", houses_csv, "-o", "m.csv", *QUICK, "--log", name)
    assert ended.code == 2
    assert says in ended.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", [("fit",), ("compress",), ("denoise",), ("lm", "harvest")], ids=" ".join)
def test_verbs_that_show_progress_show_it_as_json(isthmus, verb):
    assert "--log-json" in isthmus(*verb, "--help").out
