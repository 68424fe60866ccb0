"""Files written when the format was last changed open, say what they hold, and answer as they did then."""

import importlib.util
import json
import math
from pathlib import Path

import pytest

from isthmus import store

HERE = Path(__file__).parent
EXPECTED = json.loads((HERE / "expected.json").read_text("utf-8"))
LARGEST = 100_000

spec = importlib.util.spec_from_file_location("golden_write", HERE / "write.py")
write = importlib.util.module_from_spec(spec)
spec.loader.exec_module(write)


def differing(found, expected, where=""):
    """List where answers differ: numbers by more than 1e-5, above 1 relatively; bytes by more than 1; others at all."""
    if isinstance(expected, dict | list):
        keys = list(expected) if isinstance(expected, dict) else range(len(expected))
        same = (
            isinstance(found, dict) and list(found) == keys if isinstance(expected, dict) else len(found) == len(keys)
        )
        if not same:
            return [where]
        return [line for key in keys for line in differing(found[key], expected[key], f"{where}/{key}")]
    if "/bytes/" in where:
        near = abs(found - expected) <= 1
    elif isinstance(expected, float) and isinstance(found, float):
        near = math.isclose(found, expected, rel_tol=1e-5, abs_tol=1e-5) or (math.isnan(found) and math.isnan(expected))
    else:
        near = found == expected
    return [] if near else [f"{where}: {found!r} for {expected!r}"]


@pytest.mark.parametrize("name", EXPECTED["files"])
def test_a_file_of_the_present_format_answers_as_it_did(name):
    found = json.loads(json.dumps(write.answers(HERE / name)))
    assert differing(found, EXPECTED["files"][name]) == []


def test_there_is_a_file_of_every_kind_of_the_present_format():
    kinds = {told["kind"] for told in EXPECTED["files"].values()}
    assert EXPECTED["format"] == store.FORMAT
    assert {*store.kinds(), "table", "picture", "sound", "index"} <= kinds


def test_golden_files_are_small():
    for name in EXPECTED["files"]:
        path = HERE / name
        files = [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
        assert files
        assert sum(each.stat().st_size for each in files) < LARGEST, name


def test_a_difference_is_seen():
    assert differing({"a": [1.0, 2]}, {"a": [1.000001, 2]}) == []
    assert differing({"a": [1.0, 2]}, {"a": [1.1, 2]}) == ["/a/0: 1.0 for 1.1"]
    assert differing({"a": [1.0]}, {"a": [1.0, 2]}) == ["/a"]
    assert differing({"b": 1}, {"a": 1}) == [""]
    assert differing({"bytes": [4, 9]}, {"bytes": [5, 7]}) == ["/bytes/1: 9 for 7"]
