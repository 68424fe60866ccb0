"""An autoencoder in the place of scikit-learn's `SimpleImputer`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from isthmus.data.sources import Table, open_table
from isthmus.data.tables import TableCodec
from isthmus.errors import UsageError
from isthmus.filled import fill
from isthmus.mixed import MixedTables
from isthmus.model import Autoencoder
from isthmus.tasks import impute


class Imputer(MixedTables, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer that fills missing cells, each from the rest of its row.

    It goes wherever `sklearn.impute.SimpleImputer` does: arrays in, arrays out; frames in, frames out, words and all.

    Parameters
    ----------
    autoencoder
        An `isthmus.Autoencoder` with the settings to fit with, itself left as it is; by default one with default
        settings.
    method
        "mode" for the likeliest value, "mean" for expected numbers, "sample" for a joint draw.
    add_indicator
        Whether to add a column for each that had missing cells when fitted, which says where they were.
    seed
        Of draws.

    Attributes
    ----------
    autoencoder_
        The fitted `isthmus.Autoencoder`.
    indicated_
        Names of the columns that `add_indicator` tells of.
    n_features_in_, feature_names_in_
        Columns in the training data, and their names where they have any.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> flowers = load_iris().data
    >>> gaps = flowers.copy()
    >>> gaps[::7, 2] = np.nan
    >>> full = Imputer(Autoencoder(epochs=20)).fit_transform(gaps)
    >>> full.shape, bool(np.isnan(full).any())
    ((150, 4), False)
    """

    def __init__(
        self,
        autoencoder: Autoencoder | None = None,
        *,
        method: impute.Method = "mode",
        add_indicator: bool = False,
        seed: int = 0,
    ) -> None:
        self.autoencoder = autoencoder
        self.method = method
        self.add_indicator = add_indicator
        self.seed = seed

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the autoencoder to a table with or without missing cells; `y` is ignored."""
        if self.method not in impute.METHODS:
            raise UsageError(f"method {self.method!r} is unknown; methods are {', '.join(impute.METHODS)}")
        model = Autoencoder() if self.autoencoder is None else clone(self.autoencoder)
        table = open_table(X, missing=model.missing)
        self.autoencoder_ = model.fit(table)
        self.n_features_in_ = model.n_features_in_
        if hasattr(model, "feature_names_in_"):
            self.feature_names_in_ = model.feature_names_in_
        self.columns_ = list(table.columns.column_names)
        self.indicated_ = [name for name in self.columns_ if table.columns[name].null_count]
        return self

    def transform(self, X: Any) -> Any:
        """Fill missing cells, and touch no other."""
        check_is_fitted(self, "autoencoder_")
        model = self.autoencoder_
        table = model._check(X)
        codec = TableCodec(model.schema_)
        values = impute.impute(model.net_, codec.encode(table), self.method, self.seed)
        columns = fill(codec, table, values, means=self.method == "mean")
        if self.add_indicator:
            for name in self.indicated_:
                columns = columns.append_column(f"missingindicator_{name}", _indicator(table, name))
        return table.give(columns)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Name the columns that come out."""
        check_is_fitted(self, "autoencoder_")
        given = self.columns_ if input_features is None else list(input_features)
        if input_features is not None and hasattr(self, "feature_names_in_") and given != self.columns_:
            raise ValueError("input_features is not equal to feature_names_in_")
        if len(given) != self.n_features_in_:
            raise ValueError("input_features should have length equal to number of features")
        renamed = dict(zip(self.columns_, given, strict=True))
        told = [f"missingindicator_{renamed[name]}" for name in self.indicated_] if self.add_indicator else []
        return np.asarray([*given, *told], dtype=object)


def _indicator(table: Table, name: str) -> pa.ChunkedArray:
    return table.columns[name].is_null()
