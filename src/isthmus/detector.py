"""The outlier detector: an autoencoder behind scikit-learn's outlier interface, with PyOD's names beside."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from isthmus.data.schema import Schema
from isthmus.data.sources import open_table
from isthmus.errors import UsageError
from isthmus.mixed import MixedTables
from isthmus.model import Autoencoder
from isthmus.settings import read_settings
from isthmus.tasks.batches import Floats

STEPS = 200
"""Steps of a default fit: enough to learn what usual rows are like, too few to learn odd ones by heart."""

Signs = npt.NDArray[np.int64]

FALSE_ALARMS = 0.01
"""Share of usual rows that contamination "auto" lets be called outliers."""


class OutlierDetector(MixedTables, OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Rows unlike the others, found by a small autoencoder.

    As in scikit-learn, `score_samples` and `decision_function` are lower for odder rows and `predict` gives -1 for
    outliers. As in PyOD, `decision_scores_` is higher for odder rows and `labels_` is 1 for outliers.

    Parameters
    ----------
    contamination
        Share of the training rows to call outliers, above 0 and at most 0.5, or "auto": those odder than all but one
        in a hundred usual rows.
    epochs
        Passes over the data; by default as many as 200 steps take.
    width, blocks, batch_size, learning_rate, seed, device
        As in `isthmus.Autoencoder`.
    schema, missing
        Likewise, for tables in which guessing kinds or missing cells would go wrong.

    Attributes
    ----------
    model_
        The fitted `Autoencoder`: its `outliers(X).explain()` says why. Rows that it makes up are held to no rules.
    offset_
        `decision_function` is `score_samples` less this.
    decision_scores_
        Bits (rows,) of oddness of the training rows: a score of s is that of about one row in 2^s.
    threshold_
        The score above which a row is an outlier.
    labels_
        1 for the training rows above it, 0 for the others.
    n_features_in_, feature_names_in_
        Columns in the training data, and their names where they have any.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(200, 3))
    >>> rows[:2] = 9
    >>> found = OutlierDetector(contamination=0.01).fit_predict(rows)
    >>> np.flatnonzero(found == -1)
    array([0, 1])
    """

    def __init__(
        self,
        contamination: float | Literal["auto"] = 0.1,
        *,
        epochs: float | None = None,
        width: int = 64,
        blocks: int = 1,
        batch_size: int = 256,
        learning_rate: float = 3e-3,
        seed: int = 0,
        device: str = "auto",
        schema: Schema | Mapping[str, str] | None = None,
        missing: Collection[object] = (),
    ) -> None:
        self.contamination = contamination
        self.epochs = epochs
        self.width = width
        self.blocks = blocks
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.seed = seed
        self.device = device
        self.schema = schema
        self.missing = missing

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn what is usual from a table, which may hold outliers itself; `y` is ignored.

        Raises
        ------
        DataError, UsageError
            In one line: what is wrong with the data or the settings, where, and what to do.
        """
        share = self._share()
        table = open_table(X, missing=self.missing)
        settings = {name: value for name, value in self.get_params(deep=False).items() if name != "contamination"}
        self.model_ = learn_usual(table, table.rows, settings)
        self.n_features_in_ = self.model_.n_features_in_
        if hasattr(self.model_, "feature_names_in_"):
            self.feature_names_in_ = self.model_.feature_names_in_
        self.decision_scores_: Floats = self.model_.outliers(table).scores
        self.threshold_ = -np.log2(FALSE_ALARMS) if share is None else np.quantile(self.decision_scores_, 1 - share)
        self.offset_ = -float(self.threshold_)
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(np.int64)
        return self

    def score_samples(self, X: Any) -> Floats:
        """Minus the bits (rows,) of oddness: lower is odder."""
        check_is_fitted(self, "model_")
        return -self.model_.outliers(X).scores

    def decision_function(self, X: Any) -> Floats:
        """Give how far rows (rows,) are from being called outliers: negative for outliers."""
        return self.score_samples(X) - self.offset_

    def predict(self, X: Any) -> Signs:
        """Give -1 for outliers and 1 for the others (rows,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def fit_predict(self, X: Any, y: Any = None) -> Signs:
        """Fit, and give -1 for outliers among the same rows and 1 for the others (rows,)."""
        return np.where(self.fit(X).labels_ == 1, -1, 1)

    def _share(self) -> float | None:
        """Read `contamination`: a share, or None for "auto"."""
        given = self.contamination
        if isinstance(given, str) and given == "auto":
            return None
        if isinstance(given, str) or not 0 < given <= 0.5:
            raise UsageError(f"contamination is {given!r}; give a share above 0 and up to 0.5, or 'auto'")
        return float(given)


def learn_usual(table: Any, rows: int, settings: Mapping[str, Any]) -> Autoencoder:
    """Fit an autoencoder to a table for its scores alone, by default for as many epochs as 200 steps take."""
    batch, epochs = settings["batch_size"], settings["epochs"]
    chosen = STEPS * batch / max(rows, batch) if epochs is None else epochs
    model = Autoencoder(**{**settings, "epochs": chosen})
    return model.learn(table, replace(read_settings(model), makes_rows=False))
