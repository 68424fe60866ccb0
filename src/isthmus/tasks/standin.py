"""Rows that stand in for real ones: drawn from counts of pairs of columns under noise, which form a tree.

All that training can learn of them is free of any further cost: what tokens mean, how a row goes through a code, how
columns depend on each other two by two. Gradients of real rows, which cost, are left with what pairs cannot tell.

The tree and its counts are those of MST (McKenna et al. 2021, "Winning the NIST contest: a scalable and general
approach to differentially private synthetic data"): all pairs are counted coarsely to choose the tree of the most
dependent ones (Chow and Liu 1968), and these once more, finely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from isthmus.nets.columns import Columns
from isthmus.tasks.batches import Floats
from isthmus.tasks.counts import noisy, projected
from isthmus.training.private import Chance

COARSE = 8
"""Groups of values a column that all pairs are counted in."""

FINE = 48
"""Most groups of chosen pairs."""

TELLING = 3.0
"""Rows in a cell, in deviations of the noise, below which groups are made wider."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Grouped:
    """A column's tokens in groups: the group of each token, and each token's share of the rows."""

    group: Ints
    share: Floats

    @classmethod
    def of(cls, share: Floats, present: int, groups: int, *, ordered: bool) -> Grouped:
        """Put tokens into at most so many groups: of numbers neighbours, of categories the rarest in one.

        What is no value, after the first `present`, has a group of its own.
        """
        group = np.arange(len(share))
        if ordered and present >= groups:
            middle = share[:present].cumsum() - share[:present] / 2
            group[:present] = np.unique(
                (middle / max(share[:present].sum(), 1e-300) * (groups - 1)).astype(int), return_inverse=True
            )[1]
        elif present >= groups:
            rank = np.argsort(np.argsort(-share[:present], kind="stable"))
            group[:present] = np.minimum(rank, groups - 2)
        group[present:] = group[:present].max(initial=-1) + 1
        return cls(group, share)

    @property
    def groups(self) -> int:
        """How many there are."""
        return int(self.group.max()) + 1

    def sums(self) -> Floats:
        """Each group's share of the rows."""
        return np.asarray(np.bincount(self.group, self.share, self.groups), dtype=np.float64)

    def inside(self) -> Floats:
        """Give (groups, tokens) the share of each token in its group."""
        table = np.zeros((self.groups, len(self.share)))
        table[self.group, np.arange(len(self.share))] = self.share + 1e-12
        return np.asarray(table / table.sum(1, keepdims=True))


class Edge(NamedTuple):
    """Two columns of a tree, and the shares (groups, groups) of rows in each pair of groups."""

    parent: int
    child: int
    share: Floats


@dataclass(frozen=True)
class Tree:
    """A distribution of rows: every column on its own, but for one other at most that it depends on."""

    columns: Columns
    shares: Sequence[Floats]
    edges: Sequence[Edge]
    groups: Sequence[Grouped]

    @classmethod
    def learn(
        cls,
        columns: Columns,
        independent: Floats,
        x: Floats,
        rows: int,
        all_pairs: float,
        chosen: float,
        chance: Chance,
    ) -> Tree:
        """Learn from rows, counted twice under noise.

        Parameters
        ----------
        independent
            Values (any, columns) whose columns are as they were counted, each on its own.
        x
            The rows (rows, columns) themselves.
        rows
            How many there are, as far as is known.
        all_pairs, chosen
            Standard deviations of the noise of all pairs, and of those chosen, in lengths of what a row can change.
        """
        shares = _marginals(columns, independent)
        cells = columns.tokenize(torch.from_numpy(x))
        token, known = cells.token.numpy(), ~cells.hidden.numpy()
        pairs = list(combinations(range(len(shares)), 2))
        coarse = _grouped(columns, shares, COARSE)
        noise = all_pairs * np.sqrt(max(len(pairs), 1))
        strength = {}
        for a, b in pairs:
            found = noisy(_table(coarse, token, known, a, b), noise, chance)
            strength[a, b] = _dependence(found, rows, coarse[a].sums(), coarse[b].sums(), noise)
        order = _spanning(len(shares), strength)
        noise = chosen * np.sqrt(max(len(order), 1))
        size = int(np.clip(np.sqrt(rows / (TELLING * max(noise, 1e-9))), 4, FINE))
        fine = _grouped(columns, shares, size)
        edges = []
        for a, b in order:
            found = projected(noisy(_table(fine, token, known, a, b), noise, chance).ravel(), float(rows))
            table = found.reshape(fine[a].groups, fine[b].groups) / rows
            edges.append(Edge(a, b, _raked(table, fine[a].sums(), fine[b].sums())))
        return cls(columns, shares, edges, fine)

    def draw(self, rows: int, seed: int) -> Floats:
        """Draw values (rows, columns)."""
        rng = np.random.default_rng(seed)
        token = np.zeros((rows, len(self.shares)), dtype=np.int64)
        children = {edge.child for edge in self.edges}
        for j, share in enumerate(self.shares):
            if j not in children:
                token[:, j] = rng.choice(len(share), rows, p=share / share.sum())
        for edge in self.edges:  # parents come before their children
            told = self.groups[edge.parent].group[token[:, edge.parent]]
            child = (edge.share / edge.share.sum(1, keepdims=True)) @ self.groups[edge.child].inside()
            token[:, edge.child] = _drawn(child.cumsum(1)[told], rng)
        chance = torch.Generator().manual_seed(seed)
        drawn = torch.from_numpy(token)
        values = [each.values(drawn[:, j], chance) for j, each in enumerate(self.columns.likelihoods)]
        return torch.stack(values, 1).numpy()


