"""What `outliers` gives back: scores, an order, and the cells that make a row odd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.data.sources import Table
from isthmus.tasks.batches import Floats
from isthmus.tasks.outliers import Views, expected

if TYPE_CHECKING:
    from isthmus.model import Autoencoder


class Outliers:
    """Rows by how odd they are.

    Attributes
    ----------
    scores
        Oddness in bits (rows,): a score of s means that about one training row in 2^s is as odd as this.
    order
        Row numbers (rows,), oddest first.
    """

    def __init__(self, model: Autoencoder, table: Table, x: Floats, seen: Views) -> None:
        self._model, self._table, self._x = model, table, x
        reference = model.reference_
        self.scores: Floats = reference.scores(seen)
        self.order: npt.NDArray[np.int64] = np.argsort(-self.scores, kind="stable")
        self._surprise = reference.rarity(seen)

    def explain(self, top: int = 10, cells: int = 3) -> pa.Table:
        """Say which cells make the oddest rows odd.

        Returns
        -------
        pyarrow.Table
            One line a cell, the `cells` most surprising of each of the `top` oddest rows: `rank`, `row` (from
            0), `score`, `column`, `value`, `expected` from the rest of the row, and `surprise` in bits.
        """
        rows = self.order[:top]
        names = [variable.name for variable in self._model.schema_.coded]
        lines: list[dict[str, Any]] = []
        expectation = self._model.codec_.decode(expected(self._model.net_, self._x[rows]))
        for rank, row in enumerate(rows):
            for j in np.argsort(-self._surprise[row], kind="stable")[:cells]:
                here = names[j] in self._table.columns.column_names
                value = self._table.columns[names[j]][int(row)].as_py() if here else None
                lines.append(
                    {
                        "rank": rank + 1,
                        "row": int(row),
                        "score": round(float(self.scores[row]), 3),
                        "column": names[j],
                        "value": _word(value),
                        "expected": _word(expectation[names[j]][rank].as_py()),
                        "surprise": round(float(self._surprise[row, j]), 3),
                    }
                )
        return pa.Table.from_pylist(lines)


def _word(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
