"""Every registered code under every corruption, with and without condition columns: all obey one law."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

from isthmus import Autoencoder
from isthmus.nets.codes import CODES
from isthmus.nets.corruptions import CORRUPTIONS

_SIZES = {"sparse": "sparse:24:k=8"}
_CONDITION = ("zone", "area")


@dataclass(frozen=True)
class Case:
    """One combination of settings that every law holds for."""

    code: str
    corruption: str
    condition: tuple[str, ...]

    def fit(self, table: Any, **changes: Any) -> Autoencoder:
        """Fit a small model in a moment."""
        quick = {"epochs": 2, "width": 32, "blocks": 1, "batch_size": 64}
        settings: dict[str, Any] = {
            "corruption": self.corruption,
            "condition": self.condition,
            **quick,
            **changes,
        }
        return Autoencoder(self.code, **settings).fit(table)

    @property
    def draws(self) -> bool:
        """Whether such a model makes up rows."""
        return self.masks or self.code.startswith("gaussian")

    @property
    def masks(self) -> bool:
        """Whether such a model has learnt to fill hidden cells."""
        return "mask" in self.corruption

    def __str__(self) -> str:
        return f"{self.code.partition(':')[0]}-{self.corruption}{'-given' if self.condition else ''}"


def _cases() -> Iterator[Case]:
    for code in CODES:
        for corruption in ("none", *CORRUPTIONS, "+".join(CORRUPTIONS)):
            for condition in ((), _CONDITION):
                yield Case(_SIZES.get(code, f"{code}:4"), corruption, condition)


@pytest.fixture(scope="session", params=_cases(), ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    """Every combination in turn."""
    return request.param


@pytest.fixture(scope="session")
def frame(houses: dict[str, list[Any]]) -> pd.DataFrame:
    """A table with columns of every kind, and holes in it."""
    return pd.DataFrame(houses)


@pytest.fixture(scope="session")
def model(case: Case, frame: pd.DataFrame) -> Autoencoder:
    """A fitted model of the case, which no test may change."""
    return case.fit(frame)
