"""What the model is compared with: the simplest guess, principal components, neighbours, an isolation forest."""

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
        widths = [variable.size or 1 for variable in variables]
        ends = np.cumsum(widths)
        self.slices = [slice(end - width, end) for end, width in zip(ends, widths, strict=True)]

    def __call__(self, x: Floats) -> Floats:
        """Values (rows, columns) to features (rows, width); all features of a missing cell are NaN."""
        parts = []
        for j, variable in enumerate(self.variables):
            column = x[:, j, None]
            if variable.size is None:
                parts.append((column - self.mean[j]) / self.spread[j])
            else:
                parts.append(np.where(np.isnan(column), np.nan, column == np.arange(variable.size)))
        return np.concatenate(parts, axis=1)

    def values(self, features: Floats) -> Floats:
        """Features (rows, width) back to values (rows, columns): the largest of a category's, numbers in their units."""
        columns = [
            features[:, own].argmax(1)
            if variable.size is not None
            else features[:, own.start] * spread + mean
            for variable, own, mean, spread in zip(
                self.variables, self.slices, self.mean, self.spread, strict=True
            )
        ]
        return np.stack(columns, 1)


def usual(variables: tuple[Variable, ...], training: Floats, *, middle: str) -> Floats:
    """Guess one value a column (columns,): the mode of categories, the `middle` ("mean" or "median") of numbers."""
    guess = np.nanmean(training, 0) if middle == "mean" else np.nanmedian(training, 0)
    for j, variable in enumerate(variables):
        if variable.size is not None:
            values, counts = np.unique(training[:, j], return_counts=True)
            guess[j] = values[counts.argmax()]
    return guess


def through_pca(features: Features, training: Floats, x: Floats, size: int) -> Floats:
    """Send values (rows, columns) through `size` principal components and back."""
    known = np.nan_to_num(features(training))
    pca = PCA(min(size, *known.shape), svd_solver="full").fit(known)
    return features.values(pca.inverse_transform(pca.transform(np.nan_to_num(features(x)))))


def pca_map(features: Features, training: Floats, x: Floats) -> Floats:
    """Place values (rows, columns) on the plane of the two first principal components."""
    pca = PCA(2, svd_solver="full").fit(np.nan_to_num(features(training)))
    return np.asarray(pca.transform(np.nan_to_num(features(x))))


def neighbours(features: Features, training: Floats, x: Floats, k: int = 10) -> Floats:
    """Fill missing values (rows, columns) from the `k` training rows most alike in what is known."""
    imputer = KNNImputer(n_neighbors=k, weights="distance", keep_empty_features=True)
    return features.values(imputer.fit(features(training)).transform(features(x)))


def oddness(features: Features, x: Floats, seed: int) -> Floats:
    """Score rows (rows,) by an isolation forest fitted to them, odd ones high."""
    known = np.nan_to_num(features(x))
    return np.asarray(-IsolationForest(random_state=seed).fit(known).score_samples(known))


def locality(places: Floats, labels: Floats, training: npt.NDArray[np.bool_], k: int = 10) -> float:
    """Say how much of a number (rows,) a place (rows, 2) on a map tells: R2 of the mean of `k` training neighbours."""
    known = ~np.isnan(labels)
    model = KNeighborsRegressor(min(k, int((training & known).sum()))).fit(
        places[training & known], labels[training & known]
    )
    return float(model.score(places[~training & known], labels[~training & known]))
