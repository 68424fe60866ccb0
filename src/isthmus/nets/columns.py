"""A table's variables side by side: one long alphabet of tokens, one softmax a variable in a few matrix operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from isthmus.nets.bins import Bins
from isthmus.nets.likelihoods import UNKNOWN, Likelihood, Numeric, likelihood_from

# Logits stay within these bounds, so that exp() neither overflows nor vanishes in float32 and the softmax of each
# variable needs no pass for its maximum. Odds of e^60 are as good as certain.
_BOUND = 30.0

_EVEN = math.log(0.5)

_SAME = 0.1
"""Standard deviations within which a number off the straight path counts as the same as a frequent value."""


class Cells(NamedTuple):
    """A batch of rows as the network reads them.

    `token` (rows, columns); `number` (rows, numeric columns) in standard deviations, 0 where hidden or missing;
    `hidden` (rows, columns), cells that tell nothing.
    """

    token: Tensor
    number: Tensor
    hidden: Tensor


class Columns(nn.Module):
    """The likelihoods of all variables and where each one's tokens lie in the long alphabet.

    Attributes
    ----------
    sizes, total
        Tokens of each variable, and of all.
    slices
        Where each variable's tokens lie.
    numeric
        Which variables are numbers.
    present
        How many tokens (columns,) of each variable stand for a value.
    last, lossy
        Last token (columns,) of each variable, and whether it means "missing".
    owner
        The variable (tokens,) that each token belongs to.
    places
        The numbers in `numeric`, where the network is: a list would be sent there, and waited for, at every use.
    loses
        Whether any variable has a token for "missing".
    """

    offset: Tensor
    present: Tensor
    last: Tensor
    lossy: Tensor
    owner: Tensor
    member: Tensor
    places: Tensor

    def __init__(self, likelihoods: Sequence[Likelihood]) -> None:
        super().__init__()
        self.each = nn.ModuleList(likelihoods)
        self.sizes = [likelihood.size for likelihood in likelihoods]
        self.total = sum(self.sizes)
        ends = list(accumulate(self.sizes))
        self.slices = [slice(end - size, end) for end, size in zip(ends, self.sizes, strict=True)]
        self.numeric = [j for j, likelihood in enumerate(likelihoods) if likelihood.numeric]
        self.loses = any(likelihood.missing for likelihood in likelihoods)
        sizes = torch.tensor(self.sizes)
        owner = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
        self._bins: dict[torch.device, Bins] = {}
        self.register_buffer("places", torch.tensor(self.numeric, dtype=torch.long), persistent=False)
        self.register_buffer("offset", sizes.cumsum(0) - sizes, persistent=False)
        self.register_buffer("present", torch.tensor([each.present for each in likelihoods]), persistent=False)
        self.register_buffer("last", sizes.cumsum(0) - 1, persistent=False)
        self.register_buffer("lossy", torch.tensor([each.missing for each in likelihoods]), persistent=False)
        self.register_buffer("owner", owner, persistent=False)
        self.register_buffer("member", nn.functional.one_hot(owner, len(sizes)).float(), persistent=False)

    @classmethod
    def from_facts(cls, facts: Sequence[dict[str, Any]]) -> Columns:
        """Make empty ones of the given shapes, to be filled from a model file."""
        return cls([likelihood_from(fact) for fact in facts])

    @property
    def likelihoods(self) -> list[Likelihood]:
        """The variables' likelihoods, in order."""
        return list(self.each)  # type: ignore[arg-type]

    @property
    def numerics(self) -> list[Numeric]:
        """The likelihoods of the numeric variables."""
        return [self.each[j] for j in self.numeric]  # type: ignore[misc]

    @property
    def outputs(self) -> int:
        """Numbers the decoder gives a row: a logit a token and a mean a number."""
        return self.total + len(self.numeric)

    def facts(self) -> list[dict[str, Any]]:
        """Give what `from_facts` needs."""
        return [likelihood.facts() for likelihood in self.likelihoods]

    def tokenize(self, x: Tensor, hidden: Tensor | None = None) -> Cells:
        """Turn values (rows, columns; float64, NaN missing, -1 unseen) into cells; unknown ones count as hidden."""
        value, bins = x.nan_to_num(0.0), self.bins(self.numeric)
        token = value.long().clamp(min=UNKNOWN).minimum(self.present - 1)
        if bins is not None:
            token[:, self.places] = bins.find(value[:, self.places])
        token = torch.where(x.isnan(), torch.where(self.lossy, self.present, UNKNOWN), token)
        unknown = token == UNKNOWN
        cells = Cells(token.clamp(min=0), self.standardise(x), unknown)
        return self.hide(cells, unknown if hidden is None else hidden)

    def hide(self, cells: Cells, hidden: Tensor) -> Cells:
        """Hide cells (rows, columns) beside those that tell nothing already."""
        hidden = hidden | cells.hidden
        return Cells(cells.token, torch.where(hidden[:, self.places], 0.0, cells.number), hidden)

    def standardise(self, x: Tensor) -> Tensor:
        """Numbers (rows, numeric columns) of values (rows, columns) in standard deviations, 0 where missing."""
        bins = self.bins(self.numeric)
        if bins is None:
            return x.new_zeros((x.shape[0], 0), dtype=torch.float)
        number: Tensor = (x[:, self.places] - bins.mean) / bins.spread
        return number.nan_to_num(0.0).float()

    def centres(self) -> tuple[Tensor, Tensor]:
        """Mean of every token (tokens,) in standard deviations, and whether it is a number: 0 where it is none."""
        centre, number = (
            torch.zeros(self.total, device=self.owner.device),
            torch.zeros_like(self.owner, dtype=torch.float),
        )
        for j, numeric in zip(self.numeric, self.numerics, strict=True):
            values = slice(self.slices[j].start, self.slices[j].start + numeric.present)
            centre[values], number[values] = numeric.standardise(numeric.centre).float(), 1.0
        return centre, number

    def bins(self, which: Sequence[int]) -> Bins | None:
        """Put the bins of the numeric columns `which` side by side; None if there are none."""
        if not which:
            return None
        device = self.offset.device
        if device not in self._bins:
            self._bins[device] = Bins.of(self.numerics, [self.slices[j].start for j in self.numeric])
        every = self._bins[device]
        if list(which) == self.numeric:
            return every
        return every.take(torch.tensor([self.numeric.index(j) for j in which], device=device))

    def log_marginals(self, token: Tensor) -> Tensor:
        """Log-frequency (tokens,) of every token in its column, each counted once more than it was seen."""
        counts = torch.bincount((token + self.offset).flatten(), minlength=self.total) + 0.5
        return (counts / (counts @ self.member)[self.owner]).log().float()


