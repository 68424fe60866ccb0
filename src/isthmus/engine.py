"""Where work is done: in this process, or on many machines with `isthmus.Ray`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, Unpack

from torch import Tensor, nn

from isthmus.data.drawn import here
from isthmus.data.parts import Parts
from isthmus.data.sources import Table
from isthmus.training.loop import How, train
from isthmus.training.plan import History, Plan
from isthmus.training.sources import Source, shards_of

_Result = TypeVar("_Result")


class Engine:
    r"""Work in this process; the contract of other engines.

    Attributes
    ----------
    shards
        In how many parts each batch is made, of `batch_size` rows each.
    place
        A folder for what all who work on a fit have to see; None for where temporary files are.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "sizes.csv"
    >>> _ = path.write_text("size\n1\n2\n")
    >>> list(Engine().map(lambda table: table.rows, Parts.open(path)))
    [2]
    """

    shards = 1
    place: Path | None = None

    def each(self, work: Callable[[Parts], Iterable[_Result]], parts: Parts) -> Iterator[_Result]:
        """Do something with the pieces of a table, and give what comes of them, in their order."""
        return here(work, parts)

    def map(
        self, work: Callable[[Any], _Result], parts: Parts, *, holes: bool = False, rows: int | None = None
    ) -> Iterator[_Result]:
        """Do something with every few rows of a table that is read in parts, and give what comes of them, in order.

        Parameters
        ----------
        work
            Such as the `encode` of a model.
        parts
            The table.
        holes
            Whether `work` is to know which columns have missing cells in any row, as imputing has to.
        rows
            How many at a time, at most; by default as many as a part has.
        """
        return self.each(_Tables(work, parts.holes if holes else None, rows or parts.size), parts)

    def train(
        self,
        module: nn.Module,
        data: Tensor | Source | Sequence[Source],
        held_out: Tensor,
        plan: Plan,
        **how: Unpack[How],
    ) -> History:
        """Train a module in place, as `isthmus.training.loop.train` does."""
        return train(module, shards_of(data, self.shards, plan.batch_size, plan.seed), held_out, plan, **how)


class _Tables:
    """Work on the rows of a piece, so many at a time."""

    def __init__(self, work: Callable[[Table], Any], holes: frozenset[str] | None, rows: int) -> None:
        self.work, self.holes, self.rows = work, holes, rows

    def __call__(self, piece: Parts) -> Iterator[Any]:
        for table in piece.tables(self.rows, holes=self.holes):
            yield self.work(table)
