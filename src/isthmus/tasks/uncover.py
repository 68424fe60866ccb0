"""Rows while they are drawn cell by cell: what is known of them, what rules forbid, how likely limits were met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from isthmus.nets.columns import Cells
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.likelihoods import Numeric
from isthmus.nets.rules import Rules
from isthmus.tasks.batches import Flags


class Limit(NamedTuple):
    """What a column may come out as: which of its tokens, and the range that a number keeps to."""

    allowed: Flags
    low: float
    high: float


_STATES = 512  # rows through the network at once: their hidden states fit a processor's cache

_ENOUGH = 256
"""Rows that one column is drawn of at a time, if there are that many: wide tables would else be drawn a row or two at a
time, each pass through the network for next to nothing."""

_TOGETHER = 16
"""Rows that share an order at most, for the sake of that: more, and made-up rows are a little less like real ones."""


class Rows:
    """Rows whose hidden cells are being drawn, of which `missing` tells whether they may come out missing.

    Attributes
    ----------
    values
        Cells (rows, columns), float64; those still hidden mean nothing yet.
    cells
        The same as the network reads them.
    stuck
        Rows (rows,) with a hidden cell for which the rules leave no value.
    weight
        Log-probability (rows,) with which the cells drawn so far meet the limits they were drawn under.
    """

    def __init__(
        self, net: Hourglass, values: Tensor, hidden: Tensor, *, missing: bool = True, ruled: bool = True
    ) -> None:
        self.net, self.values, self.missing = net, values.clone(), missing
        self.cells = net.columns.tokenize(values, hidden)
        self._likelihoods = net.columns.likelihoods
        self._place = {column: place for place, column in enumerate(net.columns.numeric)}
        self._barred = (net.rules if ruled else Rules()).barred(net.columns)
        self.stuck = torch.zeros(len(values), dtype=torch.bool, device=values.device)
        self.weight = torch.zeros(len(values), dtype=torch.float64, device=values.device)
        for column in self._barred.slices:
            due = hidden[:, column].nonzero()[:, 0]
            self._lawful(due, column, torch.zeros(1, net.columns.sizes[column], device=values.device))

    def draw(
        self,
        cells: Tensor,
        rng: torch.Generator,
        *,
        limits: Mapping[int, Limit] | None = None,
        seen: Tensor | None = None,
    ) -> None:
        """Draw cells (rows, columns) in random orders, each shared by a few rows so that these are drawn together.

        Where `seen` (tokens,) is given, the probabilities of all drawn cells are added to it.
        """
        together = min(max(_ENOUGH * cells.shape[1] // max(len(cells), 1), 1), _TOGETHER)
        groups = -(-len(cells) // together), cells.shape[1]
        late = torch.rand(groups, generator=rng, device=cells.device).repeat_interleave(together, 0)[: len(cells)]
        order = (late + 2.0 * ~cells).argsort(1)
        remaining = cells.sum(1)
        for step in range(int(remaining.max()) if len(cells) else 0):
            rows = (remaining > step).nonzero()[:, 0]
            drawn, by_column = order[rows, step].sort(stable=True)
            rows = rows[by_column]
            counts = torch.bincount(drawn, minlength=cells.shape[1]).tolist()
            parts = zip(torch.split(rows, counts), torch.split(self._states(rows), counts), strict=True)
            for column, (mine, state) in enumerate(parts):
                if len(mine):
                    limit = (limits or {}).get(column)
                    self.draw_column(mine, column, state, self.net.drift, rng, limit=limit, seen=seen)

    def draw_column(
        self,
        rows: Tensor,
        column: int,
        state: Tensor,
        drift: Tensor,
        rng: torch.Generator,
        *,
        limit: Limit | None = None,
        seen: Tensor | None = None,
    ) -> None:
        """Draw one column's cells of some rows (rows,) by the decoder's hidden state of these (rows, width)."""
        tokens = self.net.columns.slices[column]
        logits = self._lawful(rows, column, self.net.decoder.logits(state, tokens) + drift[tokens])
        if seen is not None:
            seen[tokens] += logits.softmax(1).sum(0)
        token = self._choose(rows, column, logits, rng, limit)
        likelihood = self._likelihoods[column]
        if limit is not None and isinstance(likelihood, Numeric):
            value = likelihood.between(token.clamp(max=likelihood.present - 1), rng, limit.low, limit.high)
        else:
            value = likelihood.values(token, rng)
        self._know(rows, column, token, value)

    def _states(self, rows: Tensor) -> Tensor:
        """Give what the head reads: the decoder's hidden state (rows, width), found once for rows that are alike."""
        cells = Cells(*(each[rows] for each in self.cells))
        first, alike = _distinct(cells)
        states = []
        for part in torch.split(first, _STATES):
            own = Cells(*(each[part] for each in cells))
            read = self.net.code.decode(self.net.encode(own))
            states.append(self.net.decoder.trunk(read, own if self.net.condition else None, self.net.columns))
        return torch.cat(states)[alike]

    def _lawful(self, rows: Tensor, column: int, logits: Tensor) -> Tensor:
        """Take tokens that may not be drawn out of logits (rows, tokens), unless none would be left."""
        if self._likelihoods[column].missing and not self.missing:
            logits = torch.cat([logits[:, :-1], torch.full_like(logits[:, -1:], -torch.inf)], 1)
        if column not in self._barred.slices:
            return logits
        lawful = logits + self._barred.penalty(column, self.cells.token[rows], self.cells.hidden[rows])
        dead = lawful.amax(1).isneginf()
        self.stuck[rows] |= dead
        return torch.where(dead[:, None], logits, lawful)

    def _choose(self, rows: Tensor, column: int, logits: Tensor, rng: torch.Generator, limit: Limit | None) -> Tensor:
        """Draw one column's tokens (rows,) from logits (rows, tokens), under a limit where there is one."""
        if limit is not None:
            likelihood = self._likelihoods[column]
            within = torch.zeros(likelihood.size, device=logits.device)
            within[: likelihood.present] = torch.from_numpy(limit.allowed).to(within)
            if isinstance(likelihood, Numeric):
                within[: likelihood.present] *= likelihood.share(limit.low, limit.high)
            limited = logits + within.log()
            self.weight[rows] += (limited.logsumexp(1) - logits.logsumexp(1)).double()
            dead = limited.isneginf().all(1)
            self.stuck[rows[dead]] = True
            logits = torch.where(dead[:, None], within.log(), limited)
        return stratified(logits.softmax(1), rng)

    def _know(self, rows: Tensor, column: int, token: Tensor, value: Tensor) -> None:
        self.values[rows, column] = value
        self.cells.token[rows, column] = token
        self.cells.hidden[rows, column] = False
        likelihood = self._likelihoods[column]
        if isinstance(likelihood, Numeric):
            self.cells.number[rows, self._place[column]] = likelihood.standardise(value).nan_to_num(0.0).float()


