"""What a cluster does is what one process does, whatever is lost on the way."""

from __future__ import annotations

import os
import signal
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

import isthmus as im
from isthmus.cli.main import main
from isthmus.data import drawn
from isthmus.data.drawn import Drawn
from isthmus.data.schema import Schema
from isthmus.engine import Engine
from isthmus.errors import DataError, FileError, IsthmusWarning, UsageError
from isthmus.training import checkpoints

SMALL = {"width": 32, "blocks": 1, "batch_size": 16, "epochs": 12}


class TwoShards(Engine):
    """What a cluster of two workers is held against."""

    shards = 2


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def ray(address, tmp_path):
    return im.Ray(workers=2, address=address, storage=tmp_path / "shared")


@pytest.fixture
def few(monkeypatch):
    """Let a fit hold few rows, so that it trains from files; small parts, so that each file is several."""
    monkeypatch.setattr(drawn, "ROWS", 500)


@pytest.fixture(scope="module")
def model(sales):
    return im.Autoencoder(3, **SMALL).fit(im.Parts.open(sales))


def same(one, other) -> bool:
    weights = other.net_.state_dict()
    return all(torch.equal(weight, weights[name]) for name, weight in one.net_.state_dict().items())


def test_rows_are_drawn_as_in_one_process(sales, ray, few):
    parts = im.Parts.open(sales)
    found, local = Drawn.of(parts, 3, each=ray.each), Drawn.of(parts, 3)
    assert np.array_equal(found.rows, local.rows)
    assert found.table.columns.equals(local.table.columns)
    assert Schema.learn(found.table, witnesses=found.witnesses) == Schema.learn(local.table, witnesses=local.witnesses)


def test_a_fit_is_that_of_one_process_with_as_many_shards(sales, ray, few, tmp_path):
    parts = im.Parts.open(sales)
    cluster = im.Autoencoder(3, engine=ray, **SMALL).fit(parts)
    alone = im.Autoencoder(3, engine=TwoShards(), **SMALL).fit(parts)
    assert same(cluster, alone)
    assert cluster.history_.checks == alone.history_.checks
    rows = im.data.sources.open_table(sales / "part-1.parquet").columns
    assert np.array_equal(cluster.encode(rows), alone.encode(rows))
    assert cluster.inspect()["rows"] == 1800
    assert not list((tmp_path / "shared").iterdir())


def test_a_table_in_memory_is_shared_too(sales, ray):
    rows = pd.read_parquet(sales / "part-0.parquet")
    cluster, alone = (im.Autoencoder(3, engine=each, **SMALL).fit(rows) for each in (ray, TwoShards()))
    assert same(cluster, alone)


class Kills(threading.Thread):
    """Kills a worker of a training once a state was kept, and again as often as told."""

    def __init__(self, storage: Path, times: int = 1) -> None:
        super().__init__(daemon=True)
        self.storage, self.times, self.killed = storage, times, []

    def run(self) -> None:
        end = time.monotonic() + 120
        while len(self.killed) < self.times and time.monotonic() < end:
            time.sleep(0.05)
            kept = {str(path) for path in self.storage.glob("training/*/checkpoint*")}
            new = kept - {path for _, path in self.killed}
            if new and (workers := _workers()):
                os.kill(workers[-1], signal.SIGKILL)
                self.killed.append((workers[-1], max(new)))
                time.sleep(3)


def _workers() -> list[int]:
    """The processes that train, by the name that Ray gives them."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if words.startswith(b"ray::") and b"TrainWorker" in words:
                found.append(int(folder.name))
    return sorted(found)


def test_a_killed_worker_costs_nothing_but_time(sales, ray, few, monkeypatch, tmp_path):
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0.5)
    long = SMALL | {"epochs": 30}
    parts = im.Parts.open(sales)
    kills = Kills(tmp_path / "shared")
    kills.start()
    disturbed = im.Autoencoder(3, engine=ray, **long).fit(parts)
    assert len(kills.killed) == 1
    undisturbed = im.Autoencoder(3, engine=TwoShards(), **long).fit(parts)
    assert same(disturbed, undisturbed)
    assert disturbed.history_.checks == undisturbed.history_.checks


def test_jobs_are_those_of_one_process(sales, model, ray, small_parts):
    parts = im.Parts.open(sales)
    assert len(parts.pieces()) == 3
    codes = np.concatenate(list(ray.map(model.encode, parts)))
    assert np.array_equal(codes, np.concatenate([model.encode(part) for part in parts]))
    filled = pa.concat_tables(ray.map(model.impute, parts, holes=True))
    assert filled.equals(pa.concat_tables(Engine().map(model.impute, parts, holes=True)))
    assert filled["sold"].null_count == 0


def test_what_goes_wrong_there_is_said_here(sales, model, ray):
    parts = im.Parts.open(sales)

    def refuses(rows):
        raise DataError(f"row {rows.start:,} is wrong")

    def warns(rows):
        warnings.warn("a value was never seen", IsthmusWarning, stacklevel=1)
        return rows.rows

    with pytest.raises(DataError, match=r"^row 0 is wrong$"):
        list(ray.map(refuses, parts))
    with pytest.warns(IsthmusWarning, match="never seen") as told:
        assert sum(ray.map(warns, parts)) == 1800
    assert len(told) == 1


def test_a_training_that_cannot_go_on_says_why(ray):
    rows = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    with pytest.raises(DataError, match="not finite"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        im.Autoencoder(1, engine=ray, learning_rate=1e30, **SMALL).fit(rows)


@pytest.mark.parametrize(("settings", "says"), [({"workers": 0}, "workers is 0"), ({"cpus": "2"}, "cpus is '2'")])
def test_settings_that_cannot_be(sales, settings, says):
    with pytest.raises(UsageError, match=says):
        list(im.Ray(**settings).map(len, im.Parts.open(sales)))


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be made"):
        print(im.Ray(storage=tmp_path / "file").place)


def test_from_the_command_line(sales, address, tmp_path, capsys, small_parts):
    words = ["--engine", "ray", "--workers", "2", "--address", address, "-q"]
    model, codes = tmp_path / "m.isthmus", tmp_path / "codes.npy"
    assert main(["fit", str(sales), "-o", str(model), "--code", "2", "--epochs", "2", *words]) == 0
    assert main(["encode", str(model), str(sales), "-o", str(codes), *words]) == 0
    assert main(["encode", str(model), str(sales), "-o", str(tmp_path / "here.npy"), "-q"]) == 0
    assert np.array_equal(np.load(codes), np.load(tmp_path / "here.npy"))
    for verb, out in (("impute", "full.csv"), ("outliers", "odd.csv"), ("reconstruct", "again.csv")):
        assert main([verb, str(model), str(sales), "-o", str(tmp_path / out), *words]) == 0
        assert main([verb, str(model), str(sales), "-o", str(tmp_path / f"here-{out}"), "-q"]) == 0
        assert (tmp_path / out).read_text() == (tmp_path / f"here-{out}").read_text()
    assert {file.name for file in tmp_path.iterdir()} >= {"m.isthmus", "codes.npy"}
    assert not (tmp_path / "m.isthmus.checkpoint").exists()
    assert capsys.readouterr().out == ""
