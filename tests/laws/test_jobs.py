"""Laws of the jobs: nothing asked for is missed, nothing else is touched, seeds decide every draw."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from isthmus.errors import UsageError

ROWS = 40


@pytest.fixture
def sampling(case, model):
    """The model, if it draws rows; else a test ends with the line that says why it cannot."""
    if case.draws:
        return model
    with pytest.raises(UsageError, match="corruption mask") as error:
        model.sample(ROWS)
    assert "\n" not in str(error.value)
    return None


def test_sampled_rows_look_like_training_rows(sampling, frame):
    if sampling is None:
        return
    rows = sampling.sample(ROWS)
    assert len(rows) == ROWS
    assert list(rows.columns) == list(frame.columns)
    assert rows.dtypes.to_dict() == frame.dtypes.to_dict()
    assert set(rows["zone"].dropna()) <= set(frame["zone"].dropna())
    for column in ("area", "rooms", "price", "sold"):
        assert rows[column].dropna().between(frame[column].min(), frame[column].max()).all()


def test_same_seed_same_rows(sampling):
    if sampling is None:
        return
    rows = sampling.sample(ROWS, seed=5)
    pd.testing.assert_frame_equal(rows, sampling.sample(ROWS, seed=5))
    assert not rows.equals(sampling.sample(ROWS, seed=6))


def test_sampled_rows_hold_to_what_is_given(case, model):
    given = {"zone": "hill", "area": 120.0}
    wanted = given if case.masks else {name: given[name] for name in case.condition}
    if not case.draws:
        return
    rows = model.sample(ROWS, given=wanted)
    for name, value in wanted.items():
        assert (rows[name] == value).all()


def test_sampled_rows_keep_to_ranges_and_lists(case, model):
    given = {
        "zone": ["hill", "harbour"],
        "price": (150_000, 250_000),
        "rooms": (None, 4),
        "sold": (datetime.date(2011, 1, 1), None),
    }
    if not case.masks:
        with pytest.raises(UsageError) as error:
            model.sample(ROWS, given=given)
        assert "\n" not in str(error.value)
        return
    rows = model.sample(ROWS, given=given)
    assert rows["zone"].isin(["hill", "harbour"]).all()
    assert rows["price"].between(150_000, 250_000).all()
    assert (rows["rooms"] <= 4).all()
    assert (rows["sold"] >= datetime.date(2011, 1, 1)).all()


@pytest.mark.parametrize("method", ["mode", "mean"])
def test_impute_fills_missing_cells_and_touches_no_other(model, frame, method):
    holes = np.random.default_rng(1).random(frame.shape) < 0.3
    holed = frame.astype(object).mask(holes).infer_objects()
    filled = model.impute(holed, method=method)
    assert filled.notna().all().all()
    assert list(filled.columns) == list(frame.columns)
    pd.testing.assert_frame_equal(filled.where(holed.notna()), holed, check_dtype=False)


def test_imputed_draws_differ_in_missing_cells_only(case, model, frame):
    if not case.masks:
        with pytest.raises(UsageError, match="corruption mask"):
            model.impute(frame, method="sample")
        return
    holed = frame.assign(price=np.nan)
    first, second = model.impute(holed, draws=2, seed=3)
    assert (first["price"] != second["price"]).any()
    pd.testing.assert_frame_equal(first.drop(columns="price"), frame.drop(columns="price").pipe(_filled_like, first))
    pd.testing.assert_frame_equal(first, model.impute(holed, draws=2, seed=3)[0])
    with pytest.raises(UsageError, match="say one of them"):
        model.impute(holed, "mean", draws=2)


def _filled_like(frame, filled):
    """Give the frame with the one other column that had holes as `filled` has it."""
    return frame.assign(zone=frame["zone"].where(frame["zone"].notna(), filled["zone"]))


@pytest.mark.parametrize("method", ["mode", "mean"])
def test_filled_cells_say_how_sure_they_are(model, frame, method):
    holes = np.random.default_rng(1).random(frame.shape) < 0.3
    holed = frame.astype(object).mask(holes).infer_objects()
    sure = model.impute(holed, method, uncertainty=True)
    pd.testing.assert_frame_equal(sure[list(frame.columns)], model.impute(holed, method))
    for name in frame.columns:
        filled = holed[name].isna()
        assert sure[f"{name}_filled"].equals(filled.rename(f"{name}_filled"))
        told = [each for each in ("probability", "low", "high") if f"{name}_{each}" in sure]
        assert told == (["probability"] if name in ("zone", "pool") else ["low", "high"])
        for each in told:
            assert sure[f"{name}_{each}"].notna().equals(filled.rename(f"{name}_{each}"))
        if told == ["probability"]:
            assert sure.loc[filled, f"{name}_probability"].between(0, 1).all()
        else:
            assert (sure.loc[filled, f"{name}_low"] <= sure.loc[filled, f"{name}_high"]).all()


def test_wider_intervals_hold_narrower_ones(model, frame):
    holed = frame.assign(price=np.nan)
    narrow, wide = (model.impute(holed, uncertainty=True, interval=share) for share in (0.5, 0.9))
    assert (wide["price_low"] <= narrow["price_low"]).all()
    assert (wide["price_high"] >= narrow["price_high"]).all()


def test_impute_without_holes_changes_nothing(model, frame):
    whole = frame.dropna()
    pd.testing.assert_frame_equal(model.impute(whole), whole)


def test_cleaning_touches_no_cell_but_those_it_lists(case, model, frame):
    if not case.masks:
        with pytest.raises(UsageError, match="corruption mask"):
            model.clean(frame)
        return
    cleaned = model.clean(frame, share_of_false_repairs=1.0)
    changed = (cleaned.table != frame) & ~(cleaned.table.isna() & frame.isna())
    lines = set(zip(cleaned.changes["row"].to_pylist(), cleaned.changes["column"].to_pylist(), strict=True))
    rows, columns = changed.to_numpy().nonzero()
    assert {(row, frame.columns[j]) for row, j in zip(rows, columns, strict=True)} <= lines
    assert cleaned.table.isna().equals(frame.isna())
    assert ((cleaned.wrong >= 0) & (cleaned.wrong <= 1)).all()


def test_explanations_name_cells_of_the_oddest_rows(model, frame):
    found = model.outliers(frame)
    assert sorted(found.order) == list(range(len(frame)))
    assert (np.diff(found.scores[found.order]) <= 0).all()
    lines = found.explain(top=3, cells=2)
    assert lines.column_names == ["rank", "row", "score", "column", "value", "expected", "surprise", "wrong"]
    rows, ranks = lines["row"].to_pylist(), lines["rank"].to_pylist()
    assert all(row == found.order[rank - 1] for row, rank in zip(rows, ranks, strict=True))
    assert ranks == sorted(ranks)
    assert max(ranks.count(rank) for rank in (1, 2, 3)) <= 2
    assert set(lines["column"].to_pylist()) <= set(frame.columns)


def test_a_map_has_the_dimensions_asked_for(model, frame):
    for dim in (1, 2, 3):
        points = model.map(frame, dim=dim)
        assert points.shape == (len(frame), dim)
        assert np.isfinite(points).all()


def test_facts_are_told_column_by_column(model, frame):
    facts = model.inspect()
    assert [row["column"] for row in facts["survival"]] == list(frame.columns)
    assert {row["measure"] for row in facts["survival"]} == {"accuracy", "nrmse"}
    assert all(np.isfinite(row[key]) for row in facts["survival"] for key in ("value", "baseline", "bits"))
    assert facts["rows"] == len(frame)
    assert facts["weights"] == sum(weight.numel() for weight in model.net_.parameters())


def test_spoilt_rows_score_higher(case, frame):
    """A cell swapped with another row's breaks what hangs together: area, rooms, pool and price."""
    model = case.fit(frame, epochs=12)
    spoilt = frame.assign(price=frame["price"].to_numpy()[::-1], rooms=np.roll(frame["rooms"], 50))
    assert model.outliers(spoilt).scores.mean() > model.outliers(frame).scores.mean()


