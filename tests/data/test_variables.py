"""Each variable turns cells into numbers and back, and says what it could not take as it was."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from isthmus.data.arrays import arrow_type
from isthmus.data.variables import KINDS, Boolean, Category, Count, Moment, Number
from isthmus.errors import DataError

AGE = Number("a", "int64", False, 17, 90, 0)
DAY = Moment("a", "date32[day]", False, 0, 9, "D", 0)


def column(cells, kind=None):
    return pa.chunked_array([pa.array(cells, kind)])


@pytest.mark.parametrize(
    "kind",
    [
        pa.bool_(),
        pa.uint64(),
        pa.float16(),
        pa.large_string(),
        pa.date32(),
        pa.date64(),
        pa.time32("s"),
        pa.time64("ns"),
        pa.timestamp("ms"),
        pa.timestamp("ns", "Europe/Berlin"),
        pa.duration("us"),
        pa.decimal128(10, 2),
        pa.dictionary(pa.int8(), pa.string()),
        pa.dictionary(pa.uint32(), pa.timestamp("s", "UTC"), ordered=True),
    ],
    ids=str,
)
def test_an_arrow_type_is_read_back_from_its_name(kind):
    assert arrow_type(str(kind)) == kind


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["yes", "no"], ("no", "yes")),
        (["f", "t"], ("f", "t")),
        ([" Male", " Female"], (" Female", " Male")),
        (["none", "airbag"], ("none", "airbag")),
        ([2, 1], (1, 2)),
        ([0.5, 0.0], (0.0, 0.5)),
        ([True, True], (False, True)),
    ],
)
def test_the_false_like_value_of_a_boolean_comes_first(cells, values):
    assert Boolean.learn("x", column(cells)).values == values


@pytest.mark.parametrize("cells", [[True, None], [1, None], [1.0, None], ["True", None], ["1", None]])
def test_true_is_true_however_it_is_spelled(cells):
    flag = Boolean("f", "bool", False, (False, True))
    np.testing.assert_array_equal(flag.to_numbers(column(cells)), [1, np.nan])


@pytest.mark.parametrize("cells", [[30, 7], [30.0, 7.5], ["30", "x"], pa.array([30, 7], pa.int8()).dictionary_encode()])
def test_a_category_of_integers_matches_by_value(cells):
    level = Category("k", "int64", False, (1, 2, 30))
    numbers = level.to_numbers(column(cells))
    np.testing.assert_array_equal(numbers, [2, -1])
    assert level.from_numbers(np.array([*numbers, np.nan])).to_pylist() == [30, None, None]


def test_a_category_of_words_takes_numbers_as_words():
    numbers = Category("w", "string", False, ("1", "x")).to_numbers(column([1, 2]))
    np.testing.assert_array_equal(numbers, [0, -1])


def test_levels_keep_the_order_their_type_gives_them():
    cells = pa.DictionaryArray.from_arrays(pa.array([0, 2, 2], pa.int8()), ["low", "mid", "high"], ordered=True)
    level = Category.learn("x", pa.chunked_array([cells]))
    assert level.values == ("low", "high")
    assert level.from_numbers(np.array([1.0])).type == cells.type


@pytest.mark.parametrize(
    ("variable", "cells", "message"),
    [
        (AGE, ["30", None, "old"], "column 'a' row 3: a number was expected, found 'old'"),
        (AGE, [dt.date(2020, 1, 1)], "column 'a' holds cells of type date32"),
        (AGE, [1.0, np.inf, -np.inf], "'a': 2 infinite values, the first in row 2"),
        (DAY, ["x"], "column 'a' holds text .* 'x'"),
        (DAY, [1], "column 'a' holds cells of type int64"),
        (DAY, [dt.time(1)], "column 'a' holds cells of type time64"),
        (Category("a", "string", False, ("x",)), [[1]], "column 'a' holds cells of type list"),
        (Category("a", "int64", False, (1,)), [dt.date(2020, 1, 1)], "column 'a' holds cells of type date32"),
    ],
)
def test_cells_of_another_type_get_one_line(variable, cells, message):
    with pytest.raises(DataError, match=message) as caught:
        variable.to_numbers(column(cells))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("variable", [AGE, DAY, Category("a", "string", False, ("x",))])
def test_a_column_of_nothing_is_missing(variable):
    assert np.isnan(variable.to_numbers(column([None, None]))).all()


@pytest.mark.parametrize(
    ("cells", "kind", "decimals"),
    [
        ([1, 2, 300], pa.int64(), 0),
        ([1.0, 2.0, None], pa.float64(), 0),
        ([0.1, 0.25, 3.0], pa.float64(), 2),
        ([0.1, 0.2], pa.float32(), 1),
        ([0.123456789, 1.0], pa.float64(), 9),
        ([1 / 3, 0.1], pa.float64(), None),
        ([1e300, 0.5], pa.float64(), 1),
        ([5e-324, 1.0], pa.float64(), None),
    ],
)
def test_decimals_are_the_fewest_that_restore_every_number(cells, kind, decimals):
    cells = column(cells, kind)
    variable = Number.learn("x", cells)
    assert variable.decimals == decimals
    assert variable.from_numbers(variable.to_numbers(cells)).equals(cells.combine_chunks())


def test_a_guess_is_rounded_and_kept_within_its_type():
    small = Number("x", "int8", False, -3, 100, 0)
    assert small.from_numbers(np.array([1.6, 900.0, -900.0, np.nan])).to_pylist() == [2, 127, -128, None]
    money = Number("x", "decimal128(5, 2)", False, 0, 9, 1)
    assert money.from_numbers(np.array([1.26])).cast(pa.string()).to_pylist() == ["1.30"]
    assert Count("x", "double", False, 0, 9).from_numbers(np.array([1.6])).to_pylist() == [2.0]


@pytest.mark.parametrize(
    ("ticks", "kind", "unit"),
    [
        ([0, 86_400, None], pa.timestamp("s"), "D"),
        ([0, 3_600_000_000_000], pa.timestamp("ns", "Europe/Berlin"), "s"),
        ([1, 10**15], pa.timestamp("ns"), "ns"),
        ([0, 1_500], pa.duration("us"), "us"),
        ([15_000, -3], pa.date32(), "D"),
        ([0, 86_400_000], pa.date64(), "D"),
        ([60, 86_399], pa.time32("s"), "s"),
    ],
)
def test_times_come_back_from_the_coarsest_unit(ticks, kind, unit):
    cells = column(ticks, pa.int32() if kind.bit_width == 32 else pa.int64()).cast(kind)
    variable = Moment.learn("t", cells)
    assert variable.unit == unit
    assert variable.low == 0
    assert variable.from_numbers(variable.to_numbers(cells)).equals(cells.combine_chunks())


def test_new_times_may_be_finer_coarser_or_spelled():
    day = Moment.learn("t", column([dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 9)]))
    assert day.domain == "2020-01-01 00:00:00..2020-01-09 00:00:00"
    finer = column([dt.datetime(2020, 1, 2, 12), None])
    np.testing.assert_array_equal(day.to_numbers(finer), [1.5, np.nan])
    np.testing.assert_array_equal(day.to_numbers(column([dt.date(2020, 1, 3)])), [2])
    np.testing.assert_array_equal(day.to_numbers(column(["2020-01-04"])), [3])


def test_times_too_fine_for_float64_are_refused():
    assert "float64" in Moment.refusal(column([1, 2**60], pa.int64()).cast(pa.timestamp("ns")))


@pytest.mark.parametrize("kind", [kind for kind in KINDS.values() if kind.kind != "text"])
def test_no_kind_but_text_takes_lists_or_nothing(kind):
    assert kind.refusal(column([[1], [2]]))
    assert kind.refusal(column([None, None], pa.float64()))


@pytest.mark.parametrize(
    ("variable", "cells", "kind"),
    [
        (AGE, [20.25, None], pa.float64()),
        (Number("a", "float", True, 0, 9, 1), [0.25, None], pa.float32()),
        (Number("a", "decimal128(10, 2)", True, 0, 9, 2), [0.25, None], pa.decimal128(10, 2)),
        (Category("a", "string", True, ("x", "y")), [1.0, None], pa.string()),
    ],
    ids=["whole", "float", "decimal", "category"],
)
def test_means_are_not_rounded_where_the_type_can_give_way(variable, cells, kind):
    means = variable.from_means(np.array([np.nan if cell is None else cell for cell in cells]))
    assert means.type == kind
    assert means.null_count == 1
    if pa.types.is_floating(kind):
        assert means.to_pylist() == cells
