"""Columns that are carried along and never coded: Text."""

from dataclasses import dataclass
from typing import ClassVar, Self

from isthmus.data.arrays import Column
from isthmus.data.variables.base import Variable

__all__ = ["Text"]


@dataclass(frozen=True)
class Text(Variable):
    """A column that is carried along and never coded: an identifier, free text, cells of no known type.

    >>> Text("id", "int64", missing=False, reason="an identifier").domain
    'an identifier'
    """

    reason: str = "declared text"
    kind: ClassVar[str] = "text"

    @classmethod
    def refusal(cls, column: Column) -> str:
        """Any column can be carried."""
        return ""

    @classmethod
    def learn(cls, name: str, column: Column, reason: str = "declared text") -> Self:
        """Return the variable that carries `column`, and why."""
        return cls(name, str(column.type), bool(column.null_count), reason)

    @property
    def domain(self) -> str:
        """Why the column is carried."""
        return self.reason

    @property
    def fault(self) -> str:
        """Any dtype can be carried."""
        return ""
