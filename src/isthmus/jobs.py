"""What a fitted model does for tables: frames in, frames out, one thin method a job."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from sklearn.utils.validation import check_is_fitted

from isthmus import cleaned
from isthmus.cleaned import Cleaned
from isthmus.data.sources import Table, open_table
from isthmus.data.tables import append_rows
from isthmus.errors import DataError, UsageError
from isthmus.filled import fill, say_how_sure
from isthmus.given import Given
from isthmus.groups import Grouping
from isthmus.mapping import Maps
from isthmus.nets.priors import Prior
from isthmus.results import Outliers
from isthmus.settings import places
from isthmus.tasks import amplify, clean, impute, interpolate, outliers, reconstruct, synthesize
from isthmus.tasks.batches import Codes, Floats, device_of
from isthmus.tasks.choices import choices
from isthmus.tasks.prior import from_prior
from isthmus.tasks.uncertainty import Calibration


class Jobs(Grouping):
    """The jobs of a fitted `isthmus.Autoencoder`, which inherits them."""

    missing: Collection[object]
    n_features_in_: int
    fitted_: dict[str, Any]
    reference_: outliers.Reference
    prior_: Prior | None
    maps_: Maps
    calibration_: Calibration

    def impute(
        self,
        X: Any,
        method: impute.Method | None = None,
        draws: int = 1,
        seed: int = 0,
        *,
        uncertainty: bool = False,
        interval: float = 0.9,
    ) -> Any:
        """Fill missing cells, and touch no other.

        Parameters
        ----------
        X
            Rows, any cells of which may be missing.
        method
            "mode" for the likeliest value, "mean" for expected numbers, which of whole ones need not be whole, "sample"
            for a joint draw. By default the mode, or where there are several draws, draws.
        draws
            With more than one, a list of that many filled tables, each a draw.
        seed
            Same seed, same draws.
        uncertainty
            Whether to add columns that say how sure each filled cell is: NAME_filled, and NAME_probability of the value
            of a category, or NAME_low and NAME_high of a number, for each column NAME that had cells to fill.
        interval
            How often a number lies from its NAME_low to its NAME_high.

        Raises
        ------
        UsageError
            For an unknown method, several draws by another method than "sample", draws that a model cannot make, or
            column names that are taken.
        """
        table = self._check(X)
        x = self.codec_.encode(table)
        if draws < 1:
            raise UsageError(f"draws is {draws!r}; give 1 or more")
        if draws > 1 and method not in (None, "sample"):
            raise UsageError(f"draws {draws} and method {method!r}: several tables are drawn, say one of them")
        if not 0 < interval < 1:
            raise UsageError(f"interval is {interval!r}; give a share between 0 and 1, such as 0.9")
        how = method or ("mode" if draws == 1 else "sample")
        filled = [impute.impute(self.net_, x, how, seed + draw) for draw in range(draws)]
        tables = [fill(self.codec_, table, values, means=how == "mean") for values in filled]
        if uncertainty:
            levels = self.calibration_.level(interval)
            tables = [
                say_how_sure(self.net_, self.codec_, table, columns, x, values, levels)
                for columns, values in zip(tables, filled, strict=True)
            ]
        given = [table.give(columns) for columns in tables]
        return given if draws > 1 else given[0]

    def probabilities(self, X: Any, columns: Sequence[str] | None = None) -> dict[str, Floats]:
        """Give the probability (rows, values) of every value of Booleans and categories, from the rest of each row.

        Parameters
        ----------
        X
            Rows, any cells of which may be missing. What stands in a column that is asked about is not looked at.
        columns
            Which; by default all Booleans and categories. The values are `schema_[column].values`, in their order.

        Raises
        ------
        UsageError
            An unknown column, or one of numbers or moments.
        """
        table = self._check(X)
        names = [variable.name for variable in self.schema_.coded]
        numeric = self.net_.columns.numeric
        asked = [j for j in range(len(names)) if j not in numeric] if columns is None else places(columns, names)
        for j in asked:
            if j in numeric:
                raise UsageError(f"columns {names[j]!r}: a {self.schema_.coded[j].kind} has no list of values")
        found = choices(self.net_, self.codec_.encode(table), asked)
        return {names[j]: chances for j, chances in zip(asked, found, strict=True)}

    def outliers(self, X: Any) -> Outliers:
        """Score rows by how odd they are; `.explain()` names the cells that make them so."""
        table = self._check(X)
        x = self.codec_.encode(table, clip=False)
        return Outliers(self, table, x, self.reference_.look(self.net_, x))

    def clean(
        self, X: Any, share_of_false_repairs: float = 0.05, suggest: bool = False, denoise: Sequence[str] = ()
    ) -> Cleaned:
        """Repair the cells that are surest to be wrong, and say of each what was wrong and how sure that is.

        Parameters
        ----------
        X
            Rows; those the model was fitted to, or others. Missing cells are no errors: `impute` fills them.
        share_of_false_repairs
            How many of the repairs may, by expectation, change a cell that was right.
        suggest
            Whether to change nothing; `suggestions` lists what might be.
        denoise
            Columns of numbers to smooth instead: each number is drawn towards what the rest of its row makes expected,
            the surer that is the more, and nothing else is changed.

        Raises
        ------
        UsageError
            For a share outside 0 to 1, an unknown column or one that is no number, or a model that cannot clean.
        """
        table = self._check(X)
        if not 0 <= share_of_false_repairs <= 1:
            raise UsageError(f"share_of_false_repairs is {share_of_false_repairs!r}; give a share from 0 to 1")
        if not self.net_.unmasks:
            raise UsageError("this model was fitted without hidden cells, which clean needs: fit with corruption mask")
        names = [variable.name for variable in self.schema_.coded]
        smoothed = places(denoise, names, "denoise")
        x = self.codec_.encode(table, clip=False)
        for j in smoothed:
            if not self.net_.columns.likelihoods[j].numeric:
                raise UsageError(f"denoise {names[j]!r}: no column of numbers, which alone can be smoothed")
        if smoothed:
            return cleaned.smooth(self.codec_, table, x, clean.denoise(self.net_, x, smoothed))
        x, ways = cleaned.read(self.schema_, self.net_, table, x, self.fitted_["rows"])
        found = clean.repairs(self.net_, x, ways, share_of_false_repairs)
        return cleaned.give(self.codec_, table, x, found, suggest=suggest)

    def sample(self, n: int, given: Mapping[str, Any] | None = None, seed: int = 0, prior: str | None = None) -> Any:
        """Make up rows.

        Parameters
        ----------
        n
            How many.
        given
            What holds in all of them: `{"column": value}`, `(low, high)` with None for an open end, or a list
            of allowed values. Any columns, decided now and not when the model was fitted.
        seed
            Same seed, same rows.
        prior
            For models without masks: "learnt" or "normal", where codes are drawn from; by default the learnt
            prior where there is one.

        Raises
        ------
        UsageError
            For an unknown column, a value or range never seen in training, values that rule each other out, or a
            model that cannot sample. What is merely rarer than one training row is warned of, and drawn.
        """
        return self.flavour_.without_rows().give(next(self.sample_parts(n, given, seed, prior, rows=n)))

    def sample_parts(
        self,
        n: int,
        given: Mapping[str, Any] | None = None,
        seed: int = 0,
        prior: str | None = None,
        *,
        rows: int = 2 * synthesize.PIECE,
    ) -> Iterator[pa.Table]:
        """Make up the rows that `sample` does, as Arrow tables of so many `rows`, for more than fit into memory."""
        check_is_fitted(self, "net_")
        if n < 1:
            raise UsageError(f"n is {n!r}; give 1 or more rows")
        net, columns = self.net_, len(self.schema_.coded)
        read, learnt = Given.read(given, self.schema_, net.columns), self._prior(prior)
        if net.unmasks:
            read.judge(self.schema_, net, self.fitted_["rows"])
        else:
            stray = sorted(set(read.values) - set(net.condition)) + sorted(read.limits)
            if stray:
                raise UsageError(
                    f"given {self.schema_.coded[stray[0]].name!r}: a model fitted without masks can only "
                    "be given single values of its condition columns: fit with corruption mask, or condition"
                )
        rng = torch.Generator(device=device_of(net)).manual_seed(seed)
        for start in range(0, n, rows):
            x = read.rows(min(rows, n - start), columns)
            if net.unmasks:
                values = synthesize.unmask(net, x, np.isnan(x), rng, limits=read.limits)
            else:
                values = from_prior(net, x, rng, learnt=learnt)
            yield self.codec_.decode(values)

    def amplify(self, X: Any, where: Mapping[str, Any], to: float, *, mark: str = "synthetic", seed: int = 0) -> Any:
        """Add synthetic rows of a rare kind until it makes up a share of all rows.

        Parameters
        ----------
        X
            Rows of every kind; they stay as they are, first and in their order.
        where
            What makes the kind, in the words of `sample`'s `given`.
        to
            The share wanted, between 0 and 1.
        mark
            Name of a last column, true in the rows that were added; "" for none.
        seed
            Same seed, same rows.

        Raises
        ------
        UsageError
            For a kind never seen in training, a share that the kind already has, a mark that is a column's name.
        """
        if not where:
            raise UsageError("where is empty; give at least one column and its value")
        if not 0 < to < 1:
            raise UsageError(f"to is {to!r}; give a share between 0 and 1")
        table = self._check(X)
        if mark in table.columns.column_names:
            raise UsageError(f"mark {mark!r}: the data have a column of that name; give another")
        x, kind = self.codec_.encode(table), Given.read(where, self.schema_, self.net_.columns)
        rare, rows = int(amplify.of_kind(self.net_, x, kind.values, kind.limits).sum()), len(x)
        n = round((to * rows - rare) / (1 - to))
        if n < 1:
            raise UsageError(f"to is {to!r}: {rare:,} of {rows:,} rows are of that kind already; give a higher share")
        made = self.codec_.decode(amplify.amplify(self.net_, x, kind.values, kind.limits, n, seed))
        columns = append_rows(table.columns, made)
        if mark:
            columns = columns.append_column(mark, pa.array(np.arange(len(columns)) >= rows))
        return table.give(columns)

    def interpolate(self, X: Any, rows: tuple[int, int], steps: int = 8) -> Any:
        """Go from one row to another through the code.

        Parameters
        ----------
        X
            A table that holds both rows.
        rows
            Which two, counted from 0.
        steps
            Rows to make up in between.

        Returns
        -------
        A table of `steps` + 2 rows: the first row, those in between, the second row.
        """
        table = self._check(X)
        if len(rows) != 2 or not all(isinstance(row, Integral) for row in rows):
            raise UsageError(f"rows is {rows!r}; give two row numbers such as (3, 17)")
        if steps < 1:
            raise UsageError(f"steps is {steps!r}; give 1 or more")
        count = table.columns.num_rows
        for row in rows:
            if not 0 <= row < count:
                raise UsageError(f"rows: there is no row {row}; the table has {count:,}, counted from 0")
        x = self.codec_.encode(table)[list(rows)]
        values = interpolate.interpolate(self.net_, x, steps)
        return self.flavour_.without_rows().give(self.codec_.decode(values))

    def map(self, X: Any, dim: int = 2) -> Codes:
        """Place rows on a map (rows, dim): rows with similar codes lie close together.

        A code of `dim` numbers is its own map. Of a larger one, a map is laid out of training rows' codes when one is
        first asked for; all rows land on that one, and it is saved with the model.

        Parameters
        ----------
        X
            Rows; those the model was fitted to, or others.
        dim
            2, 3 or 1.

        Raises
        ------
        UsageError
            For more dimensions than the code has numbers, or than can be looked at.
        """
        codes = reconstruct.encode(self.net_, self.codec_.encode(self._check(X)))
        return self.maps_(codes, dim)

    def _prior(self, name: str | None) -> Prior | None:
        """Find the prior called `name`; None is the code's own."""
        if name not in (None, "normal", "learnt"):
            raise UsageError(f"prior is {name!r}; give 'normal' or 'learnt'")
        if name == "learnt" and self.prior_ is None:
            raise UsageError("prior 'learnt': this model has none; fit with prior learnt")
        if name is not None and self.net_.unmasks:
            raise UsageError(f"prior {name!r}: a model with corruption mask makes up rows without one; leave it out")
        return None if name == "normal" else self.prior_

    def _open(self, X: Any) -> Table:
        return X if isinstance(X, Table) else open_table(X, missing=self.missing)

    def _check(self, X: Any) -> Table:
        """Open rows for a fitted model; an array must have as many columns as the one in training."""
        check_is_fitted(self, "net_")
        table = self._open(X)
        if not table.flavour.named and table.columns.num_columns != self.n_features_in_:
            raise DataError(
                f"X has {table.columns.num_columns} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        return table
