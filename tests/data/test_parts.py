"""A table read in parts is the table read whole: the same cells, types and faults, however it lies on disk."""

import datetime as dt
import gzip
import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from isthmus.data.parts import Parts
from isthmus.data.sources import open_table, write_table, write_tables
from isthmus.errors import DataError, FileError, UsageError

ROWS = 3000


pytestmark = pytest.mark.usefixtures("small_parts")


def make_table(rows=ROWS, seed=0):
    """Make columns whose type shows only late in the file."""
    rng = np.random.default_rng(seed)
    late = np.arange(rows) > rows - 20
    day = dt.date(2020, 1, 1)
    return pa.table(
        {
            "whole": rng.integers(0, 1000, rows),
            "half": np.where(late, 0.5, rng.integers(0, 9, rows)),
            "word": pa.array(np.where(late, "seven", rng.integers(0, 9, rows).astype(str))),
            "code": pa.array([f"{i:03}" for i in range(rows)]),
            "sure": pa.array(rng.random(rows) < 0.5, mask=rng.random(rows) < 0.1),
            "day": pa.array([day + dt.timedelta(days=int(i)) for i in rng.integers(0, 900, rows)]),
            "stamp": pa.array([dt.datetime(2020, 1, 1) + dt.timedelta(minutes=int(i)) for i in range(rows)]),
            "empty": pa.nulls(rows, pa.string()),
            "gap": pa.array(rng.normal(size=rows), mask=~late),
            "quoted": pa.array([f'a "{i % 3}",\nb' for i in range(rows)]),
            "mark": pa.array([None if i % 7 else str(i) for i in range(rows)]),
        }
    )


def laid_out(table, folder, way):
    """Write a table to disk in one of the ways that tables lie there; give the path."""
    path = folder / f"table.{way}"
    if way == "csv.gz":
        path.write_bytes(gzip.compress(laid_out(table, folder, "csv").read_bytes()))
    elif way == "parquet":
        parquet.write_table(table, path, row_group_size=170)
    elif way.startswith("folder"):
        path.mkdir()
        for number, start in enumerate(range(0, len(table), 700)):
            write_table(table.slice(start, 700), path / f"part-{number:02}.{way.removeprefix('folder-')}")
    else:
        write_table(table, path)
    return path


WAYS = ["csv", "csv.gz", "tsv", "parquet", "folder-csv", "folder-parquet"]


@pytest.mark.parametrize("way", WAYS)
def test_parts_together_are_the_table(tmp_path, way):
    table = make_table()
    whole = open_table(laid_out(table, tmp_path, "parquet" if "parquet" in way else "csv")).columns
    if way == "parquet":
        (tmp_path / "table.parquet").unlink()
    found = Parts.open(laid_out(table, tmp_path, way))
    assert found.rows == ROWS
    read = list(found)
    assert len(read) == len(found) > 5
    assert {len(rows) for rows in read[:-1]} == {found.size}
    assert pa.concat_tables(read).equals(whole)
    assert found.holes == {name for name in whole.column_names if whole[name].null_count}


@pytest.mark.parametrize("cells", [
    ["1", "2.5"], ["2.5", "1"], ["1", "x"], ["1", "99999999999999999999"], ["99999999999999999999", "0.5"],
    ["true", "False"], ["true", "1"], ["2020-01-01", "2020-01-01 10:00:00"], ["2020-01-01 10:00:00.5", "2020-01-02"],
    ["10:00", "10:00:00.25"], ["2020-01-01T00:00:00Z", "2020-01-01"], ["?", "7"], ["Inf", "1"], ["", "007"],
    ["9007199254740993", "0.5"], ["2020-01-01", "10:00"],
])  # fmt: skip
def test_types_are_those_of_all_rows(tmp_path, cells):
    path = tmp_path / "two.csv"
    path.write_text("a,b\n" + "".join(f"{cell},z\n" for cell in cells for _ in range(2000)))
    assert pa.concat_tables(list(Parts.open(path))).equals(open_table(path).columns)


def test_question_marks_hide_numbers_in_parquet_only_where_all_other_cells_are_numbers(tmp_path):
    marks = ["?"] * 5 + ["7"] * 400
    table = pa.table({"n": marks, "w": [*marks[:-1], "x"], "plain": ["7"] * 405, "inf": [*marks[:-1], "inf"]})
    path = laid_out(table, tmp_path, "parquet")
    whole = open_table(path).columns
    assert [str(kind) for kind in whole.schema.types] == ["int64", "string", "string", "string"]
    assert pa.concat_tables(list(Parts.open(path))).equals(whole)


def test_semicolons_and_declared_values(tmp_path):
    path = tmp_path / "eu.csv"
    path.write_text("a;b\n" + "1,5;x\n" * 900 + "-999;y\n")
    read = pa.concat_tables(list(Parts.open(path, missing=[-999])))
    assert read.equals(open_table(path, missing=[-999]).columns)
    assert read["a"].null_count == 1


