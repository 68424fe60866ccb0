"""The typed variables: what a column's cells may be, as float64 numbers and back, exactly.

The numbers are an index into `values` (Boolean, Category), the number itself (Count, Number) or units of time
since `origin` (Moment). NaN is a missing cell; -1 in a discrete variable is a value never seen in training.
A new kind of variable is one class in a file beside these, and one line in `KINDS`.
"""

from isthmus.data.variables.base import UNSEEN, Variable
from isthmus.data.variables.discrete import Boolean, Category, Value
from isthmus.data.variables.moment import Moment
from isthmus.data.variables.numeric import Count, Number, Numeric
from isthmus.data.variables.text import Text

__all__ = [
    "KINDS",
    "UNSEEN",
    "Boolean",
    "Category",
    "Count",
    "Moment",
    "Number",
    "Numeric",
    "Text",
    "Value",
    "Variable",
]

KINDS: dict[str, type[Variable]] = {
    variable.kind: variable for variable in (Boolean, Category, Count, Number, Moment, Text)
}
