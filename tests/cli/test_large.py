"""Every verb gives row by row the same for a table in parts as for the table read whole; stopped, it leaves nothing."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from isthmus import Autoencoder
from isthmus.cli import make
from isthmus.cli.main import main
from isthmus.data.sources import open_table, write_table

ROWS = 1500


pytestmark = pytest.mark.usefixtures("small_parts")


def make_table(rows=ROWS, seed=0):
    """Make rows with holes: numbers that depend on a word, whole numbers, dates, names to be carried along."""
    rng = np.random.default_rng(seed)
    zone = rng.integers(0, 3, rows)
    hole = lambda share: rng.random(rows) < share  # noqa: E731
    return pa.table(
        {
            "zone": pa.array(np.array(["hill", "port", "town"])[zone], mask=hole(0.1)),
            "area": pa.array(np.round(50 + 30 * zone + rng.normal(0, 5, rows), 1), mask=hole(0.1)),
            "rooms": pa.array(rng.poisson(2 + zone), mask=hole(0.05)),
            "sold": pa.array(np.datetime64("2020-01-01") + rng.integers(0, 900, rows).astype("timedelta64[D]")),
            "pool": rng.random(rows) < 0.3,
            "house_id": pa.array([f"h{i:05}" for i in range(rows)]),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Lay the same table out in several ways, beside a model of it."""
    place, table = tmp_path_factory.mktemp("large"), make_table()
    write_table(table, place / "rows.csv")
    parquet.write_table(table, place / "rows.parquet", row_group_size=170)
    for ending in ("csv", "parquet"):
        (place / ending).mkdir()
        for number, start in enumerate(range(0, ROWS, 400)):
            write_table(table.slice(start, 400), place / ending / f"part-{number}.{ending}")
    Autoencoder(4, epochs=2, width=32, blocks=1).fit(place / "rows.parquet").save(place / "m.isthmus")
    return place


WAYS = ["rows.csv", "rows.parquet", "csv", "parquet"]
JOBS = {
    "encode": [],
    "reconstruct": [],
    "impute": [],
    "impute --method mean": ["--method", "mean"],
    "impute --uncertainty": ["--uncertainty"],
    "outliers": [],
    "outliers --share": ["--share", "0.1"],
}


def read(path):
    """Read what a verb wrote; whether numbers are written as whole is the file's affair."""
    frame = open_table(path).columns.to_pandas()
    whole = frame.select_dtypes("number").columns
    return frame.astype(dict.fromkeys(whole, float))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("job", JOBS)
def test_every_row_is_that_of_the_whole_table(folder, tmp_path, job, way):
    verb, model = job.split()[0], str(folder / "m.isthmus")
    assert (
        main([verb, model, str(folder / "rows.parquet"), "-o", str(tmp_path / "whole.parquet"), *JOBS[job], "-q"]) == 0
    )
    parted = [verb, model, str(folder / way), "-o", str(tmp_path / "parts.parquet"), "--memory", "1kB"]
    assert main([*parted, *JOBS[job], "-q"]) == 0
    pd.testing.assert_frame_equal(read(tmp_path / "parts.parquet"), read(tmp_path / "whole.parquet"), check_exact=True)


def test_codes_as_an_array(folder, tmp_path):
    for name, memory in (("whole", "1GB"), ("parts", "1kB")):
        words = ["encode", str(folder / "m.isthmus"), str(folder / "rows.parquet"), "-o", str(tmp_path / f"{name}.npy")]
        assert main([*words, "--memory", memory, "-q"]) == 0
    one, two = (np.load(tmp_path / f"{name}.npy") for name in ("whole", "parts"))
    assert one.dtype == two.dtype == np.float32
    assert np.array_equal(one, two)


