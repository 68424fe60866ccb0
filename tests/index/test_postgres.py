"""An index in a PostgreSQL database finds what one in a folder finds, and keeps what it acknowledged."""

import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from isthmus import Autoencoder, Index
from isthmus.cli.main import main
from isthmus.data import pgstore
from isthmus.data.codestore import DISTANCE, ROW
from isthmus.errors import DataError, FileError, UsageError
from tests.conftest import make_houses

psycopg = pytest.importorskip("psycopg")
pgserver = pytest.importorskip("pgserver", reason="a database for the tests comes with the package pgserver")
pytest.importorskip("lancedb")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a server of the tests' own."""
    server = pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def address(database: str, request: pytest.FixtureRequest) -> str:
    """Give an address with a table that no other test has."""
    return f"{database}&table={request.node.name[:50]}"


@pytest.fixture
def index(address: str, model: Autoencoder, rows: pd.DataFrame) -> Index:
    return Index.create(address, model, rows)


def test_it_finds_what_a_folder_finds(index, model, rows, tmp_path):
    folder = Index.create(tmp_path / "homes", model, rows)
    assert len(index) == len(folder) == len(rows)
    for query in ({"X": rows.iloc[[5]]}, {"row": 9}, {"X": {"area": 240.0, "zone": "hill"}}):
        for where in (None, "price < 300000 and zone = 'hill'", "`area` > 100 or zone is null"):
            one, other = (each.search(**query, n=6, where=where) for each in (index, folder))
            one, other = (each if isinstance(each, pd.DataFrame) else each.to_pandas() for each in (one, other))
            np.testing.assert_allclose(one[DISTANCE], other[DISTANCE], atol=1e-5)
            assert sorted(one[ROW]) == sorted(other[ROW])
            assert list(one.columns) == list(other.columns)
            by_row = [each.sort_values(ROW).reset_index(drop=True) for each in (one, other)]
            pd.testing.assert_frame_equal(*(each.drop(columns=DISTANCE) for each in by_row), check_dtype=False)


def test_it_grows_shrinks_and_is_opened_again(index, model, rows, address):
    assert index.add(rows.head(2)) == [160, 161]
    assert index.delete("area > 200 and zone = 'hill'") == int(((rows.area > 200) & (rows.zone == "hill")).sum())
    again = Index(address)
    assert len(again) == len(index) and again.made_by(model)
    assert np.array_equal(again.model.encode(rows), model.encode(rows))
    other = Autoencoder(3, epochs=2, seed=1).fit(rows)
    numbers = again._store.rows()[ROW].to_pylist()
    again.retrain(other)
    assert Index(address)._store.rows()[ROW].to_pylist() == numbers
    assert Index(address).model.encode(rows).shape == (160, 3)


def test_many_codes_are_sorted_into_a_graph_and_conditions_still_fill_up(address, model, monkeypatch):
    monkeypatch.setattr(pgstore, "MANY", 1000)
    many = pd.DataFrame(make_houses(3000, seed=1)).assign(part=np.arange(3000) % 50)
    index = Index.create(address, model, many)
    with psycopg.connect(pgstore._parted(address)[0]) as connection:
        named = connection.execute("SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '%hnsw%'").fetchall()
    assert len(named) == 1
    assert index.recall(10, queries=20) > 0.9
    found = index.search(row=0, n=60, where="part = 7")
    assert len(found) == 60 and set(found["part"].to_pylist()) == {7}
    assert found[DISTANCE].to_pylist() == index.search(row=0, n=60, where="part = 7", exact=True)[DISTANCE].to_pylist()


def test_what_cannot_be_is_one_line_and_changes_nothing(index, address, database, model, rows):
    with pytest.raises(FileError, match="is there already"):
        Index.create(address, model, rows)
    with pytest.raises(UsageError, match="condition 'wing > 1'"):
        index.search(row=0, where="wing > 1")
    with pytest.raises(UsageError, match="condition"):
        index.delete("area > 0; DROP TABLE isthmus_indexes")
    with pytest.raises(UsageError, match="condition"):
        index.search(row=0, where="area > 0); DELETE FROM isthmus_indexes; --")
    with pytest.raises(DataError, match="do not go with"):
        index._store.append([(index._store.rows().select(["area"]), np.zeros((160, 4), np.float32))])
    with pytest.raises(UsageError, match="held in full"):
        Index.create(address + "2", model, rows, compress="int8")
    with pytest.raises(FileError, match="no index 'none'"):
        Index(f"{database}&table=none")
    with pytest.raises(UsageError, match="names no table"):
        Index(database)
    with pytest.raises(FileError, match="cannot be reached"):
        Index("postgresql://127.0.0.1:1/none?table=none")
    assert len(index) == 160


def test_who_appends_at_once_gets_numbers_of_their_own(index, address, rows):
    given: list[list[int]] = []
    threads = [threading.Thread(target=lambda: given.append(Index(address).add(rows.head(5)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(number for numbers in given for number in numbers) == list(range(160, 180))


def test_what_was_acknowledged_outlives_a_kill(index, address, houses_csv):
    before = len(index)
    program = (
        "import sys, isthmus as im\n"
        "index = im.Index(sys.argv[1])\n"
        "while True:\n    print(len(index.add(sys.argv[2])), flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, address, str(houses_csv)], stdout=subprocess.PIPE, text=True
    )
    said = [int(process.stdout.readline()) for _ in range(3)]
    process.kill()
    process.wait()
    added = len(Index(address)) - before
    assert added >= sum(said) and added % 160 == 0


def test_from_the_command_line(address, houses_model, houses_csv, capsys):
    assert main(["index", str(houses_model), str(houses_csv), "-o", address]) == 0
    assert main(["index", str(houses_model), str(houses_csv), "-o", address, "--append"]) == 0
    capsys.readouterr()
    assert main(["search", address, "--row", "3", "-n", "2", "--where", "zone = 'hill'", "--json"]) == 0
    assert capsys.readouterr().out.count("hill") == 2
