"""Tables of any size for verbs: whole where they fit into memory, else part by part, here or on many machines."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.errors import UsageError

if TYPE_CHECKING:
    from isthmus.data.parts import Parts
    from isthmus.engine import Engine


@dataclass(frozen=True)
class Way:
    """How a verb goes through a table: what --memory, --engine, --workers and --address say."""

    memory: str | None = None
    engine: str | None = None
    workers: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        if self.engine is None:
            for name in ("workers", "address"):
                if getattr(self, name) is not None:
                    raise UsageError(f"--{name} is for --engine ray")

    def opened(self, model: Any, data: Path | str) -> "Parts | None":
        """Open DATA in parts where it is a table for `model` that does not fit into memory, or goes to others."""
        if not hasattr(model, "missing") or model.kind == "series":  # whose parts would not know what is around them
            if self.engine is not None or isinstance(data, str):
                what = "addresses are" if self.engine is None else "--engine ray is"
                raise UsageError(f"{what} for tables: this is no model of one")
            return None
        return self.table(data, model.missing)

    def table(self, data: Path | str, missing: Any) -> "Parts | None":
        """Open a table in parts where that is needed."""
        from isthmus.data.parts import Parts

        return Parts.of(data, missing, self.memory) if self.engine is None else Parts.open(data, missing)

    def where(self, storage: Path | None = None) -> "Engine":
        """Give the engine that does the work; `storage` is a folder that all its machines see."""
        if self.engine is None:
            from isthmus.engine import Engine

            return Engine()
        from isthmus.on_ray.engine import Ray

        return Ray(self.workers or 2, self.address, storage)

    def each(
        self,
        parts: "Parts | None",
        data: Path | str,
        work: Callable[[Any], Any],
        what: str,
        *,
        quiet: bool,
        holes: bool = False,
    ) -> Iterator[Any]:
        """Give what `work` makes of DATA, whole or of a part after another; say on stderr how far it is."""
        if parts is None:
            yield work(data)
            return
        results = self.where().map(work, parts, holes=holes)
        yield from watched(results, what, parts.rows, parts.size, quiet=quiet or parts.rows <= parts.size)


def tables(parts: "Parts | None", data: Path, what: str, *, quiet: bool) -> Iterator[Any]:
    """Give DATA itself where it is no table in parts, else one part after another; say on stderr how far it is."""
    if parts is None:
        yield data
        return
    yield from watched(parts.tables(), what, parts.rows, parts.size, quiet=quiet or parts.rows <= parts.size)


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
