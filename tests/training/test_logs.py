"""A run is written down as it goes: a line a check, whole at every moment, and whole again after a kill."""

import csv
import io
import json

import pytest
import torch
from torch import nn

from isthmus.errors import FileError
from isthmus.training import checkpoints
from isthmus.training.logs import COLUMNS, JsonLines, Log, Together, telling, told
from isthmus.training.loop import train
from isthmus.training.plan import Plan
from isthmus.training.progress import Lines, Report

PLAN = Plan(steps=40, batch_size=8, learning_rate=0.02, warmup=5, checks=8, patience=99)
ROWS = torch.linspace(0, 2, 64)[:, None]


class Point(nn.Module):
    """One weight that is drawn to the mean of what it sees, and may be killed at a step."""

    def __init__(self, killed=-1):
        super().__init__()
        self.at, self.killed, self.steps = nn.Parameter(torch.zeros(())), killed, 0

    def losses(self, batch, rng):
        return {"distance": (batch.mean() - self.at).square()}

    def weights(self, share):
        return {"distance": 1.0}

    def after_step(self):
        self.steps += 1
        if self.steps == self.killed:
            raise KeyboardInterrupt


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            return [{name: float(cell) for name, cell in row.items()} for row in csv.DictReader(file)]
        return [json.loads(line) for line in file]


@pytest.fixture(params=["log.csv", "log.jsonl"])
def path(request, tmp_path):
    return tmp_path / request.param


def test_every_check_is_a_line(path):
    history = train(Point(), ROWS, ROWS, PLAN, progress=Log(path))
    rows = read(path)
    assert [tuple(row) for row in rows] == [COLUMNS] * len(history.checks)
    assert [row["step"] for row in rows] == [check["step"] for check in history.checks]
    assert [row["held_out_loss"] for row in rows] == [check["held_out"]["total"] for check in history.checks]
    assert [row["training_loss"] for row in rows] == [check["train"]["distance"] for check in history.checks]
    rates = [row["learning_rate"] for row in rows]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == pytest.approx(PLAN.rate(4 / 40, 4))
    assert [row["seconds"] for row in rows] == sorted(row["seconds"] for row in rows)


def test_a_killed_run_that_is_resumed_is_written_down_as_if_it_had_not_been(path, tmp_path, monkeypatch):
    train(Point(), ROWS, ROWS, PLAN, progress=Log(path))
    whole = [{**row, "seconds": 0} for row in read(path)]
    path.unlink()
    checkpoint = tmp_path / "run.checkpoint"
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0.0)
    with pytest.raises(KeyboardInterrupt):
        train(Point(killed=23), ROWS, ROWS, PLAN, progress=Log(path), checkpoint=checkpoint)
    assert [row["step"] for row in read(path)] == [5, 10, 15, 20]
    late = Log(path)
    late.run = 1
    late.check(Report(25, 1.0, 9.0, 9.0, 0.1))  # a check after the last that is in the checkpoint
    train(Point(), ROWS, ROWS, PLAN, progress=Log(path), checkpoint=checkpoint, resume=True)
    assert [{**row, "seconds": 0} for row in read(path)] == whole


def test_a_run_that_starts_anew_starts_its_file_anew(path):
    path.write_text("something else\n")
    train(Point(), ROWS, ROWS, PLAN, progress=Log(path))
    assert [row["step"] for row in read(path)] == list(range(5, 41, 5))


def test_what_is_trained_after_it_is_another_run_of_the_same_file(path):
    log = Log(path)
    for _ in range(2):
        train(Point(), ROWS, ROWS, PLAN, progress=log)
    assert [row["run"] for row in read(path)] == [1] * 8 + [2] * 8


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    log = Log(tmp_path / "log.csv")
    log.start(10, 1.0, 0)
    log.path.unlink()
    log.path.mkdir()
    with pytest.raises(FileError, match=r"log.csv' cannot be written: Is a directory"):
        log.check(Report(1, 1.0, 1.0, 1.0, 0.1))


def test_progress_as_json_is_a_line_each():
    stream = io.StringIO()
    train(Point(), ROWS, ROWS, PLAN, progress=JsonLines("fit", stream, every=0.0))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert lines[0] == lines[0] | {"what": "fit", "event": "start", "of": 40, "unit": "step", "done": 0}
    assert [line["step"] for line in lines if line["event"] == "step"] == list(range(1, 41))
    checks = [line for line in lines if line["event"] == "check"]
    assert [line["step"] for line in checks] == list(range(5, 41, 5))
    assert {"seconds", "training_loss", "held_out_loss", "learning_rate"} <= set(checks[0])
    assert lines[-1]["event"] == "stop"


def test_who_is_told_is_chosen_where_progress_is_shown(tmp_path):
    assert isinstance(told(True), Lines)
    with telling(as_json=True):
        assert isinstance(told(True, "compress"), JsonLines)
        assert told(False).listeners == []
    with telling(log=tmp_path / "a.csv"):
        assert isinstance(told(False), Log)
        both = told(True)
        assert isinstance(both, Together)
        assert [type(each) for each in both.listeners] == [Lines, Log]
    assert isinstance(told(True), Lines)
