"""Other ways to make up rows: between neighbours, by a copula, by an adversarial network."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from baselines import Generator, Scale
from scipy.stats import norm, rankdata
from sklearn.neighbors import NearestNeighbors
from sources import numeric

NEIGHBOURS = 5


def smote(train: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """Make rows between a training row and one of its five nearest (Chawla et al. 2002, "SMOTE").

    Numbers lie somewhere between the two rows', to as many decimals as their column has; all categories of a row are
    from one of the two, so that they agree with each other.

    Examples
    --------
    >>> rows = pd.DataFrame({"size": [1.0, 2.0, 9.0], "zone": ["hill", "hill", "sea"]})
    >>> bool(smote(rows, 50, seed=0)["size"].between(1, 9).all())
    True
    """
    rng = np.random.default_rng(seed)
    matrix = Scale.learn(train).encode(train)
    near = NearestNeighbors(n_neighbors=min(NEIGHBOURS + 1, len(train))).fit(matrix)
    first = rng.integers(len(train), size=rows)
    neighbours = near.kneighbors(matrix[first], return_distance=False)[:, 1:]
    second = neighbours[np.arange(rows), rng.integers(neighbours.shape[1], size=rows)]
    share, other = rng.random(rows), rng.random(rows) < 0.5
    made = {}
    for name in train:
        a, b = train[name].to_numpy()[first], train[name].to_numpy()[second]
        made[name] = _as_before(train[name], a + share * (b - a)) if name in numeric(train) else np.where(other, b, a)
    return pd.DataFrame(made)


def _as_before(column: pd.Series[Any], numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Round numbers as their column's are."""
    for decimals in range(7):
        if np.allclose(column, column.round(decimals), rtol=0, atol=1e-9):
            return np.asarray(numbers.round(decimals).astype(column.dtype))
    return numbers


def gaussian_copula(train: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """Keep every column's own values, and between columns the correlation of their ranks as normal scores.

    Categories are ranked by how frequent they are, ties in random order (Patki et al. 2016, "The Synthetic Data
    Vault").

    Examples
    --------
    >>> rows = pd.DataFrame({"size": [1.0, 2.0, 9.0], "zone": ["hill", "hill", "sea"]})
    >>> bool(gaussian_copula(rows, 40, seed=0)["size"].isin(rows["size"]).all())
    True
    """
    rng = np.random.default_rng(seed)
    ordered, scores = {}, []
    for name in train:
        column = train[name]
        key = column if name in numeric(train) else column.map(column.value_counts(normalize=True).rank(method="first"))
        order = np.lexsort((rng.random(len(train)), key))
        ordered[name] = column.to_numpy()[order]
        scores.append(norm.ppf(rankdata(order.argsort()) / (len(train) + 1)))
    correlation = np.corrcoef(np.array(scores))
    drawn = norm.cdf(rng.multivariate_normal(np.zeros(len(correlation)), correlation, rows, method="svd"))
    place = (drawn * len(train)).astype(int).clip(0, len(train) - 1)
    return pd.DataFrame({name: values[place[:, j]] for j, (name, values) in enumerate(ordered.items())})


def fit_ctgan(train: pd.DataFrame, seed: int, epochs: int) -> Generator:
    """Fit ctgan's CTGAN (Xu et al. 2019) on the processor for so many epochs; its default is 300."""
    from ctgan import CTGAN

    model = CTGAN(enable_gpu=False, epochs=epochs)
    model.set_random_state(seed)
    model.fit(train, [name for name in train if name not in numeric(train)])
    return model  # type: ignore[no-any-return]
