"""What people give is opened as one kind of table, given back as it came, and every fault gets one line."""

import datetime as dt
import gzip
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest
import scipy.sparse

from isthmus.data import Flavour, Schema, open_table, write_table
from isthmus.errors import DataError, FileError, IsthmusError, UsageError


def csv(folder, text, name="t.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_csv_cells_get_the_type_they_spell(tmp_path):
    table = open_table(
        csv(
            tmp_path,
            "i,f,b,d,s,z,h,zip,word,sci\n"
            "1,2.5,True,2013-01-01,2013-01-01 05:00,2013-01-01T05:00:00Z,14:50,01234,café,1.88E+01\n"
            "-2,,false,,2013-01-01 05:00:00.25,2013-01-01T05:00:00+02:00,04:51,02345, x ,-3\n",
        )
    )
    assert table.columns["word"][0].as_py() == "café"
    assert table.columns.to_pylist()[1] == {
        "i": -2,
        "f": None,
        "b": False,
        "d": None,
        "s": dt.datetime(2013, 1, 1, 5, 0, 0, 250_000),
        "z": dt.datetime(2013, 1, 1, 3, tzinfo=dt.UTC),
        "h": dt.time(4, 51),
        "zip": "02345",
        "word": " x ",
        "sci": -3.0,
    }


def test_missing_words_are_null_whatever_blanks_surround_them(tmp_path):
    path = csv(tmp_path, "n,t\n 39, Private\n ?, ?\nNA,\nnan,null\n-999,none\n")
    table = open_table(path, missing=[-999, "none"])
    assert table.columns["n"].to_pylist() == [39, None, None, None, None]
    assert table.columns["t"].to_pylist() == [" Private", None, None, None, None]


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfa,b\r\n1,2\r\n3,4\r\n",  # byte-order mark, Windows line ends
        b"\na;b\n1;2\n\n3;4\n",  # semicolons, blank lines
        b"a\tb\n1\t2\n3\t4",
        b'"a","b"\n"1","2"\n"3","4"\n',
    ],
)
def test_csv_dialects(tmp_path, text):
    assert open_table(csv(tmp_path, text)).columns.to_pydict() == {"a": [1, 3], "b": [2, 4]}


def test_decimal_commas_go_with_semicolons(tmp_path):
    assert open_table(csv(tmp_path, "a;b\n1,5;x\n2,25;y\n")).columns["a"].to_pylist() == [1.5, 2.25]


def test_an_empty_line_is_a_missing_cell_where_there_is_one_column(tmp_path):
    assert open_table(csv(tmp_path, "a\n1\n\n3\n")).columns["a"].to_pylist() == [1, None, 3]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"\n\n", "is empty"),
        ("t.csv", b"a,b\n", "no rows"),
        ("t.csv", b"a,b\n1,2\n3\n", "line 3: 1 fields where the header has 2"),
        ("t.csv", b'a,b\n1,"x\ny"\n3,4,5\n', "line 4: 3 fields where the header has 2"),
        ("t.csv", b"a,b\n1,caf\xe9\n", "line 2: byte 0xe9 is not UTF-8"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("t.csv", b"a,b,a\n1,2,3\n", "repeat: 'a'"),
        ("t.csv", gzip.compress(b"a,b\n1,2\n", mtime=0), "gzip: name it .csv.gz"),
        ("t.csv.gz", b"a,b\n1,2\n", "no gzip file"),
        ("t.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 100_000, mtime=0)[:-80], "cut short"),
        ("t.parquet", b"PAR1 and nothing more", "no Parquet file"),
        ("t.npy", b"no array", "no .npy file"),
        ("t.xlsx", b"x", "unknown extension"),
    ],
)
def test_a_faulty_file_gets_one_line_that_names_it(tmp_path, name, content, message):
    with pytest.raises(IsthmusError, match=message) as caught:
        open_table(csv(tmp_path, content, name))
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        open_table(tmp_path / "none.csv")
    with pytest.raises(FileError, match="is a folder"):
        open_table(str(tmp_path))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.arange(3), r"1-D array of shape \(3,\). Reshape your data"),
        (np.zeros((2, 2, 2)), "3-D array"),
        (np.zeros((0, 3)), "no rows"),
        (np.zeros((3, 0)), "no columns"),
        (np.ones((2, 2)) * 1j, "Complex data not supported"),
        (np.array([["a", object()]], dtype=object), "column 'x1' holds cells of type object"),
        ([[1, 2], [3]], "differ in length"),
        (5, "got int"),
        (None, "got NoneType"),
        (pd.DataFrame(), "no columns"),
        (
            pd.DataFrame({"a": [1, "x"]}),
            r"'a' mixes types: int \(first in row 1\) and str \(first in row 2\)",
        ),
        (pd.DataFrame({"a": [None, True, 1]}), r"mixes types: bool \(first in row 2\) and int"),
        (pd.DataFrame({"a": [2**70, 1]}), "integers beyond 64 bits"),
        (pd.DataFrame({"a": [1j, 1]}), "Complex data not supported: column 'a'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "repeat: 'a'"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "repeat: '1'"),
        (pd.Series([1, 2]), "one column"),
        (pl.Series([1, 2]), "one column"),
        (pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}), "column 'a' holds Python objects"),
        (scipy.sparse.eye(3), "sparse"),
    ],
)
def test_what_is_no_table_gets_one_line(source, message):
    with pytest.raises(DataError, match=message) as caught:
        open_table(source)
    assert "\n" not in str(caught.value)


