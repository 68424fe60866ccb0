"""What the model is compared with: a constant, principal components, neighbours, an isolation forest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.impute import KNNImputer
from sklearn.neighbors import KNeighborsRegressor

from isthmus.data.variables import Variable

__all__ = ["Features", "locality", "neighbours", "oddness", "pca_map", "through_pca", "usual"]

Floats = npt.NDArray[np.float64]


class Features:
    """Values as plain numbers for methods that need them: categories one-hot, numbers in standard deviations.

    Parameters
    ----------
    variables
        What the columns are.
    training
        Values (rows, columns) to learn means, spreads and categories from.
    """

    def __init__(self, variables: tuple[Variable, ...], training: Floats) -> None:
        self.variables = variables
        self.mean, self.spread = np.nanmean(training, 0), np.nanstd(training, 0).clip(1e-12)
        widths = [1 if v.size is None else v.size + v.missing for v in variables]
        ends = np.cumsum(widths)
        self.slices = [slice(end - width, end) for end, width in zip(ends, widths, strict=True)]

    def __call__(self, x: Floats, *, gaps: bool = False) -> Floats:
        """Values (rows, columns) to features (rows, width).

        A missing cell is a category of its own or an average number; with `gaps` all its features are NaN.
        """
        parts = []
        for j, variable in enumerate(self.variables):
            column = x[:, j, None]
            if variable.size is None:
                part = (column - self.mean[j]) / self.spread[j]
                parts.append(part if gaps else np.nan_to_num(part))
            else:
                cells = np.where(np.isnan(column), variable.size, column)
                part = (cells == np.arange(variable.size + variable.missing)).astype(np.float64)
                parts.append(np.where(np.isnan(column), np.nan, part) if gaps else part)
        return np.concatenate(parts, axis=1)

    def values(self, features: Floats) -> Floats:
        """Features (rows, width) back to values (rows, columns): of a category the largest feature."""
        columns = []
        for j, (variable, own) in enumerate(zip(self.variables, self.slices, strict=True)):
            if variable.size is None:
                columns.append(features[:, own.start] * self.spread[j] + self.mean[j])
            else:
                largest = features[:, own].argmax(1)
                columns.append(np.where(largest == variable.size, np.nan, largest))
        return np.stack(columns, 1)


def usual(variables: tuple[Variable, ...], training: Floats, *, middle: str, missing: bool) -> Floats:
    """Guess one value a column (columns,): the `middle` ("mean" or "median") of numbers, categories' mode.

    With `missing`, missing is a category as well.
    """
    guess = np.nanmean(training, 0) if middle == "mean" else np.nanmedian(training, 0)
    for j, variable in enumerate(variables):
        if variable.size is not None:
            column = training[:, j]
            values, counts = np.unique(column if missing else column[~np.isnan(column)], return_counts=True)
            guess[j] = values[counts.argmax()]
    return guess


def through_pca(features: Features, training: Floats, x: Floats, size: int) -> Floats:
    """Send values (rows, columns) through `size` principal components and back."""
    known = features(training)
    pca = PCA(min(size, *known.shape), svd_solver="full").fit(known)
    return features.values(pca.inverse_transform(pca.transform(features(x))))


def pca_map(features: Features, training: Floats, x: Floats) -> Floats:
    """Place values (rows, columns) on the plane of the two first principal components."""
    pca = PCA(2, svd_solver="full").fit(features(training))
    return np.asarray(pca.transform(features(x)))


def neighbours(features: Features, training: Floats, x: Floats, k: int = 10) -> Floats:
    """Fill missing values (rows, columns) from the `k` training rows most alike in what is known."""
    imputer = KNNImputer(n_neighbors=k, weights="distance", keep_empty_features=True)
    return features.values(imputer.fit(features(training, gaps=True)).transform(features(x, gaps=True)))


def oddness(features: Features, x: Floats, seed: int) -> Floats:
    """Score rows (rows,) by an isolation forest fitted to them, odd ones high."""
    known = features(x)
    return np.asarray(-IsolationForest(random_state=seed).fit(known).score_samples(known))


def locality(places: Floats, labels: Floats, training: npt.NDArray[np.bool_], k: int = 10) -> float:
    """Say how much of a number (rows,) places (rows, 2) tell: R2 of the mean of `k` training neighbours."""
    known = ~np.isnan(labels)
    model = KNeighborsRegressor(min(k, int((training & known).sum()))).fit(
        places[training & known], labels[training & known]
    )
    return float(model.score(places[~training & known], labels[~training & known]))
