"""What cells are suspected of, and what is put in their place, where the answers are known."""

import numpy as np
import pandas as pd
import pytest

from isthmus import Autoencoder
from isthmus.data.spelling import spelling

ROWS = 1500


def make_rooms(rows: int = ROWS) -> pd.DataFrame:
    """Make a table in which every column tells of the others."""
    rng = np.random.default_rng(0)
    zone = rng.choice(["centre", "harbour", "hillside"], rows)
    area = rng.uniform(40, 260, rows).round()
    price = 1000 * (area + 300 * (zone == "centre") + 150 * (zone == "harbour"))
    storey = np.where(zone == "centre", "flat", np.where(zone == "harbour", "loft", "house"))
    return pd.DataFrame({"zone": zone, "area": area, "price": price, "kind": storey})


@pytest.fixture(scope="module")
def right():
    return make_rooms()


@pytest.fixture(scope="module")
def wrong(right):
    frame = right.copy()
    frame.loc[3, "zone"] = right.zone[3][:-1]
    frame.loc[10, "price"] = right.price[10] * 10
    frame.loc[20, "area"] = right.area[20] / 100
    return frame


WRONG = {(3, "zone"), (10, "price"), (20, "area")}


@pytest.fixture(scope="module")
def model(wrong):
    return Autoencoder(width=64, blocks=1, epochs=50, seed=1).fit(wrong)


@pytest.fixture(scope="module")
def cleaned(model, wrong):
    return model.clean(wrong)


def cells(changes):
    return set(zip(changes["row"].to_pylist(), changes["column"].to_pylist(), strict=True))


def test_wrong_cells_are_named_and_few_others(cleaned):
    assert cells(cleaned.suggestions) >= WRONG
    assert len(cells(cleaned.changes) - WRONG) <= 1


def test_repairs_restore_what_was_there(cleaned, right):
    for row, column in WRONG:
        was, now = right[column][row], cleaned.table[column][row]
        assert now == was if isinstance(was, str) else abs(now - was) < right[column].std() / 2


def test_what_is_not_listed_is_as_it_was(cleaned, wrong):
    changed = (cleaned.table != wrong).to_numpy().nonzero()
    assert {(row, wrong.columns[j]) for row, j in zip(*changed, strict=True)} == cells(cleaned.changes)
    assert cleaned.table["zone"].dtype == wrong["zone"].dtype


def test_changes_say_why_and_how_sure(cleaned):
    told = {(line["row"], line["column"]): line for line in cleaned.changes.to_pylist()}
    assert "misspelt" in told[3, "zone"]["why"]
    assert "10 times too large" in told[10, "price"]["why"]
    assert "100 times too small" in told[20, "area"]["why"]
    assert all(0.5 < line["right"] <= line["wrong"] <= 1 for line in told.values())
    sure = cleaned.changes["wrong"].to_pylist()
    assert sure == sorted(sure, reverse=True)


def test_suggesting_changes_nothing(model, wrong, cleaned):
    found = model.clean(wrong, suggest=True)
    pd.testing.assert_frame_equal(found.table, wrong)
    assert found.changes.num_rows == 0
    assert found.suggestions.equals(cleaned.suggestions)


def test_a_smaller_share_of_false_repairs_repairs_less(model, wrong, cleaned):
    strict = model.clean(wrong, share_of_false_repairs=1e-9)
    assert strict.changes.num_rows < cleaned.changes.num_rows


def test_right_rows_are_left_alone(model):
    fresh = make_rooms(2 * ROWS)[ROWS:].reset_index(drop=True)
    assert model.clean(fresh).changes.num_rows <= len(fresh) * 4 / 1000


def test_words_never_seen_are_repaired_and_missing_cells_are_not(model, right):
    rows = right.head(20).copy()
    rows.loc[0, "zone"] = right.zone[0][1:]
    rows.loc[1, "price"] = np.nan
    found = model.clean(rows)
    assert (0, "zone") in cells(found.changes)
    assert found.table.zone[0] == right.zone[0]
    assert np.isnan(found.table.price[1])


def test_denoising_brings_numbers_nearer_and_touches_nothing_else(right):
    rng = np.random.default_rng(1)
    noisy = right.assign(price=right.price + rng.normal(0, 30_000, len(right)))
    smooth = Autoencoder(width=64, blocks=1, epochs=40).fit(noisy).clean(noisy, denoise=["price"])
    before, after = ((frame.price - right.price).std() for frame in (noisy, smooth.table))
    assert after < 0.9 * before
    pd.testing.assert_frame_equal(smooth.table.drop(columns="price"), noisy.drop(columns="price"))
    assert set(smooth.changes["column"].to_pylist()) == {"price"}


@pytest.fixture(scope="module")
def pools():
    """Make a table whose pools are few, of qualities that other columns tell of everywhere."""
    rng = np.random.default_rng(2)
    levels = ["Excellent", "Good", "Typical", "Fair"]
    words = {f"{room}_quality": rng.choice(levels, ROWS) for room in ("kitchen", "garage", "outside")}
    pool = rng.random(ROWS) < 0.01
    quality = np.where(pool, rng.choice(levels, ROWS), "none")
    return pd.DataFrame(words | {"pool_quality": quality, "pool_area": np.where(pool, rng.integers(150, 900, ROWS), 0)})


def test_rare_levels_and_amounts_beside_zeros_are_no_errors(pools):
    found = Autoencoder(width=64, blocks=1, epochs=50, seed=1).fit(pools).clean(pools)
    assert (pools.pool_area > 0).sum() > 5
    assert found.changes.num_rows == 0


def test_a_word_that_repeats_is_the_less_a_slip_for_another():
    once, often = (spelling(["centre", "cnetre", "moor"], np.array([900.0, count, 700])).odds[1] for count in (1, 8))
    assert once > 4 * often > 0


def test_codes_a_letter_apart_are_no_misspellings():
    found = spelling(["RL", "RM", "RH", "FV"], np.array([2000.0, 500, 20, 60]))
    assert found.odds[2] < 1.5
    assert spelling(["alone"], np.array([5.0])).near == [[]]
