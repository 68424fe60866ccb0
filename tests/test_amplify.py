"""Rare kinds amplified, in every kind of frame."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from isthmus import Autoencoder
from isthmus.errors import UsageError

QUICK = {"epochs": 2, "width": 32, "blocks": 1, "batch_size": 64}
WHERE = {"pool": "Y"}


@pytest.fixture(scope="module")
def frame(houses):
    frame = pd.DataFrame(houses).astype({"zone": "category", "rooms": "int16"})
    return frame.assign(note=[f"house number {i}" for i in range(len(frame))])  # carried, not coded


@pytest.fixture(scope="module")
def model(frame):
    return Autoencoder(4, **QUICK).fit(frame)


def test_pandas_keeps_its_columns_and_types(model, frame):
    more = model.amplify(frame, WHERE, to=0.5)
    assert list(more) == [*frame, "synthetic"]
    assert more.dtypes[:-1].equals(frame.dtypes)
    assert more["synthetic"].dtype == bool
    pd.testing.assert_frame_equal(more.loc[~more["synthetic"], list(frame)], frame)
    assert more.loc[more["synthetic"], "note"].isna().all()
    assert abs((more["pool"] == "Y").mean() - 0.5) < 0.5 / len(more)


def test_polars_arrow_and_arrays_come_back_as_they_are(houses, frame):
    rows = pl.DataFrame(houses).with_columns(pl.col("zone").cast(pl.Categorical))
    more = Autoencoder(4, **QUICK).fit(rows).amplify(rows, WHERE, to=0.4, mark="made")
    assert isinstance(more, pl.DataFrame)
    assert dict(more.schema) == {**rows.schema, "made": pl.Boolean}
    table = pa.table(houses)
    arrow = Autoencoder(4, **QUICK).fit(table).amplify(table, WHERE, to=0.4, mark="")
    assert arrow.schema.equals(table.schema)
    array = frame[["area", "price"]].fillna(0).to_numpy()
    grown = Autoencoder(4, **QUICK).fit(array).amplify(array, {"x0": (200, None)}, to=0.6)
    assert isinstance(grown, np.ndarray)
    assert grown.shape[1] == 3
    assert (grown[grown[:, 2] == 1, 0] >= 200).all()


def test_made_up_rows_are_no_copies_but_stay_near(model, frame):
    more = model.amplify(frame, WHERE, to=0.5)
    made = more[more["synthetic"]]
    rare = frame[frame["pool"] == "Y"]
    columns = ["area", "rooms", "zone", "sold", "price"]
    assert len(made.merge(rare, on=columns)) < len(made) / 2
    kept = [made[name].isin(rare[name].dropna()).mean() for name in ("area", "sold")]
    assert min(kept) > 0.3  # about half the cells are those of a real row of the kind


def test_a_kind_without_a_row_here_is_made_up_from_nothing(model, frame):
    others = frame[frame["pool"] == "N"]
    more = model.amplify(others, {"pool": "Y", "zone": ["hill", "centre"]}, to=0.2)
    made = more[more["synthetic"]]
    assert len(made) == round(len(others) / 4)
    assert (made["pool"] == "Y").all()
    assert made["zone"].isin(["hill", "centre"]).all()


@pytest.mark.parametrize(
    ("where", "to", "mark", "fault"),
    [
        ({}, 0.5, "synthetic", "where is empty"),
        (WHERE, 0.01, "synthetic", "already"),
        (WHERE, 1.0, "synthetic", "between 0 and 1"),
        (WHERE, float("nan"), "synthetic", "between 0 and 1"),
        (WHERE, 0.5, "zone", "'zone'"),
        ({"garage": 1}, 0.5, "synthetic", "no such column"),
        ({"pool": "maybe"}, 0.5, "synthetic", "never seen"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told_in_one_line(model, frame, where, to, mark, fault):
    with pytest.raises(UsageError, match=fault) as error:
        model.amplify(frame, where, to, mark=mark)
    assert "\n" not in str(error.value)
