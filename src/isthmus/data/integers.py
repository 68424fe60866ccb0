"""Tables as whole numbers and back, exactly: what is compressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.data.arrays import Floats, is_number, plain, to_floats, value_type
from isthmus.data.learning import learn_variable
from isthmus.data.schema import Schema
from isthmus.data.sources import Table
from isthmus.data.tables import TableCodec
from isthmus.data.variables import Category, Moment, Number, Text, Variable
from isthmus.data.variables.discrete import Boolean
from isthmus.data.variables.numeric import Count
from isthmus.errors import UsageError

__all__ = ["MISSING", "IntegerCodec", "Ints"]

Ints = npt.NDArray[np.int64]

MISSING = np.iinfo(np.int64).min
"""The whole number that stands for a missing cell."""
STRANGE = MISSING + 1
"""Stands for a cell that the schema cannot hold: a category never seen, cells of another type."""
MOST_LEVELS = 8192
"""A category of more levels is carried as text."""


@dataclass(frozen=True)
class IntegerCodec:
    """Turns the coded columns of a table into whole numbers (rows, columns) and back.

    A category is its position; a number as many of its last decimals, a moment as many of its units; a float of any
    number of digits its bits, in ascending order, or under a tolerance a step of a grid; a clock time written as hhmm
    its minutes.

    Attributes
    ----------
    schema
        The columns, those carried among them.
    ways
        How each coded column is counted: "level", "unit", "bits", "grid" or "clock".
    slack
        For each coded column, by how many whole numbers it may be off.
    low, step
        For a column on a grid, where that begins and how wide it is.
    allowed
        By how much each coded column may be off, in its own units.

    Examples
    --------
    >>> from isthmus.data.sources import open_table
    >>> table = open_table([[1.25, 4], [2.5, 7], [-0.5, float("nan")], [1.5, 9]])
    >>> codec = IntegerCodec.learn(table)
    >>> codec.encode(table).tolist()
    [[125, 4], [250, 7], [-50, -9223372036854775808], [150, 9]]
    >>> codec.decode(codec.encode(table)) == table.columns
    True
    """

    schema: Schema
    ways: tuple[str, ...]
    slack: tuple[int, ...]
    low: tuple[float, ...]
    step: tuple[float, ...]
    allowed: tuple[float, ...]

    @classmethod
    def learn(
        cls, table: Table, schema: Schema | None = None, tolerance: float | dict[str, float] = 0.0
    ) -> IntegerCodec:
        """Learn how the columns of a table are counted.

        Parameters
        ----------
        table
            An opened table.
        schema
            Its columns; by default they are learnt from it.
        tolerance
            By how much numbers may be off: a share of every number's range, or by column, in the column's own units.

        Raises
        ------
        UsageError
            A tolerance is negative, or given for a column that is not there or holds no numbers.
        """
        schema = _recounted(table, schema or _schema(table))
        numbers = TableCodec(schema).encode(table, strict_columns=False, clip=False) if schema.coded else None
        allowed = _allowed(schema, tolerance)
        ways, slack, low, step = [], [], [], []
        for j, variable in enumerate(schema.coded):
            assert numbers is not None
            way = _way(variable, numbers[:, j], allowed[j])
            unit = 10.0 ** -(getattr(variable, "decimals", 0) or 0)
            grid = way == "grid"
            ways.append(way)
            whole = min(allowed[j] / unit * (1 + 1e-12), 2.0**52)
            slack.append(0 if grid or way in ("level", "bits") else int(whole))
            low.append(float(getattr(variable, "low", 0.0)) if grid else 0.0)
            step.append(2 * allowed[j] * (1 - 1e-9) if grid else 0.0)
        return cls(schema, tuple(ways), tuple(slack), tuple(low), tuple(step), tuple(allowed))

    @property
    def decimals(self) -> tuple[int, ...]:
        """Decimals of each coded column's whole numbers, or what no other column has where these are none."""
        units = (way in ("unit", "clock") for way in self.ways)
        pairs = zip(self.schema.coded, units, strict=True)
        return tuple((getattr(v, "decimals", 0) or 0) if unit else -1 - j for j, (v, unit) in enumerate(pairs))

    def encode(self, table: Table) -> Ints:
        """Turn a table into whole numbers (rows, coded columns); `MISSING` and `STRANGE` are no numbers."""
        numbers = TableCodec(self.schema).encode(table, strict_columns=False, clip=False)
        found = np.full(numbers.shape, STRANGE, dtype=np.int64)
        for j, variable in enumerate(self.schema.coded):
            found[:, j] = self._count(j, variable, numbers[:, j])
        return found

    def decode(self, integers: Ints, carried: pa.Table | None = None) -> pa.Table:
        """Turn whole numbers (rows, coded columns) into columns, in the schema's order."""
        numbers = np.full(integers.shape, np.nan)
        for j, variable in enumerate(self.schema.coded):
            there = integers[:, j] > STRANGE
            numbers[there, j] = self._value(j, variable, integers[there, j])
        return TableCodec(self.schema).decode(numbers, carried)

    def _count(self, j: int, variable: Variable, x: Floats) -> Ints:
        way, there = self.ways[j], ~np.isnan(x)
        found = np.full(len(x), MISSING, dtype=np.int64)
        if way == "bits":
            found[there] = _ordered(x[there], variable)
            return found
        if way == "grid":
            scaled = np.rint((x - self.low[j]) / self.step[j])
        else:
            scaled = np.rint(x * 10.0 ** (getattr(variable, "decimals", 0) or 0))
        sound = there & (np.abs(scaled, where=there, out=np.zeros_like(scaled)) < 2.0**53)
        found[there] = STRANGE
        found[sound] = scaled[sound].astype(np.int64)
        if way == "level":
            found[sound & (x < 0)] = STRANGE
        if way == "clock":
            whole = found[sound]
            found[sound] = np.where((whole >= 0) & (whole % 100 < 60), whole // 100 * 60 + whole % 100, STRANGE)
        return found

    def _value(self, j: int, variable: Variable, found: Ints) -> Floats:
        way = self.ways[j]
        if way == "bits":
            return _unordered(found, variable)
        if way == "grid":
            assert isinstance(variable, Number)
            return np.clip(self.low[j] + found.astype(np.float64) * self.step[j], variable.low, variable.high)
        if way == "clock":
            return (found // 60 * 100 + found % 60).astype(np.float64)
        decimals = getattr(variable, "decimals", 0) or 0
        numbers = np.asarray(np.round(found / 10.0**decimals, decimals), dtype=np.float64)
        ranged = self.slack[j] and isinstance(variable, Number | Count)
        return np.clip(numbers, variable.low, variable.high) if ranged else numbers  # type: ignore[attr-defined]

    def wrong(self, given: pa.Table, read: pa.Table) -> npt.NDArray[np.bool_]:
        """Tell which rows (rows,) hold a cell that was not read as it was given, or too far from it."""
        found = np.zeros(len(given), bool)
        for variable, allowed in zip(self.schema.coded, self.allowed, strict=True):
            found |= _differ(given[variable.name], read[variable.name], allowed)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give what `from_dict` needs, as JSON's dictionaries and lists."""
        return {
            "schema": self.schema.to_dict(),
            "ways": self.ways,
            "slack": self.slack,
            "low": self.low,
            "step": self.step,
            "allowed": self.allowed,
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> IntegerCodec:
        """Make the codec that `to_dict` described."""
        lists = {name: tuple(facts[name]) for name in ("ways", "slack", "low", "step", "allowed")}
        return cls(Schema.from_dict(facts["schema"]), **lists)


def _schema(table: Table) -> Schema:
    """Learn a schema in which nothing need be coded: a table of texts alone is carried whole."""
    names = table.columns.column_names
    return Schema(tuple(learn_variable(name, table.columns[name], None, table.flavour.named) for name in names))


def _recounted(table: Table, schema: Schema) -> Schema:
    """Count identifiers that are whole numbers, which may follow each other; carry categories of too many levels."""
    variables: list[Variable] = []
    for variable in schema.variables:
        column, changed = table.columns[variable.name], variable
        number = pa.types.is_integer(value_type(column.type)) and not pa.types.is_dictionary(column.type)
        if isinstance(variable, Text) and number and not Number.refusal(column):
            changed = Number.learn(variable.name, column)
        elif isinstance(variable, Category) and variable.size > MOST_LEVELS:
            changed = Text.learn(variable.name, column, f"{variable.size:,} levels")
        variables.append(changed)
    return Schema(tuple(variables))


def _allowed(schema: Schema, tolerance: float | dict[str, float]) -> list[float]:
    """By how much each coded column may be off, in its own units."""
    named = tolerance if isinstance(tolerance, dict) else {}
    for name, value in named.items():
        variable = schema[name]
        if not isinstance(variable, Number | Count | Moment):
            raise UsageError(f"tolerance for column '{name}': it holds no numbers; a {variable.kind} is always exact")
        if not 0 <= value < np.inf:
            raise UsageError(f"tolerance for column '{name}' is {value}; give a number from 0 up")
    share = 0.0 if isinstance(tolerance, dict) else tolerance
    if not 0 <= share < 1:
        raise UsageError(f"tolerance {share} is no share of a column's range: give a number from 0 up and below 1")
    found = []
    for variable in schema.coded:
        ranged = isinstance(variable, Number | Count)
        spread = variable.high - variable.low if isinstance(variable, Number | Count) else 0.0
        found.append(named.get(variable.name, share * spread if ranged and np.isfinite(spread) else 0.0))
    return found


def _way(variable: Variable, x: Floats, allowed: float) -> str:
    """How a column is counted."""
    if isinstance(variable, Boolean | Category):
        return "level"
    if isinstance(variable, Number) and variable.decimals is None:
        return "grid" if allowed > 1e-12 * max(abs(variable.low), abs(variable.high)) else "bits"
    whole = isinstance(variable, Count) or (isinstance(variable, Number) and variable.decimals == 0)
    if whole and allowed == 0:
        present = x[~np.isnan(x)]
        # Clock times as hhmm leave gaps of forty; whatever leaves the same gaps loses nothing by being read so.
        hours = present.size and present.min() >= 0 and 759 < present.max() <= 2400 and (present % 100).max() < 60
        if hours and len(np.unique(present)) > 60:
            return "clock"
    if isinstance(variable, Number) and variable.decimals:
        largest = max(abs(variable.low), abs(variable.high)) * 10.0**variable.decimals
        exact = np.array_equal(
            np.round(np.rint(x * 10.0**variable.decimals) / 10.0**variable.decimals, variable.decimals),
            x,
            equal_nan=True,
        )
        if largest >= 2.0**53 or not exact:
            return "grid" if allowed else "bits"
    return "unit"


def _ordered(x: Floats, variable: Variable) -> Ints:
    """Read the bits of floats as whole numbers that ascend as the floats do; both zeros stay apart."""
    single = variable.type in (pa.float32(), pa.float16())
    bits = x.astype(np.float32).view(np.int32).astype(np.int64) if single else x.view(np.int64)
    top = np.int64(2**31 - 1 if single else 2**63 - 1)
    return np.where(bits < 0, -(bits & top) - 1, bits)


def _unordered(found: Ints, variable: Variable) -> Floats:
    """Undo `_ordered`."""
    single = variable.type in (pa.float32(), pa.float16())
    if single:
        bits = np.where(found < 0, (-(found + 1)) | np.int64(2**31), found).astype(np.uint32)
        return bits.view(np.float32).astype(np.float64)
    bits = np.where(found < 0, (-(found + 1)) | MISSING, found)
    return np.ascontiguousarray(bits).view(np.float64)


def _differ(given: pa.ChunkedArray, read: pa.ChunkedArray, allowed: float) -> npt.NDArray[np.bool_]:
    """Tell which cells (rows,) are not the same, or farther apart than is allowed."""
    given, read = plain(given), plain(read)
    gone = np.asarray(given.is_null(nan_is_null=True)), np.asarray(read.is_null(nan_is_null=True))
    if given.type != read.type:
        return np.ones(len(given), bool)
    if allowed and is_number(given.type):
        apart = np.abs(np.nan_to_num(to_floats(given)) - np.nan_to_num(to_floats(read)))
        differ = apart > allowed * (1 + 1e-9)
    else:
        differ = ~np.asarray(pc.fill_null(pc.equal(given, read), False))
    return np.asarray((gone[0] != gone[1]) | (differ & ~gone[0]))
