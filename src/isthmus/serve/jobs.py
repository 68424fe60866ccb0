"""Each job of the service: what it reads, whether requests of it are joined, and the library's call that it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ValidationError

from isthmus.data.sources import open_table
from isthmus.data.tables import Coded
from isthmus.errors import DataError, UsageError
from isthmus.index import Index
from isthmus.model import Autoencoder
from isthmus.serve import words
from isthmus.serve.faults import RefusedError, first_line
from isthmus.serve.limits import Limits, strict_json
from isthmus.serve.rows import Rows, read_stream

DRAW = "isthmus_draw"
"""The column that says which of several draws a row is of."""

Result = dict[str, Any]
"""What is told, by name: tables and arrays of as many rows as were sent, or where requests are not joined anything."""


@dataclass(frozen=True)
class Served:
    """What a service has: a model, an index of it or none, and limits."""

    model: Autoencoder
    limits: Limits
    rows: Rows
    index: Index | None = None


class Job(ABC):
    """A job on rows."""

    name: ClassVar[str]
    options: ClassVar[type[words.Words]] = words.NoOptions
    clips: ClassVar[bool] = True

    def __init__(self, served: Served) -> None:
        self.served, self.model = served, served.model

    def joins(self, options: Any) -> bool:
        """Tell whether rows of several requests may be answered together, each as if alone."""
        return True

    def read(self, body: bytes, arrow: bool, options: Any) -> Any:
        """Read what was sent: records, or a table."""
        rows = self.served.rows
        sent = rows.from_stream(body, self.served.limits) if arrow else rows.check(strict_json(body))
        self.served.limits.check_rows(len(sent) * self.answers(options))
        return sent

    def answers(self, options: Any) -> int:
        """Count the rows that are answered for each that is sent."""
        return 1

    def join(self, sent: Sequence[Any]) -> Any:
        """Make one thing of what several requests sent."""
        tables = isinstance(sent[0], pa.Table)
        rows = self.served.rows
        return rows.open(pa.concat_tables(sent) if tables else rows.from_records(list(chain.from_iterable(sent))))

    @abstractmethod
    def run(self, given: Any, options: Any) -> Result:
        """Do it."""

    def notes(self, given: Any, start: int, end: int) -> list[str]:
        """Say which cells of some of the rows are not as in training."""
        return self.served.rows.codec.notes(given.numbers[start:end], self.clips)


class Encode(Job):
    """Rows to codes."""

    name = "encode"

    def run(self, given: Coded, options: Any) -> Result:
        """Call `Autoencoder.encode`."""
        return {"codes": self.model.encode(given)}


class Reconstruct(Job):
    """Rows through the code and back."""

    name = "reconstruct"

    def run(self, given: Coded, options: Any) -> Result:
        """Call `Autoencoder.reconstruct`."""
        return {"rows": self.model.reconstruct(given)}


class Impute(Job):
    """Missing cells filled."""

    name = "impute"
    options = words.Imputing

    def joins(self, options: words.Imputing) -> bool:
        """Join no draws, which depend on the rows beside them, nor where columns are added for those with holes."""
        return options.draws == 1 and options.method != "sample" and not options.uncertainty

    def answers(self, options: words.Imputing) -> int:
        """Count a row a draw."""
        return options.draws

    def run(self, given: Coded, options: words.Imputing) -> Result:
        """Call `Autoencoder.impute`, and `Autoencoder.probabilities`."""
        how = options.model_dump(exclude={"probabilities"})
        filled = self.model.impute(given, **how)
        if options.draws > 1:
            filled = pa.concat_tables(_numbered(table, draw) for draw, table in enumerate(filled))
        told = {"rows": filled}
        return told | ({"probabilities": self.model.probabilities(given)} if options.probabilities else {})


class FindOutliers(Job):
    """How odd rows are."""

    name = "outliers"
    options = words.Scoring
    clips = False

    def joins(self, options: words.Scoring) -> bool:
        """Join none to be explained: those are the oddest of one request."""
        return not options.explain

    def run(self, given: Coded, options: words.Scoring) -> Result:
        """Call `Autoencoder.outliers`."""
        found = self.model.outliers(given)
        told: Result = {"scores": found.scores}
        if options.false_alarms is not None:
            told["outlier"] = found.flags(false_alarms=options.false_alarms)
        return told | ({"explained": found.explain(options.explain)} if options.explain else {})


class Search(Job):
    """Rows of an index that are like others."""

    name = "search"
    options = words.Searching

    def joins(self, options: words.Searching) -> bool:
        """Join none: their answers are not a row a row."""
        return False

    def answers(self, options: words.Searching) -> int:
        """Count what is found."""
        return options.n

    def run(self, given: Coded, options: words.Searching) -> Result:
        """Call `Index.search`."""
        assert self.served.index is not None
        return {"rows": self.served.index.search(given.columns, n=options.n, where=options.where, exact=options.exact)}


class Decode(Job):
    """Codes to rows."""

    name = "decode"
    body = words.Decoding

    def joins(self, options: Any) -> bool:
        """Join none: what is given holds of the codes of one request."""
        return False

    def read(self, body: bytes, arrow: bool, options: Any) -> Any:
        """Read codes, and what is given beside them."""
        asked = (
            {"codes": _numbers(read_stream(body, self.served.limits)), "given": {}}
            if arrow
            else _said(self.body, body).model_dump()
        )
        self.served.limits.check_rows(len(asked["codes"]))
        if len({len(code) for code in asked["codes"]}) > 1:
            raise DataError("codes: the rows differ in length")
        return asked

    def join(self, sent: Sequence[Any]) -> Any:
        """Take the only one."""
        return sent[0]

    def run(self, given: Any, options: Any) -> Result:
        """Call `Autoencoder.decode`."""
        with np.errstate(over="ignore"):  # what float32 cannot hold is refused as infinite
            made = self.model.decode(given["codes"], given["given"] or None)
        return {"rows": open_table(made).columns}

    def notes(self, given: Any, start: int, end: int) -> list[str]:
        """Say nothing: what was sent are no cells."""
        return []


class Sample(Decode):
    """Rows made up."""

    name = "sample"
    body = words.Sampling  # type: ignore[assignment]

    def read(self, body: bytes, arrow: bool, options: Any) -> Any:
        """Read how many rows, and what is given."""
        if arrow:
            raise RefusedError(415, "conditions are sent as application/json; ask for Arrow by the header Accept")
        asked = _said(self.body, body)
        self.served.limits.check_rows(asked.n)
        return asked

    def run(self, given: words.Sampling, options: Any) -> Result:
        """Call `Autoencoder.sample`."""
        wanted = {
            name: (each.low, each.high) if isinstance(each, words.Range) else each for name, each in given.given.items()
        }
        made = self.model.sample(given.n, wanted, seed=given.seed, prior=given.prior)
        return {"rows": open_table(made).columns}


JOBS: tuple[type[Job], ...] = (Encode, Decode, Reconstruct, Impute, FindOutliers, Sample, Search)


def to_table(told: Result) -> pa.Table:
    """Give what is told as one table.

    Raises
    ------
    UsageError
        Where it is more than one.
    """
    if "probabilities" in told or "explained" in told:
        raise UsageError("probabilities and explanations are told as JSON only: leave the header Accept out")
    if "rows" in told:
        return told["rows"]
    if "codes" in told:
        return pa.table({f"z{i}": column for i, column in enumerate(told["codes"].T)})
    return pa.table({"score" if name == "scores" else name: array for name, array in told.items()})


def _numbered(table: pa.Table, draw: int) -> pa.Table:
    if DRAW in table.column_names:
        raise UsageError(f"draws: the table has a column '{DRAW}' already")
    return table.append_column(DRAW, pa.array(np.full(len(table), draw)))


def _numbers(table: pa.Table) -> list[list[Any]]:
    return [list(row) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]


def _said(kind: type[BaseModel], body: bytes) -> Any:
    """Read a body of one object."""
    try:
        return kind.model_validate(strict_json(body))
    except ValidationError as error:
        raise DataError(f"the body: {first_line(error.errors(include_url=False)[0])}") from None
