"""Each verb does its job on a model of a small table."""

import json
import signal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from isthmus import load
from isthmus.data.sources import open_table


@pytest.fixture
def data(houses_csv):
    return houses_csv


@pytest.fixture
def model(houses_model):
    return houses_model


def test_schema_is_shown(isthmus, data):
    ended = isthmus("schema", data)
    assert ended.code == 0
    kinds = dict(line.split()[:2] for line in ended.out.splitlines()[1:])
    assert kinds == {
        "area": "number",
        "rooms": "count",
        "zone": "category",
        "pool": "boolean",
        "sold": "moment",
        "price": "number",
    }


@pytest.mark.parametrize("name", ["schema.toml", "schema.json"])
def test_a_schema_is_written_edited_and_used(isthmus, tmp_path, data, name):
    assert isthmus("schema", data, "-o", name, "--drop", "sold").code == 0
    text = (tmp_path / name).read_text()
    assert "sold" not in text
    (tmp_path / name).write_text(text.replace('"count"', '"number"'))
    assert isthmus("fit", data, "-o", "m.isthmus", "--schema", name, "--epochs", 1, "--quiet").code == 0
    kinds = {v.name: v.kind for v in load(tmp_path / "m.isthmus").schema_.variables}
    assert kinds["rooms"] == "number"
    assert "sold" not in kinds


def test_fit_tells_programs_what_it_did(isthmus, tmp_path, data, houses):
    ended = isthmus("fit", data, "-o", "m.isthmus", "--code", "gaussian:3", "--epochs", 1, "--json", "--quiet")
    assert ended.code == 0, ended.err
    assert ended.err == ""
    result = json.loads(ended.out)
    assert result["model"] == "m.isthmus"
    assert result["rows"] == len(houses["area"])
    assert [path.name for path in tmp_path.iterdir()] == ["m.isthmus"]


def test_fit_takes_columns_condition_and_corruption(isthmus, tmp_path, data):
    words = [
        "--columns",
        "area",
        "zone",
        "price",
        "--condition",
        "zone",
        "--corrupt",
        "mask",
        "noise:0.1-0.5",
    ]
    assert isthmus("fit", data, "-o", "m.isthmus", "--epochs", 1, *words).code == 0
    assert load(tmp_path / "m.isthmus").schema_.names == ["area", "zone", "price"]


def test_the_same_seed_makes_the_same_model(isthmus, tmp_path, data):
    for name, seed in [("a", 5), ("b", 5), ("c", 6)]:
        assert isthmus("fit", data, "-o", name, "--code", 2, "--epochs", 1, "--seed", seed, "-q").code == 0
    codes = {name: load(tmp_path / name).encode(data) for name in "abc"}
    assert np.array_equal(codes["a"], codes["b"])
    assert not np.array_equal(codes["a"], codes["c"])


def test_inspect_says_what_survives(isthmus, model):
    ended = isthmus("inspect", model)
    assert ended.code == 0
    assert "weights" in ended.out
    facts = json.loads(isthmus("inspect", model, "--json").out)
    assert {row["column"] for row in facts["survival"]} == {"area", "rooms", "zone", "pool", "sold", "price"}


@pytest.mark.parametrize("name", ["codes.npy", "codes.csv", "codes.parquet"])
def test_encode_then_decode_is_reconstruct(isthmus, tmp_path, model, data, name):
    assert isthmus("encode", model, data, "-o", name).code == 0
    assert isthmus("decode", model, name, "-o", "again.csv").code == 0
    assert isthmus("reconstruct", model, data, "-o", "straight.csv").code == 0
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "straight.csv").read_bytes()


def test_codes_are_written_as_the_library_gives_them(isthmus, tmp_path, model, data):
    assert isthmus("encode", model, data, "-o", "codes.npy").code == 0
    codes = np.load(tmp_path / "codes.npy")
    assert codes.dtype == np.float32
    assert np.array_equal(codes, load(model).encode(data))


@pytest.mark.parametrize("name", ["map.csv", "map.npy", "map.parquet", "map.png", "map.svg", "map.html"])
def test_map_is_a_table_or_a_picture(isthmus, tmp_path, model, data, name):
    ended = isthmus("map", model, data, "-o", name, "--color", "zone", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out) == {"out": name, "points": 160, "dim": 2}
    assert (tmp_path / name).stat().st_size > 0


