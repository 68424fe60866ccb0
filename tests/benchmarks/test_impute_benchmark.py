"""The benchmark on filled cells measures what it says, on a small table."""

import doctest
import sys

import holes
import impute
import imputers
import numpy as np
import pandas as pd
import pytest
import strangers
from impute import GOALS, QUICK, Holed, attempt, fillers, measure
from imputers import Stranger
from strangers import StrangerError


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
    sections = [
        each for own in (False, True) for each in measure(Holed("tiny", "", lambda _: frame, own=own), frame, QUICK)
    ]
    figures = {row.figure: row.values for section in sections for row in section.rows}
    assert set(GOALS) <= set(figures)
    assert set(impute.BENCH.sources) == {"adult", "ames", "california", "stroke", "adult-gaps"}
    assert figures["30 % at random: error of numbers (NRMSE)"]["mode and mean"] == pytest.approx(1, abs=0.3)
    assert "30 % by value, own gaps: categories right" in figures


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """A peer that fills every hole with 1, or fails, or sleeps: a Python that runs a file of ours."""

    def make(does: str):
        script = tmp_path / "peer.py"
        script.write_text(
            "import sys, time, numpy as np\nfrom pathlib import Path\nfolder = Path(sys.argv[2])\n"
            f"x = np.load(folder / 'in.npz')['x']\n{does}\nnp.save(folder / 'out.npy', np.nan_to_num(x, nan=1.0))\n"
        )
        python = tmp_path / "kind" / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nshift\nexec "{sys.executable}" "{script}" "$@"\n')
        python.chmod(0o755)
        monkeypatch.setattr(strangers, "PYTHONS", tmp_path)

    return make


def test_a_peer_in_a_process_of_its_own_fills_holes(frame: pd.DataFrame, stranger) -> None:
    stranger("")
    holed = frame.mask(holes.at_random(frame, 0.3, 0))
    for train in (frame, holed):
        filled = Stranger("Kind", train, seed=0, seconds=60).fill(holed)
        pd.testing.assert_frame_equal(filled.where(holed.notna()), holed, check_dtype=False)
        assert (filled.area[holed.area.isna()] == 1).all()
        assert (filled.pool[holed.pool.isna()] == "Y").all()


@pytest.mark.parametrize(
    ("does", "words"), [("raise ValueError('no such thing')", "no such"), ("time.sleep(60)", "given up")]
)
def test_a_peer_that_fails_or_takes_too_long_is_left_out_and_named(frame, stranger, capsys, does, words) -> None:
    stranger(does)
    peer = Stranger("Kind", frame, seed=0, seconds=3)
    done = attempt({"Kind": lambda: peer.fill(frame.mask(frame.area > 100)), "other": lambda: frame})
    assert set(done) == {"other"}
    said = capsys.readouterr().err
    assert "Kind" in said and words in said


def test_a_peer_that_is_not_there_is_named_in_one_line(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(strangers, "PYTHONS", tmp_path)
    with pytest.raises(StrangerError, match="make peers-impute"):
        strangers.find("MIDASpy")
