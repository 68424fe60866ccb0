"""What fills missing cells otherwise: columns alone, regressions in turn, forests in rounds, boosting by column.

Peers that do not live beside isthmus are asked in `strangers`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 (makes IterativeImputer importable)
from sklearn.impute import IterativeImputer
from sources import numeric
from strangers import fill as ask
from strangers import find

Matrix = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Filler(Protocol):
    """What has learnt a table and fills the missing cells of others."""

    def fill(self, holed: pd.DataFrame, /) -> pd.DataFrame:
        """Fill every missing cell."""


@dataclass(frozen=True)
class Labels:
    """A table as a matrix: numbers as they are, categories as positions among their levels, NaN where missing.

    Examples
    --------
    >>> frame = pd.DataFrame({"size": [1.0, None], "zone": ["hill", "centre"]})
    >>> labels = Labels.learn(frame)
    >>> labels.encode(frame).tolist()
    [[1.0, 1.0], [nan, 0.0]]
    >>> labels.decode(labels.encode(frame)).equals(frame)
    True
    """

    columns: tuple[str, ...]
    levels: dict[int, npt.NDArray[np.object_]]

    @classmethod
    def learn(cls, train: pd.DataFrame) -> Labels:
        """Take the levels of the training rows."""
        numbers = numeric(train)
        places = enumerate(train)
        levels = {j: np.sort(train[name].dropna().unique()).astype(object) for j, name in places if name not in numbers}
        return cls(tuple(train), levels)

    def encode(self, frame: pd.DataFrame) -> Matrix:
        """Turn rows into a matrix; a level that training did not have is missing."""
        columns = []
        for j, name in enumerate(self.columns):
            if j not in self.levels:
                columns.append(frame[name].to_numpy(dtype=np.float64))
                continue
            code = pd.Categorical(frame[name], categories=self.levels[j]).codes
            columns.append(np.where(code < 0, np.nan, code))
        return np.column_stack(columns)

    def decode(self, matrix: Matrix) -> pd.DataFrame:
        """Turn a matrix back into rows; what lies between two levels is the nearer one."""
        frame = {}
        for j, name in enumerate(self.columns):
            if j not in self.levels:
                frame[name] = matrix[:, j]
                continue
            code = np.nan_to_num(matrix[:, j].round()).clip(0, len(self.levels[j]) - 1).astype(int)
            frame[name] = np.where(np.isnan(matrix[:, j]), None, self.levels[j][code])
        return pd.DataFrame(frame)


def into_holes(holed: pd.DataFrame, filled: pd.DataFrame) -> pd.DataFrame:
    """Take missing cells from another table, and no others."""
    return holed.where(holed.notna(), filled.set_axis(holed.index))


class Usual:
    """Each column's mean, or its most frequent category."""

    def __init__(self, train: pd.DataFrame) -> None:
        numbers = numeric(train)
        self.value = {name: train[name].mean() if name in numbers else train[name].mode()[0] for name in train}

    def fill(self, holed: pd.DataFrame) -> pd.DataFrame:
        """Fill every missing cell."""
        return holed.fillna(self.value)