def test_a_maps_page_tells_cells_and_both_spellings_of_colour_are_known(isthmus, tmp_path, model, data):
    from isthmus.report.browser import unpack

    assert isthmus("map", model, data, "-o", "map.html", "--colour", "zone", "-q").code == 0
    page = (tmp_path / "map.html").read_text("utf-8")
    about, cells = unpack(page, "about"), unpack(page, "cells-0")
    table = open_table(data).columns
    assert [column["name"] for column in about["columns"]] == ["zone", "area", "rooms", "pool", "sold", "price"]
    assert cells[0] == [zone or "" for zone in table["zone"].to_pylist()]
    assert [int(rooms) for rooms in cells[2]] == table["rooms"].to_pylist()


def test_a_map_in_space(isthmus, tmp_path, model, data):
    assert isthmus("map", model, data, "-o", "map.npy", "--dim", 3).code == 0
    assert np.load(tmp_path / "map.npy").shape == (160, 3)


def test_impute_fills_what_is_missing_and_keeps_the_rest(isthmus, tmp_path, model, data):
    assert isthmus("impute", model, data, "-o", "full.parquet").code == 0
    full, gaps = parquet.read_table(tmp_path / "full.parquet"), open_table(data).columns
    assert full.column_names == gaps.column_names
    assert not any(column.null_count for column in full.columns)
    for name in gaps.column_names:
        kept = [(a, b) for a, b in zip(gaps[name].to_pylist(), full[name].to_pylist(), strict=True) if a is not None]
        assert all(before == after for before, after in kept)


