"""What a user asks of some columns, as cells that are known and tokens that may be drawn."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from isthmus.data.schema import Schema
from isthmus.data.variables import Variable
from isthmus.errors import IsthmusError, IsthmusWarning, UsageError
from isthmus.nets.columns import Columns
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.likelihoods import Numeric
from isthmus.tasks.limits import chance
from isthmus.tasks.uncover import Limit


@dataclass(frozen=True)
class Given:
    """Known `values` by column number, `limits` on columns that are still to be drawn, and the user's `words`."""

    values: dict[int, float] = field(default_factory=dict)
    limits: dict[int, Limit] = field(default_factory=dict)
    words: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, given: Mapping[str, Any] | None, schema: Schema, columns: Columns) -> Given:
        """Read `{"column": value, "column": (low, high), "column": [one, another]}`.

        Raises
        ------
        UsageError
            For an unknown column, a value never seen in training, or a range outside what was seen.
        """
        result = cls(words=dict(given or {}))
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

    def judge(self, schema: Schema, net: Hourglass, rows: int) -> None:
        """Refuse what contradicts itself by the rules of the training data, of so many rows, and warn of what is rare.

        Raises
        ------
        UsageError
            For two columns of which one determines the other, and not so.
        """
        asked = self._asked(net.columns)
        for first, second in combinations(sorted(asked), 2):
            if _never(net, {j: asked[j] for j in (first, second)}, logical=True):
                raise UsageError(
                    f"given {self._say(schema, first)} and {self._say(schema, second)}: "
                    "in every training row one of the two columns rules the other's value out"
                )
        for j, value in self.values.items():
            likelihood = net.columns.likelihoods[j]
            if isinstance(likelihood, Numeric) and not likelihood.range[0] <= value <= likelihood.range[1]:
                variable = schema.coded[j]
                _warn(f"given {self._say(schema, j)}: beyond {variable.domain}, all that was seen in training")
        share = chance(net, asked) if asked else 1.0
        if share * rows < 1:
            often = f"about 1 row in {1 / share:,.0f} is like this" if share * 1e12 > 1 else "no row is like this"
            _warn(
                f"given {self._all(schema)}: {often}, by what {rows:,} rows taught: {self._rarest(schema, net, asked)}"
            )

    def _asked(self, columns: Columns) -> dict[int, Limit]:
        """Give everything asked for as limits: a known value is its own token."""
        asked = dict(self.limits)
        for j, value in self.values.items():
            likelihood = columns.likelihoods[j]
            token = likelihood.tokens(torch.tensor([value], dtype=torch.float64, device=columns.offset.device))
            allowed = np.zeros(likelihood.present, dtype=bool)
            allowed[int(token[0])] = True
            asked[j] = Limit(allowed, -math.inf, math.inf)
        return asked

    def _rarest(self, schema: Schema, net: Hourglass, asked: Mapping[int, Limit]) -> str:
        """Name the two columns that go together least."""
        if len(asked) == 1:
            return "rows made up by it have little to go by"
        shares = {j: max(chance(net, {j: limit}), 1e-12) for j, limit in asked.items()}
        lifts = {
            pair: chance(net, {j: asked[j] for j in pair}) / (shares[pair[0]] * shares[pair[1]])
            for pair in combinations(sorted(asked), 2)
        }
        first, second = min(lifts, key=lifts.__getitem__)
        never = _never(net, {j: asked[j] for j in (first, second)}, logical=False)
        how = "were never seen together" if never else "go together least"
        return f"{self._say(schema, first)} and {self._say(schema, second)} {how}"

    def _say(self, schema: Schema, column: int) -> str:
        name = schema.coded[column].name
        return f"{name}={self.words[name]!r}"

    def _all(self, schema: Schema) -> str:
        return ", ".join(self._say(schema, j) for j in sorted({*self.values, *self.limits}))


def _never(net: Hourglass, asked: Mapping[int, Limit], *, logical: bool) -> bool:
    """Whether the rules bar every token allowed in one column with every one allowed in the other."""
    barred = net.rules.barred(net.columns, logical=logical)
    slices, square = barred.slices, barred.square
    if not slices.keys() >= asked.keys():
        return False
    first, second = (torch.from_numpy(np.flatnonzero(asked[j].allowed)) + slices[j].start for j in asked)
    return bool(square[first.to(square.device)][:, second.to(square.device)].all())


def _warn(words: str) -> None:
    warnings.warn(words, IsthmusWarning, stacklevel=5)


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
        number = float(variable.to_numbers(pa.chunked_array([pa.array([value])]))[0])
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
    low = -math.inf if low is None else _on_grid(variable, low, math.ceil)
    high = math.inf if high is None else _on_grid(variable, high, math.floor)
    starts, ends = likelihood.inside[:, 0].cpu().numpy(), likelihood.inside[:, -1].cpu().numpy()
    allowed = (ends >= low) & (starts <= high)
    if low > high or not allowed.any():
        raise UsageError(f"given {variable.name!r}: {wanted!r} holds no value seen in training ({variable.domain})")
    return Limit(allowed, low, high)


def _on_grid(variable: Variable, value: float, rounded: Callable[[float], int]) -> float:
    """Move the end of a range to the next value that the column can have, so that rounding leaves it inside."""
    decimals = getattr(variable, "decimals", 0)
    if decimals is None or not math.isfinite(value):
        return value
    scale = 10.0**decimals
    return value if round(value, decimals) == value else rounded(value * scale) / scale


def _choice(variable: Variable, columns: Columns, column: int, numbers: list[float]) -> Limit:
    likelihood = columns.likelihoods[column]
    if not numbers:
        raise UsageError(f"given {variable.name!r}: an empty list allows nothing")
    if isinstance(likelihood, Numeric):
        raise UsageError(f"given {variable.name!r}: a list of values is for categories; give a number or a range")
    allowed = np.zeros(likelihood.present, dtype=bool)
    allowed[np.asarray(numbers, dtype=int)] = True
    return Limit(allowed, -math.inf, math.inf)
