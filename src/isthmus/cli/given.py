"""Reads ``--given COL=VALUE``, ``COL=LOW..HIGH`` and ``COL=A|B|C``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from isthmus.errors import UsageError

if TYPE_CHECKING:
    from isthmus.data.schema import Schema


def parse_given(texts: Sequence[str] | None, schema: "Schema", option: str = "--given") -> dict[str, Any]:
    """Turn the command line's words into what ``Autoencoder.sample(given=...)`` takes, which judges them.

    Parameters
    ----------
    texts
        ``COL=VALUE``; ``COL=LOW..HIGH`` for numbers and moments, either end may be left out; ``COL=A|B|C``
        for any of several values.
    schema
        The model's: a value that was seen in training is one value, whatever dots and bars it has.
    option
        What the words were given to.

    Raises
    ------
    UsageError
        A word is malformed, or a column is named twice.
    """
    given: dict[str, Any] = {}
    known = {
        variable.name: {str(value).strip() for value in getattr(variable, "values", ())} for variable in schema.coded
    }
    for text in texts or ():
        name, _, value = text.partition("=")
        if not name or not value or value == "..":
            raise UsageError(f"{option} {text}: write COL=VALUE, COL=LOW..HIGH or COL=A|B|C")
        if name in given:
            raise UsageError(f"{option} {text}: column {name!r} is given twice; join values with '|'")
        given[name] = _split(value, known.get(name, set()))
    return given


def _split(value: str, known: set[str]) -> Any:
    if value.strip() in known:
        return value
    if "|" in value:
        return value.split("|")
    low, dots, high = value.partition("..")
    return (low or None, high or None) if dots and not known else value