def many_dtypes():
    """Return a pandas frame with a column of every dtype that people have."""
    rows = 8
    return pd.DataFrame(
        {
            "category": pd.Categorical(list("abcabcab"), categories=list("cbad")),
            "ordered": pd.Categorical(list("abcabcab"), categories=list("cbad"), ordered=True),
            "codes": pd.Categorical([1, 2, 30, 1, 2, 30, 1, None]),
            "Int64": pd.array([None, 3, 400, 5, 6, 7, 8, 9], dtype="Int64"),
            "boolean": pd.array([None, True] * 4, dtype="boolean"),
            "bools": np.array([None, True, False, True] * 2, dtype=object),
            "integers": np.array([None, 1, 2, 700] * 2, dtype=object),
            "string": pd.array(["x", None, "yy", "z"] * 2, dtype="string"),
            "none": np.array([None, "x", "y", "z"] * 2, dtype=object),
            "nan": np.array([np.nan, "x", "y", "z"] * 2, dtype=object),
            "zoned": pd.date_range("2020-01-01", periods=rows, tz="Europe/Berlin", freq="h"),
            "days": pd.date_range("2020-01-01", periods=rows),
            "durations": pd.to_timedelta(np.arange(rows), unit="min"),
            "dates": [dt.date(2020, 1, 1 + i) for i in range(rows)],
            "times": [dt.time(i, 5) for i in range(rows)],
            "decimals": [Decimal("1.10") + i for i in range(rows)],
            "float16": np.linspace(-1, 1, rows).astype(np.float16),
            "float32": np.linspace(-1, 1, rows).astype(np.float32),
            "int8": np.arange(rows).astype(np.int8) - 3,
            "uint8": np.arange(rows).astype(np.uint8) + 100,
            "whole": [np.nan, *map(float, range(1_000, 1_007))],
            "bool": [True, False] * 4,
            "constant": [7] * rows,
            "sparse": pd.arrays.SparseArray([0, 0, 1, 0, 2, 0, 0, 5]),
            "arrow": pd.array([1, None, 3, 400] * 2, dtype="int64[pyarrow]"),
            "binary": [b"ab", b"c"] * 4,
            "lists": [[1], [2, 3]] * 4,
            "nothing": [None] * rows,
            "big": [2**60 + 3 * i for i in range(rows)],
            3: np.arange(rows) % 4,
        },
        index=[f"row {i}" for i in range(rows)],
    )


def test_pandas_comes_back_with_dtypes_index_and_labels():
    frame = many_dtypes()
    table = open_table(frame)
    pd.testing.assert_frame_equal(table.give(table.columns), frame)
    assert table.give(table.columns)["none"].iloc[0] is None
    assert isinstance(table.give(table.columns)["nan"].iloc[0], float)


def test_fewer_rows_and_other_columns_are_given_as_well():
    frame = many_dtypes()
    table = open_table(frame)
    some = table.columns.select(["3", "category"]).slice(0, 2)
    pd.testing.assert_frame_equal(table.give(some), frame[[3, "category"]].head(2).reset_index(drop=True))


def test_missing_cells_stay_missing_where_the_dtype_has_none():
    table = open_table(pd.DataFrame({"b": [True, False], "i": [1, 2]}))
    given = table.give(pa.table({"b": [None, True], "i": [None, 2]}))
    assert given["b"].isna().tolist() == given["i"].isna().tolist() == [True, False]
    words = open_table(np.array([["a"], ["b"]]))
    assert words.give(pa.table({"x0": [None, "a"]})).tolist() == [[None], ["a"]]


def test_polars_comes_back_with_its_types():
    frame = pl.DataFrame(
        {
            "categorical": pl.Series(list("abca"), dtype=pl.Categorical),
            "enum": pl.Series(list("abca"), dtype=pl.Enum(list("cbad"))),
            "decimal": pl.Series(["1.10", "2", "3.35", None]).cast(pl.Decimal(10, 2)),
            "list": [[1], [2], [3, 4], []],
            "stamp": [dt.datetime(2020, 1, 1, i) for i in range(4)],
            "time": [dt.time(i, 3) for i in range(4)],
            "duration": [dt.timedelta(minutes=i) for i in range(4)],
            "int8": pl.Series([1, 2, -3, None], dtype=pl.Int8),
            "text": ["x", "y", "z", None],
        }
    )
    for source in (frame, frame.lazy()):
        table = open_table(source)
        polars.testing.assert_frame_equal(table.give(table.columns), frame)


