"""What `outliers` gives back: scores, an order, and the cells that make a row odd."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.cleaned import read
from isthmus.data.sources import Table
from isthmus.errors import UsageError
from isthmus.tasks.batches import Flags, Floats
from isthmus.tasks.cells import suspect
from isthmus.tasks.outliers import Views, expected

if TYPE_CHECKING:
    from isthmus.jobs import Jobs


class Outliers:
    """Rows by how odd they are.

    Attributes
    ----------
    scores
        Oddness in bits (rows,): a score of s means that about one training row in 2^s is as odd as this.
    order
        Row numbers (rows,), oddest first.
    """

    def __init__(self, model: Jobs, table: Table, x: Floats, seen: Views) -> None:
        self._model, self._table, self._x = model, table, x
        reference = model.reference_
        self.scores: Floats = reference.scores(seen)
        self.order: npt.NDArray[np.int64] = np.argsort(-self.scores, kind="stable")
        self._surprise = reference.rarity(seen)
        self._numbers: npt.NDArray[np.int64] = np.arange(len(x))

    @staticmethod
    def joined(parts: Iterable[tuple[Floats, Outliers]], keep: int) -> Outliers:
        """Join what was found in a table's parts: all their scores, and the oddest rows of each, to be explained.

        How likely a cell is wrong is then judged with the held rows in view, and not with all of them.
        """
        scores: list[Floats] = []
        start, held = 0, Outliers.__new__(Outliers)
        for own, odd in parts:
            odd._numbers = odd._numbers + start
            start += len(own)
            held = held._with(odd).oddest(keep) if scores else odd
            scores.append(own)
        held.scores = np.concatenate(scores)
        held.order = np.argsort(-held.scores, kind="stable")
        return held

    def oddest(self, keep: int) -> Outliers:
        """Hold only so many of the oddest rows, in their order."""
        places = np.sort(np.argsort(-self.scores, kind="stable")[:keep])
        table = replace(self._table, columns=self._table.columns.take(pa.array(places)))
        return self._holding(table, *(each[places] for each in self._arrays))

    def _with(self, other: Outliers) -> Outliers:
        """Hold the rows of another as well."""
        table = replace(self._table, columns=pa.concat_tables([self._table.columns, other._table.columns]))
        both = zip(self._arrays, other._arrays, strict=True)
        return self._holding(table, *(np.concatenate(pair) for pair in both))

    @property
    def _arrays(self) -> tuple[Any, ...]:
        """What is known of the held rows, as `_holding` takes it."""
        return self._x, self.scores, self._surprise, self._numbers

    def _holding(
        self, table: Table, x: Floats, scores: Floats, surprise: Floats, numbers: npt.NDArray[np.int64]
    ) -> Outliers:
        held = Outliers.__new__(Outliers)
        held._model, held._table, held._x = self._model, table, x
        held.scores, held._surprise, held._numbers = scores, surprise, numbers
        return held

    def pass_over(self, rows: Flags) -> None:
        """Take rows (rows,) for usual, whatever they look like: their scores become 0."""
        self.scores = np.where(rows, 0.0, self.scores)
        self.order = np.argsort(-self.scores, kind="stable")

    def flags(self, share: float | None = None, *, false_alarms: float | None = None) -> Flags:
        """Say which rows (rows,) to call outliers.

        Parameters
        ----------
        share
            The share of these rows that is expected to be odd: so many of the oddest are flagged.
        false_alarms
            The share of usual rows that may be flagged by mistake, on these or any other rows.
        """
        if (share is None) == (false_alarms is None):
            raise UsageError("give either the share of rows to flag, or the share of false alarms")
        name, given = ("share", share) if share is not None else ("false_alarms", false_alarms)
        if given is None or not 0 < given < 1:
            raise UsageError(f"{name} is {given!r}; give a number between 0 and 1")
        if false_alarms is not None:
            return np.asarray(self.scores >= -np.log2(false_alarms))
        flags = np.zeros(len(self.scores), dtype=np.bool_)
        flags[self.order[: round(given * len(flags))]] = True
        return flags

    @property
    def surprise(self) -> dict[str, Floats]:
        """Bits (held rows,) by which each column's cells surprise: of s bits, one training row in 2^s is as odd."""
        return {v.name: self._surprise[:, j] for j, v in enumerate(self._model.schema_.coded)}

    def explain(self, top: int = 10, cells: int = 3, rows: Sequence[int] | None = None) -> pa.Table:
        """Say which cells make the oddest rows odd, or those that `rows` names.

        Returns
        -------
        pyarrow.Table
            One line a cell, `cells` of each of the `top` oddest rows, those that are likely wrong first, then the most
            surprising: `rank`, `row` (from 0), `score`, `column`, `value`, `expected` from the rest of the row,
            `surprise` in bits (of s bits: about one training row in 2^s is as odd in this column), and `wrong`, the
            probability that the cell is an error and not just odd.
        """
        asked = self.order[:top] if rows is None else np.asarray(rows, np.int64)
        places = np.searchsorted(self._numbers, asked)
        names = [variable.name for variable in self._model.schema_.coded]
        surprise, wrong = self._surprise[places], self._wrong(places)
        likely = np.where(wrong > 0.5, wrong, 0.0)
        expectation = self._model.codec_.decode(expected(self._model.net_, self._x[places]))
        lines: list[dict[str, Any]] = []
        for rank, row in enumerate(asked):
            told = 0
            for j in np.lexsort((-surprise[rank], -likely[rank])):
                value = _word(self._cell(names[j], int(places[rank])))
                wanted = _word(expectation[names[j]][rank].as_py())
                if value == wanted or told == cells:  # what is as expected does not make a row odd
                    continue
                told += 1
                line = {"rank": rank + 1, "row": int(row), "score": float(self.scores[row]), "column": names[j]}
                told_of = {"surprise": float(surprise[rank, j]), "wrong": float(wrong[rank, j])}
                lines.append(line | {"value": value, "expected": wanted} | told_of)
        return pa.Table.from_pylist(lines, _EXPLAINED)

    def _wrong(self, rows: npt.NDArray[np.int64]) -> Floats:
        """Probability (rows, columns) that a cell is an error; NaN from a model that cannot hide one cell alone."""
        model = self._model
        if not model.net_.unmasks:
            return np.full((len(rows), self._x.shape[1]), np.nan)
        x, ways = read(model.schema_, model.net_, self._table, self._x, model.fitted_["rows"])
        return suspect(model.net_, x[rows], ways).wrong

    def _cell(self, name: str, row: int) -> Any:
        columns = self._table.columns
        return columns[name][row].as_py() if name in columns.column_names else None


_EXPLAINED = pa.schema(
    {
        "rank": pa.int64(),
        "row": pa.int64(),
        "score": pa.float64(),
        "column": pa.string(),
        "value": pa.string(),
        "expected": pa.string(),
        "surprise": pa.float64(),
        "wrong": pa.float64(),
    }
)


def _word(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
