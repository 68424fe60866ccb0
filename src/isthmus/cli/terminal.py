"""Where a command's words go: messages to stderr, results asked for with ``--json`` to stdout."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.as_json import to_json

__all__ = ["done", "print_rows", "say", "to_json"]


def say(message: str) -> None:
    """Write one line to stderr."""
    print(message, file=sys.stderr, flush=True)


def done(sentence: str, result: Mapping[str, Any], *, quiet: bool, as_json: bool) -> None:
    """End a verb: a sentence for people, or one JSON object for programs."""
    if as_json:
        print(to_json(result))
    elif not quiet:
        say(sentence)


def print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows of the same keys as aligned columns on stdout.

    Examples
    --------
    >>> print_rows([{"column": "price", "seen": 0.5}, {"column": "pool", "seen": 12}])
    column  seen
    price    0.5
    pool      12
    """
    if not rows:
        return
    names = list(rows[0])
    numeric = {name for name in names if all(isinstance(row[name], int | float | None) for row in rows)}
    lines = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(names))]
    for line in lines:
        cells = zip(names, line, widths, strict=True)
        aligned = (cell.rjust(width) if name in numeric else cell.ljust(width) for name, cell, width in cells)
        print("  ".join(aligned).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
