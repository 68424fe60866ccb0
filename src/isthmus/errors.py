"""What isthmus raises and warns with: one line that says what, where, how much and what to do."""

import re

__all__ = ["NONSENSE", "DataError", "FileError", "IsthmusError", "IsthmusWarning", "UsageError"]

NONSENSE = (
    *(LookupError, TypeError, ValueError, AttributeError, RuntimeError),
    *(ArithmeticError, AssertionError, StopIteration, MemoryError),
)
"""What comes of taking a broken or forged file at its word."""

_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LONGEST = 1000


class IsthmusError(ValueError):
    """The base of every error that a user's data, files or options can cause.

    `exit_code` is what the command line ends with.

    >>> issubclass(FileError, DataError), UsageError.exit_code
    (True, 2)
    """

    exit_code = 1

    def __str__(self) -> str:
        """Tell it on one line of bounded length, whatever a file or another library put into it."""
        text = _BREAKS.sub(" ", super().__str__())
        return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 3 :]}"


class DataError(IsthmusError):
    """The data cannot be used as given."""


class FileError(DataError):
    """A file is missing, cut short, of another kind, or cannot be written."""


class UsageError(IsthmusError):
    """An option or argument is wrong, whatever the data."""

    exit_code = 2


class IsthmusWarning(UserWarning):
    """Something was done to the data that its owner should know."""