def _drawn(above: Floats, rng: np.random.Generator) -> Ints:
    """Draw a token (rows,) of each row's cumulative distribution (rows, tokens)."""
    at = rng.random((len(above), 1)) * above[:, -1:]
    return np.asarray(np.minimum((above <= at).sum(1), above.shape[1] - 1))


def _marginals(columns: Columns, x: Floats) -> list[Floats]:
    """Give the shares (tokens,) of each column."""
    token = columns.tokenize(torch.from_numpy(x)).token
    return [part.double().exp().numpy() for part in torch.split(columns.log_marginals(token), columns.sizes)]


def _grouped(columns: Columns, shares: Sequence[Floats], groups: int) -> list[Grouped]:
    likelihoods = columns.likelihoods
    return [
        Grouped.of(share, each.present, groups, ordered=each.numeric)
        for share, each in zip(shares, likelihoods, strict=True)
    ]


def _table(groups: Sequence[Grouped], token: Ints, known: npt.NDArray[np.bool_], a: int, b: int) -> Ints:
    """Count the rows (groups, groups) in each pair of groups of two columns, where both are known."""
    both = known[:, a] & known[:, b]
    one, other = groups[a].group[token[both, a]], groups[b].group[token[both, b]]
    wide = groups[b].groups
    return np.bincount(one * wide + other, minlength=groups[a].groups * wide).reshape(-1, wide)


def _dependence(found: Floats, rows: int, first: Floats, second: Floats, noise: float) -> float:
    """Pearson's chi-squared of counts (groups, groups) that hold noise, over what chance alone seldom makes of it."""
    expected = rows * np.outer(first, second)
    return float(((found - expected) ** 2 / (expected + noise**2)).sum() - found.size - 2 * np.sqrt(2 * found.size))


def _spanning(columns: int, strength: dict[tuple[int, int], float]) -> list[tuple[int, int]]:
    """Find the trees of the most dependent pairs (Prim 1957), parents first; pairs that tell nothing are left out."""
    order: list[tuple[int, int]] = []
    inside: set[int] = set()
    while len(inside) < columns:
        reach = {
            (a, b) if a in inside else (b, a): value
            for (a, b), value in strength.items()
            if (a in inside) != (b in inside) and value > 0
        }
        if reach:
            best = max(reach, key=lambda pair: reach[pair])
            order.append(best)
            inside.add(best[1])
        else:
            inside.add(min(set(range(columns)) - inside))
    return order


def _raked(table: Floats, first: Floats, second: Floats) -> Floats:
    """Bring shares (groups, groups) to the sums of either column (Deming and Stephan 1940)."""
    table = table + 1e-3 * np.outer(first, second)
    for _ in range(50):
        table = table * (first / table.sum(1).clip(1e-300))[:, None]
        table = table * (second / table.sum(0).clip(1e-300))
    return table