class Chained:
    """scikit-learn's IterativeImputer (Bayesian ridge regressions in turn) on positions or one-hot columns.

    Fitted to complete rows it would stop after one round: `tol=0` makes it take them all.
    """

    def __init__(self, train: pd.DataFrame, rounds: int, *, one_hot: bool, seed: int) -> None:
        self.labels, self.one_hot = Labels.learn(train), one_hot
        matrix = self._widen(self.labels.encode(train))
        # without bounds, regressions on one-hot columns, which say each other's, run away round by round
        low, high = np.nanmin(matrix, axis=0), np.nanmax(matrix, axis=0)
        self.imputer = IterativeImputer(
            max_iter=rounds,
            tol=0,
            random_state=seed,
            keep_empty_features=True,
            min_value=low,
            max_value=np.where(high > low, high, low + 1),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.imputer.fit(matrix)

    def fill(self, holed: pd.DataFrame) -> pd.DataFrame:
        """Fill every missing cell."""
        return into_holes(
            holed, self.labels.decode(self._narrow(self.imputer.transform(self._widen(self.labels.encode(holed)))))
        )

    def _widen(self, matrix: Matrix) -> Matrix:
        if not self.one_hot:
            return matrix
        blocks = []
        for j, column in enumerate(matrix.T):
            if j not in self.labels.levels:
                blocks.append(column[:, None])
                continue
            hot = (column[:, None] == np.arange(len(self.labels.levels[j]))).astype(np.float64)
            hot[np.isnan(column)] = np.nan
            blocks.append(hot)
        return np.hstack(blocks)

    def _narrow(self, matrix: Matrix) -> Matrix:
        if not self.one_hot:
            return matrix
        columns, start = [], 0
        for j in range(len(self.labels.columns)):
            width = len(self.labels.levels[j]) if j in self.labels.levels else 1
            block = matrix[:, start : start + width]
            columns.append(block.argmax(1).astype(np.float64) if j in self.labels.levels else block[:, 0])
            start += width
        return np.column_stack(columns)


class Forests:
    """A random forest a column, asked in rounds, as missForest does (Stekhoven and Buehlmann 2012).

    Rows with holes are filled as usual first, and again by the forests after each round of fitting.
    """

    def __init__(self, train: pd.DataFrame, *, seed: int, trees: int = 50, rounds: int = 5) -> None:
        self.labels, self.rounds = Labels.learn(train), rounds
        self.usual = Usual(train)
        matrix = self.labels.encode(train)
        holes = np.isnan(matrix)
        filled = self._start(train)
        settings: dict[str, Any] = {"n_estimators": trees, "min_samples_leaf": 2, "random_state": seed}
        self.forests: list[Any] = [
            RandomForestClassifier(**settings, max_features="sqrt")
            if j in self.labels.levels
            else RandomForestRegressor(**settings, max_features=1 / 3)
            for j in range(matrix.shape[1])
        ]
        self.order = np.argsort(holes.sum(0), kind="stable")
        for _ in range(rounds if holes.any() else 1):
            for j in self.order:
                seen = ~holes[:, j]
                others = np.delete(filled, j, axis=1)
                self.forests[j].fit(others[seen], matrix[seen, j])
                if holes[:, j].any():
                    filled[holes[:, j], j] = self.forests[j].predict(others[holes[:, j]])

    def fill(self, holed: pd.DataFrame) -> pd.DataFrame:
        """Fill every missing cell."""
        holes, filled = np.isnan(self.labels.encode(holed)), self._start(holed)
        for _ in range(self.rounds):
            for j in self.order:
                rows = holes[:, j]
                if rows.any():
                    filled[rows, j] = self.forests[j].predict(np.delete(filled[rows], j, axis=1))
        return into_holes(holed, self.labels.decode(filled))

    def _start(self, frame: pd.DataFrame) -> Matrix:
        return self.labels.encode(self.usual.fill(frame))


class Boosting:
    """Gradient boosting a column, fitted on rows of which as many cells are hidden as will be, and asked once.

    Held-out rows end it early, as they do by default beyond 10,000 rows: with fewer it learns these by heart.
    """

    def __init__(self, train: pd.DataFrame, share: float, *, seed: int) -> None:
        self.labels = Labels.learn(train)
        matrix = self.labels.encode(train)
        hidden = np.random.default_rng(seed).random(matrix.shape) < share
        spoilt = np.where(hidden, np.nan, matrix)
        self.trees = [self._one(j, spoilt, matrix[:, j], seed) for j in range(matrix.shape[1])]

    def _one(self, j: int, spoilt: Matrix, column: Matrix, seed: int) -> Any:
        seen = ~np.isnan(column)
        if len(np.unique(column[seen])) < 2:
            return float(column[seen][0])
        categorical = [k - (k > j) for k in self.labels.levels if k != j]
        kind: Any = HistGradientBoostingClassifier if j in self.labels.levels else HistGradientBoostingRegressor
        alone = (
            j in self.labels.levels and np.unique(column[seen], return_counts=True)[1].min() < 2
        )  # nothing to hold out
        return kind(categorical_features=categorical, early_stopping=not alone, random_state=seed).fit(
            np.delete(spoilt, j, axis=1)[seen], column[seen]
        )

    def fill(self, holed: pd.DataFrame) -> pd.DataFrame:
        """Fill every missing cell."""
        matrix = self.labels.encode(holed)
        filled = matrix.copy()
        for j, trees in enumerate(self.trees):
            rows = np.isnan(matrix[:, j])
            if rows.any():
                others = np.delete(matrix[rows], j, axis=1)
                filled[rows, j] = trees if isinstance(trees, float) else trees.predict(others)
        return into_holes(holed, self.labels.decode(filled))


class Stranger:
    """A peer in a process of its own, which learns from training rows and rows with holes at once, whenever asked."""

    def __init__(self, name: str, train: pd.DataFrame, *, seed: int, seconds: float) -> None:
        find(name)
        self.name, self.seed, self.seconds = name, seed, seconds
        self.labels = Labels.learn(train)
        self.matrix = self.labels.encode(train)

    def fill(self, holed: pd.DataFrame) -> pd.DataFrame:
        """Fill every missing cell."""
        given = self.labels.encode(holed)
        train = self.matrix[: 0 if np.array_equal(given, self.matrix, equal_nan=True) else None]  # its own gaps
        filled = ask(self.name, train, given, list(self.labels.levels), seconds=self.seconds, seed=self.seed)
        return into_holes(holed, self.labels.decode(filled))
