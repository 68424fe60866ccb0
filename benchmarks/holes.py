"""Which cells are taken away, and how well they are filled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sources import numeric

Flags = npt.NDArray[np.bool_]


def at_random(frame: pd.DataFrame, share: float, seed: int) -> Flags:
    """Choose cells (rows, columns) whatever they hold."""
    return np.random.default_rng(seed).random(frame.shape) < share


def by_value(frame: pd.DataFrame, share: float, seed: int) -> Flags:
    """Choose cells (rows, columns), a number the likelier the larger: never the smallest, the largest twice as often.

    A number of rank r, from 0 to 1, goes with probability 2 r `share`, so that as many go as do `at_random`;
    categories go at random.

    Examples
    --------
    >>> chosen = by_value(pd.DataFrame({"x": np.arange(1000.0)}), 0.3, seed=0)
    >>> bool(chosen[:500].mean() < 0.2 < 0.4 < chosen[500:].mean())
    True
    """
    chance = np.full(frame.shape, share)
    for name in numeric(frame):
        chance[:, list(frame).index(name)] = 2 * share * (frame[name].rank(pct=True).fillna(0) - 0.5 / len(frame))
    return np.random.default_rng(seed).random(frame.shape) < chance


@dataclass(frozen=True)
class Filled:
    """How well cells were filled: share of categories right, and error of numbers."""

    right: float
    error: float


def judge(truth: pd.DataFrame, filled: pd.DataFrame, hidden: Flags, train: pd.DataFrame) -> Filled:
    """Judge hidden cells: the share of all categories right; RMSE / standard deviation in training, mean of columns.

    Examples
    --------
    >>> truth = pd.DataFrame({"x": [0.0, 2.0], "c": ["p", "q"]})
    >>> judge(truth, truth.assign(x=1.0, c="p"), np.ones((2, 2), dtype=bool), truth)
    Filled(right=0.5, error=1.0)
    """
    numbers = numeric(truth)
    right, errors = [], []
    for j, name in enumerate(truth):
        chosen = hidden[:, j]
        if not chosen.any():
            continue
        wanted, got = truth[name].to_numpy()[chosen], filled[name].to_numpy()[chosen]
        if name not in numbers:
            right.append(wanted == got)
            continue
        spread = float(train[name].std(ddof=0)) or 1.0
        errors.append(float(np.sqrt(np.mean((wanted - got.astype(np.float64)) ** 2))) / spread)
    return Filled(
        float(np.concatenate(right).mean()) if right else float("nan"),
        float(np.mean(errors)) if errors else float("nan"),
    )
