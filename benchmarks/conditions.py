"""Conditions to ask rows for, drawn at random among those that enough real rows meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sources import numeric

ENOUGH = 200
"""Real rows that meet a condition at least."""


@dataclass(frozen=True)
class Condition:
    """Values and ranges of some columns, as `Autoencoder.sample` takes them."""

    given: Mapping[str, Any]

    def meets(self, frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Tell which rows (rows,) meet it.

        Examples
        --------
        >>> rows = pd.DataFrame({"size": [1, 2, 3], "zone": ["hill", "hill", "sea"]})
        >>> Condition({"size": (2, None), "zone": "hill"}).meets(rows).tolist()
        [False, True, False]
        """
        met = np.ones(len(frame), dtype=bool)
        for name, wanted in self.given.items():
            cells = frame[name].to_numpy()
            if isinstance(wanted, tuple):
                low, high = wanted
                met &= (cells >= (-np.inf if low is None else low)) & (cells <= (np.inf if high is None else high))
            else:
                met &= cells == wanted
        return met

    def __str__(self) -> str:
        return ", ".join(f"{name}={wanted}" for name, wanted in self.given.items())


def conditions(frame: pd.DataFrame, columns: int, count: int, seed: int) -> Iterator[Condition]:
    """Draw so many different conditions on so many columns each, as far as there are.

    Of a column of more than two numbers a range from one row's value to another's is asked for, or open at one end,
    of all other columns one row's value; all of them of one row, so that there are such.
    """
    rng = np.random.default_rng(seed)
    seen: set[str] = set()
    for _ in range(100 * count):
        row = frame.iloc[rng.integers(len(frame))]
        names = rng.choice(frame.columns, columns, replace=False)
        condition = Condition({name: _wanted(frame, name, row[name], rng) for name in names})
        met = int(condition.meets(frame).sum())
        if str(condition) in seen or not ENOUGH <= met <= len(frame) // 2:
            continue
        seen.add(str(condition))
        yield condition
        if len(seen) == count:
            return


def _wanted(frame: pd.DataFrame, name: str, value: Any, rng: np.random.Generator) -> Any:
    if name not in numeric(frame) or frame[name].nunique() == 2:
        return value
    other = frame[name].iloc[rng.integers(len(frame))].item()
    low, high = sorted((value.item() if hasattr(value, "item") else value, other))
    return [(low, high), (low, None), (None, high)][rng.integers(3)]
