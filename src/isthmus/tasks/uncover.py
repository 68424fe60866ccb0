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


_STATES = 4096  # rows through the network at once


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
        self._slices, self._square = net.rules.barred(net.columns) if ruled else Rules().barred(net.columns)
        self._barred = torch.zeros(len(values), len(self._square), dtype=torch.bool, device=values.device)
        self.stuck = torch.zeros(len(values), dtype=torch.bool, device=values.device)
        self.weight = torch.zeros(len(values), dtype=torch.float64, device=values.device)
        for column, tokens in self._slices.items():
            known = (~self.cells.hidden[:, column]).nonzero()[:, 0]
            self._bar(known, column)
            if not missing and net.columns.likelihoods[column].missing:
                self._barred[:, tokens.stop - 1] = True
        for column, tokens in self._slices.items():
            self.stuck |= hidden[:, column] & self._barred[:, tokens].all(1)

    def draw(
        self,
        cells: Tensor,
        rng: torch.Generator,
        *,
        limits: Mapping[int, Limit] | None = None,
        seen: Tensor | None = None,
    ) -> None:
        """Draw cells (rows, columns), each row's in a random order of its own.

        Where `seen` (tokens,) is given, the probabilities of all drawn cells are added to it.
        """
        order = (torch.rand(cells.shape, generator=rng, device=cells.device) + 2.0 * ~cells).argsort(1)
        remaining = cells.sum(1)
        for step in range(int(remaining.max()) if len(cells) else 0):
            rows = (remaining > step).nonzero()[:, 0]
            drawn = order[rows, step]
            state = self._states(rows)
            for column in sorted(set(drawn.tolist())):
                mine = drawn == column
                limit = (limits or {}).get(column)
                self.draw_column(rows[mine], column, state[mine], self.net.drift, rng, limit=limit, seen=seen)

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
        likelihood = self.net.columns.likelihoods[column]
        if limit is not None and isinstance(likelihood, Numeric):
            value = likelihood.between(token.clamp(max=likelihood.present - 1), rng, limit.low, limit.high)
        else:
            value = likelihood.values(token, rng)
        self._know(rows, column, token, value)

    def _states(self, rows: Tensor) -> Tensor:
        """Give what the head reads: the decoder's hidden state (rows, width)."""
        states = []
        for part in torch.split(rows, _STATES):
            cells = Cells(*(each[part] for each in self.cells))
            read = self.net.code.decode(self.net.encode(cells))
            states.append(self.net.decoder.trunk(read, cells if self.net.condition else None, self.net.columns))
        return torch.cat(states)

    def _lawful(self, rows: Tensor, column: int, logits: Tensor) -> Tensor:
        """Take tokens that may not be drawn out of logits (rows, tokens), unless none would be left."""
        if self.net.columns.likelihoods[column].missing and not self.missing:
            logits = torch.cat([logits[:, :-1], torch.full_like(logits[:, -1:], -torch.inf)], 1)
        if column not in self._slices:
            return logits
        lawful = logits.masked_fill(self._barred[rows, self._slices[column]], -torch.inf)
        dead = lawful.isneginf().all(1)
        self.stuck[rows[dead]] = True
        return torch.where(dead[:, None], logits, lawful)

    def _choose(self, rows: Tensor, column: int, logits: Tensor, rng: torch.Generator, limit: Limit | None) -> Tensor:
        """Draw one column's tokens (rows,) from logits (rows, tokens), under a limit where there is one."""
        if limit is not None:
            likelihood = self.net.columns.likelihoods[column]
            within = torch.zeros(likelihood.size, device=logits.device)
            within[: likelihood.present] = torch.from_numpy(limit.allowed).to(within)
            if isinstance(likelihood, Numeric):
                within[: likelihood.present] *= likelihood.share(limit.low, limit.high)
            limited = logits + within.log()
            self.weight[rows] += (limited.logsumexp(1) - logits.logsumexp(1)).double()
            dead = limited.isneginf().all(1)
            self.stuck[rows[dead]] = True
            logits = torch.where(dead[:, None], within.log(), limited)
        return stratified(logits.softmax(1).double(), rng)

    def _know(self, rows: Tensor, column: int, token: Tensor, value: Tensor) -> None:
        self.values[rows, column] = value
        self.cells.token[rows, column] = token
        self.cells.hidden[rows, column] = False
        if column in self.net.columns.numeric:
            place = self.net.columns.numeric.index(column)
            standard = self.net.columns.numerics[place].standardise(value).nan_to_num(0.0)
            self.cells.number[rows, place] = standard.float()
        self._bar(rows, column)

    def _bar(self, rows: Tensor, column: int) -> None:
        """Bar what does not go with what rows have in a column."""
        if column in self._slices:
            line = self._slices[column].start + self.cells.token[rows, column]
            self._barred[rows] |= self._square[line]


def stratified(p: Tensor, rng: torch.Generator) -> Tensor:
    """Draw a token for each row of probabilities (rows, tokens), one draw in each 1/rows of [0, 1].

    Each row's draw is uniform on its own; together they are spread evenly, so that the shares of tokens drawn
    vary less from their expectation than independent draws would.
    """
    rows = len(p)
    place = torch.randperm(rows, generator=rng, device=p.device)
    u = (place + torch.rand(rows, generator=rng, device=p.device, dtype=p.dtype)) / rows
    cumulative = p.cumsum(1)
    token = (cumulative <= (u * cumulative[:, -1])[:, None]).sum(1)
    return token.clamp(max=p.shape[1] - 1)
