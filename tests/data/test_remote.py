"""Tables by address are the tables that they are by path."""

import gzip

import numpy as np
import pandas as pd
import pytest

import isthmus as im
from isthmus.cli.main import main
from isthmus.data.parts import Parts
from isthmus.data.remote import Remote, place_of
from isthmus.errors import FileError, UsageError


def rows(seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"size": rng.normal(size=40).round(3), "zone": rng.choice(["hill", "port"], 40)})


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz"])
def test_a_folder_by_address_is_that_folder(tmp_path, ending, small_parts):
    folder = tmp_path / "sales"
    folder.mkdir()
    for part in range(3):
        path = folder / f"{part}.{ending}"
        rows(part).to_parquet(path) if ending == "parquet" else rows(part).to_csv(path, index=False)
    near, far = Parts.open(folder), Parts.open(f"file://{folder}")
    assert (near.rows, near.kinds) == (far.rows, far.kinds)
    assert [part.to_pylist() for part in near] == [part.to_pylist() for part in far]
    assert [len(piece.files) for piece in far.pieces()] == [1, 1, 1]
    assert Parts.of(f"file://{folder}/0.{ending}").rows == 40


def test_from_the_command_line(tmp_path):
    rows().to_parquet(tmp_path / "sales.parquet")
    address, model = f"file://{tmp_path}/sales.parquet", str(tmp_path / "m.isthmus")
    assert main(["fit", address, "-o", model, "--code", "2", "--epochs", "1", "-q"]) == 0
    assert main(["encode", model, address, "-o", str(tmp_path / "z.npy"), "-q"]) == 0
    assert np.array_equal(np.load(tmp_path / "z.npy"), im.load(model).encode(rows()))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.csv", None, "no such file"),
        ("cut.csv.gz", gzip.compress(b"a,b\n1,2\n" * 999, mtime=0)[:40], "cut short"),
        ("ragged.csv", b"a,b\n1,2\n1,2,3\n", "line 3: 3 fields where the header has 2"),
        ("cut.parquet", b"PAR1", "no Parquet file"),
        ("empty.csv", b"", "is empty"),
    ],
    ids=["none", "cut-gzip", "ragged", "cut-parquet", "empty"],
)
def test_what_is_wrong_there_is_said_in_one_line(tmp_path, name, content, says, capsys):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert main(["fit", f"file://{tmp_path}/{name}", "-o", str(tmp_path / "m.isthmus")]) == 1
    told = capsys.readouterr().err.strip()
    assert says in told and "\n" not in told


@pytest.mark.parametrize("address", ["ftp://host/table.csv", "http://host/table.csv"])
def test_other_addresses_are_refused(address):
    with pytest.raises(UsageError, match="s3://"):
        place_of(address)


def test_an_address_that_is_none():
    with pytest.raises(FileError, match="no address"):
        Remote("s3://bucket/rows?colour=blue").exists()


def test_pictures_have_no_address(tmp_path, capsys):
    words = ["fit", "s3://bucket/digits", "-o", str(tmp_path / "m.isthmus"), "--corrupt", "diffusion"]
    assert main(words) == 2
    assert "only tables are read from an address" in capsys.readouterr().err