def _distinct(cells: Cells) -> tuple[Tensor, Tensor]:
    """Find rows of which none are alike, and for each row (rows,) the place among these of the one like it."""
    known = torch.cat([cells.token.masked_fill(cells.hidden, -1), cells.number], 1).double()
    draw = torch.Generator(known.device).manual_seed(0)
    weight = torch.randn(known.shape[1], generator=draw, device=known.device, dtype=torch.float64)
    _, alike = torch.unique(
        (known * weight).sum(1), return_inverse=True
    )  # by chance, two rows in 10^15 have the same sum
    first = torch.zeros(int(alike.max()) + 1, dtype=torch.long, device=known.device)
    return first.scatter_(0, alike, torch.arange(len(alike), device=known.device)), alike


def stratified(p: Tensor, rng: torch.Generator) -> Tensor:
    """Draw a token for each row of probabilities (rows, tokens), one draw in each 1/rows of [0, 1].

    Each row's draw is uniform on its own; together they are spread evenly, so that the shares of tokens drawn
    vary less from their expectation than independent draws would.
    """
    rows = len(p)
    place = torch.randperm(rows, generator=rng, device=p.device)
    u = (place + torch.rand(rows, generator=rng, device=p.device, dtype=torch.float64)) / rows
    cumulative = p.cumsum(1, dtype=torch.float64)
    token = torch.searchsorted(cumulative, (u * cumulative[:, -1])[:, None], right=True)[:, 0]
    return token.clamp(max=p.shape[1] - 1)
