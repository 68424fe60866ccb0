"""What a column owes to others: cells that follow from cells known already, wholly or but for a remainder.

Four ways to foretell a column, in the whole numbers of `isthmus.data.integers`:

- nothing;
- the row before it, where rows are sorted or change slowly;
- a sum or difference of two other columns, times of day going round the clock;
- a table that others look up, where they determine it.

What is left to write is the remainder, which a good foretelling makes small or nought.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TypeAlias

import numpy as np

from isthmus.tasks.compress.coder import Ints

NOTHING = np.iinfo(np.int64).min + 1
"""Cells up to here are no numbers: missing, or strange to the schema."""
DAY = 1440
_SAMPLE = 20_000
_OTHERS = 20
"""Columns tried together to foretell one: for sums the nearest, which people put side by side, else the smallest."""
_WIDE = 60
_WORTH = 0.25
"""Bits a row that a relation must save."""
_ENTRY = 6.0
"""Bits that an entry of a table is taken to cost."""


@dataclass(frozen=True, eq=False)
class Relation:
    """How one column is foretold.

    Attributes
    ----------
    kind
        "none", "previous", "sum" or "lookup".
    parts
        The columns it is foretold from.
    signs
        Of a sum, +1 or -1 each.
    wrap
        Of a sum, where numbers begin again: None, or the least of a day's minutes.
    keys, values
        Of a lookup, combinations (entries, parts) in ascending order, and what goes with each.
    """

    kind: str = "none"
    parts: tuple[int, ...] = ()
    signs: tuple[int, ...] = ()
    wrap: int | None = None
    keys: Ints = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    values: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def foretell(self, known: Ints) -> Ints:
        """Foretell a column (rows,) from known ones (rows, columns); 0 where these say nothing. Not of "previous"."""
        if self.kind == "sum":
            cells = known[:, list(self.parts)]
            there = np.all(cells > NOTHING, axis=1)
            found = (np.where(there[:, None], cells, 0) * np.array(self.signs)).sum(1)
            return found if self.wrap is None else np.where(there, (found - self.wrap) % DAY + self.wrap, 0)
        if self.kind == "lookup":
            return self._look_up(known[:, list(self.parts)])
        return np.zeros(len(known), np.int64)

    def _look_up(self, cells: Ints) -> Ints:
        """Find each row's entry by the places of its cells among those of the keys, one column after another."""
        place, keys = np.zeros(len(cells), np.int64), np.zeros(len(self.keys), np.int64)
        seen = np.ones(len(cells), bool)
        for j in range(cells.shape[1]):
            levels = np.unique(self.keys[:, j])
            at = np.minimum(np.searchsorted(levels, cells[:, j]), len(levels) - 1)
            seen &= levels[at] == cells[:, j]
            place = place * len(levels) + at
            keys = keys * len(levels) + np.searchsorted(levels, self.keys[:, j])
        at = np.minimum(np.searchsorted(keys, place), len(keys) - 1)
        return np.where(seen & (keys[at] == place), self.values[at], 0)


_Saving: TypeAlias = tuple[float, int, Relation]


def entropy(cells: Ints) -> float:
    """Bits a cell (rows,) by how often each value occurs, and where they hardly repeat what listing them costs."""
    values, count = np.unique(cells, return_counts=True)
    bits = -(count / len(cells) * np.log2(count / len(cells))).sum()
    if len(values) <= 64:
        return float(bits)
    low, high = np.quantile(values, [0.05, 0.95])
    return float(bits + len(values) / len(cells) * np.log2((high - low) / len(values) + 2))


def find(
    cells: Ints, numeric: Sequence[bool], clocks: Sequence[bool], scales: Sequence[int], stepped: float
) -> list[Relation]:
    """Find how columns (rows, columns) are best foretold, none of them from itself in the end.

    Parameters
    ----------
    cells
        Rows in their order.
    numeric, clocks
        Which columns hold numbers, and which of these minutes of a day.
    scales
        Decimals of each: only columns of the same may be added.
    stepped
        Share of a column's bits that its steps from row to row may take, to be written in its place: other columns may
        say more of the cells than of the steps.
    """
    rows, columns = cells.shape
    start = int(np.random.default_rng(0).integers(0, max(rows - _SAMPLE, 0) + 1))
    run = cells[start : start + _SAMPLE]
    spread = cells[np.sort(np.random.default_rng(1).permutation(rows)[:_SAMPLE])]
    found: list[_Saving] = []
    for j in range(columns):
        alone = [entropy(few[:, j]) for few in (run, spread)]
        step = entropy(remainder(Relation("previous"), run, j))
        if step < alone[0] * stepped:
            found.append((alone[0] - step, j, Relation("previous")))
        for relation in _sums(spread, j, numeric, clocks, scales) if numeric[j] else []:
            found.append((alone[1] - entropy(remainder(relation, spread, j)), j, relation))
        found += [(alone[1] - len(t.values) * _ENTRY / rows, j, t) for t in _tables(cells, spread, j)]
    return _best([each for each in found if each[0] > _WORTH], columns)


