"""Series: rows in the order of time, and an estimator that learns what each moment is like between its neighbours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from torch import Tensor

from isthmus import store
from isthmus.data.series import clock_of, moments_of, numbers_of, times
from isthmus.data.sources import Table, open_table
from isthmus.detector import learn_usual
from isthmus.errors import DataError, UsageError
from isthmus.model import Autoencoder
from isthmus.results import Outliers

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

REACH, LEAST = 8, 32
"""Scales on either side of a moment, where the series is long enough, and rows that a series must have."""
EDGE = 0.5
"""Moments beside an odd one belong to it while their scores are more than this share of its own."""


class SeriesAutoencoder(BaseEstimator):  # type: ignore[misc]
    """An autoencoder of moments: each with the means of what comes before and after, the farther the coarser.

    Rows are in the order of time and evenly apart. What a moment is seen with are means of one value, the two beyond,
    the four beyond those, and so on, of each column of numbers on either side; and, where a column of times shows that
    days go by, the hour and the day of the week. Those are the columns of a table, and an `Autoencoder` of it does the
    rest: nothing else tells a series from rows without order.

    Parameters
    ----------
    columns
        The columns of numbers to look at; by default all.
    reach
        How many means on either side; by default 8, of up to 255 values away, or fewer where a series is short.
    epochs, budget
        Passes over the moments, by default as many as 200 steps take; or time to train.
    width, blocks, batch_size, learning_rate, seed, device, verbose
        As in `isthmus.Autoencoder`.
    missing
        Values that mean "missing" beside the usual ones. Gaps are allowed anywhere: what is around them is seen as if
        the values in them lay on a line, and a moment without any value is not odd.

    Attributes
    ----------
    model_
        The `Autoencoder` of moments, which `moments(X)` makes rows for: it maps them, groups them, and so on.

    Examples
    --------
    >>> load = np.sin(np.arange(2000) / 8) + 0.05 * np.random.default_rng(0).normal(size=2000)
    >>> load[300:316] = 0.0
    >>> model = SeriesAutoencoder().fit({"load": load})
    >>> odd = model.outliers({"load": load})
    >>> odd.stretches(1)
    [(316, 308, 322)]
    """

    kind = "series"
    model_: Autoencoder
    facts_: dict[str, Any]

    def __init__(
        self,
        *,
        columns: Sequence[str] | None = None,
        reach: int | None = None,
        epochs: float | None = None,
        budget: float | str | None = None,
        width: int = 64,
        blocks: int = 1,
        batch_size: int = 256,
        learning_rate: float = 3e-3,
        seed: int = 0,
        device: str = "auto",
        missing: Collection[object] = (),
        verbose: bool = False,
    ) -> None:
        self.columns = columns
        self.reach = reach
        self.epochs = epochs
        self.budget = budget
        self.width = width
        self.blocks = blocks
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.seed = seed
        self.device = device
        self.missing = missing
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn what is usual from a series, which may hold odd stretches itself; `y` is ignored.

        Parameters
        ----------
        X
            A table in the order of time, as a path, a frame, an array (rows, columns) or {name: values}.

        Raises
        ------
        DataError, UsageError
            In one line: what is wrong with the data or the settings, where, and what to do.
        """
        if self.reach is not None and not (isinstance(self.reach, int) and 1 <= self.reach <= 20):
            raise UsageError(f"reach is {self.reach!r}; give 1 to 20 scales")
        table = self._opened(X)
        if table.rows < LEAST:
            raise DataError(f"a series of {table.rows:,} rows: {LEAST} are needed at least to tell what is usual")
        columns = list(numbers_of(table.columns, self.columns))
        reach = self.reach or min(REACH, int(np.log2(table.rows / 4)))
        facts: dict[str, Any] = {"columns": columns, "reach": reach, "clock": list(clock_of(table.columns))}
        settings = {name: value for name, value in self.get_params(deep=False).items() if name not in _OWN}
        self.model_ = learn_usual(moments_of(table.columns, **facts), table.rows, settings)
        self.facts_ = facts
        return self

    def moments(self, X: Any) -> pa.Table:
        """Give the table of moments that `model_` knows: (rows, columns x (1 + 2 x reach)), and what the clock says."""
        self._fitted()
        return moments_of(self._opened(X).columns, **self.facts_)

    def encode(self, X: Any) -> npt.NDArray[np.float32]:
        """Turn moments into codes (rows, size): alike where what happens around them is."""
        return np.asarray(self._fitted().encode(self.moments(X)), np.float32)

    def outliers(self, X: Any) -> OddMoments:
        """Score moments by how odd they are among their neighbours; `.explain()` names the stretches and says why."""
        model, table = self._fitted(), self._opened(X)
        found = model.outliers(moments_of(table.columns, **self.facts_))
        numbers = numbers_of(table.columns, self.facts_["columns"])
        found.pass_over(np.all([np.isnan(values) for values in numbers.values()], 0))
        return OddMoments(found, table.columns, self.facts_["columns"])

    def inspect(self) -> dict[str, Any]:
        """Give the facts: those of the autoencoder of moments, and what a moment is."""
        told = self._fitted().inspect()
        return told | {"series": dict(self.facts_)}

    def save(self, path: str | PathLike[str]) -> None:
        """Write to one safetensors file, from which `isthmus.load` makes the same again."""
        facts, tensors = self._fitted().to_file()
        store.write(path, self.kind, {"series": self.facts_, "model": facts}, tensors)

    @classmethod
    def from_file(cls, facts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> Self:
        """Make one from what a file holds."""
        model = Autoencoder.from_file(facts["model"], tensors, device)
        told = dict(facts["series"])
        self = cls(columns=told["columns"], reach=told["reach"], seed=model.seed, missing=model.missing)
        self.width, self.blocks, self.device = model.width, model.blocks, str(device)
        self.model_, self.facts_ = model, told
        return self

    def _opened(self, X: Any) -> Table:
        if isinstance(X, Mapping):
            X = pa.table({name: np.asarray(values) for name, values in X.items()})
        return open_table(X, missing=self.missing)

    def _fitted(self) -> Autoencoder:
        if not hasattr(self, "model_"):
            raise NotFittedError("this SeriesAutoencoder is not fitted yet: call fit first")
        return self.model_


_OWN = ("columns", "reach")


@dataclass(frozen=True)
class OddMoments:
    """Moments by how odd they are, and the stretches that they come in.

    Attributes
    ----------
    found
        The same as rows without order.
    table
        The series.
    columns
        Its columns of numbers that were looked at.
    """

    found: Outliers
    table: pa.Table
    columns: Sequence[str]

    @property
    def scores(self) -> Floats:
        """Oddness in bits (rows,): a score of s means that about one moment in 2^s is as odd."""
        return self.found.scores

    @property
    def order(self) -> Rows:
        """Row numbers (rows,), oddest first."""
        return self.found.order

    def flags(self, share: float | None = None, *, false_alarms: float | None = None) -> npt.NDArray[np.bool_]:
        """Say which moments (rows,) to call outliers, as `Outliers.flags` does."""
        return self.found.flags(share, false_alarms=false_alarms)

    def cells(self) -> dict[str, Floats]:
        """Give the bits (rows,) by which each column's own value surprises, given all around it."""
        surprise = self.found.surprise
        return {name: surprise[name] for name in self.columns if name in surprise}

    def stretches(self, top: int = 10) -> list[tuple[int, int, int]]:
        """Give the oddest stretches: the oddest moment of each, its first and its last, those of `top` at most.

        A stretch goes on while scores are more than half of its highest.
        """
        return stretches(self.scores, top)

    def explain(self, top: int = 10) -> pa.Table:
        """Say when it was odd, and what was.

        Returns
        -------
        pyarrow.Table
            One line a stretch, the oddest first: `rank`, `first` and `last` row (from 0), the times of these where the
            series tells them, `row`, the oddest of all, its `score`, and of it the `column` that surprises most, its
            `value`, and the value `expected`. A column such as "load, 2-3 after" is a mean of what comes after.
        """
        stretches = self.stretches(top)
        why = self.found.explain(rows=[row for row, _, _ in stretches], cells=1)
        told = {line["row"]: line for line in why.to_pylist()}
        when = times(self.table)
        lines = []
        for rank, (row, first, last) in enumerate(stretches, 1):
            line: dict[str, Any] = {"rank": rank, "first": first, "last": last}
            if when is not None:
                line |= {"from": str(when[1][first]), "to": str(when[1][last])}
            said = {name: told.get(row, {}).get(name) for name in ("column", "value", "expected")}
            lines.append(line | {"row": row, "score": float(self.scores[row])} | said)
        return pa.Table.from_pylist(lines)


def stretches(scores: Floats, top: int) -> list[tuple[int, int, int]]:
    """Give the oddest stretches of scores (rows,): the oddest moment of each, its first and its last.

    >>> stretches(np.array([0, 4, 9, 5, 0, 0, 3, 2.0]), 2)
    [(2, 2, 3), (6, 6, 7)]
    """
    free = np.ones(len(scores), np.bool_)
    found: list[tuple[int, int, int]] = []
    for row in np.argsort(-scores, kind="stable"):
        if len(found) == top:
            break
        if not free[row]:
            continue
        low = scores <= EDGE * scores[row]
        before, after = np.flatnonzero(low[:row]), np.flatnonzero(low[row + 1 :])
        first = int(before[-1]) + 1 if len(before) else 0
        last = int(row + after[0]) if len(after) else len(low) - 1
        if free[first : last + 1].all():
            found.append((int(row), first, last))
        free[first : last + 1] = False
    return found