def test_impute_draws_several_tables(isthmus, tmp_path, model, data):
    ended = isthmus("impute", model, data, "-o", "full.csv", "--draws", 2, "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["out"] == ["full.1.csv", "full.2.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full.1.csv", "full.2.csv"]


def test_impute_says_how_sure_it_is(isthmus, tmp_path, model, data):
    words = ["--uncertainty", "--interval", 0.5, "--method", "mean"]
    assert isthmus("impute", model, data, "-o", "full.parquet", *words).code == 0
    full, gaps = parquet.read_table(tmp_path / "full.parquet"), open_table(data).columns
    holed = [name for name in gaps.column_names if gaps[name].null_count]
    assert [name for name in full.column_names if name.endswith("_filled")] == [f"{name}_filled" for name in holed]
    assert full["zone_filled"].to_pylist() == gaps["zone"].is_null().to_pylist()
    assert full["zone_probability"].null_count == len(gaps) - gaps["zone"].null_count


def test_outliers_come_odd_ones_first(isthmus, tmp_path, model, data):
    assert isthmus("outliers", model, data, "-o", "odd.csv").code == 0
    odd = csv.read_csv(tmp_path / "odd.csv")
    scores = odd["score"].to_numpy()
    assert sorted(odd["row"].to_pylist()) == list(range(160))
    assert (np.diff(scores) <= 0).all()


def test_outliers_are_flagged(isthmus, tmp_path, model, data):
    ended = isthmus("outliers", model, data, "-o", "odd.csv", "--share", 0.05, "--json")
    assert ended.code == 0, ended.err
    flags = csv.read_csv(tmp_path / "odd.csv")["outlier"].to_pylist()
    assert json.loads(ended.out)["outliers"] == sum(flags) == 8
    assert all(flags[:8])
    assert isthmus("outliers", model, data, "-o", "odd.csv", "--false-alarms", "0.5").code == 0
    assert sum(csv.read_csv(tmp_path / "odd.csv")["outlier"].to_pylist()) > 40


def test_outliers_are_explained(isthmus, tmp_path, model, data):
    assert isthmus("outliers", model, data, "-o", "why.csv", "--explain", "--top", 3).code == 0
    why = csv.read_csv(tmp_path / "why.csv")
    assert {"row", "score", "column", "value", "expected"} <= set(why.column_names)
    assert len(set(why["row"].to_pylist())) == 3


def test_sample_with_what_is_given(isthmus, tmp_path, model):
    words = ["--given", "zone=hill|centre", "area=50..100"]
    assert isthmus("sample", model, "-n", 20, "-o", "new.parquet", *words, "--given", "pool=N").code == 0
    new = parquet.read_table(tmp_path / "new.parquet")
    assert new.num_rows == 20
    assert set(new["zone"].to_pylist()) <= {"hill", "centre"}
    assert set(new["pool"].to_pylist()) == {"N"}
    assert all(50 <= area <= 100 for area in new["area"].to_pylist())


def test_sample_repeats_with_its_seed(isthmus, tmp_path, model):
    for name in ("a.csv", "b.csv"):
        assert isthmus("sample", model, "-n", 5, "-o", name, "--seed", 3).code == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_learnt_prior_draws_other_rows_than_the_normal_one(isthmus, tmp_path, data):
    words = ["--code", "gaussian:3", "--prior", "learnt", "--epochs", 2, "-q"]
    assert isthmus("fit", data, "-o", "m", *words).code == 0
    assert "prior learnt in 2 steps" in isthmus("inspect", "m").out
    for name, prior in (("a.csv", "learnt"), ("b.csv", "normal")):
        assert isthmus("sample", "m", "-n", 20, "-o", name, "--prior", prior).code == 0
    assert (tmp_path / "a.csv").read_bytes() != (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize("name", ["way.csv", "way.png", "way.html"])
def test_interpolate_is_a_table_or_a_picture(isthmus, tmp_path, model, data, name):
    ended = isthmus("interpolate", model, data, "--rows", "3,17", "--steps", 4, "-o", name, "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out) == {"out": name, "rows": 6}
    if name == "way.csv":
        way, rows = csv.read_csv(tmp_path / name), open_table(data).columns
        assert way["price"].to_pylist()[0] == rows["price"].to_pylist()[3]
        assert way["price"].to_pylist()[-1] == rows["price"].to_pylist()[17]
    else:
        assert (tmp_path / name).stat().st_size > 1000


def test_new_data_with_surprises_is_a_warning_a_line(isthmus, tmp_path, model, houses):
    odd = {**{name: cells[:3] for name, cells in houses.items()}, "area": [9000.0, 50.0, 60.0]}
    odd["zone"] = ["moon", "hill", "hill"]
    del odd["sold"]
    parquet.write_table(pa.table(odd), tmp_path / "odd.parquet")
    ended = isthmus("encode", model, "odd.parquet", "-o", "codes.csv")
    assert ended.code == 0
    warned = [line for line in ended.err.splitlines() if line.startswith("isthmus: warning: ")]
    assert len(warned) == 3
    assert any("'area'" in line for line in warned)
    assert any("'zone'" in line for line in warned)
    assert any("sold" in line for line in warned)


def test_a_conditional_model_decodes_with_its_condition(isthmus, tmp_path, data):
    assert isthmus("fit", data, "-o", "m", "--condition", "pool", "--code", 3, "--epochs", 2, "-q").code == 0
    assert isthmus("encode", "m", data, "-o", "codes.npy").code == 0
    assert isthmus("decode", "m", "codes.npy", "-o", "again.csv", "--condition", data).code == 0
    assert isthmus("reconstruct", "m", data, "-o", "straight.csv").code == 0
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "straight.csv").read_bytes()
    assert isthmus("decode", "m", "codes.npy", "-o", "pools.parquet", "--given", "pool=Y").code == 0
    assert set(parquet.read_table(tmp_path / "pools.parquet")["pool"].to_pylist()) == {"Y"}
    ended = isthmus("decode", "m", "codes.npy", "-o", "x.csv", "--given", "pool=Y", "--condition", data)
    assert (ended.code, ended.err) == (2, "isthmus: --condition and --given: say one of them\n")


def test_a_half_of_a_model_does_its_own_job_only(isthmus, tmp_path, model, data):
    load(model).encoder.save(tmp_path / "encoder.isthmus")
    load(model).decoder.save(tmp_path / "decoder.isthmus")
    assert isthmus("encode", "encoder.isthmus", data, "-o", "codes.npy").code == 0
    assert isthmus("decode", "decoder.isthmus", "codes.npy", "-o", "again.parquet").code == 0
    for half, words in [("encoder", ["sample", "-n", 3]), ("decoder", ["encode", data])]:
        verb, *rest = words
        ended = isthmus(verb, f"{half}.isthmus", *rest, "-o", "out.csv")
        line = f"isthmus: '{half}.isthmus' holds only the {half} of a model, which cannot {verb}\n"
        assert (ended.code, ended.err) == (1, line)


# Where a script runs the tests in its background, children are born deaf to SIGINT.
HEARING = """
import signal
from isthmus.cli.main import run
signal.signal(signal.SIGINT, signal.default_int_handler)
run()
"""


def test_an_interrupted_fit_leaves_no_model(tmp_path, data):
    fit = [sys.executable, "-c", HEARING, "fit", str(data), "-o", "m.isthmus", "--epochs", "1000000"]
    with subprocess.Popen(fit, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not process.stderr.readline().startswith("fit: "):
                assert process.poll() is None
            err = _interrupted(process)
        finally:
            process.kill()
    assert process.returncode == 130
    assert err.splitlines()[-1] == "isthmus: interrupted; no output was written"
    assert not (tmp_path / "m.isthmus").exists()


def _interrupted(process, times=5):
    """Interrupt a process as people do: again if it did not hear. Python drops one that falls into a finaliser."""
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        try:
            return process.communicate(timeout=30)[1]
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError(f"interrupted {times} times, and still there")
