"""`isthmus clean` writes a table and the list of what it changed."""

import json

import pandas as pd
import pytest

from isthmus import Autoencoder


@pytest.fixture(scope="module")
def rooms(tmp_path_factory):
    """A table with two wrong cells, as a file, and a model of it."""
    folder = tmp_path_factory.mktemp("rooms")
    frame = pd.DataFrame({"zone": ["hill", "harbour"] * 300, "area": range(100, 700), "price": range(1000, 7000, 10)})
    frame.loc[50, "zone"] = "hil"
    frame.loc[70, "price"] *= 100
    frame.to_csv(folder / "rooms.csv", index=False)
    Autoencoder(width=32, blocks=1, epochs=40).fit(folder / "rooms.csv").save(folder / "rooms.isthmus")
    return folder


def test_a_table_is_cleaned_and_every_change_listed(isthmus, tmp_path, rooms):
    words = ["-o", "clean.csv", "--share-of-false-repairs", 0.2, "--json", "--quiet"]
    ended = isthmus("clean", rooms / "rooms.isthmus", rooms / "rooms.csv", *words)
    assert ended.code == 0, ended.err
    before, after = pd.read_csv(rooms / "rooms.csv"), pd.read_csv(tmp_path / "clean.csv")
    changes = pd.read_csv(tmp_path / "clean.changes.csv")
    assert list(changes) == ["row", "column", "old", "new", "wrong", "right", "why"]
    assert int((before != after).to_numpy().sum()) == len(changes) == json.loads(ended.out)["changed"]
    assert {(50, "zone"), (70, "price")} <= set(zip(changes["row"], changes["column"], strict=True))
    assert after.loc[70, "price"] == 1700
    assert after.loc[50, "zone"] == "hill"


def test_suggestions_change_nothing(isthmus, tmp_path, rooms):
    words = ["-o", "same.csv", "--suggest", "--changes", "suspects.parquet"]
    assert isthmus("clean", rooms / "rooms.isthmus", rooms / "rooms.csv", *words).code == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "same.csv"), pd.read_csv(rooms / "rooms.csv"))
    assert len(pd.read_parquet(tmp_path / "suspects.parquet")) >= 2


def test_numbers_are_smoothed(isthmus, tmp_path, rooms):
    words = ["-o", "smooth.csv", "--denoise", "area", "price"]
    assert isthmus("clean", rooms / "rooms.isthmus", rooms / "rooms.csv", *words).code == 0
    before, after = pd.read_csv(rooms / "rooms.csv"), pd.read_csv(tmp_path / "smooth.csv")
    assert (after["zone"] == before["zone"]).all()
    assert (after["area"] != before["area"]).any()
    assert set(pd.read_csv(tmp_path / "smooth.changes.csv")["column"]) <= {"area", "price"}
