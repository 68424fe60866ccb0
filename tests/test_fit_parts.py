"""A model of a table read in parts is as good as one of the table in memory, and refuses no value of it."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from isthmus import Autoencoder, Parts
from isthmus.cli.main import main
from isthmus.data import drawn
from isthmus.data.drawn import Drawn
from isthmus.data.schema import Schema
from isthmus.data.sources import open_table, write_table
from isthmus.data.witnesses import Witness
from isthmus.errors import DataError

pytestmark = pytest.mark.usefixtures("small_parts")
SMALL = {"width": 32, "blocks": 1, "epochs": 12, "batch_size": 64}


def make_table(rows=3000, seed=0):
    """Make columns each of which has one cell that is unlike the others."""
    rng = np.random.default_rng(seed)
    zone = rng.integers(0, 3, rows)
    odd = np.arange(rows) == rows // 2
    area = np.round(50 + 30 * zone + rng.normal(0, 5, rows), 1)
    return pa.table(
        {
            "zone": np.where(odd, "moon", np.array(["hill", "port", "town"])[zone]),
            "area": np.where(odd, 999.125, area),
            "rooms": pa.array(np.where(odd, 77, rng.poisson(2 + zone)), mask=np.arange(rows) == 5),
            "half": np.where(odd, 0.5, rng.integers(0, 9, rows)),
            "sold": pa.array(
                np.datetime64("2020-01-01T00:00:00")
                + np.where(odd, 12345, 86400 * rng.integers(0, 900, rows)).astype("timedelta64[s]")
            ),
            "pool": pa.array(rng.random(rows) < 0.3),
            "two": np.where(odd, 5, zone > 1),
            "count": np.arange(rows) + 1,
            "name": [f"of {i}" for i in range(rows)],
        }
    )


@pytest.fixture
def path(tmp_path):
    write_table(make_table(), tmp_path / "rows.parquet")
    return tmp_path / "rows.parquet"


@pytest.fixture
def few(monkeypatch):
    """Let a fit hold few rows."""
    monkeypatch.setattr(drawn, "ROWS", 1000)


def test_the_schema_is_that_of_all_rows(path, few):
    found = Drawn.of(Parts.open(path), seed=1)
    assert found.table.rows == 1000
    assert found.table.columns.equals(open_table(path).columns.take(pa.array(found.rows)))
    assert Schema.learn(found.table, witnesses=found.witnesses) == Schema.learn(open_table(path))


def test_rows_are_drawn_evenly(path, few):
    parts = Parts.open(path)
    times = sum(np.bincount(Drawn.of(parts, seed).rows, minlength=3000) for seed in range(20))
    assert abs(times[:1500].sum() / 10_000 - 1) < 0.03
    assert times.max() < 18


def test_a_model_is_as_good_as_one_of_the_table_in_memory(path, few):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "(?!column)")
        parted = Autoencoder(6, **SMALL).fit(Parts.open(path))
    whole, again = Autoencoder(6, **SMALL).fit(path), Autoencoder(6, **SMALL).fit(Parts.open(path))
    assert parted.inspect()["rows"] == 3000
    rows = make_table(1000, seed=9)
    one, two = (-model.score(rows) for model in (parted, whole))
    assert one < two + 0.35
    assert np.array_equal(parted.encode(rows), again.encode(rows))


def test_what_fits_into_the_sample_gives_the_same_model(path):
    one, two = (Autoencoder(3, **SMALL).fit(rows) for rows in (path, Parts.open(path)))
    assert np.array_equal(one.encode(path), two.encode(path))


def test_from_the_command_line_and_on_from_a_checkpoint(path, few, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for budget in ("", "1"):
        words = ["fit", str(path), "-o", str(tmp_path / "m.isthmus"), "--memory", "1kB", "--epochs", "2", "--code", "3"]
        assert main([*words, *(["--budget", budget] if budget else []), "--json"]) == 0
        assert '"rows": 3000' in capsys.readouterr().out.replace('"rows":3000', '"rows": 3000')
        assert {file.name for file in tmp_path.iterdir()} == {"rows.parquet", "m.isthmus"}
    assert main(["encode", str(tmp_path / "m.isthmus"), str(path), "-o", str(tmp_path / "z.csv"), "-q"]) == 0
    assert len(pd.read_csv(tmp_path / "z.csv")) == 3000


def test_an_infinite_number_is_named(tmp_path, few):
    table = make_table()
    areas = table["area"].to_pylist()
    areas[2222] = float("inf")
    write_table(table.set_column(1, "area", pa.array(areas)), tmp_path / "rows.parquet")
    with pytest.raises(
        DataError, match=r"after row 2,048, rows counted from there: column 'area': 1 infinite .* row 175"
    ):
        Autoencoder(3).fit(Parts.open(tmp_path / "rows.parquet"))


def test_too_many_values_to_remember_are_estimated(monkeypatch):
    monkeypatch.setattr("isthmus.data.witnesses.MOST_VALUES", 50)
    witness = Witness("word")
    for start in range(0, 300, 30):
        witness.see(pa.chunked_array([[f"w{i}" for i in range(start, start + 30)]]))
    some = open_table(pa.table({"word": [f"w{i}" for i in range(100)]}))
    assert witness.many and witness.counted(some) == (300, 300)


def test_a_killed_fit_goes_on_to_the_weights_it_would_have_had(path, few, tmp_path, monkeypatch):
    from isthmus.training import checkpoints
    from isthmus.training.run import Run

    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0)
    saved, count = Run.save, []

    def stop(self):
        saved(self)
        count.append(1)
        if len(count) == 3:
            raise KeyboardInterrupt

    parts, where = Parts.open(path), tmp_path / "checkpoint"
    straight = Autoencoder(3, **SMALL).fit(parts)
    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr(Run, "save", stop)
        Autoencoder(3, checkpoint=where, **SMALL).fit(parts)
    assert where.exists()
    again = Autoencoder(3, checkpoint=where, resume=True, **SMALL).fit(parts)
    assert np.array_equal(again.encode(path), straight.encode(path))
    assert not where.exists()
