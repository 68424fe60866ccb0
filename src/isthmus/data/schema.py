"""The schema of a table: its typed variables in order, learnt from data, read and edited as JSON or TOML."""

import json
import tomllib
import types
from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any, get_args, get_origin, get_type_hints

from isthmus.data.learning import learn_variable
from isthmus.data.sources import Table
from isthmus.data.variables import KINDS, Category, Text, Variable
from isthmus.data.witnesses import MOST_VALUES, Witness
from isthmus.errors import DataError, UsageError

__all__ = ["Schema"]


@dataclass(frozen=True)
class Schema:
    """The typed variables of a table, in the order of its columns.

    Examples
    --------
    >>> from isthmus.data.sources import open_table
    >>> houses = open_table([[120, 3, 1], [85, 2, 0], [240, 5, 1]])
    >>> schema = Schema.learn(houses)
    >>> [variable.kind for variable in schema.variables]
    ['count', 'count', 'boolean']
    >>> Schema.from_toml(schema.to_toml()) == schema
    True
    """

    variables: tuple[Variable, ...]

    @classmethod
    def learn(
        cls,
        table: Table,
        declared: Mapping[str, str] | None = None,
        drop: Collection[str] = (),
        columns: Collection[str] | None = None,
        named: bool = True,
        witnesses: Mapping[str, Witness] | None = None,
    ) -> "Schema":
        """Learn the variable of each column of `table`.

        Parameters
        ----------
        table
            An opened table.
        declared
            Kinds known better than they can be guessed, by column: "boolean", "category", "count", "number",
            "moment" or "text".
        drop, columns
            Columns to leave out; columns to keep (all, when None).
        named
            Whether the column names mean something; an array's never do.
        witnesses
            Of a table that has only some rows of one, what the others say, by column.

        Raises
        ------
        UsageError
            A column named here is not in the table, or a kind is unknown.
        DataError
            A column cannot be of its declared kind, holds infinities, or no column is left to code.
        """
        declared = dict(declared or {})
        wanted = _select(table.columns.column_names, [*declared, *drop, *(columns or ())], drop, columns)
        named = named and table.flavour.named
        schema = cls(tuple(_learnt(name, table, declared.get(name), named, witnesses) for name in wanted))
        if not schema.coded:
            listed = "; ".join(f"'{variable.name}': {variable.domain}" for variable in schema.carried[:3])
            raise DataError(f"no column is left to code ({listed or 'all were dropped'})")
        return schema

    @property
    def coded(self) -> tuple[Variable, ...]:
        """The variables that enter the code."""
        return tuple(variable for variable in self.variables if not isinstance(variable, Text))

    @property
    def carried(self) -> tuple[Text, ...]:
        """The columns carried along untouched."""
        return tuple(variable for variable in self.variables if isinstance(variable, Text))

    @property
    def names(self) -> list[str]:
        """The column names, in order."""
        return [variable.name for variable in self.variables]

    @property
    def notes(self) -> list[str]:
        """One line for every column that the code leaves out."""
        return [f"column '{text.name}': {text.reason}: left out of the code, carried along" for text in self.carried]

    def __getitem__(self, name: str) -> Variable:
        """Return the variable of the column `name`."""
        for variable in self.variables:
            if variable.name == name:
                return variable
        raise UsageError(f"there is no column '{name}'{_nearest(name, self.names)}")

    def describe(self) -> list[dict[str, Any]]:
        """Return a row for each variable: column, kind, dtype, missing, values."""
        return [
            {
                "column": variable.name,
                "kind": variable.kind,
                "dtype": variable.dtype,
                "missing": variable.missing,
                "values": variable.domain,
            }
            for variable in self.variables
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the schema as JSON's dictionaries and lists."""
        return {"variables": [{"kind": variable.kind, **asdict(variable)} for variable in self.variables]}

    @classmethod
    def from_dict(cls, words: Any) -> "Schema":
        """Return the schema that `to_dict` described; `DataError` names what is wrong with an edited one."""
        entries = words.get("variables") if isinstance(words, Mapping) else None
        if not isinstance(entries, Sequence) or isinstance(entries, str) or not entries:
            raise DataError("schema: a list 'variables' was expected")
        variables = tuple(_variable(entry, number) for number, entry in enumerate(entries, start=1))
        names = [variable.name for variable in variables]
        for name in names:
            if names.count(name) > 1:
                raise DataError(f"schema: column '{name}' appears {names.count(name)} times")
        return cls(variables)

    def to_json(self) -> str:
        """Return the schema as JSON, a variable a line."""
        lines = ",\n  ".join(json.dumps(entry, ensure_ascii=False) for entry in self.to_dict()["variables"])
        return f'{{"variables": [\n  {lines}\n]}}\n'

    @classmethod
    def from_json(cls, text: str) -> "Schema":
        """Return the schema written as JSON."""
        try:
            return cls.from_dict(json.loads(text))
        except json.JSONDecodeError as error:
            raise DataError(f"schema: no JSON: {error}") from error

    def to_toml(self) -> str:
        """Return the schema as TOML, a table for each variable."""
        tables = []
        for entry in self.to_dict()["variables"]:
            lines = [f"{key} = {_toml(value)}" for key, value in entry.items() if value is not None]
            tables.append("\n".join(["[[variables]]", *lines, ""]))
        return "\n".join(tables)

    @classmethod
    def from_toml(cls, text: str) -> "Schema":
        """Return the schema written as TOML."""
        try:
            return cls.from_dict(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise DataError(f"schema: no TOML: {error}") from error


def _learnt(
    name: str, table: Table, declared: str | None, named: bool, witnesses: Mapping[str, Witness] | None
) -> Variable:
    """Learn one variable."""
    if witnesses is None:
        return learn_variable(name, table.columns[name], declared, named)
    witness = witnesses[name]
    variable = learn_variable(name, witness.beside(table.columns[name]), declared, named, witness.counted(table))
    if declared is None and isinstance(variable, Category) and witness.many:
        return Text.learn(name, table.columns[name], f"more than {MOST_VALUES:,} different values")
    return variable


def _select(
    names: list[str], mentioned: list[str], drop: Collection[str], columns: Collection[str] | None
) -> list[str]:
    for name in mentioned:
        if name not in names:
            raise UsageError(f"there is no column '{name}'{_nearest(name, names)}")
    return [name for name in names if name not in drop and (columns is None or name in columns)]


def _nearest(name: str, names: list[str]) -> str:
    near = get_close_matches(str(name), names, 1)
    return f": did you mean '{near[0]}'?" if near else ""


def _toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, float):
        return repr(value)
    # JSON's strings, numbers and Booleans are TOML's, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _variable(entry: Any, number: int) -> Variable:
    """Return one variable of an edited schema, checked."""
    where = f"schema: variable {number}"
    if not isinstance(entry, Mapping):
        raise DataError(f"{where}: a table of fields was expected")
    where += f" ('{entry['name']}')" if "name" in entry else ""
    kind = KINDS.get(str(entry.get("kind")))
    if kind is None:
        raise DataError(f"{where}: unknown kind {entry.get('kind')!r}; known are {', '.join(KINDS)}")
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}
    unknown = [key for key in entry if key not in known and key != "kind"]
    if unknown:
        near = _nearest(unknown[0], list(known))
        raise DataError(f"{where}: a {kind.kind} has no field '{unknown[0]}'{near}")
    values: dict[str, Any] = {}
    for key, field in known.items():
        if key in entry:
            values[key] = _field(entry[key], hints[key], f"{where}: '{key}'")
        elif field.default is MISSING:
            raise DataError(f"{where}: the field '{key}' is missing")
    variable = kind(**values)
    if variable.fault:
        raise DataError(f"{where}: {variable.fault}")
    return variable


def _field(value: Any, hint: Any, where: str) -> Any:
    """Return a field's value as its annotated type, or say what was expected."""
    if get_origin(hint) is tuple:
        values = isinstance(value, list | tuple) and all(isinstance(item, str | int | float) for item in value)
        if not values:
            raise DataError(f"{where} must be a list of values")
        return tuple(value)
    allowed = get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if float in allowed and type(value) is int:
        value = float(value)
    if type(value) not in allowed and not (value is None and type(None) in allowed):
        raise DataError(f"{where} must be {' or '.join(kind.__name__ for kind in allowed)}, not {value!r}")
    return value
