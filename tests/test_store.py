"""A model on disk is data: any damage to it is one line, and nothing in it runs."""

from __future__ import annotations

import ast
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import isthmus
from isthmus import load, store, tensors
from isthmus.errors import FileError, UsageError


@pytest.fixture
def whole(houses_model):
    return houses_model.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.isthmus"


def refused(path, says="isthmus model|altered|newer|fit together"):
    with pytest.raises(FileError, match=says) as error:
        load(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_a_whole_file_loads(whole, path, houses_csv):
    path.write_bytes(whole)
    assert len(load(path).encode(houses_csv)) == 160


def test_a_file_cut_short_is_refused(whole, path):
    header = int.from_bytes(whole[:8], "little")
    for length in {0, 1, 7, 8, 9, 8 + header - 1, 8 + header, *range(0, len(whole), len(whole) // 60), len(whole) - 1}:
        path.write_bytes(whole[:length])
        refused(path)


def test_a_file_with_more_at_its_end_is_refused(whole, path):
    path.write_bytes(whole + b"\0")
    refused(path)


def test_any_flipped_bit_is_found(whole, path):
    random = np.random.default_rng(0)
    header = 8 + int.from_bytes(whole[:8], "little")
    format_digit = whole.index(b'"isthmus":"') + 11
    in_header, in_tensors = random.integers(16, header, 250), random.integers(header, len(whole), 150)
    for place in [*range(16), format_digit, *in_header, *in_tensors, len(whole) - 1]:
        altered = bytearray(whole)
        altered[place] ^= 1 << random.integers(8)
        path.write_bytes(altered)
        refused(path)


def test_an_older_format_says_so(whole, path):
    path.write_bytes(whole.replace(b'"isthmus":"4"', b'"isthmus":"3"'))
    refused(path, "from an older isthmus .format 3; this one reads 4.: fit anew")


@pytest.mark.parametrize("newer", ["5", "999", "4.0", "x"])
def test_a_newer_format_says_so(path, newer):
    save_file({"a": torch.zeros(1)}, path, metadata={"isthmus": newer, "kind": "autoencoder", "facts": "{}"})
    refused(path, "from a newer isthmus")


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\x89PNG\r\n\x1a\n" + b"\0" * 400, b"a,b\n1,2\n" * 50, b"PK\x03\x04" + b"\0" * 100, b"\xff" * 64],
    ids=["empty", "newline", "png", "csv", "zip", "ones"],
)
def test_what_is_no_model_is_refused(path, content):
    path.write_bytes(content)
    refused(path, "is no isthmus model")


def test_a_foreign_safetensors_file_is_refused(path):
    save_file({"weight": torch.ones(2, 2)}, path, metadata={"format": "pt"})
    refused(path, "no isthmus model")


def test_a_folder_and_nothing_are_refused(tmp_path):
    refused(tmp_path, "is a folder")
    refused(tmp_path / "nothing", "no such file")


def test_a_model_of_another_kind_is_refused(path):
    store.write(path, "oracle", {}, {"a": torch.zeros(1)})
    refused(path, "kind 'oracle'")


def test_facts_written_by_hand_are_refused(houses_model, path):
    kind, facts, held = store.read(houses_model)
    for change in (
        {"net": None},
        {"schema": {"variables": []}},
        {"net": facts["net"] | {"code": {"name": "os.system", "size": 4}}},
        {"net": facts["net"] | {"width": 8}},
        {"net": facts["net"] | {"condition": [99]}},
        {"net": facts["net"] | {"columns": []}},
        {"fitted": {}},
    ):
        store.write(path, kind, facts | change, held)
        refused(path, "do not fit together")
    half = {name: tensor for name, tensor in held.items() if "decoder" not in name}
    store.write(path, kind, facts, half)
    refused(path, "do not fit together")
    for text in ([], "x", None, 3):
        store.write(path, kind, text, held)
        refused(path, "do not fit together")


def test_a_pickle_is_refused_and_does_not_run(path, tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"weights": Trap()}, path)
    refused(path, "is no isthmus model")
    path.write_bytes(pickle.dumps(Trap()))
    refused(path, "is no isthmus model")
    assert not (tmp_path / "sprung").exists()


def test_no_code_of_isthmus_runs_what_it_reads():
    """No pickle, no eval, no exec, no torch.load, anywhere in the package."""
    for file in Path(isthmus.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                named = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                assert not named & {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}, file
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec", "compile", "__import__"}, file
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) != ("torch", "load"), file


def test_a_failed_save_leaves_the_old_file(houses_model, path, monkeypatch):
    model = load(houses_model)
    model.save(path)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tensors, "save_file", full)
    with pytest.raises(FileError, match="No space left on device"):
        model.save(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_device_that_is_not_there_is_the_users_choice_and_not_the_files_fault(houses_model):
    with pytest.raises(UsageError, match="device 'abacus'"):
        load(houses_model, device="abacus")


def test_a_file_holds_its_facts_as_json(houses_model):
    _, facts, _ = store.read(houses_model)
    assert json.loads(json.dumps(facts)) == facts
    assert [variable["name"] for variable in facts["schema"]["variables"]][:2] == ["area", "rooms"]
