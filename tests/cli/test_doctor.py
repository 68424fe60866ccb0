"""``doctor``: all is well here, and every fault that can be put in is named in a line."""

import json

import pytest

from isthmus import __version__, health

LOOKED_AT = ["python", "packages", "extras", "device", "memory", "models", "temporary", "self-test"]


@pytest.fixture
def quick(monkeypatch):
    """The fit itself is tried once."""
    monkeypatch.setattr(health, "_self_test", lambda: ("fitted", "", {}))


def test_all_is_well(isthmus, tmp_path):
    ended = isthmus("doctor", "--json")
    told = json.loads(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert told["well"] is True
    assert list(told) == ["well", *LOOKED_AT]
    assert told["python"]["version"] == __version__
    assert told["packages"]["torch"].startswith("2.13.0")
    assert told["models"]["free"] > 0
    assert told["self-test"]["seconds"] > 0
    assert list(tmp_path.iterdir()) == []


def test_people_get_a_line_a_thing(isthmus, quick):
    ended = isthmus("doctor")
    assert (ended.code, ended.err) == (0, "")
    assert [line.split()[0] for line in ended.out.splitlines()] == LOOKED_AT
    assert f"isthmus {__version__}" in ended.out


def _missing(name):
    def installed(wanted):
        return None if wanted == name else "999"

    return installed


FAULTS = {
    "missing": ("packages", "_installed", _missing("zstandard"), "zstandard is missing, zstandard>=0.23 is needed"),
    "other": ("packages", "_installed", lambda name: "1.0", "torch 1.0, torch==2.13.0 is needed"),
    "memory": ("memory", "free_memory", lambda: 3 * 2**20, "only 3 MiB of memory are free"),
    "disk": ("models", "_free", lambda folder: 7 * 2**20, "only 7 MiB are free in"),
    "fit": ("self-test", "_self_test", lambda: 1 / 0, "ZeroDivisionError: division by zero"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_a_line_and_exit_code_1(isthmus, quick, monkeypatch, fault):
    what, name, broken, says = FAULTS[fault]
    monkeypatch.setattr(health, name, broken)
    ended = isthmus("doctor")
    assert ended.code == 1
    lines = ended.err.splitlines()
    assert any(line.startswith(f"isthmus: {what}: ") and says in line for line in lines)
    assert "things are wrong" in lines[-1]
    assert json.loads(isthmus("doctor", "--json").out)["well"] is False


def test_a_folder_that_is_not_there_or_not_ours(isthmus, quick, tmp_path):
    ended = isthmus("doctor", "--folder", "none")
    assert ended.code == 1
    assert "there is no folder" in ended.err
    (tmp_path / "file").write_text("x")
    assert isthmus("doctor", "--folder", "file").code == 1
