"""What the decoder may say about one variable: a distribution over its tokens, and what tokens mean in data units.

Every variable is a short alphabet of tokens, so that Boolean, category, count and continuous never share one squared
error:

- `Categorical`: a token a value (a Boolean is the case of two, its softmax a Bernoulli);
- `Numeric`: a token a bin of the number line, frequent values being bins of their own ("atoms"). The histogram tells
  any shape; beside it the decoder says the number's mean, because a code that knows a number knows it finer than a bin.

A variable with missing cells has one more token, the last, for "missing".
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

UNKNOWN = -1
"""Token of a cell that tells nothing: a category never seen in training, or missing where nothing ever was."""


class Likelihood(nn.Module):
    """One variable's tokens.

    Attributes
    ----------
    size
        Number of tokens, the one for "missing" included.
    missing
        Whether the last token means "missing".
    numeric
        Whether values can be averaged.
    """

    kind = ""
    numeric = False

    def __init__(self, size: int, missing: bool) -> None:
        super().__init__()
        self.size, self.missing = size, missing

    @property
    def present(self) -> int:
        """Number of tokens that stand for a value."""
        return self.size - int(self.missing)

    def tokens(self, x: Tensor) -> Tensor:
        """Turn values (rows,) into tokens (rows,)."""
        return torch.where(x.isnan(), self.size - 1 if self.missing else UNKNOWN, self._token(x.nan_to_num(0.0)))

    def values(self, token: Tensor, rng: torch.Generator) -> Tensor:
        """Turn drawn tokens (rows,) into values (rows,), NaN for "missing"."""
        value = self._value(token.clamp(max=self.present - 1), rng)
        return torch.where(token >= self.present, torch.nan, value)

    def _token(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _value(self, token: Tensor, rng: torch.Generator) -> Tensor:
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """Give what `likelihood_from` needs to make an empty one of the same shape."""
        return {"kind": self.kind, "size": self.size, "missing": self.missing}


class Categorical(Likelihood):
    """A token a value; values are indices, -1 one never seen in training."""

    kind = "categorical"

    @classmethod
    def learn(cls, x: Tensor, values: int) -> Categorical:
        """Make one for a column of indices below `values`."""
        missing = bool(x.isnan().any())
        return cls(values + int(missing), missing)

    def _token(self, x: Tensor) -> Tensor:
        return x.long().clamp(UNKNOWN, self.present - 1)

    def _value(self, token: Tensor, rng: torch.Generator) -> Tensor:
        return token.double()


class Numeric(Likelihood):
    """Bins of the number line.

    Buffers
    -------
    starts
        Smallest value of each bin, ascending, in data units (float64).
    inside
        For each bin, quantiles of its training values: its smallest first, its largest last. A drawn bin takes a
        value between two of them, or one of them where the bin holds few different values.
    centre
        Mean of each bin's training values.
    unit
        Mean and standard deviation of all training values: the units in which errors of numbers are counted.
    """

    kind = "numeric"
    numeric = True
    QUANTILES = 33

    starts: Tensor
    inside: Tensor
    centre: Tensor
    unit: Tensor

    def __init__(self, size: int, missing: bool) -> None:
        super().__init__(size, missing)
        self.register_buffer("starts", torch.zeros(self.present, dtype=torch.float64))
        self.register_buffer("inside", torch.zeros(self.present, self.QUANTILES, dtype=torch.float64))
        self.register_buffer("centre", torch.zeros(self.present, dtype=torch.float64))
        self.register_buffer("unit", torch.tensor([0.0, 1.0], dtype=torch.float64))

    @classmethod
    def learn(cls, x: Tensor) -> Numeric:
        """Choose the bins from training values (rows,), NaN where missing: about as many as fill themselves."""
        present = x[~x.isnan()].sort().values
        bins = min(max(round(len(present) ** 0.5), 8), 64)
        values, counts = torch.unique_consecutive(present, return_counts=True)
        starts = _place_bins(values, counts, bins)
        missing = len(present) < len(x)
        self = cls(len(starts) + int(missing), missing)
        self.starts = starts
        first = torch.searchsorted(present, starts)
        count = torch.diff(first, append=torch.tensor([len(present)]))
        at = torch.linspace(0, 1, cls.QUANTILES, dtype=torch.float64)
        self.inside = present[first[:, None] + (at * (count[:, None] - 1)).round().long()]
        sums = torch.zeros(len(starts), dtype=torch.float64)
        self.centre = sums.index_add(0, self.tokens(present), present) / count
        # beyond 2^53 the sum of a value and itself may be rounded
        self.centre = self.centre.clamp(self.inside[:, 0], self.inside[:, -1])
        self.unit = _unit(present)
        return self

    def _token(self, x: Tensor) -> Tensor:
        return (torch.searchsorted(self.starts, x.contiguous(), right=True) - 1).clamp(0, self.present - 1)

    def _value(self, token: Tensor, rng: torch.Generator) -> Tensor:
        return self.between(token, rng, -torch.inf, torch.inf)

    def between(self, token: Tensor, rng: torch.Generator, low: float, high: float) -> Tensor:
        """Draw values (rows,) of bins from what of each lies between two values, both included."""
        first, last, few = (each[token] for each in self._part(low, high))
        part = torch.rand(len(token), generator=rng, device=token.device, dtype=torch.float64)
        at = torch.lerp(first, last, part)
        at = torch.where(few, at.round(), at)
        left = at.long().clamp(max=self.QUANTILES - 2)
        return torch.lerp(self.inside[token, left], self.inside[token, left + 1], at - left).clamp(low, high)

    def share(self, low: float, high: float) -> Tensor:
        """Share (values,) of each bin's rows that lies between two values, both included."""
        first, last, _ = self._part(low, high)
        inside = (self.inside[:, 0] <= high) & (self.inside[:, -1] >= low)
        return torch.where(inside, ((last - first) / (self.QUANTILES - 1)).clamp(min=1e-9), 0.0)

    def _part(self, low: float, high: float) -> tuple[Tensor, Tensor, Tensor]:
        """Give where among its quantiles each bin (values,) is between two values, and which bins repeat values.

        Of a bin of repeated values what was seen is drawn, nothing in between: a quantile each, at half steps.
        """
        row, most = self.inside, self.QUANTILES - 1
        if low == -torch.inf and high == torch.inf:
            whole = row.new_zeros(len(row))
            return whole, whole + most, (row[:, 1:] == row[:, :-1]).any(1)
        below, upto = (row < low).sum(1), (row <= high).sum(1)  # quantiles before the part, and up to its end
        few = (row[:, 1:] == row[:, :-1]).any(1) & (upto > below)
        first, last = (_position(row, end) for end in (low, high))
        first = torch.where(few, (below - 0.5).clamp(min=0), first).double()
        last = torch.where(few, (upto - 0.5).clamp(max=most), last).double()
        return first, last, few

    @property
    def atoms(self) -> Tensor:
        """Which bins hold one value only."""
        return self.inside[:, 0] == self.inside[:, -1]

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest training value."""
        return float(self.inside[0, 0]), float(self.inside[-1, -1])

    def within(self, x: Tensor) -> Tensor:
        """Bring values to between the smallest and the largest training value."""
        return x.clamp(self.inside[0, 0], self.inside[-1, -1])

    def standardise(self, x: Tensor) -> Tensor:
        """Values in standard deviations from the mean."""
        return (x - self.unit[0]) / self.unit[1]


def _position(row: Tensor, value: float) -> Tensor:
    """Where (bins,) a value lies among the ascending quantiles (bins, quantiles) of each bin, in steps of them."""
    left = ((row <= value).sum(1) - 1).clamp(0, row.shape[1] - 2)
    ends = row.gather(1, torch.stack([left, left + 1], 1))
    step = (ends[:, 1] - ends[:, 0]).clamp(min=torch.finfo(torch.float64).tiny)
    return left + ((value - ends[:, 0]) / step).clamp(0, 1)


def _unit(present: Tensor) -> Tensor:
    """Mean and standard deviation, of numbers whose squares may be beyond float64; 1 where nothing varies."""
    size = present.abs().max().clamp(min=torch.finfo(torch.float64).tiny)
    spread = (present / size).std(correction=0) * size
    varies = bool(present.max() > present.min()) and bool(spread > 0)
    return torch.stack([(present / size).mean() * size, spread if varies else torch.ones_like(spread)])


def _place_bins(values: Tensor, counts: Tensor, most: int) -> Tensor:
    """Few distinct values: each has its bin. Else frequent ones have, and the rest is cut at equal counts."""
    if len(values) <= most:
        return values
    atom = counts >= counts.sum() / most
    while True:
        room = most - int(atom.sum())
        more = atom | (counts >= counts[~atom].sum() / max(room, 1))
        if room <= 1 or bool((more == atom).all()):
            break
        atom = more
    rest = counts.masked_fill(atom, 0)
    bucket = (rest.cumsum(0) - rest) * max(most - int(atom.sum()), 1) // rest.sum()
    start = torch.ones(len(values), dtype=torch.bool)
    start[1:] = atom[1:] | atom[:-1] | (bucket[1:] != bucket[:-1])
    return values[start]


LIKELIHOODS: dict[str, type[Likelihood]] = {kind.kind: kind for kind in (Categorical, Numeric)}


def likelihood_from(facts: dict[str, Any]) -> Likelihood:
    """Make an empty likelihood of the given shape, to be filled from a model file."""
    return LIKELIHOODS[facts["kind"]](int(facts["size"]), bool(facts["missing"]))
