"""Distances of codes: odd rows in company are found, usual ones are kept, and nothing odd is needed."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.tasks.neighbours import Neighbours

SIZE = 4


@pytest.fixture(scope="module")
def usual():
    return np.random.default_rng(0).normal(size=(600, SIZE)).astype(np.float32)


@pytest.fixture(scope="module")
def crowd():
    """Thirty rows close together, far from all others."""
    return (8 + 0.05 * np.random.default_rng(1).normal(size=(30, SIZE))).astype(np.float32)


def test_odd_rows_do_not_vouch_for_each_other(usual, crowd):
    distances = Neighbours.learn(np.concatenate([usual, crowd])).distances
    assert distances(crowd).min(0)[0] > distances(usual).max(0)[0]
    assert distances(crowd).min(0)[1] > distances(usual).max(0)[1]


def test_odd_rows_do_not_draw_the_bulk_towards_them(usual, crowd):
    alone, beside = (Neighbours.learn(rows).distances(usual)[:, 0] for rows in (usual, np.vstack([usual, crowd])))
    assert np.corrcoef(alone, beside)[0, 1] > 0.98


def test_few_usual_rows_are_left_out(usual):
    assert len(Neighbours.learn(usual).codes) > 0.9 * len(usual)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_few_rows_and_rows_all_alike_have_distances(rows):
    for codes in (np.ones((rows, SIZE)), np.eye(rows, SIZE)):
        distances = Neighbours.learn(codes.astype(np.float32)).distances(np.zeros((3, SIZE), np.float32))
        assert distances.shape == (3, 2)
        assert np.isfinite(distances).all()


def test_a_row_is_not_its_own_neighbour(usual):
    distances = Neighbours.learn(usual).distances
    new = np.random.default_rng(2).normal(size=usual.shape).astype(np.float32)
    assert np.median(distances(usual)[:, 1]) == pytest.approx(np.median(distances(new)[:, 1]), abs=0.1)
