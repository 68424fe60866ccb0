"""How likely each cell of a table is to be wrong.

A cell is wrong when what stands there fits the rest of its row worse than what a slip would have put there. With one
wrong cell in a row, the odds that it is cell j are prior x p(written | slip) / p(written | rest of the row), and rivals
share: whether the age or the marital status is wrong, one of them is. With several, the worst is found first, hidden,
and the others are looked at again, so that a wrong cell does not cast suspicion on right ones. Which of two that
contradict each other is wrong, is told by how odd each is with the other hidden.

How often numbers are scaled is learnt from the table itself, by expectation maximisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isthmus.nets.columns import Cells
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.likelihoods import Numeric
from isthmus.tasks.batches import Flags, Floats, device_of, through
from isthmus.tasks.slips import MISPLACED, SCALED, Ways

ROUNDS = 6
"""Most wrong cells that are looked for in one row."""

USUAL = 2e-3
"""Rate of values put in place of others. A table cannot tell it: what is as rare as slips may be no slip."""

RAREST = 1e-6

SUSPECT = 0.01
"""Odds from which on a cell is looked at again once another of its row is hidden."""


@dataclass(frozen=True)
class Suspicion:
    """What is known of every cell (rows, columns).

    `wrong`, the probability that it is; `found`, which cells are named as wrong; `odds` of each against "nothing in
    this row is wrong", or against "nothing else is"; `rates` (ways, columns) of slips.
    """

    wrong: Floats
    found: Flags
    odds: Floats
    rates: Floats


def read(net: Hourglass, x: Floats, hidden: Flags) -> Cells:
    """Read values (rows, columns) as the network knows them, those that are `hidden` telling nothing.

    Numbers outside the range seen in training are read as its ends, beyond which the network knows nothing, and words
    never seen as unknown.
    """
    seen = x.copy()
    for j, likelihood in enumerate(net.columns.likelihoods):
        if isinstance(likelihood, Numeric):
            seen[:, j] = np.clip(x[:, j], *likelihood.range)
        else:
            seen[x[:, j] >= likelihood.present, j] = -1
    device = device_of(net)
    return net.columns.tokenize(torch.from_numpy(seen).to(device), torch.from_numpy(hidden).to(device))


def told(net: Hourglass, cells: Cells, column: int) -> Floats:
    """Probabilities (rows, values) of a column's values, given each row's other cells."""
    present = net.columns.likelihoods[column].present
    tokens = slice(net.columns.slices[column].start, net.columns.slices[column].start + present)

    def ask(token: Tensor, number: Tensor, hidden: Tensor) -> Tensor:
        alone = torch.zeros_like(hidden)
        alone[:, column] = True
        cells = net.columns.hide(Cells(token, number, hidden), alone)
        state = net.decoder.trunk(net.code.decode(net.encode(cells)), cells if net.condition else None, net.columns)
        return net.decoder.logits(state, tokens).double().softmax(1)

    return through(net, ask, *(each.cpu().numpy() for each in cells))


@torch.no_grad()
def usual(net: Hourglass) -> list[Floats]:
    """Give each column's shares of values (values,) where nothing of a row is known."""
    nothing = np.full((1, len(net.columns.sizes)), np.nan)
    said = net(read(net, nothing, np.isnan(nothing)))
    return [said.present(j)[0].double().cpu().numpy() for j in range(nothing.shape[1])]


def ratios(net: Hourglass, x: Floats, hidden: Flags, look: Flags, ways: Sequence[Ways]) -> Floats:
    """Likelihood ratios (ways, rows, columns) of the cells to `look` at, each hidden alone beside `hidden`; 0 else."""
    answers = np.zeros((MISPLACED + 1, *x.shape))
    cells = read(net, x, hidden)
    for j, way in enumerate(ways):
        rows = np.flatnonzero(look[:, j])
        if len(rows):
            answers[:, rows, j] = way.ratios(told(net, Cells(*(each[rows] for each in cells)), j), x[rows, j])
    return answers


def suspect(net: Hourglass, x: Floats, ways: Sequence[Ways]) -> Suspicion:
    """Look for wrong cells in values (rows, columns)."""
    found = np.zeros(x.shape, dtype=bool)
    first = ratios(net, x, found, ~np.isnan(x), ways)
    rates = _rates(first, np.array([likelihood.numeric for likelihood in net.columns.likelihoods]))
    odds = np.einsum("krj,kj->rj", first, rates)
    wrong = shared(odds)
    rows, now = np.arange(len(x)), odds
    named = []
    for _ in range(ROUNDS):
        bad = now.sum(1) > 1  # that one of the row's cells is wrong is likelier than that none is
        rows, now = rows[bad], now[bad]
        if not len(rows):
            break
        now = _told_apart(net, x[rows], found[rows], now, ways, rates)
        worst = now.argmax(1)
        named.append((rows, worst, now))
        found[rows, worst] = True
        again = odds[rows] > SUSPECT
        new = np.einsum("krj,kj->rj", ratios(net, x[rows], found[rows], again, ways), rates)
        now = np.where(again, new, odds[rows])
        odds[rows] = now
        now = np.where(found[rows], 0.0, now)
        wrong[rows] = np.maximum(wrong[rows], shared(now))
    for rows, worst, then in named:  # its rivals are those that were suspected beside it and not named since
        rivals = np.where(found[rows], 0.0, then).sum(1)
        wrong[rows, worst] = odds[rows, worst] / (1 + odds[rows, worst] + rivals)
    return Suspicion(wrong, found, odds, rates)


def _told_apart(net: Hourglass, x: Floats, found: Flags, odds: Floats, ways: Sequence[Ways], rates: Floats) -> Floats:
    """Correct the odds (rows, columns) of the two worst cells of each row, which may contradict each other.

    Both are then all but impossible beside the other, and how impossible the network does not know. That one of them
    is wrong is as likely as the worse makes it; which one, what each is without the other tells.
    """
    rows, odds = np.arange(len(x)), odds.copy()
    pair = np.argsort(-odds, axis=1)[:, :2]
    rows = rows[odds[rows, pair[:, -1]] > SUSPECT]
    alone = np.zeros((len(rows), 2))
    for this, other in ((0, 1), (1, 0)) if len(rows) else ():
        hidden, look = found[rows], np.zeros((len(rows), x.shape[1]), dtype=bool)
        at = np.arange(len(rows))
        hidden[at, pair[rows, other]] = look[at, pair[rows, this]] = True
        alone[:, this] = np.einsum("krj,kj->rj", ratios(net, x[rows], hidden, look, ways), rates).sum(1)
    worse = odds[rows, pair[rows, 0]] / alone.max(1).clip(1e-300)
    for this in range(2):
        odds[rows, pair[rows, this]] = worse * alone[:, this]
    return odds


def shared(odds: Floats) -> Floats:
    """Probabilities (rows, columns) that a cell is the wrong one of its row, from odds against none."""
    return np.asarray(odds / (1 + odds.sum(1, keepdims=True)))


def _rates(found: Floats, numeric: Flags, rounds: int = 30) -> Floats:
    """Rates (ways, columns) of slips: of scaled numbers, the one that makes the table likeliest; else what is usual."""
    rates = np.repeat([[USUAL], [USUAL], [USUAL], [1.0], [1.0]], len(numeric), axis=1)
    for _ in range(rounds if numeric.any() else 0):
        odds = np.einsum("krj,kj->rj", found, rates)
        scaled = found[SCALED] * rates[SCALED] / (1 + odds.sum(1, keepdims=True))
        rates[SCALED] = max(float(scaled[:, numeric].mean()), RAREST)
    return rates
