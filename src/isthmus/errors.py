"""What isthmus raises and warns with: one line that says what, where, how much and what to do."""

__all__ = ["DataError", "FileError", "IsthmusError", "IsthmusWarning", "UsageError"]


class IsthmusError(ValueError):
    """The base of every error that a user's data, files or options can cause.

    `exit_code` is what the command line ends with.

    >>> issubclass(FileError, DataError), UsageError.exit_code
    (True, 2)
    """

    exit_code = 1


class DataError(IsthmusError):
    """The data cannot be used as given."""


class FileError(DataError):
    """A file is missing, cut short, of another kind, or cannot be written."""


class UsageError(IsthmusError):
    """An option or argument is wrong, whatever the data."""

    exit_code = 2


class IsthmusWarning(UserWarning):
    """Something was done to the data that its owner should know."""
