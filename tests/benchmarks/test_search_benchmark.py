"""The parts of the benchmark of search, on what is known. No times are asserted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("lancedb")

import search


def test_rows_are_made_of_cells_that_are_there() -> None:
    rows = pd.DataFrame({"a": range(50), "b": range(50)})
    many = search._many(rows, 3000, seed=0)
    assert set(many["a"]) == set(many["b"]) == set(range(50))
    assert (many["a"] == many["b"]).mean() == pytest.approx(4 / 9 + 5 / 9 / 50, abs=0.04)


def test_the_truth_is_the_nearest_that_fulfil_the_condition() -> None:
    codes = np.arange(100, dtype=np.float32)[:, None]
    assert set(search._nearest(codes, codes[0])) == set(range(10))
    even = np.arange(100) % 2 == 0
    assert set(search._nearest(codes, codes[0], even)) == set(range(0, 20, 2))


def test_recall_is_the_share_of_the_truth() -> None:
    found = search.Found([set(range(10)), {0, 1, 50}], [0.0, 0.0])
    assert search._share(found, [np.arange(10), np.arange(10)]) == 0.6
