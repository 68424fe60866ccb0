"""The command line as such: help, exit codes, and what is not imported to answer."""

import json
import os
import subprocess
import sys
import warnings

import pytest

from isthmus import __version__
from isthmus.cli import main as cli
from isthmus.cli.terminal import to_json
from isthmus.errors import DataError, IsthmusWarning, UsageError

HEAVY = {
    "torch",
    "sklearn",
    "pandas",
    "polars",
    "pyarrow",
    "numpy",
    "matplotlib",
    "plotly",
    "rich",
    "narwhals",
}


def modules_after(code: str) -> set[str]:
    """Run `code` in a fresh interpreter and return the names of the modules it left imported."""
    code += "\nimport sys, json; print(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("words", [["--help"], [], ["--version"], ["fit", "--help"], ["map", "--help"], ["nope"]])
def test_nothing_heavy_is_imported_to_answer(words):
    assert not HEAVY & modules_after(f"from isthmus.cli.main import main; main({words})")


def test_importing_isthmus_imports_nothing_heavy():
    assert not HEAVY & modules_after("import isthmus; dir(isthmus); isthmus.errors; isthmus.__version__")


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_help_with_an_example(isthmus, verb):
    ended = isthmus(verb, "--help")
    assert ended.code == 0
    assert f"\n  isthmus {verb}" in ended.out
    assert ended.err == ""


def test_help_lists_every_verb_and_the_exit_codes(isthmus):
    ended = isthmus("--help")
    assert all(f"\n  {verb} " in ended.out for verb in cli.VERBS)
    assert "Exit codes" in ended.out
    assert isthmus() == ended


def test_version(isthmus):
    assert isthmus("--version") == (0, f"isthmus {__version__}\n", "")


@pytest.mark.parametrize(
    "words",
    [
        ["nope"],
        ["fit"],
        ["fit", "a.csv"],
        ["fit", "a.csv", "-o", "m", "--nope"],
        ["fit", "a.csv", "-o", "m", "--epochs", "0"],
        ["sample", "m", "-o", "x.csv", "-n", "-1"],
        ["sample", "m", "-o", "x.csv", "-n", "2.5"],
        ["map", "m", "a.csv", "-o", "x.png", "--dim", "5"],
    ],
    ids=" ".join,
)
def test_bad_usage_is_one_line_that_names_the_help(isthmus, words):
    ended = isthmus(*words)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("isthmus: ")
    assert "--help'" in ended.err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (DataError("column 'a': odd"), 1, "isthmus: column 'a': odd\n"),
        (DataError("two\nlines"), 1, "isthmus: two lines\n"),
        (UsageError("no such code"), 2, "isthmus: no such code\n"),
        (KeyboardInterrupt(), 130, "isthmus: interrupted; no output was written\n"),
        (MemoryError(), 1, "isthmus: not enough memory; try fewer rows at a time, or a smaller code\n"),
        (KeyError("x"), 1, "isthmus: unexpected KeyError: 'x' (set ISTHMUS_DEBUG=1 for the traceback)\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_is_one_line_and_an_exit_code(isthmus, monkeypatch, error, code, line):
    def fail() -> None:
        raise error

    monkeypatch.setitem(cli.VERBS, "demo", fail)
    assert isthmus("demo") == (code, "", line)


def test_debugging_shows_the_traceback(isthmus, monkeypatch):
    def fail() -> None:
        raise KeyError("x")

    monkeypatch.setitem(cli.VERBS, "demo", fail)
    monkeypatch.setenv("ISTHMUS_DEBUG", "1")
    ended = isthmus("demo")
    assert ended.code == 1
    assert "Traceback" in ended.err


def test_only_our_own_warnings_are_shown_a_line_each(isthmus, monkeypatch):
    def warn() -> None:
        warnings.warn("3 values clipped", IsthmusWarning, stacklevel=1)
        warnings.warn("of another library", FutureWarning, stacklevel=1)

    monkeypatch.setitem(cli.VERBS, "demo", warn)
    assert isthmus("demo") == (0, "", "isthmus: warning: 3 values clipped\n")


def test_a_reader_that_goes_away_is_no_traceback(houses_csv):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "isthmus", "schema", str(houses_csv)]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_json_has_no_nan():
    assert to_json({"a": [float("inf"), 1.5], "b": {"c": (1, None)}}) == '{"a": [null, 1.5], "b": {"c": [1, null]}}'
