"""One law of tables: whatever kind of table the same cells come in, they have the same codes."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from isthmus import Autoencoder
from isthmus.errors import IsthmusWarning

QUICK = {"epochs": 2, "width": 32, "blocks": 1, "batch_size": 64}
WAYS = ["pandas", "polars", "pyarrow", "csv", "csv.gz", "parquet"]


def dressed(columns, way, folder):
    """The same cells as a table of some kind."""
    if way == "pandas":
        return pd.DataFrame(columns)
    if way == "polars":
        return pl.DataFrame(columns)
    table = pa.table(columns)
    path = folder / f"table.{way}"
    if way == "parquet":
        parquet.write_table(table, path)
    elif way.startswith("csv"):
        with pa.CompressedOutputStream(path, "gzip") if way.endswith("gz") else pa.OSFile(str(path), "wb") as file:
            csv.write_csv(table, file)
    return table if way == "pyarrow" else path


@pytest.fixture(scope="module")
def model(houses):
    return Autoencoder(4, **QUICK).fit(pa.table(houses))


@pytest.mark.parametrize("way", WAYS)
def test_same_cells_same_codes(houses, model, way, tmp_path):
    assert np.array_equal(model.encode(dressed(houses, way, tmp_path)), model.encode(pa.table(houses)))


@pytest.mark.parametrize("way", WAYS)
def test_same_cells_same_model(houses, model, way, tmp_path):
    table = dressed(houses, way, tmp_path)
    assert np.array_equal(Autoencoder(4, **QUICK).fit(table).encode(table), model.encode(pa.table(houses)))


def test_an_array_has_the_codes_of_the_same_frame():
    array = np.random.default_rng(0).normal(size=(120, 3))
    array[::7, 1] = np.nan
    frame = pd.DataFrame(array, columns=["x0", "x1", "x2"])
    from_array, from_frame = (Autoencoder(2, **QUICK).fit(table) for table in (array, frame))
    assert np.array_equal(from_array.encode(array), from_frame.encode(frame))
    assert np.array_equal(from_array.encode(frame), from_frame.encode(frame))


@pytest.mark.parametrize("way", WAYS[:3])
def test_what_comes_in_as_one_kind_goes_out_as_it(houses, way, tmp_path):
    table = dressed(houses, way, tmp_path)
    model = Autoencoder(4, **QUICK).fit(table)
    for out in (
        model.reconstruct(table),
        model.impute(table),
        model.decode(model.encode(table)),
        model.sample(5),
    ):
        assert type(out) is type(table)
        assert list(getattr(out, "column_names", None) or out.columns) == list(houses)


def test_reconstructed_frames_keep_their_index(houses):
    frame = pd.DataFrame(houses, index=pd.RangeIndex(1000, 1000 + len(houses["area"])))
    model = Autoencoder(4, **QUICK).fit(frame)
    assert model.reconstruct(frame).index.equals(frame.index)
    assert model.impute(frame).index.equals(frame.index)


def test_imputed_categoricals_take_levels_they_lack(houses):
    frame = pd.DataFrame(houses).astype({"zone": "category"})
    model = Autoencoder(4, **QUICK).fit(frame)
    few = frame.head(8).assign(zone=pd.Categorical([None] * 8, categories=["hill"]))
    filled = model.impute(few)["zone"]
    assert filled.notna().all()
    assert filled.isin(frame["zone"].cat.categories).all()


def test_imputed_means_of_whole_numbers_need_not_be_whole():
    train = pl.DataFrame({"a": [1.5, 2.25, 3.125, 7.5] * 10, "b": [1, 2, 3, 4] * 10})
    model = Autoencoder(2, **QUICK).fit(train)
    filled = model.impute(pl.DataFrame({"a": [1, None, 3], "b": [1, 2, 3]}), method="mean")
    assert filled["a"].null_count() == 0
    assert filled["a"][0] == 1 and filled["a"][2] == 3
    holed = pl.DataFrame({"a": [1.5, 2.25, 3.125], "b": [1, None, 3]})
    nullable = holed.to_pandas().astype({"b": "Int64"})
    for table in (holed, holed.to_arrow(), nullable, holed.to_pandas()):
        mean, mode = (model.impute(table, method)["b"] for method in ("mean", "mode"))
        assert [cell % 1 == 0 for cell in mean.to_numpy()] == [True, False, True]
        assert str(mode.type if isinstance(table, pa.Table) else mode.dtype) in ("Int64", "int64", "float64")
        assert all(cell % 1 == 0 for cell in mode.to_numpy())


@pytest.mark.parametrize(
    "columns",
    [
        {"a": [1.5]},
        {"a": ["x"]},
        {"a": [2.0] * 30},
        {"a": [1e300, -1e300, 3e299] * 10, "b": [1, 2, 3] * 10},
        {"a": [1e-300, 2e-300, 5e-324] * 10, "b": ["x", "y", "z"] * 10},
        {"a": [10**15 - 1, -(10**15) + 1, 7] * 10},
        {"a": [None] * 29 + [1.0], "b": list(range(30))},
        {"a": ["x"] * 30, "b": [0.5, 1.5, None] * 10},
        {"a": [True, False, None] * 10, "b": [float(i) for i in range(30)]},
    ],
    ids=[
        "one number",
        "one word",
        "constant",
        "huge",
        "tiny",
        "15 digits",
        "one cell filled",
        "one value",
        "booleans",
    ],
)
def test_odd_columns_pass_through_every_job(columns):
    table = pa.table(columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IsthmusWarning)
        model = Autoencoder(2, **QUICK).fit(table)
        assert np.isfinite(model.encode(table)).all()
        assert np.isfinite(model.score_samples(table)).all()
        assert np.isfinite(model.outliers(table).scores).all()
        assert model.sample(7).num_rows == 7
        assert model.reconstruct(table).num_rows == model.impute(table).num_rows == table.num_rows
        assert "surprise" in model.outliers(table).explain(top=1).column_names
