"""``--given``: words into what the library takes."""

import pytest

from isthmus.cli.given import parse_given
from isthmus.data.schema import Schema
from isthmus.data.sources import open_table
from isthmus.errors import UsageError


@pytest.fixture(scope="module")
def schema(houses_csv):
    return Schema.learn(open_table(houses_csv))


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (None, {}),
        (["zone=hill"], {"zone": "hill"}),
        (["zone=hill|centre"], {"zone": ["hill", "centre"]}),
        (["pool=Y", "rooms=3"], {"pool": "Y", "rooms": "3"}),
        (["area=50..99.5"], {"area": ("50", "99.5")}),
        (["price=..250000"], {"price": (None, "250000")}),
        (["sold=2010-06-30.."], {"sold": ("2010-06-30", None)}),
    ],
    ids=str,
)
def test_values_ranges_and_choices(schema, words, given):
    assert parse_given(words, schema) == given


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["zone"], "write COL=VALUE"),
        (["=hill"], "write COL=VALUE"),
        (["zone="], "write COL=VALUE"),
        (["price=.."], "write COL=VALUE"),
        (["pool=Y", "pool=N"], "given twice"),
    ],
    ids=str,
)
def test_what_is_malformed_is_refused(schema, words, fault):
    with pytest.raises(UsageError, match=fault):
        parse_given(words, schema)


def test_a_value_with_bars_and_dots_is_not_split():
    schema = Schema.learn(open_table([["a|b"], ["1..2"], ["c"]] * 9))
    assert parse_given(["x0=a|b"], schema) == {"x0": "a|b"}
    assert parse_given(["x0=1..2"], schema) == {"x0": "1..2"}
