"""Files and frames as typed variables, and typed variables as numbers."""

from isthmus.data.frames import Flavour
from isthmus.data.schema import Schema
from isthmus.data.sources import Table, open_table, write_table
from isthmus.data.tables import TableCodec
from isthmus.data.variables import Boolean, Category, Count, Moment, Number, Text, Variable

__all__ = [
    "Boolean",
    "Category",
    "Count",
    "Flavour",
    "Moment",
    "Number",
    "Schema",
    "Table",
    "TableCodec",
    "Text",
    "Variable",
    "open_table",
    "write_table",
]
