"""What is hidden in training, and after which pattern."""

from __future__ import annotations

import torch

from isthmus.nets.columns import Columns
from isthmus.nets.corruptions import Mask, Spoilt
from isthmus.nets.likelihoods import Numeric


def spoilt(x: torch.Tensor, seed: int = 0) -> Spoilt:
    """Hide cells of values (rows, columns)."""
    columns = Columns([Numeric.learn(x[:, j]) for j in range(x.shape[1])])
    batch = Spoilt(x, torch.zeros_like(x, dtype=torch.bool), torch.zeros(len(x), 1))
    return Mask()(batch, columns, torch.Generator().manual_seed(seed))


def rows(count: int = 400, columns: int = 6) -> torch.Tensor:
    """Give numbers without holes."""
    return torch.rand(count, columns, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def even(hidden: torch.Tensor) -> bool:
    """Tell whether rows with few, some and many hidden cells are equally frequent."""
    counts = torch.histc(hidden.double().mean(1), bins=4, min=0, max=1) / len(hidden)
    return bool((counts - 0.25).abs().max() < 0.08)


def test_without_missing_cells_all_shares_are_hidden_alike():
    assert even(spoilt(rows(columns=40)).hidden)


def test_patterns_of_missing_cells_are_copied():
    x = rows()
    x[::2, :3] = torch.nan  # half of the rows lack their first half
    hidden = spoilt(x).hidden
    pattern = hidden[:, :3].all(1) & ~hidden[:, 3:].any(1)
    whole, by_chance = pattern[1::2].double().mean(), 1 / 140  # the integral of s^3 (1 - s)^3
    assert abs(whole - 0.25) < 0.07  # half of the partners lack something, and half of those are copied
    assert whole > 10 * by_chance


def test_rows_that_others_add_nothing_to_are_hidden_by_chance():
    x = rows(columns=41)
    x[:, 0] = torch.nan
    x[0, 0] = 0.5  # a column of nothing is none
    assert even(spoilt(x).hidden[1:, 1:])


def test_values_are_left_as_they_are():
    x = rows()
    x[::3, 2] = torch.nan
    assert torch.equal(spoilt(x).values.nan_to_num(-1), x.nan_to_num(-1))