def test_the_oddest_rows_are_explained_by_their_own_numbers(folder, tmp_path):
    for name, memory in (("whole", "1GB"), ("parts", "1kB")):
        words = ["outliers", str(folder / "m.isthmus"), str(folder / "rows.parquet"), "--explain", "--top", "7"]
        assert main([*words, "-o", str(tmp_path / f"{name}.csv"), "--memory", memory, "-q"]) == 0
    one, two = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("whole", "parts"))
    said = ["rank", "row", "score", "column", "value", "expected", "surprise"]
    one, two = (each[said].sort_values(["rank", "column"], ignore_index=True) for each in (one, two))
    pd.testing.assert_frame_equal(one, two)


def test_drawn_cells_are_drawn_again_by_the_same_seed(folder, tmp_path):
    for name in ("one", "two"):
        words = ["impute", str(folder / "m.isthmus"), str(folder / "rows.csv"), "--method", "sample", "--memory", "1kB"]
        assert main([*words, "-o", str(tmp_path / f"{name}.csv"), "--seed", "3", "-q"]) == 0
    one, two = ((tmp_path / f"{name}.csv").read_bytes() for name in ("one", "two"))
    assert one == two
    assert open_table(tmp_path / "one.csv").columns["area"].null_count == 0


def test_rows_made_up_in_parts_are_those_made_up_at_once(folder, tmp_path, monkeypatch):
    from isthmus.tasks import synthesize

    monkeypatch.setattr(synthesize, "PIECE", 100)
    words = ["sample", str(folder / "m.isthmus"), "-n", "450", "--seed", "1", "-q"]
    assert main([*words, "-o", str(tmp_path / "whole.csv")]) == 0
    monkeypatch.setattr(make, "MANY", 200)
    assert main([*words, "-o", str(tmp_path / "parts.csv")]) == 0
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_progress_is_told_by_rows(folder, tmp_path, capsys):
    words = ["encode", str(folder / "m.isthmus"), str(folder / "csv"), "-o", str(tmp_path / "codes.npy"), "--json"]
    assert main(words) == 0
    told = capsys.readouterr()
    assert "encode: 1,500 rows, about" in told.err
    assert json.loads(told.out)["rows"] == ROWS


def test_a_stopped_verb_leaves_nothing(folder, tmp_path, monkeypatch, capsys):
    seen = []

    def stop(self, table):
        seen.append(table.rows)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return table.columns

    monkeypatch.setattr(Autoencoder, "reconstruct", stop)
    words = ["reconstruct", str(folder / "m.isthmus"), str(folder / "rows.csv"), "-o", str(tmp_path / "out.csv")]
    assert main([*words, "--memory", "1kB"]) == 130
    assert seen == [256, 256, 256]
    assert not list(tmp_path.iterdir())
    assert "interrupted; no output was written" in capsys.readouterr().err


def test_a_ragged_line_stops_a_verb_with_its_number(folder, tmp_path, capsys):
    lines = (folder / "rows.csv").read_text().splitlines()
    lines[900] += ",1"
    (tmp_path / "bad.csv").write_text("\n".join(lines))
    words = ["encode", str(folder / "m.isthmus"), str(tmp_path / "bad.csv"), "-o", str(tmp_path / "codes.npy")]
    assert main([*words, "--memory", "1kB"]) == 1
    assert "line 901: 7 fields where the header has 6: repair that line" in capsys.readouterr().err
    assert not (tmp_path / "codes.npy").exists()


def test_a_wrong_cell_is_named_and_a_warning_told_once(folder, tmp_path, capsys):
    table = make_table()
    areas = table["area"].to_pylist()
    strange = table.set_column(1, "area", pa.array([1e6] * ROWS))
    write_table(strange, tmp_path / "strange.csv")
    words = ["encode", str(folder / "m.isthmus"), "-o", str(tmp_path / "codes.npy"), "--memory", "1kB"]
    assert main([*words, str(tmp_path / "strange.csv"), "-q"]) == 0
    assert capsys.readouterr().err.count("outside") == 1
    areas[600] = "wide"
    write_table(
        table.set_column(1, "area", pa.array([None if a is None else str(a) for a in areas])), tmp_path / "x.csv"
    )
    assert main([*words, str(tmp_path / "x.csv"), "-q"]) == 1
    assert "after row 512, rows counted from there: column 'area' row 89: a number was" in capsys.readouterr().err
