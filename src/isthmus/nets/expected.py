"""What the numbers of a picture's blocks are expected to be, given what is known before each: learnt probabilities."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.nets.lapped import CHANNELS

STARTS = (0, 1, 3, 6, 10, 15, 21, 36)
"""Channels, from low to high frequencies, at which groups begin that are coded together."""
ENDS = (*STARTS[1:], CHANNELS)
AROUND = ((0, -1), (-1, 0), (-1, 1), (-1, -1))
"""Rows and columns from a block to those it is guessed by: all come before it along slanted lines."""
LOW = 6
"""Channels that have a mean other than zero."""
KINDS = 3
FACTS = KINDS + 1
QUALITIES = 8
SHARED, NARROW = 96, 32
PER_OCTAVE = 6
INDICES = 72
LOWEST = -28
"""A scale of 2^((index + LOWEST) / PER_OCTAVE) steps."""


class Guess(nn.Module):
    """How large each number is, and what its mean is, given blocks before it and lower frequencies of its own.

    A backward-adaptive prior (as in Minnen, Balle and Toderici 2018, "Joint autoregressive and hierarchical priors for
    learned image compression"), coded group of channels after group of channels (Minnen and Singh 2020).
    """

    def __init__(self) -> None:
        super().__init__()
        inputs = (len(AROUND) + 1) * CHANNELS + FACTS
        self.first = nn.Linear(inputs, SHARED)
        self.shared = nn.Linear(SHARED, NARROW * len(STARTS))
        self.own = nn.Linear(CHANNELS, NARROW * len(STARTS), bias=False)
        self.last = nn.Linear(NARROW * len(STARTS), CHANNELS)
        self.usual = nn.Parameter(torch.linspace(1.0, -3.0, CHANNELS).repeat(3, 1))
        self.means = nn.Parameter(torch.zeros(LOW, len(AROUND) * LOW + LOW))
        self.tail = nn.Parameter(torch.tensor([0.0, 0.0, 1.0]))
        lower = torch.zeros(len(STARTS), CHANNELS)
        for group, start in enumerate(STARTS):
            lower[group, :start] = 1
        member = torch.zeros(CHANNELS, len(STARTS))
        for group, (start, end) in enumerate(zip(STARTS, ENDS, strict=True)):
            member[start:end, group] = 1
        self.lower: Tensor
        self.member: Tensor
        self.register_buffer("lower", lower.repeat_interleave(NARROW, 0), persistent=False)
        self.register_buffer("member", member.repeat_interleave(NARROW, 1), persistent=False)
        with torch.no_grad():
            self.last.weight.mul_(0.3)
            self.last.bias.zero_()
            self.means[0, 0] = self.means[0, LOW] = 0.5  # the blocks to the left and above

    def forward(self, whole: Tensor, other: Tensor, kind: Tensor, quality: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers and loudness of another plane (n, CHANNELS, rows, columns) to indices of scales, and means.

        `kind` and `quality` (n,) say which plane of a picture each is, and how well it is to be kept.
        """
        grid, beside = whole.movedim(1, -1), other.movedim(1, -1)
        loud = loudness(grid)
        facts = facts_of(kind, quality)[:, None, None, :].expand(*grid.shape[:3], FACTS)
        known = torch.cat([*shifted(loud), beside, facts * 8], -1) / 16
        shared = self.shared(torch.relu(self.first(known)))
        own = functional.linear(loud / 16, self.own.weight * self.lower)
        hidden = torch.relu(shared + own)
        found = functional.linear(hidden, self.last.weight * self.member, self.last.bias)
        index = (found + self.usual[kind][:, None, None]) * PER_OCTAVE - LOWEST
        before = torch.cat([*shifted(grid[..., :LOW]), grid[..., :LOW]], -1)
        mean = functional.linear(before, self.means * self.allowed())
        return index.movedim(-1, 1), functional.pad(mean, (0, CHANNELS - LOW)).movedim(-1, 1)

    def allowed(self) -> Tensor:
        """Which low numbers (LOW, inputs) the means of each may be read off: its block's only from groups before it."""
        own = self.lower[::NARROW][[sum(c >= end for end in ENDS) for c in range(LOW)], :LOW]
        return torch.cat([torch.ones(LOW, len(AROUND) * LOW), own], 1)

    def bits(self, whole: Tensor, index: Tensor, mean: Tensor) -> Tensor:
        """Bits of whole numbers where their scale is `index`: two Laplace distributions, mixed."""
        index = index.clamp(0, INDICES - 1)
        scale = torch.exp2((index + LOWEST) / PER_OCTAVE)
        share = torch.sigmoid(self.tail[0] + self.tail[1] * index / INDICES)
        wide = 1 + functional.softplus(self.tail[2])
        away = (whole - mean).abs()
        return -torch.log2(share * _laplace(away, scale / wide) + (1 - share) * _laplace(away, scale * wide) + 1e-9)


def loudness(numbers: Tensor) -> Tensor:
    """Sizes of whole numbers as inputs: eighths of octaves of 1 + size, whole again."""
    return (8 * torch.log2(1 + numbers.abs())).round()


def facts_of(kind: Tensor, quality: Tensor) -> Tensor:
    """Kind of plane and quality (n,) as inputs (n, FACTS)."""
    return torch.cat([functional.one_hot(kind, 3).float(), quality[:, None] / QUALITIES], 1)


def shifted(grid: Tensor) -> list[Tensor]:
    """Look up what blocks (n, rows, columns, channels) have around them that is known before: zero outside."""
    rows, columns = grid.shape[1:3]
    padded = functional.pad(grid, (0, 0, 1, 1, 1, 0))
    return [padded[:, 1 + y : 1 + y + rows, 1 + x : 1 + x + columns] for y, x in AROUND]


def _laplace(away: Tensor, scale: Tensor) -> Tensor:
    """Probability of a whole number that lies `away` from the mean of a Laplace distribution."""
    outside = 0.5 * torch.exp(-(away - 0.5).clamp_min(0) / scale) * (1 - torch.exp(-1 / scale))
    inside = 1 - 0.5 * (torch.exp(-(0.5 - away).clamp_min(0) / scale) + torch.exp(-(0.5 + away) / scale))
    return torch.where(away > 0.5, outside, inside)
