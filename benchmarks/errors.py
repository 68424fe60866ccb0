"""Wrong cells put into a right table, of kinds that people and programs make, each one noted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sources import numeric

FACTORS = (10.0, 100.0, 0.1)
"""What numbers in wrong units are multiplied by."""

EXPECTED = 5
"""Two values are impossible together if no row has both, though chance would give this many rows."""


@dataclass(frozen=True)
class Spoilt:
    """A table with wrong cells: `cells` has for each its `row`, `column` and `kind`."""

    frame: pd.DataFrame
    cells: pd.DataFrame


def spoil(frame: pd.DataFrame, share: float, seed: int) -> Spoilt:
    """Make a share of all cells wrong, chosen at random, as many in each of five ways as the columns allow.

    Categories: a `typo` (one letter lost, doubled, changed or two exchanged); a `swap` with another row's cell; a value
    `impossible` beside another of the row; an exchange with another category of the row (`columns`). Numbers: wrong
    `units` (ten or a hundred times as much, or a tenth); a `swap`; an exchange with another number of the row. No cell
    is made wrong twice, and none is noted that came out as it was.

    Examples
    --------
    >>> right = pd.DataFrame({"size": np.arange(1, 101), "zone": ["hill", "harbour"] * 50})
    >>> wrong = spoil(right, 0.05, seed=0)
    >>> len(wrong.cells), int((wrong.frame != right).to_numpy().sum())
    (10, 10)
    """
    return _Spoiler(frame, np.random.default_rng(seed)).run(share)


class _Spoiler:
    """Draws wrong cells one after another."""

    def __init__(self, frame: pd.DataFrame, rng: np.random.Generator) -> None:
        self.right, self.rng = frame, rng
        self.numbers = set(numeric(frame))
        self.cells = {name: frame[name].to_numpy(object).copy() for name in frame}
        self.done: dict[tuple[int, str], str] = {}
        self.counts: Counter[str] = Counter()
        self.levels = pd.DataFrame({name: _level(frame[name], name in self.numbers) for name in frame})
        self.never = {name: self._never(name) for name in frame if name not in self.numbers}

    def run(self, share: float) -> Spoilt:
        """Spoil random cells, always in the way that has spoilt fewest yet, until there are enough of them."""
        names, (rows, width) = list(self.cells), self.right.shape
        wanted = round(share * rows * width)
        ways = {
            "typo": self._typo, "impossible": self._impossible, "units": self._units,
            "swap": self._swap, "columns": self._columns,
        }  # fmt: skip
        for _ in range(100 * wanted):
            if len(self.done) >= wanted:
                break
            fewest = min(ways, key=lambda kind: self.counts[kind])
            ways[fewest](int(self.rng.integers(rows)), names[self.rng.integers(width)])
            self.counts[fewest] += 0.01  # a way that no column allows is not tried for ever
        cells = pd.DataFrame([(*cell, kind) for cell, kind in self.done.items()], columns=["row", "column", "kind"])
        columns = {name: pd.Series(column).infer_objects() for name, column in self.cells.items()}
        return Spoilt(pd.DataFrame(columns), cells)

    def _put(self, kind: str, *cells: tuple[int, str, Any]) -> None:
        """Write values into cells, all of them or none: none may be right or have been spoilt before."""
        if any((row, name) in self.done or self.right[name].iat[row] == value for row, name, value in cells):
            return
        for row, name, value in cells:
            self.cells[name][row] = value
            self.done[row, name] = kind
            self.counts[kind] += 1

    def _typo(self, row: int, name: str) -> None:
        if name not in self.numbers:
            self._put("typo", (row, name, _mistype(str(self.cells[name][row]), self.rng)))

    def _impossible(self, row: int, name: str) -> None:
        if name in self.numbers:
            return
        values, pairs = self.never[name]
        never = np.any([table[:, self.levels[other].iat[row]] for other, table in pairs.items()], axis=0)
        if never.any():
            self._put("impossible", (row, name, self.rng.choice(values[never])))

    def _units(self, row: int, name: str) -> None:
        if name in self.numbers:
            self._put("units", (row, name, round(self.cells[name][row] * self.rng.choice(FACTORS), 9)))

    def _swap(self, row: int, name: str) -> None:
        other, column = int(self.rng.integers(len(self.right))), self.cells[name]
        self._put("swap", (row, name, column[other]), (other, name, column[row]))

    def _columns(self, row: int, name: str) -> None:
        alike = [other for other in self.cells if other != name and (other in self.numbers) == (name in self.numbers)]
        if alike:
            other = alike[self.rng.integers(len(alike))]
            self._put("columns", (row, name, self.cells[other][row]), (row, other, self.cells[name][row]))

    def _never(self, name: str) -> tuple[Any, dict[str, Any]]:
        """Give a column's values, and for each other column which pairs of values (values, levels) never occur."""
        codes, values = pd.factorize(self.right[name], sort=True)
        pairs = {}
        for other in self.levels.columns.drop(name):
            level = self.levels[other].to_numpy()
            counts = np.zeros((len(values), level.max() + 1))
            np.add.at(counts, (codes, level), 1)
            chance = counts.sum(1, keepdims=True) * counts.sum(0) / len(codes)
            pairs[other] = (counts == 0) & (chance >= EXPECTED)
        return np.asarray(values, dtype=object), pairs


def _level(column: pd.Series, number: bool) -> Any:
    """Give each cell's value, or tenth of the numbers, as a position."""
    if not number:
        return pd.factorize(column, sort=True)[0]
    return np.searchsorted(np.unique(np.quantile(column, np.arange(0.1, 1, 0.1))), column, side="right")


def _mistype(word: str, rng: np.random.Generator) -> str:
    """Lose, double, change or exchange a letter."""
    i = int(rng.integers(len(word)))
    letter = "abcdefghijklmnopqrstuvwxyz"[rng.integers(26)]
    exchanged = word[:i] + word[i + 1 : i + 2] + word[i : i + 1] + word[i + 2 :]
    ways = [word[:i] + word[i + 1 :], word[: i + 1] + word[i:], word[:i] + letter + word[i + 1 :], exchanged]
    return ways[rng.integers(len(ways))] or word