class TableDistribution:
    """What the decoder says about a batch of rows: for each cell a distribution over its variable's tokens.

    Made from the logits (rows, tokens) of all variables, the numbers (rows, numeric columns), in standard deviations,
    that the code holds, and what is to be added to the histograms' means: the numbers are for cells that were seen, the
    distributions for any.
    """

    def __init__(self, columns: Columns, logits: Tensor, numbers: Tensor, offsets: Tensor | None = None) -> None:
        self.columns, self.offsets = columns, offsets
        self._logits = logits.clamp(-_BOUND, _BOUND)
        self.numbers = numbers

    @cached_property
    def _log_sum(self) -> Tensor:
        return (self._logits.exp() @ self.columns.member).log()

    def log_prob(self, token: Tensor) -> Tensor:
        """Log-probability in nats (rows, columns) of tokens (rows, columns)."""
        return self._logits.gather(1, token + self.columns.offset) - self._log_sum

    def probabilities(self, column: int) -> Tensor:
        """Probabilities (rows, tokens) of one variable, "missing" last where it has one."""
        mass = self._logits[:, self.columns.slices[column]].exp()
        return mass / mass.sum(1, keepdim=True)

    def all_probabilities(self) -> Tensor:
        """Probabilities (rows, tokens) of all variables side by side."""
        mass, columns = self._logits.exp(), self.columns
        return mass / (mass @ columns.member)[:, columns.owner]

    def present(self, column: int) -> Tensor:
        """Probabilities (rows, values) of one variable given that it is not missing."""
        mass = self._present(column).exp()
        return mass / mass.sum(1, keepdim=True)

    def _present(self, column: int) -> Tensor:
        """Logits (rows, values) of one variable's values, without "missing"."""
        start = self.columns.slices[column].start
        return self._logits[:, start : start + self.columns.likelihoods[column].present]

    def expected(self) -> Tensor:
        """Means (rows, numeric columns) in standard deviations, of numbers that are not missing; differentiable."""
        centre, number = self.columns.centres()
        mass, member = self._logits.exp() * number, self.columns.member[:, self.columns.places]
        mean = ((mass * centre) @ member) / (mass @ member).clamp(min=1e-30)
        return mean if self.offsets is None else mean + self.offsets

    def rebuilt(self) -> Tensor:
        """Values (rows, columns) as the code holds them, float64; NaN where "missing" is likelier than any value.

        Numbers come from the straight path, which knows them finer than a bin; a frequent value that is likelier than
        not, and as good as the same, is taken to be exact.
        """
        values = self._each(self._held)
        lost = self._logits[:, self.columns.last] - self._log_sum > _EVEN
        return torch.where(lost & self.columns.lossy, torch.nan, values)

    def mode(self, which: Sequence[int] | None = None) -> Tensor:
        """Likeliest present values (rows, columns): of numbers the mean, or an exact value likelier than not."""
        return self._each(self._modes, which)

    def mean(self, which: Sequence[int] | None = None) -> Tensor:
        """Means of numbers and likeliest present values of the rest (rows, columns), float64."""
        return self._each(self._means, which)

    def quantile(self, column: int, q: Tensor | float) -> Tensor:
        """Smallest value (rows,) of a number that a share of at least q of its distribution does not exceed."""
        numeric, p = self.columns.likelihoods[column], self.present(column).double()
        assert isinstance(numeric, Numeric)
        above = p.cumsum(1)
        token = (above < q).sum(1, keepdim=True).clamp(max=numeric.present - 1)
        part = (q - (above - p).gather(1, token)) / p.gather(1, token).clamp(min=1e-12)
        at = (part * numeric.QUANTILES - 1e-6).ceil().long() - 1
        return numeric.inside[token[:, 0]].gather(1, at.clamp(0, numeric.QUANTILES - 1))[:, 0]

    def shares(self, column: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """Shares (rows,) of a number's distribution that are less than x (rows,), and at most x."""
        numeric, p = self.columns.likelihoods[column], self.present(column).double()
        assert isinstance(numeric, Numeric)
        token = numeric.tokens(x)[:, None].clamp(0, numeric.present - 1)
        inside, own = numeric.inside[token[:, 0]], p.gather(1, token)[:, 0]
        before = p.cumsum(1).gather(1, token)[:, 0] - own
        less, most = (inside < x[:, None]).double().mean(1), (inside <= x[:, None]).double().mean(1)
        return before + own * less, before + own * most

    def _shares(self, bins: Bins) -> Tensor:
        """Probabilities (rows, columns, widest) of the bins of numbers that are not missing."""
        mass = self._logits[:, bins.token].exp() * bins.real
        return mass / mass.sum(-1, keepdim=True)

    def _means(self, bins: Bins) -> Tensor:
        return self._centred(bins, self._shares(bins))

    def _centred(self, bins: Bins, p: Tensor) -> Tensor:
        mean = (p.double() * bins.centre).sum(-1)
        if self.offsets is not None:
            mean = mean + self.offsets[:, bins.order].double() * bins.spread
        return mean.clamp(bins.low, bins.high)

    def _modes(self, bins: Bins) -> Tensor:
        p = self._shares(bins)
        return _exact(bins, p, self._centred(bins, p))

    def _held(self, bins: Bins) -> Tensor:
        """Numbers (rows, columns) as the code holds them."""
        value = (self.numbers[:, bins.order].double() * bins.spread + bins.mean).clamp(bins.low, bins.high)
        exact = _exact(bins, self._shares(bins), value)
        return torch.where((exact - value).abs() < _SAME * bins.spread, exact, value)

    def _each(self, numbers: Callable[[Bins], Tensor], which: Sequence[int] | None = None) -> Tensor:
        """Read the columns `which`, or all: numbers as they are read of their bins, of the rest the likeliest."""
        asked = range(len(self.columns.sizes)) if which is None else which
        bins = self.columns.bins([j for j in asked if j in self.columns.numeric])
        found = iter(() if bins is None else numbers(bins).unbind(1))
        likelihoods = self.columns.likelihoods
        read = [next(found) if likelihoods[j].numeric else self._present(j).argmax(1).double() for j in asked]
        return torch.stack(read, 1)


def _exact(bins: Bins, p: Tensor, value: Tensor) -> Tensor:
    """Values (rows, columns), replaced by an atom where that is likelier than not."""
    top = p.max(-1)
    sure = (top.values > 0.5) & bins.at(bins.atom, top.indices)
    return torch.where(sure, bins.at(bins.centre, top.indices), value)
