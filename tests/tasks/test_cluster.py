"""Groups of codes: as many as there are, found whatever their shape, and not believed in where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score

from isthmus.errors import UsageError
from isthmus.tasks.cluster import NOISE, cluster, shapes


@pytest.fixture(scope="module")
def blobs():
    return make_blobs([150, 100, 80, 50], 5, cluster_std=0.7, random_state=3)


@pytest.fixture(scope="module")
def cloud():
    return np.random.default_rng(0).normal(size=(400, 5)) * np.arange(1, 6)


def test_as_many_groups_are_found_as_there_are(blobs):
    codes, known = blobs
    found = cluster(codes)
    assert adjusted_rand_score(known, found.labels) == pytest.approx(1)
    assert np.bincount(found.labels).tolist() == [150, 100, 80, 50]  # the largest first
    assert found.clear
    assert found.agreement > 0.95
    assert found.stability.min() > 0.9


def test_a_cloud_has_no_groups_that_can_be_found_again(cloud):
    found = cluster(cloud)
    assert found.clear is False
    assert found.agreement < 0.75
    assert cluster(cloud, 5).stability.mean() < 0.75
    assert cluster(cloud, 5).clear is None


def test_a_group_that_is_cut_in_two_is_less_stable_than_the_others(blobs):
    found = cluster(blobs[0], 5)
    assert np.sort(found.stability)[:2].max() < 0.95 < np.sort(found.stability)[2:].min()


def test_the_same_seed_gives_the_same_groups(cloud):
    one, again = cluster(cloud, 4, seed=2), cluster(cloud, 4, seed=2)
    assert (one.labels == again.labels).all()
    assert one.agreement == again.agreement
    assert (shapes(cloud, 1).labels == shapes(cloud, 1).labels).all()


def test_rows_that_centres_were_not_learnt_from_go_to_the_nearest(blobs, monkeypatch):
    monkeypatch.setattr("isthmus.tasks.cluster.LEARNT", 120)
    assert adjusted_rand_score(blobs[1], cluster(blobs[0], 4).labels) > 0.98


def test_shapes_are_found_that_have_no_centre():
    codes, known = make_moons(600, noise=0.05, random_state=0)
    assert adjusted_rand_score(known, shapes(codes).labels) > 0.95
    assert adjusted_rand_score(known, cluster(codes, 2).labels) < 0.6


def test_rows_between_dense_groups_are_in_none(blobs, monkeypatch):
    rng = np.random.default_rng(1)
    codes = np.concatenate([blobs[0], rng.uniform(-40, 40, (20, 5))])
    for dense in (5_000, 300):  # all rows looked at, and three quarters of them
        monkeypatch.setattr("isthmus.tasks.cluster.DENSE", dense)
        found = shapes(codes)
        assert (found.labels[-20:] == NOISE).mean() > 0.8
        assert adjusted_rand_score(blobs[1], found.labels[:-20]) > 0.9
        assert len(found.stability) == 4


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_few_rows_and_rows_all_alike_are_grouped(rows):
    assert cluster(np.ones((rows, 4))).labels.tolist() == [0] * rows
    assert len(set(cluster(np.eye(rows, 4)).labels.tolist())) <= rows
    assert shapes(np.eye(rows, 4)).labels.tolist() == [NOISE] * rows


def test_more_groups_than_different_rows_are_refused():
    with pytest.raises(UsageError, match="only 2 different codes"):
        cluster(np.repeat(np.eye(2), 30, axis=0), 3)