def test_arrow_comes_back_with_its_types():
    source = pa.table(
        {
            "view": pa.array(list("abca"), pa.string_view()),
            "dictionary": pa.array(list("abca")).dictionary_encode(),
            "ends": pa.RunEndEncodedArray.from_arrays([2, 4], ["x", "y"]),
        }
    )
    table = open_table(source)
    assert [str(kind) for kind in table.columns.schema.types[::2]] == ["large_string", "string"]
    assert table.give(table.columns.drop_columns("ends")).equals(source.drop_columns("ends"))


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(3, 2),
        np.array([[1.5, np.nan], [2, 3]], dtype=np.float32),
        np.array([[True], [False]]),
        np.array([["a", "bc"], ["c", "d"]]),
        np.array([[1, "a"], [2, None]], dtype=object),
        np.array([["2020-01-01"], ["NaT"]], dtype="M8[s]"),
    ],
    ids=lambda array: str(array.dtype),
)
def test_arrays_come_back_with_their_dtype(array):
    table = open_table(array)
    given = table.give(table.columns)
    assert given.dtype == array.dtype
    np.testing.assert_array_equal(given, array)


def test_masked_cells_of_an_array_are_missing():
    masked = np.ma.masked_array([[1.0, 2.0]], mask=[[False, True]])
    assert open_table(masked).columns.to_pydict() == {"x0": [1.0], "x1": [None]}


def test_a_column_of_numbers_that_question_marks_made_text_is_numbers():
    table = open_table(pd.DataFrame({"t": ["0.3", " ?", "1.5"], "s": ["0.3", "0.7", "1.5"]}))
    assert [str(kind) for kind in table.columns.schema.types] == ["double", "string"]


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "numpy"])
def test_a_flavour_written_as_words_gives_the_same_kind(kind):
    frame = pd.DataFrame({"a": np.array([1, 2], np.int8), "b": np.array([3, 4], np.int8)})
    source = {
        "pandas": frame,
        "polars": pl.from_pandas(frame),
        "pyarrow": pa.Table.from_pandas(frame),
        "numpy": frame.to_numpy(),
    }[kind]
    table = open_table(source)
    given = Flavour.from_dict(table.flavour.to_dict()).give(table.columns)
    assert type(given) is type(source)
    np.testing.assert_array_equal(np.asarray(given), np.asarray(source))


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv", "t.parquet"])
def test_written_tables_read_back_the_same(tmp_path, name):
    source = pa.table(
        {
            "i": [1, None, 3],
            "f": [0.1, 2.0, None],
            "t": ['say "no"', "a,b\tc\nd", None],
            "d": [dt.date(2020, 1, 1), None, dt.date(2021, 1, 1)],
            "b": [True, None, False],
        }
    )
    write_table(source, tmp_path / name)
    assert open_table(tmp_path / name).columns.equals(source)


def test_one_column_of_missing_cells_survives_csv(tmp_path):
    source = pa.table({"a": [1, None, 3]})
    write_table(source, tmp_path / "t.csv")
    assert open_table(tmp_path / "t.csv").columns.equals(source)


def test_json_is_a_list_of_records(tmp_path):
    write_table(pd.DataFrame({"a": [1.5, np.nan], "b": ["x", "NA"]}), tmp_path / "t.json")
    records = json.loads((tmp_path / "t.json").read_text())
    assert records == [{"a": 1.5, "b": "x"}, {"a": None, "b": "NA"}]


def test_arrays_keep_their_dtype_in_npy(tmp_path):
    codes = np.arange(6, dtype=np.float32).reshape(3, 2)
    write_table(codes, tmp_path / "t.npy")
    assert np.load(tmp_path / "t.npy").dtype == np.float32
    assert open_table(tmp_path / "t.npy").columns.to_pydict() == {"x0": [0, 2, 4], "x1": [1, 3, 5]}


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "t.npy"
    write_table(np.eye(2), path)
    with pytest.raises(DataError, match="column 'a' is string"):
        write_table(pa.table({"a": ["x"]}), path)
    assert np.array_equal(np.load(path), np.eye(2))
    assert [file.name for file in tmp_path.iterdir()] == ["t.npy"]
    with pytest.raises(UsageError, match="unknown extension"):
        write_table(np.eye(2), tmp_path / "t.xyz")
    with pytest.raises(FileError, match="there is no folder"):
        write_table(np.eye(2), tmp_path / "none" / "t.npy")


def test_all_sources_of_one_table_agree(tmp_path):
    frame = pd.DataFrame(
        {
            "n": [1.5, 2.25, np.nan, 4.0],
            "i": [4, 1, 3, 9],
            "t": ["a", "b", None, "c"],
            "b": [True, False, True, True],
            "d": pd.to_datetime(["2020-01-01 10:00", "2020-01-02 11:30", None, "2020-02-01 00:00"]),
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    arrow = pa.Table.from_pandas(frame)
    sources = [frame, pl.from_pandas(frame), arrow, tmp_path / "t.csv", tmp_path / "t.parquet"]
    learnt = [
        [(variable.name, variable.kind, variable.domain, variable.missing) for variable in schema.variables]
        for schema in (Schema.learn(open_table(source)) for source in sources)
    ]
    assert all(one == learnt[0] for one in learnt[1:])