def test_a_ragged_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "ragged.csv"
    lines = ["a,b", *(f"{i},x" for i in range(5000))]
    lines[3210] = "1,2,3"
    path.write_text("\n".join(lines))
    with pytest.raises(FileError, match=r"line 3211: 3 fields where the header has 2: repair that line"):
        Parts.open(path)


def test_bytes_that_are_no_utf8_are_named(tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes(b"a,b\n" + b"1,x\n" * 4000 + b"1,\xe9\n")
    with pytest.raises(FileError, match="line 4002: byte 0xe9 is not UTF-8"):
        Parts.open(path)


def test_a_cut_parquet_file_is_named(tmp_path):
    path = laid_out(make_table(), tmp_path, "parquet")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(FileError, match="no Parquet file, or is cut short"):
        Parts.open(path)


def test_files_of_a_folder_must_agree(tmp_path):
    with pytest.raises(FileError, match="without table files"):
        Parts.open(tmp_path)
    write_table(pa.table({"a": [1], "b": [2]}), tmp_path / "0.csv")
    write_table(pa.table({"b": [2.5], "a": [1]}), tmp_path / "1.csv")
    assert pa.concat_tables(list(Parts.open(tmp_path))).to_pydict() == {"a": [1, 1], "b": [2.0, 2.5]}
    write_table(pa.table({"a": [1], "c": [2]}), tmp_path / "2.csv")
    with pytest.raises(DataError, match=r"2\.csv' has other columns than .*'b', 'c' not in both"):
        Parts.open(tmp_path)
    write_table(pa.table({"a": [1]}), tmp_path / "3.parquet")
    with pytest.raises(FileError, match="both Parquet and CSV"):
        Parts.open(tmp_path)


def test_no_rows_and_repeated_names_are_refused(tmp_path):
    path = tmp_path / "none.csv"
    path.write_text("a,b\n")
    with pytest.raises(DataError, match="no rows"):
        Parts.open(path)
    path.write_text("a,a\n1,2\n")
    with pytest.raises(DataError, match="these repeat: 'a'"):
        Parts.open(path)


def test_what_fits_is_not_read_in_parts(tmp_path):
    path = laid_out(make_table(), tmp_path, "csv")
    assert Parts.of(path) is None
    assert Parts.of(make_table()) is None
    assert Parts.of(path, memory="1kB").rows == ROWS
    assert Parts.of(tmp_path) is not None  # a folder is one table
    assert Parts.of(laid_out(make_table(), tmp_path, "parquet"), most_rows=10).rows == ROWS
    with pytest.raises(UsageError, match="memory is 'much'; give a size"):
        Parts.of(path, memory="much")


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "parquet", "json", "npy"])
def test_parts_are_written_as_the_whole_is(tmp_path, ending):
    table = pa.table({f"z{i}": np.random.default_rng(i).normal(size=ROWS).astype(np.float32) for i in range(3)})
    pieces = (table.slice(start, 700) for start in range(0, ROWS, 700))
    assert write_tables(pieces, tmp_path / f"parts.{ending}") == ROWS
    write_table(table, tmp_path / f"whole.{ending}")
    if ending == "npy":
        one, two = (np.load(tmp_path / f"{name}.npy") for name in ("parts", "whole"))
        assert one.dtype == np.float32
        assert np.array_equal(one, two)
    elif ending == "json":
        assert (tmp_path / "parts.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    else:
        one, two = (open_table(tmp_path / f"{name}.{ending}").columns for name in ("parts", "whole"))
        assert one.equals(two)


def test_a_run_that_fails_midway_leaves_nothing(tmp_path):
    def pieces():
        yield pa.table({"a": [1.0]})
        raise KeyboardInterrupt

    for ending in ("csv", "csv.gz", "parquet", "npy"):
        with pytest.raises(KeyboardInterrupt):
            write_tables(pieces(), tmp_path / f"out.{ending}")
    assert not list(tmp_path.iterdir())


def test_reading_holds_a_part_and_not_the_file(tmp_path):
    held = {}
    for rows in (8000, 32_000):
        folder = tmp_path / str(rows)
        folder.mkdir()
        path = laid_out(make_table(rows), folder, "csv")
        found, size = Parts.open(path), path.stat().st_size
        pool, before = pa.default_memory_pool(), pa.total_allocated_bytes()
        tracemalloc.start()
        held[rows] = 0
        for part in found:
            held[rows] = max(held[rows], pool.bytes_allocated() - before)
            assert len(part)
        python = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert python < size / 2
    assert held[32_000] < size / 4
    assert held[32_000] < 1.25 * held[8000]  # of four times the file
