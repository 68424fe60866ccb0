"""``export``: what it writes, and what it refuses before any work is done."""

import json

import pytest

from isthmus import exporting


@pytest.fixture(autouse=True)
def traced(monkeypatch):
    """Tracing itself takes seconds, and has its own tests."""
    monkeypatch.setattr(exporting, "to_onnx", lambda graph: b"traced")


def test_the_verb_writes_a_folder_and_says_so(isthmus, houses_model, tmp_path):
    ended = isthmus("export", houses_model, "--to", "onnx", "-o", "onnx")
    assert (ended.code, ended.out) == (0, "")
    assert ended.err.startswith("wrote onnx/encoder.onnx, onnx/decoder.onnx, onnx/model.json: ")
    assert ended.err.count("\n") == 1
    assert json.loads((tmp_path / "onnx" / "model.json").read_text())["kind"] == "autoencoder"


def test_json_tells_the_files(isthmus, houses_model, tmp_path):
    told = json.loads(isthmus("export", houses_model, "-o", "onnx", "--json").out)
    assert [(tmp_path / name).is_file() for name in told["files"]] == [True] * 3
    assert told["bytes"] == sum(path.stat().st_size for path in (tmp_path / "onnx").iterdir())


def test_what_cannot_be_is_one_line(isthmus, houses_model, houses_csv):
    assert isthmus("export", houses_model, "--to", "coreml", "-o", "x").code == 2
    assert isthmus("export", houses_model, "-o", houses_csv) == (
        1,
        "",
        f"isthmus: '{houses_csv}' is a file: name a folder to write to\n",
    )
    assert "there is no folder" in isthmus("export", houses_model, "-o", "no/where").err
    assert isthmus("export", houses_csv, "-o", "x").code == 1
