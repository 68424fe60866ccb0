"""An index on object storage, by way of the protocol's own stand-in: a folder that is read and written as a bucket."""

import numpy as np
import pytest

from isthmus import Autoencoder
from isthmus.data import bucketstore
from isthmus.errors import FileError, UsageError
from isthmus.index import Index


@pytest.fixture
def place(tmp_path) -> str:
    return f"file-object-store://{tmp_path}/bucket/homes"


def test_it_finds_what_a_folder_finds(place, tmp_path, model, rows):
    here, there = Index.create(tmp_path / "folder", model, rows), Index.create(place, model, rows)
    for where in (None, f"{rows.columns[0]} is not null"):
        one, other = (index.search(row=3, n=5, where=where)["isthmus_row"] for index in (here, there))
        assert one.to_pylist() == other.to_pylist()
    assert np.array_equal(Index(place).model.encode(rows[:4]), model.encode(rows[:4]))


def test_rows_are_added_deleted_and_encoded_anew(place, model, rows):
    index = Index.create(place, model, rows[:60])
    assert index.add(rows[60:70]) == list(range(60, 70))
    assert len(Index(place)) == 70
    assert index.delete("isthmus_row >= 65") == 5
    other = Autoencoder(3, epochs=2, seed=1).fit(rows)
    index.retrain(other)
    again = Index(place)
    assert len(again) == 65 and again.made_by(other) and not again.made_by(model)
    assert again.search(row=64, n=2)["isthmus_row"].to_pylist()


def test_nothing_is_there_until_the_rows_are(place, model, rows, monkeypatch):
    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped, pytest.raises(KeyboardInterrupt):
        stopped.setattr(bucketstore.BucketStore, "create", killed)
        Index.create(place, model, rows)
    with pytest.raises(FileError, match="is no index"):
        Index(place)
    assert len(Index.create(place, model, rows)) == len(rows)
    with pytest.raises(FileError, match="is there already"):
        Index.create(place, model, rows)


def test_an_index_without_its_model_says_so(place, model, rows):
    Index.create(place, model, rows)
    bucketstore.connect(place).drop_table("models")
    with pytest.raises(FileError, match="has no model"):
        Index(place)


def test_unknown_addresses_are_refused(model, rows):
    with pytest.raises(UsageError, match=r"ftp://x/y.*known are s3://"):
        Index.create("ftp://x/y", model, rows)


def test_storage_that_cannot_be_reached_is_one_line(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_REGION", "none")
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "none")
    monkeypatch.setenv("OBJECT_STORE_CLIENT_MAX_RETRIES", "0")
    with pytest.raises(FileError, match="cannot be reached") as said:
        Index("s3://bucket/homes")
    assert "\n" not in str(said.value)
