"""How much a fit with differential privacy may tell of any one row, and how that is shared out between its steps.

A promise (epsilon, delta) holds for everything that a model file holds: whichever row is left out of the table or added
to it, no file becomes more than e^epsilon times as likely, but for a probability of delta (Dwork et al. 2006). Rows
are asked four times, always under noise: how many there are, counts of each column, of pairs of columns, and gradients.
All but the first are normal noise on sums, whose privacy losses are added up exactly (Gopi et al. 2021, "Numerical
composition of differential privacy") by Opacus.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from isthmus.errors import UsageError

ROWS = 0.01
"""Share of epsilon for how many rows there are."""

COUNTS = 0.5
"""Share of epsilon that counts alone would take; gradients have what is left, which is more than the other half,
since privacy losses of many small steps add up to less than their sum."""

ONE, ALL, TREE = 0.45, 0.15, 0.4
"""How counts share theirs: of columns, of all pairs coarsely, to choose among them, and of the chosen ones."""

ROUNDS = 3
"""Times that columns are counted, each time more finely where there is something."""

LEAST, MOST = 0.3, 1e5
"""Multipliers of noise that are looked at. Less noise than the first is never added, whatever is allowed."""

ERROR = 0.01
"""Share of epsilon that the account may be too high by."""

Rounds = list[tuple[float, float, int]]
"""Standard deviation of the noise in lengths of what a row can change, the chance of a row to be in, how many times."""


@dataclass(frozen=True)
class Wanted:
    """What was asked for: epsilon, delta or None for one that the number of rows decides; a seed is for tests alone."""

    epsilon: float
    delta: float | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Shares:
    """Noise of everything that rows are asked, in lengths of what one row can change.

    Attributes
    ----------
    one, all, tree
        Of a count of all columns (`ROUNDS` times), of all pairs, of chosen pairs.
    gradients
        Of a step's sum of gradients.
    """

    epsilon: float
    delta: float
    one: float
    all: float
    tree: float
    gradients: float
    rate: float
    steps: int

    @property
    def counted(self) -> Rounds:
        """What counts take."""
        return _counts(self.one, self.all, self.tree)

    @property
    def stepped(self) -> Rounds:
        """What gradients take."""
        return [(self.gradients, self.rate, self.steps)]

    def facts(self, rows: float) -> dict[str, Any]:
        """Tell what was promised, and what was spent on what, as a model file keeps it."""
        return {
            "asked": self.epsilon + rows,
            "epsilon": rows + epsilon(self.counted + self.stepped, self.delta),
            "delta": self.delta,
            "neighbours": "tables that differ by one row more or less",
            "spent": {
                "number of rows": rows,
                "counts": epsilon(self.counted, self.delta),
                "gradients": epsilon(self.stepped, self.delta),
            },
            "noise multipliers": {
                "columns": self.one,
                "all pairs": self.all,
                "chosen pairs": self.tree,
                "gradients": self.gradients,
            },
            "rate": self.rate,
            "steps": self.steps,
        }


def usual_delta(rows: int) -> float:
    """Give the largest power of ten that is at most a tenth of one over the rows.

    With probability delta a promise may fail, at worst for a row that is given away whole: it has to be far below one
    over the rows. A power of ten, since the rows are known under noise only and delta should not follow it.

    >>> usual_delta(26_000), usual_delta(1000)
    (1e-06, 0.0001)
    """
    return float(f"1e-{math.ceil(math.log10(10 * max(rows, 1)) - 1e-9)}")


def share_out(wanted: float, delta: float, rate: float, steps: int) -> Shares:
    """Find the least noise that keeps to epsilon `wanted`, for so many steps that each row is in with chance `rate`.

    Raises
    ------
    UsageError
        Where no noise is enough.
    """
    base = _least(lambda m: _counts(*_parts(m)), COUNTS * wanted, delta, wanted)
    counted = _counts(*_parts(base))
    noise = _least(lambda m: [*counted, (m, rate, steps)], wanted, delta, wanted)
    one, every, tree = _parts(base)
    return Shares(wanted, delta, one, every, tree, noise, rate, steps)


def _parts(base: float) -> tuple[float, float, float]:
    """Share the noise of one count out among several: one over its square adds up."""
    return base * math.sqrt(ROUNDS / ONE), base / math.sqrt(ALL), base / math.sqrt(TREE)


def _counts(one: float, every: float, tree: float) -> Rounds:
    return [(one, 1.0, ROUNDS), (every, 1.0, 1), (tree, 1.0, 1)]


def epsilon(rounds: Rounds, delta: float, *, bound: str = "prv", error: float = 0.01) -> float:
    """Give epsilon of rounds of sampled rows under normal noise, an upper bound, by Opacus' accountant.

    `bound` is "prv", or "rdp" for the quicker and looser one by Rényi divergences (Mironov et al. 2019).
    What the first may be above the truth by, `error`, decides how long it takes.

    Raises
    ------
    UsageError
        Where Opacus is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from opacus.accountants import create_accountant
    except ImportError:
        raise UsageError("dp_epsilon needs Opacus, which accounts for it: pip install 'isthmus[private]'") from None
    accountant = create_accountant(mechanism=bound)
    accountant.history = list(rounds)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of orders at the end of those tried, and of logs of 0 where all rows are in
        return float(accountant.get_epsilon(delta=delta, **({"eps_error": error} if bound == "prv" else {})))


def _least(rounds: Any, allowed: float, delta: float, wanted: float) -> float:
    """Find the least multiplier, to one per cent above, with which `rounds` of it take no more than allowed."""
    if epsilon(rounds(MOST), delta, bound="rdp") > allowed:
        raise UsageError(f"dp_epsilon {wanted:g} with dp_delta {delta:g}: no noise is enough for so little; allow more")
    low, high = LEAST, MOST
    while high / low > 1.01:  # the looser bound is quick: its multiplier is too high, and not by much
        middle = math.sqrt(low * high)
        low, high = (low, middle) if epsilon(rounds(middle), delta, bound="rdp") <= allowed else (middle, high)
    low, error = max(LEAST, 0.7 * high), min(max(0.01, ERROR * allowed), 0.1)
    if (
        epsilon(rounds(high), delta, error=error) > allowed
    ):  # an upper bound of another kind may be above where little is left
        return high
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if epsilon(rounds(middle), delta, error=error) <= allowed else (middle, high)
    return high