def test_the_way_between_two_rows_joins_them(model, frame):
    way = model.interpolate(frame, rows=(3, 17), steps=5)
    assert len(way) == 7
    pd.testing.assert_frame_equal(way.iloc[[0, -1]].reset_index(drop=True), frame.iloc[[3, 17]].reset_index(drop=True))
    for column in ("area", "price"):
        assert way[column].dropna().between(frame[column].min(), frame[column].max()).all()


def test_the_way_from_a_row_to_itself_stays_at_its_rebuilt_row(model, frame):
    way = model.interpolate(frame, rows=(5, 5), steps=2)
    again = model.reconstruct(frame).iloc[[5, 5]].reset_index(drop=True)
    pd.testing.assert_frame_equal(way.iloc[1:-1].reset_index(drop=True), again, rtol=1e-4)


@pytest.mark.parametrize(("rows", "steps"), [((3, 900), 4), ((-1, 3), 4), ((3,), 4), ((3, 4), 0), ((3, "4"), 4)])
def test_a_way_that_cannot_be_is_refused_in_one_line(case, model, frame, rows, steps):
    with pytest.raises(UsageError) as error:
        model.interpolate(frame, rows=rows, steps=steps)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shapes", [False, True])
def test_groups_hold_every_row_once_whatever_the_code(model, frame, shapes):
    found = model.cluster(frame, shapes=shapes, seed=1)
    assert len(found.labels) == len(frame)
    assert sum(each.rows for each in found.clusters) == len(frame)
    assert {each.number for each in found.clusters} == set(found.labels.tolist())
    assert all(each.name and (each.stability is None or 0 <= each.stability <= 1) for each in found.clusters)
    pd.testing.assert_frame_equal(found.table.drop(columns="cluster"), frame)
    assert (model.cluster(frame, shapes=shapes, seed=1).labels == found.labels).all()
