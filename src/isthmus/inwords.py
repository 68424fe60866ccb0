"""What sets rows apart, in words: facts of numbers and places, told as a schema's variables are read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from isthmus.data.variables import Moment, Variable
from isthmus.tasks.contrast import Fact


def phrase(fact: Fact, variable: Variable) -> str:
    """Say what is frequent in some rows, such as "zone hill or harbour" or "area 120 to 260".

    Examples
    --------
    >>> from isthmus.data.variables import Category, Number
    >>> phrase(Fact(0, 0.5, True, low=45, high=60), Number("age", "int64", False, 17.0, 90.0))
    'age 45 to 60'
    >>> phrase(Fact(0, 0.5, True, values=(1, 0)), Category("zone", "string", False, ("harbour", "hill")))
    'zone hill or harbour'
    """
    if fact.missing:
        return f"{variable.name} missing"
    values = getattr(variable, "values", None)
    if values is not None:
        return _of_values(variable.name, values, fact.values)
    low, high = math.isfinite(fact.low), math.isfinite(fact.high)
    if not (low or high):
        return f"{variable.name} not missing"
    if not high:
        return f"{variable.name} {_number(variable, fact.low)} or more"
    if not low:
        return f"{variable.name} up to {_number(variable, fact.high)}"
    first, last = (_number(variable, end) for end in (fact.low, fact.high))
    return f"{variable.name} {first}" if first == last else f"{variable.name} {first} to {last}"


def told(facts: Sequence[Fact], variables: Sequence[Variable]) -> list[dict[str, Any]]:
    """Tell facts as `variable`, `phrase`, `bits`, shares `inside` and `outside`, leaving out what may be chance."""
    return [
        {
            "variable": variables[fact.column].name,
            "phrase": phrase(fact, variables[fact.column]),
            "bits": fact.bits,
            "inside": fact.inside,
            "outside": fact.outside,
        }
        for fact in facts
        if fact.sure
    ]


def _of_values(name: str, values: Sequence[Any], places: Sequence[int]) -> str:
    """Name the values that are frequent: true by its column's name alone, a place beyond all values as a new one."""
    words = [str(values[place]).strip() if place < len(values) else "never seen in training" for place in places]
    if not words:
        return f"{name} not missing"
    if len(words) == 1 and isinstance(values[0], bool):
        return name if words[0] == "True" else f"not {name}"
    return f"{name} {' or '.join([', '.join(words[:-1]), words[-1]] if len(words) > 1 else words)}"


def _number(variable: Variable, number: float) -> str:
    """Write a number or a moment for people to read."""
    if isinstance(variable, Moment):
        return str(variable.from_numbers(np.array([number]))[0].as_py())
    if number != int(number):
        return f"{number:.6g}"
    return f"{int(number):,}" if abs(number) >= 10_000 else str(int(number))
