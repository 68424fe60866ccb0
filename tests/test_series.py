"""Series: when it was odd, whatever the time of day, with gaps, from every kind of table."""

import datetime

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import isthmus as im
from isthmus.data.series import around, filled
from isthmus.errors import DataError, FileError, IsthmusWarning, UsageError

ODD = slice(700, 724)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """Two sensors that go with the hour (1500 rows, ten minutes apart): the second stands still for four hours."""
    rng, n = np.random.default_rng(0), np.arange(1500)
    when = [datetime.datetime(2024, 3, 1) + datetime.timedelta(minutes=10 * int(i)) for i in n]
    day = np.sin(2 * np.pi * n / 144)
    load, heat = day + 0.05 * rng.normal(size=1500), 20 + 4 * day + 0.2 * rng.normal(size=1500)
    heat[ODD] = heat[ODD.start]
    load[300:306] = np.nan
    return pa.table({"when": when, "load": pa.array(load, from_pandas=True), "heat": heat, "note": ["dry"] * 1500})


@pytest.fixture(scope="module")
def model(table) -> im.SeriesAutoencoder:
    return im.SeriesAutoencoder().fit(table)


def test_an_odd_stretch_is_found_and_explained(model, table):
    odd = model.outliers(table)
    assert odd.scores.shape == (1500,)
    first = odd.explain(top=3).to_pylist()[0]
    assert first["first"] < ODD.stop
    assert first["last"] >= ODD.start
    assert first["column"]
    assert first["value"] != first["expected"]
    assert first["from"].startswith("2024-03-0")
    assert odd.flags(0.01).sum() == 15
    assert odd.cells()["heat"].shape == (1500,)
    taken = np.zeros(1500, bool)
    for row, start, end in odd.stretches(5):
        assert start <= row <= end
        assert not taken[start : end + 1].any()
        taken[start : end + 1] = True


def test_gaps_are_allowed_and_are_not_what_is_odd(model, table):
    assert not set(range(300, 306)) & set(model.outliers(table).order[:15].tolist())
    assert np.isfinite(model.encode(table)).all()


def test_what_a_moment_is_seen_with(model, table):
    moments = model.moments(table)
    assert moments.num_rows == 1500
    assert {"load", "load, 1 before", "heat, 128-255 after", "hour"} <= set(moments.column_names)
    assert "note" not in moments.column_names
    assert model.inspect()["series"] == {"columns": ["load", "heat"], "reach": 8, "clock": ["hour"]}


def test_means_are_of_what_is_there():
    values = filled(np.array([1.0, np.nan, 3.0, 5.0, 9.0, 2.0, 4.0]))
    found = around(values, 2)
    assert found["1 before"].tolist() == [2, 1, 2, 3, 5, 9, 2]  # the way it came, at the beginning
    assert found["2-3 after"].tolist() == [4, 7, 5.5, 3, 3, 5.5, 7]


@pytest.mark.parametrize("kind", [pa.Table.to_pandas, pl.from_arrow, lambda t: t], ids=["pandas", "polars", "arrow"])
def test_every_kind_of_table_gives_the_same(model, table, kind):
    assert np.array_equal(model.outliers(kind(table)).scores, model.outliers(table).scores)


def test_arrays_and_columns_by_name_are_series_too():
    values = np.sin(np.arange(400) / 5)
    one = im.SeriesAutoencoder(epochs=2).fit(values[:, None])
    assert one.outliers(values[:100, None]).scores.shape == (100,)
    two = im.SeriesAutoencoder(epochs=2, columns=["b"], reach=3).fit({"a": values, "b": values**2})
    assert two.moments({"a": values, "b": values}).num_columns == 7
    assert two.encode({"b": values[:1]}).shape[0] == 1  # a single moment, of which nothing around is known


def test_the_same_seed_gives_the_same_and_a_file_holds_it(table, tmp_path):
    small = im.SeriesAutoencoder(epochs=2, seed=3)
    one, two = (clone(small).fit(table) for _ in range(2))
    scores = one.outliers(table).scores
    assert np.array_equal(scores, two.outliers(table).scores)
    one.save(tmp_path / "s.isthmus")
    again = im.load(tmp_path / "s.isthmus")
    assert np.array_equal(scores, again.outliers(table).scores)
    assert again.inspect()["series"] == one.inspect()["series"]
    part = table.slice(100, 90)  # of less than a day: the clock is read all the same
    assert np.array_equal(one.outliers(part).scores, again.outliers(part).scores)
    assert "hour" in again.moments(part).column_names


def test_days_and_fractions_of_seconds_are_times_too():
    values = np.sin(np.arange(60) / 2)
    day = pa.table({"day": [datetime.date(2024, 1, 1) + datetime.timedelta(int(i)) for i in range(60)], "load": values})
    model = im.SeriesAutoencoder(epochs=0.1).fit(day)
    assert model.inspect()["series"]["clock"] == ["weekday"]
    assert model.outliers(day).explain(top=1)["from"][0].as_py().startswith("2024-0")
    fast = [datetime.datetime(2024, 1, 1) + datetime.timedelta(microseconds=1500 * int(i)) for i in range(60)]
    assert im.SeriesAutoencoder(epochs=0.1).fit({"when": fast, "load": values}).inspect()["series"]["clock"] == []


def test_a_clock_that_is_set_back_is_told_of_and_no_fault(table):
    late = table.take(pa.array([*range(600), 598, *range(601, 1500)]))
    with pytest.warns(IsthmusWarning, match="1 rows are earlier than the row before, the first of them row 600; they"):
        im.SeriesAutoencoder(epochs=0.1).fit(late)


@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (lambda t: im.SeriesAutoencoder().fit(t.slice(0, 20)), DataError, "20 rows: 32 are needed"),
        (lambda t: im.SeriesAutoencoder().fit(t.select(["note"])), DataError, "needs a column of numbers"),
        (lambda t: im.SeriesAutoencoder(columns=["note"]).fit(t), DataError, "column 'note': it holds no numbers"),
        (lambda t: im.SeriesAutoencoder(columns=["x"]).fit(t), DataError, "column 'x': there is none"),
        (lambda t: im.SeriesAutoencoder(reach=0).fit(t), UsageError, "reach is 0"),
        (
            lambda t: im.SeriesAutoencoder().fit(t.take(pa.array([*range(40), 5]))),
            DataError,
            "1 rows are earlier than the row before, the first of them row 40",
        ),
        (lambda t: im.SeriesAutoencoder().outliers(t), NotFittedError, "not fitted"),
    ],
)
def test_bad_input_gets_one_line(table, act, kind, words):
    with pytest.raises(kind, match=words):
        act(table)


def test_a_file_that_is_not_whole_is_refused(model, tmp_path):
    from isthmus import store

    model.save(tmp_path / "s.isthmus")
    kind, facts, tensors = store.read(tmp_path / "s.isthmus")
    store.write(tmp_path / "t.isthmus", kind, {"series": {}, "model": facts["model"]}, tensors)
    with pytest.raises(FileError, match="do not fit together"):
        im.load(tmp_path / "t.isthmus")
