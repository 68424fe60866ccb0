"""One answer from several filled tables: estimates pooled by Rubin's rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.errors import UsageError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pooled:
    """What several analyses of filled tables say together, each attribute an array (quantities,).

    Attributes
    ----------
    estimate
        Means of the estimates.
    standard_error
        Which counts what the gaps leave open as well.
    dof
        Degrees of freedom of Student's t for intervals and tests.
    missing_information
        Share of the information on each quantity that went with the missing cells, 0 to 1.
    names
        What the quantities are called, where the fits say so.
    """

    estimate: Floats
    standard_error: Floats
    dof: Floats
    missing_information: Floats
    names: tuple[str, ...] = ()

    def interval(self, level: float = 0.95) -> Floats:
        """Give confidence intervals (quantities, 2).

        >>> pool([1.0, 1.2, 0.8], [0.04, 0.04, 0.04]).interval().round(2)
        array([[0.26, 1.74]])
        """
        from scipy import stats

        if not 0 < level < 1:
            raise UsageError(f"level is {level!r}; give a share between 0 and 1, such as 0.95")
        reach = stats.t.ppf(0.5 + level / 2, self.dof) * self.standard_error
        return np.stack([self.estimate - reach, self.estimate + reach], 1)


def pool(fits: Sequence[Any], variances: Sequence[Any] | None = None, dof: float | None = None) -> Pooled:
    """Pool the same analysis of several filled tables by Rubin's rules.

    The variance of a pooled estimate is the mean of the variances within tables plus (1 + 1/M) times the variance of
    the estimates between them (Rubin 1987, "Multiple Imputation for Nonresponse in Surveys", section 3.1).

    Parameters
    ----------
    fits
        One for each table: fitted results that have `params` and `bse`, as those of statsmodels do; or estimates, a
        number or an array (quantities,) each.
    variances
        Squared standard errors of the estimates, of the same shape; not with fitted results.
    dof
        Degrees of freedom that an analysis of a table without gaps would have: with them, few rows are allowed for
        (Barnard and Rubin 1999, "Small-sample degrees of freedom with multiple imputation", eq. 3). Fitted results say
        so themselves (`df_resid`).

    Raises
    ------
    UsageError
        For fewer than two tables, shapes that differ, or negative variances.

    Examples
    --------
    >>> pooled = pool([[1.0, 5.0], [1.2, 5.0], [0.8, 5.0]], [[0.04, 0.01]] * 3)
    >>> pooled.estimate, pooled.standard_error.round(3), pooled.missing_information.round(2)
    (array([1., 5.]), array([0.306, 0.1  ]), array([0.67, 0.  ]))
    """
    if variances is None:
        fits, variances, names, dof = _read(fits, dof)
    else:
        names = ()
    q, u = (_table(each, what) for each, what in ((fits, "estimates"), (variances, "variances")))
    if q.shape != u.shape:
        raise UsageError(f"estimates of shape {q.shape} but variances of shape {u.shape}: one variance an estimate")
    if (u < 0).any():
        raise UsageError(f"variances are squares of standard errors: {int((u < 0).sum())} of these are negative")
    return _pool(q, u, dof, names)


def _read(fits: Sequence[Any], dof: float | None) -> tuple[list[Any], list[Any], tuple[str, ...], float | None]:
    """Take estimates, variances, names and degrees of freedom from fitted results."""
    for fit in fits:
        if not (hasattr(fit, "params") and hasattr(fit, "bse")):
            raise UsageError(
                f"{type(fit).__name__} has no params and bse to pool; give estimates, and variances=... beside them"
            )
    names = tuple(map(str, getattr(fits[0].params, "index", ()))) if fits else ()
    left = [float(fit.df_resid) for fit in fits if hasattr(fit, "df_resid")]
    return (
        [fit.params for fit in fits],
        [np.square(fit.bse) for fit in fits],
        names,
        min(left) if dof is None and left else dof,
    )


def _table(given: Sequence[Any], what: str) -> Floats:
    """Estimates or variances as an array (tables, quantities)."""
    try:
        array = np.asarray([np.atleast_1d(np.asarray(each, dtype=np.float64)) for each in given])
    except (TypeError, ValueError):
        raise UsageError(f"{what} differ in shape, or are no numbers: give as many for each table") from None
    if array.ndim != 2 or len(array) < 2:
        raise UsageError(
            f"{what} of shape {array.shape}: give a number or a list of numbers for each of 2 tables or more"
        )
    return array


def _pool(q: Floats, u: Floats, complete: float | None, names: tuple[str, ...]) -> Pooled:
    """Pool estimates `q` and variances `u` (tables, quantities)."""
    tables = len(q)
    within, between = u.mean(0), (1 + 1 / tables) * q.var(0, ddof=1)
    total = within + between
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.nan_to_num(between / total)
        dof = np.where(share > 0, (tables - 1) / share**2, np.inf)
        if complete is not None:
            observed = (complete + 1) / (complete + 3) * complete * (1 - share)
            dof = np.where(observed > 0, 1 / (1 / dof + 1 / observed), 0.0)
        odds = between / within
        information = np.where(np.isfinite(odds), (odds + 2 / (dof + 3)) / (odds + 1), 1.0)
    return Pooled(q.mean(0), np.sqrt(total), dof, np.where(share > 0, information, 0.0), names)
