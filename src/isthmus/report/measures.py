"""How near one table comes to another: cell by cell where rows belong together, else by column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isthmus.data.variables import Variable

__all__ = ["Fidelity", "fidelity", "shape"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fidelity:
    """How well the cells of one column came back."""

    column: str
    numeric: bool
    value: float

    @property
    def measure(self) -> str:
        """What `value` is."""
        return "NRMSE" if self.numeric else "accuracy"

    def beats(self, other: Fidelity) -> bool:
        """Whether this is better: a smaller error, a larger share."""
        return self.value < other.value if self.numeric else self.value > other.value


def fidelity(
    variables: tuple[Variable, ...],
    truth: Floats,
    guess: Floats,
    spread: Floats,
    cells: npt.NDArray[np.bool_] | None = None,
) -> list[Fidelity]:
    """Compare cells that belong together, column by column.

    Parameters
    ----------
    variables
        What the columns are.
    truth, guess
        Values (rows, columns): categories as indices, numbers as they are, NaN where missing.
    spread
        Standard deviations (columns,) of training rows, the unit of numeric errors.
    cells
        Which cells (rows, columns) count; all by default.

    Returns
    -------
    list of Fidelity
        The share of categories that are equal, or the root mean squared error of numbers in units of `spread`
        (Boolean, Category: the first; Count, Number, Moment: the second).
    """
    found = []
    for j, variable in enumerate(variables):
        chosen = np.ones(len(truth), dtype=bool) if cells is None else cells[:, j]
        true, said = truth[chosen, j], guess[chosen, j]
        numeric = variable.size is None
        if numeric:
            known = ~np.isnan(true) & ~np.isnan(said)
            error = (said[known] - true[known]) / max(float(spread[j]), 1e-12)
            value = float(np.sqrt((error**2).mean())) if known.any() else 0.0
        else:
            same = (true == said) | (np.isnan(true) & np.isnan(said))
            value = float(same.mean()) if len(same) else 1.0
        found.append(Fidelity(variable.name, numeric, value))
    return found


def shape(real: Floats, other: Floats, *, numeric: bool) -> float:
    """Compare the values of one column (rows,) in two tables, from 0 (nothing shared) to 1 (the same).

    One minus the Kolmogorov-Smirnov statistic of numbers, one minus the total variation distance of
    categories: the column shapes of SDMetrics, computed on all values.

    Examples
    --------
    >>> shape(np.array([0.0, 0, 0, 1]), np.array([0.0, 1, 1, 1]), numeric=False)
    0.5
    """
    if numeric:
        tables = [np.sort(column[~np.isnan(column)]) for column in (real, other)]
        below = [np.searchsorted(table, np.concatenate(tables), "right") / max(len(table), 1) for table in tables]
        return 1 - float(np.abs(below[0] - below[1]).max(initial=0.0))
    values = np.union1d(real, other)
    shares = [(table[:, None] == values).mean(0) for table in (real, other)]
    return 1 - float(np.abs(shares[0] - shares[1]).sum()) / 2
