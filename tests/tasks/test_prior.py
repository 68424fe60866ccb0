"""Rows drawn from codes: their shares are the training rows', and rules between columns hold."""

import numpy as np
import pandas as pd
import pytest
import torch

from isthmus import Autoencoder
from isthmus.tasks.prior import from_prior, settle_prior

ROWS = 3000


@pytest.fixture(scope="module")
def frame():
    """Zones of very different shares, and a price that the zone decides."""
    zone = np.random.default_rng(0).choice(["centre", "harbour", "hill"], 600, p=[0.7, 0.25, 0.05])
    price = pd.Series(zone).map({"centre": 900, "harbour": 200, "hill": 600})
    return pd.DataFrame({"zone": zone, "price": price, "area": np.random.default_rng(1).uniform(40, 260, 600)})


@pytest.fixture(scope="module")
def model(frame):
    return Autoencoder("gaussian:3", prior="learnt", epochs=3, width=32, blocks=1, batch_size=64).fit(frame)


def shares(model, learnt):
    zone = from_prior(model.net_, np.full((ROWS, 3), np.nan), 7, learnt=learnt)[:, 0]
    return np.bincount(zone.astype(int), minlength=3) / ROWS


@pytest.mark.parametrize("name", ["normal", "learnt"])
def test_settling_brings_shares_to_those_of_the_training_rows(model, frame, name):
    learnt = model.prior_ if name == "learnt" else None
    drift = (learnt or model.net_).drift
    kept, x = drift.clone(), model.codec_.encode(model._open(frame))
    real = np.bincount(x[:, 0].astype(int), minlength=3) / len(x)
    try:
        drift.zero_()
        drift[model.net_.columns.slices[0]] += torch.tensor([0.0, 0.7, 1.4])  # made worse on purpose
        before = np.abs(shares(model, learnt) - real).sum()
        settle_prior(model.net_, x, 0, learnt)
        after = np.abs(shares(model, learnt) - real).sum()
    finally:
        drift.copy_(kept)
    assert before > 0.2
    assert after < 0.05


def test_what_a_column_decides_is_kept(model, frame):
    allowed = set(map(tuple, frame[["zone", "price"]].to_numpy()))
    for prior in ("normal", "learnt"):
        made = model.sample(500, prior=prior)
        assert set(map(tuple, made[["zone", "price"]].to_numpy())) <= allowed
