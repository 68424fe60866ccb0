"""Laws of rows: each stands for itself, whatever its neighbours, its holes and its surprises."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from isthmus.errors import IsthmusWarning


@pytest.fixture(scope="session")
def codes(model, frame):
    return model.encode(frame)


def test_a_code_a_row(model, frame, codes):
    assert codes.shape == (len(frame), model.net_.code.size)
    assert codes.dtype == np.float32
    assert np.isfinite(codes).all()


def test_rows_can_be_permuted(model, frame, codes):
    order = np.random.default_rng(0).permutation(len(frame))
    assert np.array_equal(model.encode(frame.iloc[order]), codes[order])


def test_a_row_does_not_depend_on_the_others(model, frame, codes):
    many = pd.concat([frame, frame, frame.iloc[::-1]])  # more than one piece
    assert np.array_equal(model.encode(frame.iloc[7:8]), codes[7:8])
    assert np.array_equal(model.encode(many)[: len(frame)], codes)


def test_every_job_takes_one_row(model, frame):
    row = frame.iloc[[3]]
    assert model.encode(row).shape[0] == 1
    assert len(model.reconstruct(row)) == len(model.impute(row)) == len(model.outliers(row).scores) == 1
    assert model.map(row).shape == (1, 2)
    assert np.isfinite(model.score(row))


def test_no_rows_are_no_codes(model, codes):
    assert model.decode(codes[:0]).shape == (0, 6)


def test_decode_after_encode_is_reconstruct(model, frame, codes):
    pd.testing.assert_frame_equal(model.decode(codes, given=frame), model.reconstruct(frame))


def test_halves_equal_the_whole(model, frame, codes):
    assert np.array_equal(model.encoder.encode(frame), codes)
    pd.testing.assert_frame_equal(model.decoder.decode(codes, given=frame), model.decode(codes, given=frame))
    pd.testing.assert_frame_equal(model.decoder.decode(codes), model.decode(codes))


def test_missing_cells_pass_everywhere(model, frame):
    holed = pd.concat([frame.head(1).assign(**{column: None}) for column in frame.columns])
    assert np.isfinite(model.encode(holed)).all()
    assert list(model.reconstruct(holed).columns) == list(frame.columns)
    assert np.isfinite(model.score_samples(holed)).all()
    assert np.isfinite(model.outliers(holed).scores).all()
    assert model.impute(holed).notna().all().all()


def test_rows_with_nothing_known_pass_everywhere(model, frame):
    empty = pd.DataFrame({column: [None, None] for column in frame.columns})
    assert np.isfinite(model.encode(empty)).all()
    assert np.isfinite(model.outliers(empty).scores).all()
    assert model.impute(empty).notna().all().all()


def test_unseen_values_pass_everywhere(model, frame):
    strange = frame.head(12).copy()
    strange["zone"], strange["area"] = "the moon", 1e6
    with pytest.warns(IsthmusWarning) as caught:
        assert np.isfinite(model.encode(strange)).all()
    said = " / ".join(str(warning.message) for warning in caught)
    assert "column 'zone': 12 values never seen in training" in said
    assert "column 'area': 12 values outside" in said
    assert all("\n" not in str(warning.message) for warning in caught)
    with pytest.warns(IsthmusWarning):
        assert np.isfinite(model.score_samples(strange)).all()
        assert np.isfinite(model.outliers(strange).scores).all()
        assert model.impute(strange)["zone"].eq("the moon").all()
        assert not model.reconstruct(strange)["zone"].eq("the moon").any()


def test_absent_columns_count_as_missing(model, frame):
    with pytest.warns(IsthmusWarning, match="1 column of the training data not here"):
        assert np.isfinite(model.encode(frame.drop(columns="price"))).all()
