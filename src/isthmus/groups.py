"""Rows in groups, and any rows against the rest: how sure groups are, and what sets rows apart in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.data.variables import Variable
from isthmus.errors import UsageError
from isthmus.halves import Part
from isthmus.inwords import phrase, told
from isthmus.tasks import cluster
from isthmus.tasks.batches import Flags, Floats
from isthmus.tasks.contrast import contrast, telling

if TYPE_CHECKING:
    from isthmus.data.sources import Table

Facts = list[dict[str, Any]]


@dataclass(frozen=True)
class Cluster:
    """One group of rows.

    Attributes
    ----------
    number
        Its number, counted from 0, the largest first; -1 for rows in no group.
    rows
        How many it has.
    name
        What sets it apart, in a few words.
    stability
        How alike it is when groups are found again in half of the rows and from another seed: the mean Jaccard index,
        below .6 not to be trusted; None for rows in no group.
    facts
        What sets it apart, the most first, as `contrast` tells it.
    """

    number: int
    rows: int
    name: str
    stability: float | None
    facts: Facts


@dataclass(frozen=True)
class Clusters:
    """Rows in groups, told in words.

    Attributes
    ----------
    table
        The table with a last column, the number of each row's group.
    labels
        The same numbers (rows,); -1 for rows in no group.
    clusters
        The groups, the largest first, and last the rows in none where there are any.
    agreement
        Mean adjusted Rand index with the groups that are found again: 1 for the same, 0 for chance.
    clear
        Whether the number of groups that was chosen stands out from a cloud without groups; None if none was chosen.
    """

    table: Any
    labels: npt.NDArray[np.int64]
    clusters: list[Cluster]
    agreement: float
    clear: bool | None

    @property
    def k(self) -> int:
        """The number of groups, without that of the rows in none."""
        return sum(each.number >= 0 for each in self.clusters)


class Grouping(Part):
    """The jobs on groups of rows of a fitted `isthmus.Autoencoder`, which inherits them."""

    if TYPE_CHECKING:

        def _check(self, X: Any) -> Table: ...

    def cluster(
        self, X: Any, k: int | None = None, *, shapes: bool = False, column: str = "cluster", seed: int = 0
    ) -> Clusters:
        """Part rows into groups by what their codes say, name each by what sets it apart, and say how stable it is.

        Parameters
        ----------
        X
            Rows; those the model was fitted to, or others.
        k
            How many groups; by default as many as stand out most.
        shapes
            Whether to look for dense groups of any shape instead, and leave the rows between them out as noise.
        column
            Name of the last column of the table that is given back.
        seed
            Same seed, same groups.

        Raises
        ------
        UsageError
            For a `k` that cannot be, or with `shapes`, which find their own number; a column that is taken.
        """
        table = self._check(X)
        if k is not None and (isinstance(k, bool) or not isinstance(k, int) or k < 1):
            raise UsageError(f"k is {k!r}; give a whole number of 1 or more")
        if k is not None and shapes:
            raise UsageError(f"k is {k}, and shapes find their own number of groups: say one of them")
        if column in table.columns.column_names:
            raise UsageError(f"column {column!r}: the data have a column of that name; give another")
        x = self.codec_.encode(table)
        codes = cluster.places(self.net_, x)
        found = cluster.shapes(codes, seed) if shapes else cluster.cluster(codes, k, seed)
        clusters = []
        for number in (*range(len(found.stability)), cluster.NOISE):
            rows = found.labels == number
            if not rows.any():
                continue
            stability = None if number == cluster.NOISE else float(found.stability[number])
            name, facts = _apart(x, self.schema_.coded, rows)
            clusters.append(Cluster(number, int(rows.sum()), name, stability, facts))
        given = table.give(table.columns.append_column(column, pa.array(found.labels)))
        return Clusters(given, found.labels, clusters, found.agreement, found.clear)

    def contrast(self, X: Any, rows: npt.ArrayLike) -> Facts:
        """Say what some rows have in common that the rest has not.

        Parameters
        ----------
        X
            The rows, and those they are compared with.
        rows
            Which: numbers counted from 0, or a flag for each.

        Returns
        -------
        For each variable that differs by more than chance, those that differ most first: `variable`, `phrase`, such as
        "area 200 or more", `bits` that one cell tells of which side its row is on, from 0 to 1, and the shares `inside`
        and `outside` of which the phrase holds.

        Raises
        ------
        UsageError
            For rows that are not there, none, or all.
        """
        table = self._check(X)
        flags = _flags(rows, table.rows)
        x = self.codec_.encode(table, clip=False)
        variables = self.schema_.coded
        return told(contrast(x, [variable.size for variable in variables], flags), variables)


def _apart(x: Floats, variables: tuple[Variable, ...], rows: Flags) -> tuple[str, Facts]:
    """Name rows (rows,) of x by what sets them apart, and tell it all."""
    sizes = [variable.size for variable in variables]
    facts = contrast(x, sizes, rows)
    few = [facts[place] for place in telling(x, sizes, facts)]
    name = ", ".join(phrase(fact, variables[fact.column]) for fact in few)
    return name or ("all rows" if rows.all() else "much like the rest"), told(facts, variables)


def _flags(rows: npt.ArrayLike, count: int) -> Flags:
    """Read row numbers, or a flag for each row, as flags (rows,)."""
    given = np.asarray(rows)
    if given.dtype == np.bool_:
        if given.shape != (count,):
            raise UsageError(f"rows holds {given.size:,} flags, and the table has {count:,} rows: give one for each")
        flags = given
    else:
        if given.ndim != 1 or not (given.size == 0 or np.issubdtype(given.dtype, np.integer)):
            raise UsageError("rows is no list of row numbers; give numbers counted from 0, or a flag for each row")
        outside = given[(given < 0) | (given >= count)]
        if outside.size:
            raise UsageError(f"rows: there is no row {outside[0]}; the table has {count:,}, counted from 0")
        flags = np.zeros(count, dtype=np.bool_)
        flags[given.astype(np.int64)] = True
    if flags.all() or not flags.any():
        which = "all rows" if flags.any() else "no row"
        raise UsageError(f"rows names {which} of {count:,}: some rows are compared with the rest")
    return flags
