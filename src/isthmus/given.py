"""What a user asks of some columns, as cells that are known and tokens that may be drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.data.schema import Schema
from isthmus.data.variables import Variable
from isthmus.errors import IsthmusError, UsageError
from isthmus.nets.columns import Columns
from isthmus.nets.likelihoods import Numeric
from isthmus.tasks.synthesize import Limit


@dataclass(frozen=True)
class Given:
    """Known `values` by column number, and `limits` on columns that are still to be drawn."""

    values: dict[int, float] = field(default_factory=dict)
    limits: dict[int, Limit] = field(default_factory=dict)

    @classmethod
    def read(cls, given: Mapping[str, Any] | None, schema: Schema, columns: Columns) -> Given:
        """Read `{"column": value, "column": (low, high), "column": [one, another]}`.

        Raises
        ------
        UsageError
            For an unknown column, a value never seen in training, or a range outside what was seen.
        """
        result = cls()
        names = [variable.name for variable in schema.coded]
        for name, wanted in (given or {}).items():
            if name not in names:
                raise UsageError(f"given {name!r}: no such column in the model; it has {', '.join(names)}")
            j, variable = names.index(name), schema[name]
            if isinstance(wanted, tuple):
                result.limits[j] = _range(variable, columns, j, wanted)
            elif isinstance(wanted, list | set | frozenset):
                result.limits[j] = _choice(variable, columns, j, [_number(variable, each) for each in wanted])
            else:
                result.values[j] = _number(variable, wanted)
        return result

    def rows(self, n: int, columns: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Give `n` rows in which nothing but the known values is known."""
        x = np.full((n, columns), np.nan)
        for j, value in self.values.items():
            x[:, j] = value
        return x


def _number(variable: Variable, value: Any) -> float:
    """Turn one value into the number it is in a matrix."""
    values = getattr(variable, "values", None)
    if values is not None:  # " Private" may be asked for as "Private"
        same = [each for each in values if each == value or str(each).strip() == str(value).strip()]
        if not same:
            listed = ", ".join(map(str, values[:12])) + (", ..." if len(values) > 12 else "")
            raise UsageError(f"given {variable.name!r}: {value!r} was never seen in training; seen were {listed}")
        return float(values.index(same[0]))
    try:
        number = float(variable.to_numbers(pa.chunked_array([pa.array([value])]), clip=False)[0][0])
    except (IsthmusError, pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        number = math.nan
    if math.isnan(number):
        raise UsageError(f"given {variable.name!r}: {value!r} is no {variable.kind}; seen were {variable.domain}")
    return number


def _range(variable: Variable, columns: Columns, column: int, wanted: Sequence[Any]) -> Limit:
    likelihood = columns.likelihoods[column]
    if not isinstance(likelihood, Numeric) or len(wanted) != 2:
        raise UsageError(f"given {variable.name!r}: {wanted!r}; a (low, high) range is for numbers and moments only")
    low, high = (None if end is None else _number(variable, end) for end in wanted)
    low, high = -math.inf if low is None else low, math.inf if high is None else high
    starts, ends = likelihood.inside[:, 0].cpu().numpy(), likelihood.inside[:, -1].cpu().numpy()
    allowed = (ends >= low) & (starts <= high)
    if low > high or not allowed.any():
        raise UsageError(f"given {variable.name!r}: {wanted!r} holds no value seen in training ({variable.domain})")
    return Limit(allowed, low, high)


def _choice(variable: Variable, columns: Columns, column: int, numbers: list[float]) -> Limit:
    likelihood = columns.likelihoods[column]
    if not numbers:
        raise UsageError(f"given {variable.name!r}: an empty list allows nothing")
    if isinstance(likelihood, Numeric):
        raise UsageError(f"given {variable.name!r}: a list of values is for categories; give a number or a range")
    allowed = np.zeros(likelihood.present, dtype=bool)
    allowed[np.asarray(numbers, dtype=int)] = True
    return Limit(allowed, -math.inf, math.inf)
