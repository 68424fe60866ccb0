"""Amplification under imbalanced-learn's names: a sampler that stands in its pipelines where SMOTE would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_target_type
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from isthmus.data.schema import Schema
from isthmus.data.sources import Table, open_table
from isthmus.data.tables import append_rows
from isthmus.errors import UsageError
from isthmus.given import Given
from isthmus.mixed import MixedTables
from isthmus.model import Autoencoder
from isthmus.tasks.amplify import amplify


class Amplifier(MixedTables, BaseOverSampler):  # type: ignore[misc]
    """Add synthetic rows of the rare classes, drawn from an autoencoder fitted to the rows and their classes.

    It needs the package imbalanced-learn.

    Parameters
    ----------
    sampling_strategy
        imbalanced-learn's: "auto" makes every class as frequent as the most frequent one; a number is the ratio
        of the rare class to the other; a dictionary names how many rows each class is to have.
    autoencoder
        An `Autoencoder` whose settings are used; None for the defaults.
    random_state
        Decides every draw. The fit follows the autoencoder's own seed.

    Attributes
    ----------
    sampling_strategy_
        How many rows were added, by class.
    autoencoder_
        The fitted model; its last column is the class.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> y = (X[:, 0] > 1.2).astype(int)
    >>> X_more, y_more = Amplifier(autoencoder=Autoencoder(epochs=20)).fit_resample(X, y)
    >>> int((y_more == 1).sum()) == int((y_more == 0).sum()) == int((y == 0).sum())
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseOverSampler._parameter_constraints,
        "autoencoder": [Autoencoder, None],
    }

    def __init__(
        self,
        *,
        sampling_strategy: Any = "auto",
        autoencoder: Autoencoder | None = None,
        random_state: Any = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.autoencoder = autoencoder
        self.random_state = random_state

    def _check_X_y(self, X: Any, y: Any) -> tuple[Any, Any, bool]:  # noqa: N802 (imbalanced-learn's name)
        """Leave the rows as they are, so that words, dates and missing cells reach the autoencoder."""
        y, one_against_all = check_target_type(y, indicate_one_vs_all=True)
        X = X if hasattr(X, "columns") else np.asarray(X)
        validate_data(self, X=X, y=y, reset=True, skip_check_array=True)
        return X, y, one_against_all

    def _fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        table = open_table(X)
        target = _free_name("class", table.columns.column_names)
        both = Table(table.columns.append_column(target, pa.array(y)), table.flavour)
        model = clone(self.autoencoder) if self.autoencoder is not None else Autoencoder()
        if isinstance(model.schema, Schema):
            raise UsageError("autoencoder's schema says nothing of the class: give kinds by column name instead")
        self.autoencoder_ = model.set_params(schema={**(model.schema or {}), target: "category"}).fit(both)
        rng = check_random_state(self.random_state)
        columns, classes = table.columns, [y]
        x = model.codec_.encode(both)
        for each, n in self.sampling_strategy_.items():
            kind, seed = Given.read({target: each}, model.schema_, model.net_.columns), int(rng.randint(2**31))
            made = model.codec_.decode(amplify(model.net_, x, kind.values, kind.limits, n, seed))
            columns, classes = append_rows(columns, made), [*classes, np.full(n, each, dtype=y.dtype)]
        return table.give(columns), np.concatenate(classes)


def _free_name(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name += "_"
    return name
