"""The benchmark on filled cells measures what it says, on a small table."""

import doctest

import holes
import impute
import imputers
import numpy as np
import pandas as pd
import pytest
from impute import GOALS, QUICK, Holed, fillers, measure


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    area = rng.uniform(40, 260, 300).round(1)
    pool = np.where(area > 150, "Y", "N")
    return pd.DataFrame({"area": area, "price": 1000 * area, "pool": pool, "zone": rng.choice(["a", "b"], 300)})


@pytest.mark.parametrize("module", [holes, imputers])
def test_the_examples_hold(module) -> None:
    failed, tried = doctest.testmod(module)
    assert tried > 0
    assert failed == 0


def test_everyone_fills_every_hole_and_touches_nothing_else(frame: pd.DataFrame) -> None:
    holed = frame.mask(holes.at_random(frame, 0.3, 0))
    for name, fit in fillers(holed, QUICK).items():
        filled = fit().fill(holed)
        assert filled.notna().all().all(), name
        pd.testing.assert_frame_equal(filled.where(holed.notna()), holed, check_dtype=False)


def test_a_quick_run_has_every_figure_with_a_goal(frame: pd.DataFrame) -> None:
    sections = measure(Holed("tiny", "", lambda _: frame), frame, QUICK)
    figures = {row.figure: row.values for section in sections for row in section.rows}
    assert set(GOALS) <= set(figures)
    assert set(impute.BENCH.sources) == {"adult", "ames", "california", "stroke"}
    assert figures["30 % at random: error of numbers (NRMSE)"]["mode and mean"] == pytest.approx(1, abs=0.3)
    assert "30 % by value, own gaps: categories right" in figures
