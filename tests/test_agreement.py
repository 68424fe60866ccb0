"""Two models of the same columns: what agreement is, and codes that survive a retraining."""

import numpy as np
import pandas as pd
import pytest

from isthmus import Autoencoder, align, compare
from isthmus.errors import DataError, UsageError
from isthmus.tasks.align import Affine
from isthmus.tasks.compare import (
    cka,
    finds_itself,
    nearest,
    procrustes,
    same_neighbours,
    same_order,
    same_top,
    same_values,
)

RNG = np.random.default_rng(0)
CODES = RNG.normal(size=(200, 4)).astype(np.float32)
TURN = np.linalg.qr(RNG.normal(size=(4, 4)))[0].astype(np.float32)
QUICK = {"epochs": 60, "width": 48, "blocks": 1, "batch_size": 64}


@pytest.fixture(scope="module")
def frame(houses):
    return pd.DataFrame(houses)


@pytest.fixture(scope="module")
def pair(frame):
    return [Autoencoder(seed=seed, **QUICK).fit(frame) for seed in (0, 1)]


def test_a_turned_code_agrees_and_noise_does_not():
    turned = 3 * CODES @ TURN + 5
    other = np.random.default_rng(1).normal(size=(200, 4)).astype(np.float32)
    assert cka(CODES, turned) == pytest.approx(1, abs=1e-5)
    assert procrustes(CODES, turned) == pytest.approx(0, abs=1e-5)
    assert same_neighbours(turned, turned, CODES) > 0.999
    assert cka(CODES, other) < 0.2
    assert procrustes(CODES, other) > 0.8
    assert same_neighbours(other, other, CODES) < 0.2


def test_codes_of_other_sizes_compare():
    wider = np.hstack([CODES, np.zeros((200, 2), np.float32)])
    assert cka(CODES, wider) == pytest.approx(1)
    assert procrustes(CODES, wider) == pytest.approx(0, abs=1e-6)


def test_a_constant_code_agrees_with_nothing():
    assert cka(CODES, np.zeros_like(CODES)) == 0
    assert procrustes(CODES, np.zeros_like(CODES)) == 1


def test_rows_at_the_same_place_are_each_others_neighbours():
    ties = np.repeat(CODES[:20], 10, axis=0)
    shuffled = np.random.default_rng(2).permutation(len(ties))
    assert same_neighbours(ties, ties, ties, 5) == 1
    assert same_neighbours(ties + 0, ties + 0, ties, 9) == 1
    assert same_neighbours(ties[shuffled], ties[shuffled], ties, 5) < 0.5
    assert (nearest(ties, ties, 5) != np.arange(len(ties))[:, None]).all()
    assert finds_itself(ties, ties) == 1


def test_values_ranks_and_tops():
    one, other = np.array([[0, 1.0], [1, 2.0], [1, np.nan]]), np.array([[0, 2.0], [0, 4.0], [1, 3.0]])
    share, tie = same_values(one, other, np.array([False, True]), np.ones((3, 2), dtype=bool))
    assert (share, tie) == (pytest.approx(2 / 3), pytest.approx(1))
    assert same_values(one, other, np.array([False, True]), np.zeros((3, 2), dtype=bool)) == (None, None)
    scores = np.arange(200.0)
    assert same_order(scores, scores**3) == pytest.approx(1)
    assert same_order(scores, -scores) == pytest.approx(-1)
    assert same_top(scores, scores) == 1
    assert same_top(scores, -scores) == 0


def test_an_affine_map_is_found():
    moved = CODES @ TURN * 2 + 1
    np.testing.assert_allclose(Affine(CODES, moved)(CODES), moved, atol=0.05)


def test_a_model_agrees_with_itself(pair, frame):
    found = compare(pair[0], pair[0], frame)
    names = ("cka", "procrustes", "neighbours", "imputed, categories", "rebuilt, numbers", "outliers, ranks")
    for name in names:
        assert found[name] == pytest.approx(1), name


def test_aligned_codes_find_more_neighbours_than_codes_as_they_are(pair, frame):
    found = compare(*pair, frame)
    assert found["neighbours aligned"] > found["neighbours"] + 0.05
    assert found["neighbours stored"] > found["neighbours"] + 0.05
    assert found["itself"] > 0.5
    assert found.to_dict()["rows"] == len(frame)


def test_at_most_so_many_rows_are_compared_the_same_each_time(pair, frame):
    one, again = (compare(*pair, frame, rows=50, seed=3).to_dict() for _ in range(2))
    assert one == again
    assert one["rows"] == 50


def test_codes_are_aligned_through_rows_or_by_a_map(pair, frame):
    old, new = pair
    codes, wanted = old.encode(frame), new.encode(frame)
    for aligned in (
        align(old, new, codes),
        align(old.decoder, new.encoder, codes),
        align(old, new, codes, method="linear", data=frame),
    ):
        assert aligned.dtype == np.float32
        assert finds_itself(aligned, wanted) > 0.3
    np.testing.assert_array_equal(align(old, new, codes), align(old.decoder, new.encoder, codes))


def test_condition_columns_are_given(frame):
    old, new = (Autoencoder(seed=seed, condition=["zone"], **QUICK).fit(frame) for seed in (0, 1))
    codes = old.encode(frame)
    with pytest.raises(UsageError, match="condition columns"):
        align(old, new, codes)
    assert align(old, new, codes, given=frame).shape == new.encode(frame).shape
    assert compare(old, new, frame)["itself"] > 0.3


def test_models_of_other_columns_are_refused(pair, frame):
    quick = QUICK | {"epochs": 1}
    fewer = Autoencoder(drop=["rooms"], **quick).fit(frame)
    other_kind = Autoencoder(schema={"rooms": "category"}, **quick).fit(frame)
    four = frame.assign(zone=["moor" if i % 4 == 0 else zone for i, zone in enumerate(frame.zone)])
    fewer_levels, old = pair[0], Autoencoder(**quick).fit(four)
    for new, says in ((fewer, "'rooms' is in one"), (other_kind, "'rooms' is a count"), (fewer_levels, "'moor'")):
        with pytest.raises(DataError, match=says):
            compare(old, new, frame)
        with pytest.raises(DataError, match=says):
            align(old, new, old.encode(frame))
    assert len(align(fewer_levels, old, fewer_levels.encode(frame))) == len(frame)


def test_what_cannot_be_aligned_says_why(pair, frame):
    old, new = pair
    codes = old.encode(frame)
    for words, says in (
        ({"method": "guess"}, "'guess'"),
        ({"method": "linear"}, "give data"),
        ({"data": frame}, "needs no data"),
    ):
        with pytest.raises(UsageError, match=says):
            align(old, new, codes, **words)
    with pytest.raises(UsageError, match="encoders saved alone"):
        align(old.encoder, new, codes)
    with pytest.raises(DataError, match="numbers a row"):
        align(old, new, codes[:, :2])
    whole = Autoencoder("quantized:4", **(QUICK | {"epochs": 1})).fit(frame)
    with pytest.raises(UsageError, match="quantized"):
        align(old, whole, codes, method="linear", data=frame)
