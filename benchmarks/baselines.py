"""What isthmus is measured against: the plainest way, the usual way, and the best-known package."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sources import numeric

Matrix = npt.NDArray[np.float64]


class Generator(Protocol):
    """What has learnt a table and makes up rows."""

    def sample(self, n: int, /) -> pd.DataFrame:
        """Make up n rows."""


class Coder(Protocol):
    """What turns rows into numbers."""

    def encode(self, frame: pd.DataFrame, /) -> npt.NDArray[Any]:
        """Turn rows into numbers (rows, size)."""


class Rebuilder(Protocol):
    """What sends rows through a code and back."""

    def reconstruct(self, frame: pd.DataFrame, /) -> pd.DataFrame:
        """Send rows through the code and back."""


@dataclass(frozen=True)
class Scale:
    """A table as a matrix: numbers standardised, categories one-hot.

    Examples
    --------
    >>> frame = pd.DataFrame({"size": [1.0, 3.0], "zone": ["hill", "centre"]})
    >>> scale = Scale.learn(frame)
    >>> scale.encode(frame).tolist()
    [[-1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    >>> scale.decode(scale.encode(frame)).equals(frame)
    True
    """

    columns: tuple[str, ...]
    means: dict[str, float]
    deviations: dict[str, float]
    levels: dict[str, npt.NDArray[np.object_]]

    @classmethod
    def learn(cls, train: pd.DataFrame) -> Scale:
        """Take means, standard deviations and levels from the training rows."""
        numbers = numeric(train)
        return cls(
            tuple(train),
            {name: float(train[name].mean()) for name in numbers},
            {name: float(train[name].std(ddof=0)) or 1.0 for name in numbers},
            {name: np.sort(train[name].unique()).astype(object) for name in train if name not in numbers},
        )

    def encode(self, frame: pd.DataFrame) -> Matrix:
        """Turn rows into a matrix; a level that training did not have is all zeros."""
        blocks = []
        for name in self.columns:
            column = frame[name].to_numpy()[:, None]
            if name in self.means:
                blocks.append((column - self.means[name]) / self.deviations[name])
            else:
                blocks.append((column == self.levels[name]).astype(float))
        return np.hstack(blocks)

    def decode(self, matrix: Matrix) -> pd.DataFrame:
        """Turn a matrix back into rows; of the levels of a category, take the one with the largest entry."""
        frame, start = {}, 0
        for name in self.columns:
            if name in self.means:
                frame[name] = matrix[:, start] * self.deviations[name] + self.means[name]
                start += 1
            else:
                levels = self.levels[name]
                frame[name] = levels[matrix[:, start : start + len(levels)].argmax(1)]
                start += len(levels)
        return pd.DataFrame(frame)


class Components:
    """Principal components of the scaled table: in squared error, the best linear code of its size."""

    def __init__(self, train: pd.DataFrame, size: int, seed: int) -> None:
        self.scale = Scale.learn(train)
        matrix = self.scale.encode(train)
        self.pca = PCA(min(size, *matrix.shape), random_state=seed).fit(matrix)

    def encode(self, frame: pd.DataFrame) -> Matrix:
        """Turn rows into codes (rows, size)."""
        return np.asarray(self.pca.transform(self.scale.encode(frame)))

    def reconstruct(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Send rows through the code and back."""
        return self.scale.decode(self.pca.inverse_transform(self.encode(frame)))


class Perceptron:
    """A plain autoencoder of the scaled table: scikit-learn's MLP, squared error, two hidden layers of 256.

    Its units are tanh's, since a bottleneck of two rectified units often dies.
    """

    def __init__(self, train: pd.DataFrame, size: int, seed: int, epochs: int) -> None:
        self.scale = Scale.learn(train)
        matrix = self.scale.encode(train)
        self.net = MLPRegressor(
            hidden_layer_sizes=(256, size, 256),
            activation="tanh",
            max_iter=epochs,
            n_iter_no_change=epochs + 1,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is meant to stop after these epochs
            self.net.fit(matrix, matrix)

    def reconstruct(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Send rows through the code and back."""
        return self.scale.decode(self.net.predict(self.scale.encode(frame)))


def fit_tvae(train: pd.DataFrame, seed: int, epochs: int | None = None) -> Generator:
    """Fit ctgan's TVAE (Xu et al. 2019) on the processor, with its defaults unless epochs are given."""
    from ctgan import TVAE

    model = TVAE(enable_gpu=False, **({} if epochs is None else {"epochs": epochs}))
    model.set_random_state(seed)
    model.fit(train, [name for name in train if name not in numeric(train)])
    return model  # type: ignore[no-any-return]


def bootstrap(train: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """Draw training rows with replacement: as good as a generator can be that has seen these rows only."""
    return train.sample(rows, replace=True, random_state=seed).reset_index(drop=True)


def independent(train: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """Draw each column on its own: every column right, nothing between them."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: rng.choice(train[name].to_numpy(), rows) for name in train})
