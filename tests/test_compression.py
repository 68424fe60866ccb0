"""What is compressed comes back, every cell of any table, within its tolerance, on any machine; or there is a line."""

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isthmus import compress, compression, decompress
from isthmus.compression import look, tables
from isthmus.container import Container
from isthmus.data.integers import IntegerCodec
from isthmus.data.sources import Table, open_table
from isthmus.errors import FileError, IsthmusWarning, UsageError
from isthmus.tablefile import TableFile
from isthmus.tasks.compress.plan import ROWS

WORDS = st.sampled_from(["a", "b", "café", "\U0001f3e0", " x", "", "NA", "long " * 9])
STAMPS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1))
FLOATS = st.floats(allow_infinity=False, allow_nan=False)
CELLS = {
    pa.bool_(): st.booleans(),
    pa.int8(): st.integers(-128, 127),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint16(): st.integers(0, 2400),
    pa.float64(): FLOATS | st.sampled_from([0.0, -0.0, 0.1, 1e300, 5e-324]),
    pa.float32(): st.floats(allow_infinity=False, allow_nan=False, width=32),
    pa.decimal128(9, 2): st.decimals(-999, 999, allow_nan=False, allow_infinity=False, places=2),
    pa.string(): WORDS | st.text(max_size=5),
    pa.large_string(): WORDS,
    pa.dictionary(pa.int8(), pa.string()): st.sampled_from(["x", "y", "z"]),
    pa.timestamp("us"): STAMPS,
    pa.date32(): st.dates(),
    pa.time64("us"): st.times(),
    pa.duration("ms"): st.timedeltas(dt.timedelta(days=-9), dt.timedelta(days=9)),
    pa.list_(pa.int8()): st.lists(st.integers(0, 3), max_size=2),
    pa.binary(): st.binary(max_size=4),
}


@st.composite
def any_table(draw):
    """Make a table of any columns, some of them sums or copies of others, some cells missing."""
    rows = draw(st.integers(1, 40))
    columns = {}
    for i in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(list(CELLS)))
        cells = draw(st.lists(st.none() | CELLS[kind], min_size=rows, max_size=rows))
        if kind == pa.duration("ms"):
            cells = [None if c is None else dt.timedelta(milliseconds=c // dt.timedelta(milliseconds=1)) for c in cells]
        columns[f"c{i}"] = pa.array(cells, kind)
    return pa.table(columns)


def looked_up(table):
    """Return a table without dictionaries, whose levels may be ordered otherwise."""
    columns = [c.cast(c.type.value_type) if pa.types.is_dictionary(c.type) else c for c in table.columns]
    return pa.table(columns, names=table.column_names)


def learnt(table, **options):
    """Learn to write a table, whatever Parquet would take."""
    return TableFile.learn(table, options.get("tolerance", 0.0), None, table.rows)


OVER_BYTES = pa.table({"c0": ["NA"], "c1": pa.array([None], pa.bool_())})
INFINITE = pa.table({"c0": ["", "Inf", "1"]})


@settings(max_examples=200, deadline=None)
@given(any_table())
@example(OVER_BYTES)
@example(INFINITE)
def test_any_table_comes_back(arrow):
    table = open_table(arrow)
    file = learnt(table)
    again = TableFile.from_facts(*file.facts()).read(file.write(table.columns)[0])
    assert again.schema.equals(table.columns.schema)
    assert looked_up(again).equals(looked_up(table.columns))


@settings(max_examples=200, deadline=None)
@given(any_table(), st.sampled_from([0.5, 0.1, 0.01, 1e-6]))
@example(OVER_BYTES, 0.5)
@example(INFINITE, 0.5)
def test_every_number_of_any_table_stays_within_its_tolerance(arrow, tolerance):
    table = open_table(arrow)
    file = learnt(table, tolerance=tolerance)
    again = TableFile.from_facts(*file.facts()).read(file.write(table.columns)[0])
    for name, was, now in zip(again.column_names, table.columns.columns, again.columns, strict=True):
        assert was.is_null().equals(now.is_null()), name
        if pa.types.is_floating(was.type) or pa.types.is_integer(was.type) or pa.types.is_decimal(was.type):
            both = zip(was.to_pylist(), now.to_pylist(), strict=True)
            pairs = [(float(a), float(b)) for a, b in both if a is not None]
            low, high = min((a for a, _ in pairs), default=0), max((a for a, _ in pairs), default=0)
            assert all(abs(a - b) <= tolerance * (high - low) * (1 + 1e-6) for a, b in pairs), name
        else:
            assert looked_up(pa.table({"c": was})).equals(looked_up(pa.table({"c": now}))), name


def make_flights(rows=3000, seed=0):
    """Make rows that hang together as timetables do: sorted, sums of each other, tables that look each other up."""
    rng = np.random.default_rng(seed)
    departs = np.sort(rng.integers(300, 1400, rows))
    late = np.rint(rng.exponential(12, rows) - 5).astype(int)
    route = rng.integers(0, 12, rows)
    lasts = 60 + 25 * route + rng.integers(-3, 4, rows)
    arrives = (departs + late + lasts) % 1440
    hhmm = lambda minutes: minutes // 60 * 100 + minutes % 60  # noqa: E731
    frame = pd.DataFrame(
        {
            "departs": hhmm(departs),
            "leaves": hhmm((departs + late) % 1440),
            "late": late,
            "to": np.array(["KIX", "LHR", "JFK", "CDG"])[route % 4],
            "miles": 400 * (route % 4) + 17,
            "arrives": hhmm(arrives),
            "speed": np.round(400 * (route % 4 + 1) / lasts, 2),
            "note": [f"remark {i * 7919 % 100} of {i}" for i in range(rows)],
            "tail": [f"N{i}" for i in rng.integers(0, 40, rows)],
        }
    )
    frame.loc[rng.random(rows) < 0.02, "arrives"] = np.nan
    return frame


@pytest.fixture(scope="module")
def flights():
    return make_flights()


@pytest.fixture(scope="module")
def packed(flights, tmp_path_factory):
    path = tmp_path_factory.mktemp("packed") / "flights.isz"
    compress(flights, path, budget=3)
    return path


def test_rows_come_back_as_the_frame_they_were(flights, packed):
    pd.testing.assert_frame_equal(decompress(packed), flights)


def test_what_follows_from_other_columns_costs_nothing(packed):
    facts = look(packed)
    cost = {row["column"]: row for row in facts["columns"]}
    follows = {name: cost[name]["follows from"] for name in ("to", "miles") if not cost[name]["bytes"]}
    assert follows in ({"miles": "to"}, {"to": "miles"})
    assert cost["leaves"]["bits a cell"] + cost["departs"]["bits a cell"] + cost["late"]["bits a cell"] < 7
    assert facts["texts"] == ["note"]


def test_a_file_is_smaller_than_parquet(flights, packed, tmp_path):
    flights.to_parquet(tmp_path / "flights.parquet", compression="zstd")
    assert packed.stat().st_size < 0.6 * (tmp_path / "flights.parquet").stat().st_size


def test_a_table_that_parquet_stores_better_is_stored_as_parquet(tmp_path):
    rng = np.random.default_rng(0)
    texts = pd.DataFrame({"t": ["".join(map(chr, rng.integers(97, 123, 40))) for _ in range(50)]})
    texts = pd.concat([texts] * 40, ignore_index=True).assign(n=lambda f: [f"{i}" * 3 for i in range(len(f))])
    facts = compress(texts, tmp_path / "t.isz")
    texts.to_parquet(tmp_path / "t.parquet", compression="zstd", compression_level=19)
    assert facts["bytes"] <= (tmp_path / "t.parquet").stat().st_size
    pd.testing.assert_frame_equal(decompress(tmp_path / "t.isz"), texts)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "numpy"])
