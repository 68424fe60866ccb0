"""What columns say of each other without exception: values that determine others, values never seen together.

Both become one square of flags over the long alphabet of tokens: may these two stand in one row? Drawing a cell then
only leaves out the tokens that some known cell of its row forbids, whichever of the two columns is drawn first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from scipy.special import gammaln
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.nets.columns import Columns

EXPECTED = 16.0
"""Rows in which two tokens would meet if they had nothing to do with each other, from which on meeting in none is a
rule: a chance of e^-16 a pair."""

ACCIDENT = -20.0
"""Log-probability that a column determines another by accident, below which it is a rule."""

TOKENS = 4096
"""Most tokens that rules are made of; the columns with the most are left out beyond."""

_ABSENT = np.inf  # in place of NaN, which equals nothing; no column holds it

Numbers = npt.NDArray[np.float64]


class Determined(NamedTuple):
    """Column `target` has the value `values[token]`, NaN for missing, wherever column `source` has the token."""

    source: int
    target: int
    values: Tensor


class Rules(nn.Module):
    """Rules between columns, each learnt from all rows and broken by none.

    Buffers
    -------
    pairs
        Tokens (pairs, 2), numbered over all columns, that never meet though some `EXPECTED` rows should hold both.
    determined
        Pairs of columns (pairs, 2) the second of which is determined by the first.
    values
        For each of these, one after another, its value for every token of the first; infinite where none was seen.
    """

    pairs: Tensor
    determined: Tensor
    values: Tensor

    def __init__(self, pairs: int = 0, determined: int = 0, values: int = 0) -> None:
        super().__init__()
        self.register_buffer("pairs", torch.zeros(pairs, 2, dtype=torch.int32))
        self.register_buffer("determined", torch.zeros(determined, 2, dtype=torch.int32))
        self.register_buffer("values", torch.zeros(values, dtype=torch.float64))
        self._barred: dict[bool, Barred] = {}

    @classmethod
    def from_facts(cls, facts: Mapping[str, int]) -> Rules:
        """Make empty ones of the given sizes, to be filled from a model file."""
        return cls(**facts)

    def facts(self) -> dict[str, int]:
        """Give what `from_facts` needs."""
        return {"pairs": len(self.pairs), "determined": len(self.determined), "values": len(self.values)}

    @classmethod
    def learn(cls, columns: Columns, x: Tensor) -> Rules:
        """Learn from values (rows, columns), NaN where missing."""
        cells = columns.tokenize(x.to(columns.offset.device))
        token, known = cells.token.cpu().numpy(), ~cells.hidden.cpu().numpy()
        found = list(_determined(columns, x.cpu().numpy(), token, known))
        never = _never_together(columns, token, known)
        owner = columns.owner.cpu().numpy()
        ruled = _smallest(columns, {j for pair in found for j in pair[:2]} | set(owner[never].flatten().tolist()))
        found = [pair for pair in found if ruled.issuperset(pair[:2])]
        never = never[np.isin(owner[never], list(ruled)).all(1)]
        self = cls(len(never), len(found), sum(len(values) for _, _, values in found))
        if found:
            self.determined = torch.tensor([pair[:2] for pair in found], dtype=torch.int32)
            self.values = torch.from_numpy(np.concatenate([values for _, _, values in found]))
        self.pairs = torch.from_numpy(never.astype(np.int32))
        return self

    def each(self, columns: Columns) -> list[Determined]:
        """Give the determined pairs of columns, sources of many values first."""
        sources = self.determined[:, 0].tolist()
        parts = torch.split(self.values, [columns.sizes[j] for j in sources])
        pairs = zip(sources, self.determined[:, 1].tolist(), parts, strict=True)
        found = [Determined(source, target, values) for source, target, values in pairs]
        return sorted(found, key=lambda one: -len(one.values))

    def complete(self, columns: Columns, values: Tensor, drawn: Tensor, *, missing: bool = True) -> Tensor:
        """Give the drawn cells of values (rows, columns) that are determined by others just that value."""
        values, due = values.clone(), drawn.clone()
        for one in self.each(columns):
            token = columns.likelihoods[one.source].tokens(values[:, one.source])
            value = one.values[token.clamp(min=0)]
            sure = due[:, one.target] & (token >= 0) & (value != _ABSENT) & (missing | ~value.isnan())
            values[sure, one.target] = value[sure]
            due[:, one.target] &= ~sure
        return values

    def barred(self, columns: Columns, *, logical: bool = False) -> Barred:
        """Tell which tokens may not stand in one row; `logical` leaves out what was merely never seen.

        What follows is made explicit: two tokens are barred too if no value of some third column agrees with both.
        """
        if logical not in self._barred:
            self._barred[logical] = self._square(columns, logical)
        return self._barred[logical]

    def _square(self, columns: Columns, logical: bool) -> Barred:
        pairs = self.pairs.long()[: 0 if logical else None]
        ruled = sorted({*self.determined.flatten().tolist(), *columns.owner[pairs].flatten().tolist()})
        sizes = [columns.sizes[j] for j in ruled]
        starts = np.cumsum([0, *sizes]).tolist()
        place = torch.full((columns.total,), -1, device=pairs.device)
        for j, start, size in zip(ruled, starts, sizes, strict=False):
            place[columns.slices[j]] = torch.arange(start, start + size, device=pairs.device)
        slices = {j: slice(start, start + size) for j, start, size in zip(ruled, starts, sizes, strict=False)}
        allowed = torch.ones(starts[-1], starts[-1], dtype=torch.bool, device=pairs.device)
        allowed[place[pairs[:, 0]], place[pairs[:, 1]]] = False
        for one in (every := self.each(columns)):
            allowed[slices[one.source], slices[one.target]] &= _agree(columns, one)
            for other in every:
                if other.target == one.target and other.source < one.source:
                    same = _same(one.values[:, None], other.values[None])
                    allowed[slices[one.source], slices[other.source]] &= same
        return Barred(slices, ~_closed(allowed & allowed.T, list(slices.values())))


class Barred:
    """Which tokens may not stand in one row, of the columns that have rules.

    `square` (tokens, tokens) has one line a token of each of these columns, those of a column at its slice.
    """

    def __init__(self, slices: dict[int, slice], square: Tensor) -> None:
        self.slices, self.square = slices, square
        self._against: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    def penalty(self, column: int, token: Tensor, hidden: Tensor) -> Tensor:
        """Give minus infinity (rows, tokens) where a cell that is not hidden bars a column's token, and 0 elsewhere.

        `token` and `hidden` (rows, columns) are the rows' cells.
        """
        if column not in self._against:
            self._against[column] = self._rivals(column)
        others, starts, lines = self._against[column]
        if not len(others):
            return lines.expand(len(token), -1)
        line = torch.where(hidden[:, others], len(lines) - 1, token[:, others] + starts)
        return F.embedding_bag(line, lines, mode="sum")

    def _rivals(self, column: int) -> tuple[Tensor, Tensor, Tensor]:
        """Find the columns that bar any token of `column`, and where each one's `lines` begin; the last bars nothing.

        The lines (tokens of these columns + 1, tokens of `column`) hold minus infinity for what is barred.
        """
        mine, device = self.square[:, self.slices[column]], self.square.device
        others = [j for j, tokens in self.slices.items() if j != column and bool(mine[tokens].any())]
        parts = [mine[self.slices[j]] for j in others]
        starts = [0, *accumulate(len(part) for part in parts)][:-1]
        barred = torch.cat([*parts, torch.zeros_like(mine[:1])])
        lines = torch.zeros(barred.shape, device=device).masked_fill(barred, -torch.inf)
        return torch.tensor(others, device=device, dtype=torch.long), torch.tensor(starts, device=device), lines


def _agree(columns: Columns, one: Determined) -> Tensor:
    """Tell which tokens (source tokens, target tokens) agree with what is determined."""
    unknown = one.values == _ABSENT
    likelihood = columns.likelihoods[one.target]
    token = likelihood.tokens(one.values.masked_fill(unknown, torch.nan))
    return (token[:, None] == torch.arange(likelihood.size, device=token.device)) | unknown[:, None]


def _same(a: Tensor, b: Tensor) -> Tensor:
    """Whether determined values are equal, both missing, or one of them unknown."""
    return (a == b) | (a.isnan() & b.isnan()) | (a == _ABSENT) | (b == _ABSENT)


def _closed(allowed: Tensor, slices: Sequence[slice]) -> Tensor:
    """Bar tokens (tokens, tokens) also where no token of a third column agrees with both (path consistency)."""
    inner, before = allowed.float(), -1
    while int(inner.sum(dtype=torch.int64)) != before:
        before = int(inner.sum(dtype=torch.int64))
        for tokens in slices:
            through = inner[:, tokens]
            inner *= (through @ through.T > 0).float()
    return inner.bool()


def _smallest(columns: Columns, chosen: set[int]) -> set[int]:
    """Those of the chosen columns that have the fewest tokens, `TOKENS` together."""
    ascending = sorted(chosen, key=columns.sizes.__getitem__)
    ends = accumulate(columns.sizes[j] for j in ascending)
    return {j for j, end in zip(ascending, ends, strict=True) if end <= TOKENS}


def _exact(columns: Columns) -> list[int]:
    """Columns whose tokens all stand for one value each."""
    numbers = dict(zip(columns.numeric, columns.numerics, strict=True))
    return [j for j in range(len(columns.sizes)) if j not in numbers or bool(numbers[j].atoms.all())]


def _determined(
    columns: Columns, x: Numbers, token: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]
) -> Iterator[tuple[int, int, Numbers]]:
    """Find the pairs of columns, and the values of the second by token of the first."""
    filled = np.where(np.isnan(x), _ABSENT, x)
    for source in _exact(columns):
        rows = np.flatnonzero(known[:, source])
        rows = rows[np.argsort(token[rows, source], kind="stable")]
        if not len(rows):
            continue
        seen, starts, counts = np.unique(token[rows, source], return_index=True, return_counts=True)
        ordered = filled[rows]
        low, high = np.minimum.reduceat(ordered, starts), np.maximum.reduceat(ordered, starts)
        for target in np.flatnonzero((low == high).all(0)):
            if target != source and _accident(ordered[:, target], starts, counts) < ACCIDENT:
                values = np.full(columns.sizes[source], _ABSENT)
                values[seen] = np.where(np.isinf(low[:, target]), np.nan, low[:, target])
                yield source, int(target), values


def _accident(values: Numbers, starts: npt.NDArray[np.intp], counts: npt.NDArray[np.int64]) -> float:
    """Log-probability that `values`, dealt anew among groups of such `counts`, leave one value in each group.

    Each value goes to as many groups of each size as it has now: whatever has one row determines anything.
    """
    kind = np.unique(values, return_inverse=True)[1]
    size = np.unique(counts, return_inverse=True)[1]
    groups = np.zeros((size.max() + 1, kind.max() + 1))
    np.add.at(groups, (size, kind[starts]), 1)
    deals = gammaln(np.bincount(kind) + 1).sum() - gammaln(len(values) + 1)
    return float(deals + gammaln(groups.sum(1) + 1).sum() - gammaln(groups + 1).sum())


def _never_together(
    columns: Columns, token: npt.NDArray[np.int64], known: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """Find pairs of tokens (pairs, 2), numbered over all columns, that should have met and have not."""
    rows, cells = np.nonzero(known)
    every = token[rows, cells] + columns.offset.cpu().numpy()[cells]
    counts = np.bincount(every, minlength=columns.total)
    often = np.flatnonzero(counts * counts.max() >= EXPECTED * len(token))[:TOKENS]
    table = sparse.csr_matrix((np.ones(len(every)), (rows, every)), (len(token), columns.total))[:, often]
    expected = np.outer(counts[often], counts[often]) / max(len(token), 1)
    owner = columns.owner.cpu().numpy()[often]
    never = ((table.T @ table).toarray() == 0) & (expected >= EXPECTED) & (owner[:, None] < owner[None])
    return often[np.argwhere(never)]
