"""What the benchmark on wrong cells puts in, and how it judges. No times are asserted."""

import doctest

import clean
import errors
import numpy as np
import pandas as pd
from clean import distances, tails
from errors import spoil


def make_frame(rows: int = 400) -> pd.DataFrame:
    """Make a table in which a zone has pools or has none."""
    rng = np.random.default_rng(0)
    zone = rng.choice(["centre", "harbour", "hill"], rows)
    area = rng.integers(40, 260, rows)
    return pd.DataFrame({"zone": zone, "pool": np.where(zone == "hill", "Y", "N"), "area": area, "price": 7 * area})


def test_the_example_holds():
    failed, tried = doctest.testmod(errors)
    assert (failed, tried) == (0, 3)


def test_every_noted_cell_is_wrong_and_no_other():
    right = make_frame()
    wrong = spoil(right, 0.05, seed=1)
    noted = np.zeros(right.shape, dtype=bool)
    noted[wrong.cells["row"], [right.columns.get_loc(name) for name in wrong.cells["column"]]] = True
    assert ((wrong.frame != right).to_numpy() == noted).all()
    assert set(wrong.cells["kind"]) == {"typo", "impossible", "units", "swap", "columns"}
    assert wrong.cells["kind"].value_counts().max() - wrong.cells["kind"].value_counts().min() <= 2
    assert wrong.cells.equals(spoil(right, 0.05, seed=1).cells)


def test_impossible_values_never_go_with_another_of_the_row():
    right = make_frame()
    wrong = spoil(right, 0.05, seed=1)
    cells = wrong.cells[wrong.cells["kind"] == "impossible"]
    seen = set(zip(right["zone"], right["pool"], strict=True))
    for row in cells["row"]:
        pair = tuple(
            wrong.frame.at[row, name] if name in set(cells.loc[cells["row"] == row, "column"]) else right.at[row, name]
            for name in ("zone", "pool")
        )
        assert pair not in seen


def test_the_baselines_find_what_each_column_tells():
    frame = make_frame().astype({"price": float})
    frame.loc[5, "zone"], frame.loc[6, "price"] = "hil", 1e9
    for score in (tails(frame), distances(frame)):
        assert score[:, 0].argmax() == 5
        assert score[:, 3].argmax() == 6


def test_the_benchmark_runs_made_small(capsys):
    assert clean.main(clean.BENCH, ["--quick", "--only", "lending_club", "--threads", "1"]) == 0
    assert "repairs that restore" in capsys.readouterr().out
