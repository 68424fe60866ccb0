"""Facts about rows as words: "zone hill or bay", "price at least 200,000", "age 45 to 60"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from isthmus.data.variables.base import Variable
from isthmus.tasks.contrast import Contrast


def in_words(variables: Sequence[Variable], facts: Sequence[Contrast]) -> list[dict[str, Any]]:
    """Give each fact as a dictionary of its `variable`, a `phrase`, `bits`, and the shares `inside` and `outside`."""
    return [
        {
            "variable": variables[each.column].name,
            "phrase": phrase(variables[each.column], each),
            "bits": each.bits,
            "inside": each.inside,
            "outside": each.outside,
        }
        for each in facts
    ]


def phrase(variable: Variable, fact: Contrast) -> str:
    """Say what rows have in common in one variable.

    Examples
    --------
    >>> from isthmus.data.variables.numeric import Count
    >>> rooms = Count("rooms", "int64", missing=True, low=1, high=9)
    >>> phrase(rooms, Contrast(0, 0.5, 0.9, 0.2, low=4, high=6))
    'rooms 4 to 6'
    >>> phrase(rooms, Contrast(0, 0.5, 0.9, 0.2, low=4))
    'rooms at least 4'
    """
    if fact.values:
        return f"{variable.name} {' or '.join(_value(variable, each) for each in fact.values)}"
    low, high = (None if end is None else _cell(variable, end) for end in (fact.low, fact.high))
    if low is None and high is None:
        return f"{variable.name} known"
    if high is None:
        return f"{variable.name} at least {low}"
    if low is None:
        return f"{variable.name} at most {high}"
    return f"{variable.name} {low}" if low == high else f"{variable.name} {low} to {high}"


def _value(variable: Variable, number: float) -> str:
    if np.isnan(number):
        return "missing"
    return "never seen before" if number < 0 and variable.size else _cell(variable, number)


def _cell(variable: Variable, number: float) -> str:
    cell: Any = variable.from_numbers(np.array([number])).to_pylist()[0]
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 10_000 else f"{cell:.6g}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) >= 10_000 else str(cell)
