"""The benchmark on made-up rows: its measures on tables whose answers are known, and that it runs."""

import doctest
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("ctgan")
pytest.importorskip("sdmetrics")

import conditions
import generators
import madeup
import results
import synthesize
from results import OURS, Result
from sources import Source


def make_frame(rows: int = 900) -> pd.DataFrame:
    """Make a table in which the grade decides the class, and big things are dear."""
    rng = np.random.default_rng(0)
    grade = rng.choice(["a", "b", "c", "d"], rows)
    size = rng.uniform(40, 260, rows).round(1)
    return pd.DataFrame(
        {
            "grade": grade,
            "class": np.where(np.isin(grade, ["a", "b"]), "high", "low"),
            "size": size,
            "price": (size * rng.uniform(0.8, 1.2, rows)).round().astype(int),
        }
    )


TINY = Source("tiny", "A tiny table", lambda _: make_frame(), "class", "high", goals=synthesize.GOALS)


@pytest.mark.parametrize("module", [conditions, generators, madeup])
def test_the_examples_hold(module: ModuleType) -> None:
    failed, tried = doctest.testmod(module)
    assert tried > 0
    assert failed == 0


def test_copies_lie_nearer_to_training_rows_and_strangers_to_neither() -> None:
    frame = make_frame(3000)
    seen, unseen, stranger = frame[:1000], frame[1000:2000], frame[2000:]
    assert madeup.dcr_share(seen, seen, unseen) > 99
    assert abs(madeup.dcr_share(stranger, seen, unseen) - 50) < 6
    assert madeup.exact_copies(seen.sample(frac=1, random_state=0), seen) == 100
    assert madeup.exact_copies(stranger, seen) < 1


def test_as_many_held_out_rows_are_needed() -> None:
    with pytest.raises(ValueError, match="as many of both"):
        madeup.dcr_share(make_frame(10), make_frame(10), make_frame(9))


def test_dependencies_are_found_and_broken_rows_counted() -> None:
    frame = make_frame()
    pairs = list(madeup.dependencies(frame))
    assert pairs == [("grade", "class")]
    assert madeup.broken(frame, frame, pairs) == 0
    shuffled = frame.assign(grade=frame["grade"].sample(frac=1, random_state=0).to_numpy())
    assert 40 < madeup.broken(shuffled, frame, pairs) < 60


@pytest.mark.parametrize("columns", [1, 2])
def test_conditions_are_met_by_enough_rows(columns: int) -> None:
    frame = make_frame()
    found = list(conditions.conditions(frame, columns, 5, seed=1))
    assert found
    for condition in found:
        assert len(condition.given) == columns
        assert conditions.ENOUGH <= condition.meets(frame).sum() <= len(frame) / 2


def test_neighbours_and_copula_keep_what_they_should() -> None:
    frame = make_frame()
    between, copula = generators.smote(frame, 500, 0), generators.gaussian_copula(frame, 500, 0)
    assert madeup.broken(between, frame, [("grade", "class")]) == 0
    for made in (between, copula):
        assert list(made) == list(frame)
        assert made["price"].dtype == frame["price"].dtype
        assert np.corrcoef(made["size"], made["price"])[0, 1] > 0.8


def test_everything_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    sections = synthesize.measure(TINY, make_frame(), synthesize.QUICK)
    result = Result("tiny", TINY.title, {}, sections)
    result.set_goals(TINY.goals)
    figures = {row.figure: row for section in sections for row in section.rows}
    assert set(TINY.goals) <= set(figures)
    assert figures["rows that break a dependency (%)"].values[OURS] == 0
    assert figures["rows that meet it (%)"].values[OURS] == 100
    assert "isthmus" in results.markdown({"tiny": result}, synthesize.BENCH.page)
