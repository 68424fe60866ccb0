"""What many tests share: a small real-looking table, in every kind of frame, a model of it, and sounds."""

import datetime
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from isthmus.data.signals import Signal, write_signal

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Frames:
    """One kind of frame: how it is made from columns, and how it is taken apart again."""

    name: str
    make: Callable[[Columns], Any]
    columns: Callable[[Any], Columns]


def _from_array(array: np.ndarray) -> Columns:
    return {f"x{i}": column.tolist() for i, column in enumerate(array.T)}


FRAMES = [
    Frames("pandas", pd.DataFrame, lambda frame: frame.to_dict("list")),
    Frames("polars", pl.DataFrame, lambda frame: frame.to_dict(as_series=False)),
    Frames("pyarrow", pa.table, lambda frame: frame.to_pydict()),
    Frames("numpy", lambda columns: np.column_stack(list(columns.values())), _from_array),
]


@pytest.fixture(params=FRAMES, ids=lambda frames: frames.name)
def df_module(request: pytest.FixtureRequest) -> Frames:
    """Every kind of frame in turn; numpy's columns must all be numbers."""
    return request.param


def make_houses(rows: int = 160, seed: int = 7) -> Columns:
    """Make house sales whose columns are of every kind and hang together."""
    random_ = random.Random(seed)
    columns: Columns = {name: [] for name in ("area", "rooms", "zone", "pool", "sold", "price")}
    for _ in range(rows):
        area = round(random_.uniform(40, 260), 1)
        zone = random_.choice(["centre", "harbour", "hill"])
        pool = "Y" if area > 200 else "N"
        price = 1000 * round(1.5 * area + {"centre": 90, "harbour": 20, "hill": 60}[zone])
        columns["area"].append(area)
        columns["rooms"].append(1 + int(area // 40))
        columns["zone"].append(zone if random_.random() > 0.05 else None)
        columns["pool"].append(pool)
        columns["sold"].append(datetime.date(2010, 1, 1) + datetime.timedelta(days=random_.randrange(700)))
        columns["price"].append(price if random_.random() > 0.05 else None)
    return columns


@pytest.fixture(scope="session")
def houses() -> Columns:
    """Columns of a small table."""
    return make_houses()


@pytest.fixture(scope="session")
def houses_csv(houses: Columns, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small table as a CSV file."""
    path = tmp_path_factory.mktemp("houses") / "houses.csv"
    pd.DataFrame(houses).to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def houses_model(houses_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file, fitted to the small table for a moment only."""
    from isthmus import Autoencoder

    path = tmp_path_factory.mktemp("model") / "houses.isthmus"
    Autoencoder(code=4, width=16, blocks=1, epochs=2, batch_size=64).fit(houses_csv).save(path)
    return path


@pytest.fixture
def small_parts(monkeypatch):
    """Make blocks and parts of tables so small that a thousand rows are many of them."""
    from isthmus.data import csvs, parts, survey

    monkeypatch.setattr(csvs, "_BLOCK", 4096)
    monkeypatch.setattr(survey, "_ROWS", 100)
    monkeypatch.setattr(parts, "CELLS", 1)


HERTZ = {"low": 200, "middle": 900, "high": 3000}


def tone(hertz: float, seconds: float, rate: int = 16_000, seed: int = 0) -> np.ndarray:
    """Make a note that fades, a little out of tune, with some noise."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * rate)) / rate
    note = np.exp(-3 * time) * np.sin(2 * np.pi * hertz * rng.uniform(0.97, 1.03) * time)
    return np.float32(0.5 * note + 0.003 * rng.standard_normal(len(time)))


@pytest.fixture(scope="session")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Notes of three pitches, of lengths and rates of their own, in a folder for each."""
    folder = tmp_path_factory.mktemp("notes")
    for number in range(36):
        kind = list(HERTZ)[number % 3]
        (folder / kind).mkdir(exist_ok=True)
        rate = (16_000, 22_050)[number % 2]
        samples = tone(HERTZ[kind], 0.3 + number / 60, rate, number)
        write_signal(folder / kind / f"{number:02}.wav", Signal(samples[:, None], rate))
    return folder