def test_every_kind_of_table_comes_back_as_it_was(kind, tmp_path):
    frame = pd.DataFrame({"a": [1.5, 2.25, -4.0] * 9, "b": [3.0, 1.0, 8.0] * 9})
    make = {"pandas": lambda f: f, "polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas, "numpy": np.asarray}
    given_ = make[kind](frame)
    compress(given_, tmp_path / "t.isz")
    again = decompress(tmp_path / "t.isz")
    assert type(again).__module__.split(".")[0] == kind
    assert np.array_equal(np.asarray(again), np.asarray(given_))


def torch_product(a, b):
    return (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()


def test_other_products_threads_and_batches_read_the_same(flights, packed):
    want = open_table(flights).columns
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            with Container(packed) as container:
                assert pa.concat_tables(tables(container, product=torch_product)).equals(want)
    finally:
        torch.set_num_threads(threads)
    with Container(packed) as container:
        plan = TableFile.from_facts(container.facts, container.models()).plan
        block = container.block(0)
    data = block[4 : 4 + int.from_bytes(block[:4], "little")]
    whole = plan.decode(data)
    assert all(np.array_equal(plan.decode(data, rows), whole) for rows in (1, 7, 1000))


def test_only_the_blocks_of_some_rows_are_read(tmp_path):
    frame = pd.DataFrame({"n": np.arange(2 * ROWS + 100) % 977, "m": np.arange(2 * ROWS + 100) // 3})
    path = tmp_path / "n.isz"
    compress(frame, path, budget=1)
    assert look(path)["kind"] == "table"
    part = decompress(path, rows=slice(ROWS - 2, ROWS + 3))
    assert part["m"].tolist() == frame["m"].iloc[ROWS - 2 : ROWS + 3].tolist()
    data = bytearray(path.read_bytes())
    with Container(path) as container:
        first, last = (container._blocks[i].at for i in (0, 2))
    data[first + 40] ^= 1
    data[last + 40] ^= 1
    path.write_bytes(data)
    assert decompress(path, rows=slice(ROWS, ROWS + 5))["m"].tolist() == frame["m"].iloc[ROWS : ROWS + 5].tolist()
    with pytest.raises(FileError, match="block 1 of 3 is damaged"):
        decompress(path)
    with pytest.warns(IsthmusWarning, match="block . of 3 is damaged"):
        rest = decompress(path, salvage=True)
    assert rest["m"].tolist() == frame["m"].iloc[ROWS : 2 * ROWS].tolist()


def test_a_large_parquet_file_is_read_a_few_rows_at_a_time(flights, tmp_path, monkeypatch):
    more = pd.concat([flights] * 12, ignore_index=True)
    more.loc[35_000, "to"] = "a place that only the last rows know"
    more.to_parquet(tmp_path / "more.parquet", row_group_size=3500)
    monkeypatch.setattr(compression, "LARGE", 1000)
    monkeypatch.setattr(compression, "SAMPLE", 5000)
    facts = compress(tmp_path / "more.parquet", tmp_path / "more.isz", budget=1)
    assert (facts["rows"], facts["blocks"]) == (len(more), 3)
    assert decompress(tmp_path / "more.isz").equals(open_table(more).columns)
    with pytest.raises(UsageError, match="cannot be sorted"):
        compress(tmp_path / "more.parquet", tmp_path / "more.isz", unordered=True)


def test_rows_in_any_order_take_less(flights, packed, tmp_path):
    numbers = flights.drop(columns="note").sample(frac=1, random_state=0, ignore_index=True)
    sizes = [
        compress(numbers, tmp_path / f"{i}.isz", budget=2, unordered=unordered)["bytes"]
        for i, unordered in enumerate((False, True))
    ]
    assert sizes[1] < sizes[0]
    again = decompress(tmp_path / "1.isz")
    key = list(numbers.columns)
    same = [frame.sort_values(key, ignore_index=True) for frame in (again, numbers)]
    pd.testing.assert_frame_equal(*same)


def test_a_tolerance_in_a_columns_own_units(flights, tmp_path):
    path = tmp_path / "t.isz"
    compress(flights, path, tolerance={"speed": 0.25, "late": 2}, budget=2)
    again = decompress(path)
    for name, by in {"speed": 0.25, "late": 2}.items():
        apart = (again[name] - flights[name]).abs()
        assert 0 < apart.max() <= by * (1 + 1e-9)
    others = [name for name in flights if name not in ("speed", "late")]
    pd.testing.assert_frame_equal(again[others], flights[others])


def test_a_model_is_used_again_for_more_rows(packed, tmp_path):
    more = make_flights(500, seed=1)
    more.loc[3, "to"] = "a new place"
    more.loc[4, "late"] = 100_000
    more.loc[5, "speed"] = 1e-7
    compress(more, tmp_path / "more.isz", model=packed)
    pd.testing.assert_frame_equal(decompress(tmp_path / "more.isz"), more)
    with pytest.raises(UsageError, match="the model was made of other columns: 'departs'"):
        compress(more.drop(columns="departs"), tmp_path / "less.isz", model=packed)


def test_a_fitted_models_schema_is_used(houses, houses_model, tmp_path):
    frame = pd.DataFrame(houses)
    compress(frame, tmp_path / "h.isz", model=houses_model)
    assert decompress(tmp_path / "h.isz")["zone"].tolist() == open_table(frame).columns["zone"].to_pylist()


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"tolerance": -1}, "tolerance -1 is no share"),
        ({"tolerance": {"to": 1}}, "tolerance for column 'to': it holds no numbers"),
        ({"tolerance": {"late": float("nan")}}, "tolerance for column 'late' is nan"),
        ({"tolerance": {"lat": 1}}, "there is no column 'lat': did you mean 'late'?"),
        ({"model": "nowhere.isthmus"}, "'nowhere.isthmus': no such file"),
    ],
)
def test_what_is_asked_wrongly_gets_one_line(flights, tmp_path, options, line):
    with pytest.raises((UsageError, FileError), match=line.replace("?", r"\?")):
        compress(flights, tmp_path / "x.isz", **options)
    assert not list(tmp_path.iterdir())


def test_damage_never_passes_for_data(tmp_path):
    frame = make_flights(400)
    path = tmp_path / "f.isz"
    compress(frame, path, budget=1)
    data, rng = path.read_bytes(), np.random.default_rng(0)
    want = open_table(frame).columns
    for i in range(600):
        spoilt = bytearray(data)
        if i % 3 == 0:
            spoilt = spoilt[: int(rng.integers(len(data)))]
        for _ in range(i % 3):
            spoilt[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        path.write_bytes(spoilt)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", IsthmusWarning)
                again = decompress(path, salvage=bool(i % 2))
        except FileError as error:
            assert "\n" not in str(error)
        else:
            assert open_table(again).columns.equals(want)


def test_a_codec_counts_strange_cells_as_such():
    codec = IntegerCodec.learn(open_table(pd.DataFrame({"a": ["x", "y", "x"], "b": [1, 5, 9]})))
    with pytest.warns(IsthmusWarning):
        cells = codec.encode(Table(pa.table({"a": ["x", "new"], "b": [1, 2]})))
    assert cells[1, 0] == np.iinfo(np.int64).min + 1
    assert cells[:, 1].tolist() == [1, 2]
