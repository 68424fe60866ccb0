"""Reads ``--given COL=VALUE``, ``COL=LOW..HIGH`` and ``COL=A|B|C`` by the column's own kind."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from isthmus.errors import UsageError

if TYPE_CHECKING:
    from isthmus.data.schema import Schema
    from isthmus.data.variables import Variable

NUMERIC = ("count", "number")


def parse_given(texts: Sequence[str] | None, schema: "Schema") -> dict[str, Any]:
    """Turn the command line's words into what ``Autoencoder.sample(given=...)`` takes.

    Parameters
    ----------
    texts
        ``COL=VALUE``; ``COL=LOW..HIGH`` for numbers and moments, either end may be left out;
        ``COL=A|B|C`` for any of several values.
    schema
        The model's, which tells a number from a category.

    Raises
    ------
    UsageError
        A word is malformed, names no coded column, or asks for what cannot be.
    """
    given: dict[str, Any] = {}
    variables = {variable.name: variable for variable in schema.coded}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not name or not equals or not value:
            raise UsageError(f"--given {text}: write COL=VALUE, COL=LOW..HIGH or COL=A|B|C")
        if name not in variables:
            raise UsageError(
                f"--given {text}: no column {name!r} in the model; it has {', '.join(variables)}"
            )
        if name in given:
            raise UsageError(f"--given {text}: column {name!r} is given twice; join values with '|'")
        given[name] = _value(text, variables[name], value)
    return given


def _value(text: str, variable: "Variable", value: str) -> Any:
    """Read the part after '='; a value that was seen in training is never split."""
    known = {str(known): known for known in getattr(variable, "values", ())}
    if value in known:
        return known[value]
    if "|" in value:
        return [_value(text, variable, part) for part in value.split("|")]
    if known:
        near = ", ".join(list(known)[:12]) + (", ..." if len(known) > 12 else "")
        raise UsageError(f"--given {text}: {value!r} was not seen in training; seen: {near}")
    low, dots, high = value.partition("..")
    if not dots:
        return _scalar(text, variable, value)
    least: Any = _scalar(text, variable, low) if low else None
    most: Any = _scalar(text, variable, high) if high else None
    if not (low or high) or (low and high and least > most):
        raise UsageError(f"--given {text}: no value lies in this range; write COL=LOW..HIGH")
    return least, most


def _scalar(text: str, variable: "Variable", value: str) -> Any:
    """Read one number or moment."""
    try:
        if variable.kind in NUMERIC:
            number = float(value)
            return int(number) if number.is_integer() else number
        return datetime.fromisoformat(value)
    except (ValueError, OverflowError):
        wanted = "a number" if variable.kind in NUMERIC else "a date or time such as 2010-06-30"
        raise UsageError(f"--given {text}: {value!r} is not {wanted}") from None
