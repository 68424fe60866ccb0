"""A frame that is indexed, and a model of it."""

import pandas as pd
import pytest

from isthmus import Autoencoder


@pytest.fixture(scope="session")
def rows(houses) -> pd.DataFrame:
    return pd.DataFrame(houses)


@pytest.fixture(scope="session")
def model(rows: pd.DataFrame) -> Autoencoder:
    return Autoencoder(4, epochs=8, seed=0).fit(rows)
