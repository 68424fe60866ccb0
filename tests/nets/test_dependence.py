"""A code of a conditional model does not hold what the decoder is told anyway."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from isthmus import Autoencoder
from isthmus.nets.dependence import dependence


@given(rows=st.integers(0, 40), seed=st.integers(0, 999))
def test_it_lies_between_0_and_1_for_any_rows(rows: int, seed: int) -> None:
    a, b = torch.randn(2, rows, 3, generator=torch.Generator().manual_seed(seed))
    assert 0 <= float(dependence(a, b)) <= 1.001
    assert float(dependence(a, torch.ones(rows, 2))) == 0
    if rows > 2:
        assert float(dependence(a, a)) == pytest.approx(1, abs=1e-3)


def test_it_hears_what_is_not_linear() -> None:
    a = torch.randn(500, 1, generator=torch.Generator().manual_seed(0))
    assert float(dependence(a, a.abs())) > 0.3


@pytest.fixture(scope="module")
def fowl() -> pd.DataFrame:
    """Two sexes that differ in nothing but size, and a colour that both have."""
    rng = np.random.default_rng(0)
    male = rng.random(1500) < 0.5
    size, colour = rng.normal(size=1500), rng.integers(0, 3, 1500)
    return pd.DataFrame(
        {
            "sex": np.where(male, "male", "female"),
            "size": (np.where(male, 3, 0) + size).round(2),
            "spurs": np.where(male & (size > 0), "long", "short"),
            "colour": np.array(["red", "grey", "white"])[colour],
        }
    )


@pytest.fixture(scope="module", params=["none", "mask"])
def model(request: pytest.FixtureRequest, fowl: pd.DataFrame) -> Autoencoder:
    """A conditional model, with hidden cells and without."""
    corruption = () if request.param == "none" else request.param
    settings = {"epochs": 60, "width": 64, "blocks": 1, "batch_size": 128}
    return Autoencoder("dense:4", condition=["sex"], corruption=corruption, **settings).fit(fowl)


def test_the_condition_is_hardly_read_off_the_code(model: Autoencoder, fowl: pd.DataFrame) -> None:
    codes, male = np.asarray(model.encode(fowl)), fowl["sex"] == "male"
    reader = LogisticRegression(max_iter=2000).fit(codes[:1000], male[:1000])
    assert reader.score(codes[1000:], male[1000:]) < 0.7


def test_a_row_decoded_under_another_condition_changes_with_it(model: Autoencoder, fowl: pd.DataFrame) -> None:
    hens = fowl[fowl["sex"] == "female"]
    cocks = model.decode(model.encode(hens), given={"sex": "male"})
    assert cocks["size"].mean() - hens["size"].mean() > 1.5  # without the loss: 0.1, and the sexes are 3 apart
    assert (cocks["colour"].to_numpy() == hens["colour"].to_numpy()).mean() > 0.9