def _best(found: list[_Saving], columns: int) -> list[Relation]:
    """Choose what saves most in all: first what saves most each, then whatever is better forced upon the others."""
    found = sorted(found, key=lambda each: -each[0])
    forced: list[_Saving] = []
    chosen = _acyclic(found)
    while True:
        tries = [(_acyclic([one, *forced, *found]), one) for one in found if chosen.get(one[1]) is not one]
        better, one = max(tries, key=lambda each: _saved(each[0]), default=(chosen, None))
        if one is None or _saved(better) <= _saved(chosen) + 1e-9:
            break
        chosen, forced = better, [one, *forced]
    return [chosen[j][2] if j in chosen else Relation() for j in range(columns)]


def _saved(chosen: dict[int, _Saving]) -> float:
    return sum(saving for saving, _, _ in chosen.values())


def _acyclic(found: list[_Saving]) -> dict[int, _Saving]:
    """Take one relation after another, as long as no column follows from itself."""
    chosen: dict[int, _Saving] = {}

    def follows(j: int, start: int) -> bool:
        return j == start or (j in chosen and any(follows(part, start) for part in chosen[j][2].parts))

    for one in found:
        _, j, relation = one
        if j not in chosen and not any(follows(part, j) for part in relation.parts):
            chosen[j] = one
    return chosen


def remainder(relation: Relation, cells: Ints, j: int) -> Ints:
    """Give what is left of a column (rows,) once it is foretold; what is no number stays as it is."""
    column = cells[:, j]
    if relation.kind == "previous":
        return np.where(column > NOTHING, column - _before(column), column)
    return np.where(column > NOTHING, column - relation.foretell(cells), column)


def _before(column: Ints) -> Ints:
    """Give the last number (rows,) before each row, for the first row its own."""
    there = column > NOTHING
    last = np.maximum.accumulate(np.where(there, np.arange(len(column)), -1))
    first = column[np.argmax(there)] if there.any() else 0
    held = np.where(last >= 0, column[last], first)
    return np.concatenate([[first], held[:-1]])


def add_up(steps: Ints, first: int) -> Ints:
    """Undo "previous": sum steps (rows,) from the first number on."""
    there = steps > NOTHING
    return np.where(there, first + np.cumsum(np.where(there, steps, 0)), steps)


def _sums(
    spread: Ints, j: int, numeric: Sequence[bool], clocks: Sequence[bool], scales: Sequence[int]
) -> list[Relation]:
    """Try differences from one other column, and sums and differences of two; give the best few."""
    others = [i for i in range(spread.shape[1]) if i != j and numeric[i] and scales[i] == scales[j]]
    others = sorted(others, key=lambda i: abs(i - j))[: _OTHERS if spread.shape[1] <= _WIDE else _OTHERS // 2]
    few = spread[:: max(len(spread) // 4000, 1)]
    tries = []
    for parts in [*((i,) for i in others), *combinations(others, 2)]:
        timed = any(clocks[i] for i in parts)
        wrap = None if not timed else 0 if clocks[j] else -DAY // 2
        for signs in [(1,)] if len(parts) == 1 else [(1, 1), (1, -1), (-1, 1)]:
            relation = Relation("sum", parts, signs, wrap)
            tries.append((entropy(remainder(relation, few, j)) + 0.01 * len(parts), relation))
    return [relation for _, relation in sorted(tries, key=lambda each: each[0])[:4]]


def _tables(cells: Ints, spread: Ints, j: int) -> list[Relation]:
    """Find the fewest columns of few levels that determine this one: tables that others look up."""
    level = [np.unique(column, return_inverse=True)[1] for column in spread.T]
    sizes = [int(each.max(initial=0)) + 1 for each in level]
    if sizes[j] < 2:
        return []
    others = [i for i in np.argsort(sizes).tolist() if i != j and 1 < sizes[i] <= len(spread) // 4]
    for many, most in ((1, len(others)), (2, _OTHERS), (3, _OTHERS // 2)):
        for parts in combinations(others[:most], many):
            key = level[parts[0]]
            for part in parts[1:]:
                key = key * sizes[part] + level[part]
            if _determines(key, level[j], sizes[j]) and (table := _table(cells, parts, j)) is not None:
                return [table]
    return []


def _determines(key: Ints, target: Ints, size: int) -> bool:
    """Whether rows of the same key (rows,) have the same target (rows,), and keys repeat enough for that to say so."""
    order = np.argsort(key[: _SAMPLE // 10], kind="stable")  # most fail within a few rows
    near, aimed = key[order], target[order]
    if ((near[1:] == near[:-1]) & (aimed[1:] != aimed[:-1])).any():
        return False
    keys = len(np.unique(key))
    return keys <= len(key) // 2 and len(np.unique(key * size + target)) == keys


def _table(cells: Ints, parts: tuple[int, ...], j: int) -> Relation | None:
    """Write down what goes with each combination of others, if that is one thing and there are few of them."""
    key = np.zeros(len(cells), np.int64)
    for part in parts:
        level = np.unique(cells[:, part], return_inverse=True)[1]
        key = key * (int(level.max()) + 1) + level
    _, first, key = np.unique(key, return_index=True, return_inverse=True)
    values = cells[first, j]
    if len(first) > max(len(cells) // 8, 2) or not np.array_equal(values[key], cells[:, j]):
        return None
    if (values <= NOTHING).any():
        return None
    return Relation("lookup", parts, keys=cells[first][:, list(parts)], values=values)
