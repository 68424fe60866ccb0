"""Tables of any size for verbs: read whole where they fit into memory, else part by part with progress by rows."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isthmus.data.parts import Parts


def opened(model: Any, data: Path, memory: str | None) -> "Parts | None":
    """Open DATA in parts where it is a table for `model` that does not fit into memory."""
    from isthmus.data.parts import Parts

    return Parts.of(data, model.missing, memory) if hasattr(model, "missing") else None


def each(
    parts: "Parts | None", data: Path, what: str, *, quiet: bool, rows: int | None = None, holes: bool = False
) -> Iterator[Any]:
    """Give DATA itself where it is no table in parts, else one part after another; say on stderr how far it is."""
    if parts is None:
        yield data
        return
    size = rows or parts.size
    tables = (table for table in parts.tables(rows, holes=holes))
    yield from watched(tables, what, parts.rows, size, quiet=quiet or parts.rows <= size)


def watched(items: Iterator[Any], what: str, rows: int, size: int, *, quiet: bool) -> Iterator[Any]:
    """Pass on items of so many rows each, and say after each how far it is."""
    from isthmus.training.progress import Lines, Silent

    progress = Silent() if quiet else Lines(what, unit="row")
    began = time.monotonic()
    for number, item in enumerate(items):
        if number == 1:  # what the first took tells how long it will be
            progress.start(rows, (time.monotonic() - began) * rows / size, size)
        if number:
            progress.step(number * size)
        yield item
    progress.stop()
