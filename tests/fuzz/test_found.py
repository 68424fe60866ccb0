"""Inputs that fuzzing found to end in something else than isthmus's own error, each as small as it can be made."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import save_file

from isthmus import Parts, SparseAutoencoder, compress, decompress, load, store
from isthmus.compression import look
from isthmus.container import BLOCK, Container, Writer
from isthmus.data.activations import Activations
from isthmus.data.gallery import open_pictures
from isthmus.data.shards import ActivationsWriter
from isthmus.data.sources import open_table
from isthmus.errors import FileError, IsthmusError
from isthmus.saelens import export_saelens, import_saelens
from isthmus.tasks.compress.coder import unbundle
from isthmus.training import checkpoints

GOLDEN = Path(__file__).parents[1] / "golden"


def refused(read, *words):
    with pytest.raises(IsthmusError) as error:
        read(*words)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def npy(header):
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2, ",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775808,), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
    ],
)
def test_headers_of_arrays(tmp_path, header):
    (tmp_path / "t.npy").write_bytes(npy(header))
    assert "no .npy file" in refused(open_table, tmp_path / "t.npy")
    assert "no array that can be read" in refused(open_pictures, tmp_path / "t.npy")


def test_broken_archives_of_arrays(tmp_path):
    np.savez(tmp_path / "p.npz", pictures=np.zeros((2, 16, 16), np.uint8))
    whole = (tmp_path / "p.npz").read_bytes()
    for spoilt in (whole[:-30], whole.replace(bytes(20), b"\1" * 20, 1)):
        (tmp_path / "p.npz").write_bytes(spoilt)
        assert "no array that can be read" in refused(open_pictures, tmp_path / "p.npz")
    with zipfile.ZipFile(tmp_path / "p.npz", "w") as archive:
        archive.writestr("pictures.npy", npy("{'descr': '<f8', 'shape': (2, "))
    refused(open_pictures, tmp_path / "p.npz")


@pytest.mark.parametrize("change", [{"rows": None}, {"format": ["x" * 3000]}, {"shards": "x"}])
def test_facts_of_activations(tmp_path, change):
    facts = {"lm": "tiny", "layer": 1, "site": "residual", "width": 2, "dtype": "float32"}
    writer = ActivationsWriter(tmp_path / "acts", facts)
    writer.append(np.eye(2), [5, 6], [0, 0])
    writer.close()
    path = tmp_path / "acts" / "activations.json"
    held = json.loads(path.read_text()) | change
    path.write_text(json.dumps({name: value for name, value in held.items() if value is not None}))
    assert len(refused(Activations.open, tmp_path / "acts")) < 1200


def again(path, change):
    """Write a compressed file anew, with other facts and the checksums put right."""
    with Container(path) as container:
        facts, parts = container.facts, [(part.kind, container._held(part)) for part in container._parts]
    with Writer(path, facts | change) as writer:
        for kind, held in parts:
            if kind in (b"M", b"B"):
                writer.add(kind, held)


@pytest.mark.parametrize("change", [{"flavour": []}, {"flavour": {}}, {"rows": None}, {"rows": "x"}, {"rows": -1}])
def test_facts_of_compressed_tables(tmp_path, change):
    compress(pa.table({"a": [1.5, 2.5]}), tmp_path / "t.isz", budget=1)
    again(tmp_path / "t.isz", change)
    assert "its facts make no sense" in refused(decompress, tmp_path / "t.isz")


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "sound", "samples": float("inf"), "channels": 1, "rate": 8000, "model": "exact"},
        {"kind": "sound", "samples": 1, "channels": 1, "rate": 8000, "model": "error", "size": 1e999, "fact": 1},
        {
            "kind": "picture",
            "height": 512,
            "width": 1 << 50,
            "channels": 3,
            "rows": 512,
            "quality": 8,
            "model": "error",
        },
    ],
)
def test_facts_of_compressed_media(tmp_path, facts):
    with Writer(tmp_path / "m.isz", facts) as writer:
        writer.add(BLOCK, b"")
    refused(decompress, tmp_path / "m.isz")


@pytest.mark.parametrize("places", [[], [-5], [1 << 50]])
def test_an_index_that_is_none(tmp_path, places):
    with Writer(tmp_path / "t.isz", {"kind": "table"}) as writer:
        writer._places = places
    refused(look, tmp_path / "t.isz")


def test_a_number_without_end():
    from isthmus.tasks.compress.coder import _squeezed

    for endless in (b"\xff" * 100, b"\xff" * 9 + b"\x01", b"\x01" + b"\xff" * 9 + b"\x7f"):
        with pytest.raises(FileError, match="damaged"):
            unbundle(_squeezed(endless))


def test_a_model_without_a_size(houses_model, tmp_path):
    kind, facts, held = store.read(houses_model)
    columns = facts["net"]["columns"]
    for net in ({"code": {"name": "dense"}}, {"columns": [columns[0] | {"size": float("inf")}, *columns[1:]]}):
        store.write(tmp_path / "m", kind, facts | {"net": facts["net"] | net}, held)
        assert "do not fit together" in refused(load, tmp_path / "m")


def test_a_gzip_file_with_a_wrong_checksum(tmp_path):
    for text in (b"a,b\n1,2\n3\n", b"a,b\n1,2\n", b"a,b\n1,\xc3\n"):
        held = bytearray(gzip.compress(text))
        held[-8] ^= 1
        (tmp_path / "t.csv.gz").write_bytes(held)
        assert "t.csv.gz'" in refused(open_table, tmp_path / "t.csv.gz")


def test_texts_of_parquet_that_are_no_utf8(tmp_path):
    sink = io.BytesIO()
    parquet.write_table(pa.table({"a": ["hill", "port"]}), sink, compression="none", use_dictionary=False)
    (tmp_path / "t.parquet").write_bytes(sink.getvalue().replace(b"hill", b"h\xff\xfel"))
    assert "is no Parquet file, or is cut short: " in refused(open_table, tmp_path / "t.parquet")


def test_a_name_of_a_parquet_column_that_is_no_text(tmp_path):
    sink = io.BytesIO()
    parquet.write_table(pa.table({"hill": [1, 2]}), sink, compression="none", store_schema=False)
    (tmp_path / "t.parquet").write_bytes(sink.getvalue().replace(b"hill", b"h\xff\xfel"))
    for read in (open_table, Parts.open):
        assert "is no Parquet file, or is cut short: " in refused(read, tmp_path / "t.parquet")


def test_more_blocks_than_a_model_file_can_hold(tmp_path, houses_model):
    kind, facts, tensors = store.read(houses_model)
    store.write(tmp_path / "m", kind, facts | {"net": facts["net"] | {"blocks": 10**12}}, tensors)
    assert "1000000000000 blocks" in refused(load, tmp_path / "m")


@pytest.mark.parametrize("change", [{"k": float("inf")}, {"k": "x"}, {"metadata": []}])
def test_settings_of_saelens(tmp_path, change):
    rows = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
    export_saelens(SparseAutoencoder("topk:2x:k=2", epochs=1).fit(rows), tmp_path / "sae")
    path = tmp_path / "sae" / "cfg.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    refused(import_saelens, tmp_path / "sae")


def test_checkpoints_that_say_nothing(tmp_path):
    for words in ({"identity": "[]", "facts": "{}"}, {"identity": "{}", "facts": "3"}, {}):
        save_file({"a": torch.zeros(1)}, tmp_path / "c", metadata=words)
        assert "not a usable checkpoint" in refused(checkpoints.read, tmp_path / "c", {})


def test_an_error_is_one_line_of_bounded_length():
    assert str(FileError("two\nlines\x1b[31m\u2028and more")) == "two lines [31m and more"
    assert len(str(FileError("x" * 100_000))) < 1000
    assert str(FileError("as it is:  'a  b'")) == "as it is:  'a  b'"


def test_a_tensor_of_a_shape_that_no_tensor_has(tmp_path):
    shape = json.dumps({"a": {"dtype": "F32", "shape": [0, 2**63], "data_offsets": [0, 0]}}).encode()
    (tmp_path / "m").write_bytes(len(shape).to_bytes(8, "little") + shape)
    assert "is no isthmus model" in refused(load, tmp_path / "m")


@pytest.mark.parametrize("name", ["denoiser", "diffusion", "diffusion-code", "pictures", "speech"])
def test_more_blocks_than_a_file_of_pictures_or_sounds_can_hold(tmp_path, name):
    kind, facts, tensors = store.read(GOLDEN / f"{name}.isthmus")
    forged = {"depths": [10**12, 1]} if "depths" in facts["net"] else {"depth": 10**12}
    store.write(tmp_path / "m", kind, facts | {"net": facts["net"] | forged}, tensors)
    assert "1000000000" in refused(load, tmp_path / "m")
    if "grid" in facts:
        store.write(tmp_path / "m", kind, facts | {"grid": facts["grid"] | {"depth": 10**12}}, tensors)
        assert "1000000000000 blocks" in refused(load, tmp_path / "m")
