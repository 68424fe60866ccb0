"""The benchmark's own measures, on tables whose answers are known. No times are asserted."""

import dataclasses
import doctest
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("ctgan")
pytest.importorskip("sdmetrics")

import baselines
import measures
import results
import runner
import sections
import sources
import tables
from baselines import Components, Perceptron, Scale, bootstrap, fit_tvae, independent
from measures import Rebuilt, probe, quality, rebuilt, timed, transfer_auc, two_sample_auc
from results import Result, Row, Section
from runner import MissingSourceError
from sources import ADULT_GOALS, SOURCES, Outcome, Source, split, tidy


def make_frame(rows: int = 240) -> pd.DataFrame:
    """Make a table with a strong tie between a number, a category and the outcome."""
    rng = np.random.default_rng(0)
    area = rng.uniform(40, 260, rows).round(1)
    return pd.DataFrame(
        {
            "area": area,
            "rooms": (area // 40).astype(int),
            "zone": rng.choice(["centre", "harbour", "hill"], rows),
            "pool": np.where(area > 150, "Y", "N"),
        }
    )


TINY = Source("tiny", "A tiny table", lambda _: make_frame(), "pool", "Y", goals=ADULT_GOALS)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return make_frame()


@pytest.mark.parametrize("module", [baselines, measures, sources])
def test_the_examples_hold(module: ModuleType) -> None:
    failed, tried = doctest.testmod(module)
    assert tried > 0
    assert failed == 0


def test_tidy_leaves_numbers_and_text_only() -> None:
    untidy = pd.DataFrame({"a": [1, 2, 3], "b": [" x", "?", None], "c": [True, False, True]})
    assert tidy(untidy).to_dict("list") == {
        "a": [1, 2, 3],
        "b": ["x", "unknown", "unknown"],
        "c": ["True", "False", "True"],
    }


def test_tidy_refuses_missing_numbers() -> None:
    with pytest.raises(ValueError, match="'a'"):
        tidy(pd.DataFrame({"a": [1.0, np.nan]}))


def test_split_parts_the_rows(frame: pd.DataFrame) -> None:
    train, test = split(frame, 0)
    assert (len(train), len(test)) == (192, 48)
    assert sorted([*train.area, *test.area]) == sorted(frame.area)
    pd.testing.assert_frame_equal(test, split(frame, 0)[1])
    assert not test.equals(split(frame, 1)[1])


def test_outcome_of_numbers_is_above_the_training_median(frame: pd.DataFrame) -> None:
    outcome = Outcome.learn(dataclasses.replace(TINY, target="area", positive=None), frame)
    assert outcome.of(frame).mean() == 0.5


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError, match="ISTHMUS_DATA"):
        SOURCES["adult"].load(tmp_path)


def test_components_rebuild_a_table_of_their_rank_exactly() -> None:
    side = np.linspace(1, 5, 50)
    frame = pd.DataFrame({"a": side, "b": 3 - 2 * side, "c": np.where(side > 3, "large", "small")})
    numbers = frame[["a", "b"]]
    copies = Components(numbers, 1, seed=0).reconstruct(numbers)
    pd.testing.assert_frame_equal(copies, numbers)
    assert rebuilt(frame, Components(frame, 2, seed=0).reconstruct(frame), frame).right == 100


def test_components_beyond_the_rank_change_nothing(frame: pd.DataFrame) -> None:
    kept = rebuilt(frame, Components(frame, 1000, seed=0).reconstruct(frame), frame)
    assert kept.right == 100
    assert kept.error < 1e-9


def test_scale_reads_an_unseen_category_as_none_of_them(frame: pd.DataFrame) -> None:
    scale = Scale.learn(frame)
    assert scale.encode(frame.assign(zone="island"))[:, 2:5].sum() == 0


def test_perceptron_learns_and_repeats_itself(frame: pd.DataFrame) -> None:
    few, more, again = (rebuilt(frame, Perceptron(frame, 2, 0, n).reconstruct(frame), frame) for n in (2, 100, 100))
    assert more.right > few.right
    assert more.error < few.error
    assert more == again


def test_rebuilt_of_the_mean_and_the_mode() -> None:
    rows = pd.DataFrame({"x": [0.0, 2.0], "constant": [1.0, 1.0], "c": ["p", "q"]})
    assert rebuilt(rows, rows, rows) == Rebuilt(100, 0)
    assert rebuilt(rows, rows.assign(x=1.0, c="p"), rows) == Rebuilt(50, 1)


def test_probe_finds_what_is_there_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    codes, noise = rng.normal(size=(400, 2)), rng.normal(size=(400, 2))
    yes = codes[:, 0] > 0
    assert probe(codes[:200], yes[:200], codes[200:], yes[200:]) > 0.99
    assert abs(probe(noise[:200], yes[:200], noise[200:], yes[200:]) - 0.5) < 0.1


def test_quality_tells_a_copy_from_independent_columns(frame: pd.DataFrame) -> None:
    copy, loose = quality(frame, frame), quality(frame, independent(frame, len(frame), seed=0))
    assert copy.overall == copy.shapes == copy.pairs == 100
    assert loose.shapes > 90
    assert loose.pairs < 80


def test_two_samples_of_one_table_cannot_be_told_apart() -> None:
    frame = make_frame(1000)
    halves = frame.iloc[:500], frame.iloc[500:].reset_index(drop=True)
    assert abs(two_sample_auc(*halves, seed=0) - 0.5) < 0.1
    assert two_sample_auc(halves[0], independent(halves[1], 500, seed=0), seed=0) > 0.9


def test_transfer_needs_the_tie_to_the_outcome(frame: pd.DataFrame) -> None:
    train, test = split(frame, 0)
    outcome = Outcome.learn(TINY, train)
    assert transfer_auc(train, test, outcome, seed=0) > 0.95
    assert transfer_auc(train.assign(pool="N"), test, outcome, seed=0) == 0.5
    assert transfer_auc(train, test.assign(zone="island"), outcome, seed=0) > 0.95


def test_bootstrap_draws_rows_and_independent_draws_cells(frame: pd.DataFrame) -> None:
    assert bootstrap(frame, 50, seed=0).merge(frame.drop_duplicates()).shape == (50, 4)
    assert independent(frame, 50, seed=0).merge(frame.drop_duplicates()).shape[0] < 50


def test_tvae_repeats_itself(frame: pd.DataFrame) -> None:
    one, other = (fit_tvae(frame, seed=3, epochs=1).sample(20) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)
    assert list(one) == list(frame)


def test_timed_gives_back_the_result() -> None:
    result, elapsed = timed(lambda: "done")
    assert result == "done"
    assert elapsed.wall >= 0
    assert elapsed.processor >= 0


def make_result(name: str, ours: float = 1.25) -> Result:
    section = Section("Time", "A note.")
    section.add("ratio", {"isthmus": ours, "TVAE": 1}, digits=2, headline=True)
    section.add("seconds", {"TVAE": 3.14159}, digits=1)
    return Result(name, f"Table {name}", {"date": "today", "seed": 0}, [section])


def test_results_come_back_from_their_file(tmp_path: Path) -> None:
    kept = {"adult": make_result("adult")}
    kept["adult"].set_goals({"ratio": "≤ 0.50"})
    results.save(kept, tmp_path / "new", tables.BENCH.page)
    assert results.read(tmp_path / "new" / "tables.json") == kept
    assert kept["adult"].sections[0].rows[0] == Row("ratio", {"isthmus": 1.25, "TVAE": 1}, 2, "≤ 0.50")
    lines = (tmp_path / "new" / "tables.md").read_text().splitlines()
    assert "|  | isthmus | goal | TVAE |" in lines
    assert "| ratio | 1.25 | ≤ 0.50 | 1.00 |" in lines
    assert "| seconds |  |  | 3.1 |" in lines


def test_the_readme_is_refreshed_between_its_markers_only(tmp_path: Path) -> None:
    readme, kept = tmp_path / "README.md", {"adult": make_result("adult")}
    assert not results.quote(kept, readme, tables.BENCH.page)
    readme.write_text("no markers")
    assert not results.quote(kept, readme, tables.BENCH.page)
    assert readme.read_text() == "no markers"
    readme.write_text("before\n<!-- bench-tables -->old<!-- /bench-tables -->\nafter\n")
    assert results.quote(kept, readme, tables.BENCH.page)
    first = readme.read_text()
    assert results.quote(kept, readme, tables.BENCH.page)
    assert readme.read_text() == first
    assert first.startswith("before\n<!-- bench-tables -->\n|")
    assert first.endswith("|\n<!-- /bench-tables -->\nafter\n")
    assert "| adult | ratio | 1.25 |  | TVAE 1.00 |" in first
    assert "old" not in first


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of a quick run on a tiny table, with all the code sizes that have goals."""
    out = tmp_path_factory.mktemp("bench")
    quick = dataclasses.replace(sections.QUICK, code=48, sizes=(2, 8, 16, 48), probes=(8,), rows=150)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sources.SOURCES, "tiny", TINY)
        bench = dataclasses.replace(tables.BENCH, quick=quick)
        assert runner.main(bench, ["--quick", "--only", "tiny", "--threads", "1", "--out", str(out)]) == 0
    return out


def test_a_quick_run_measures_everything_and_knows_every_goal(quick_run: Path) -> None:
    found = json.loads((quick_run / "tables.json").read_text("utf-8"))["tiny"]
    rows = {row["figure"]: row for section in found["sections"] for row in section["rows"]}
    assert {figure: row["goal"] for figure, row in rows.items() if row["goal"]} == ADULT_GOALS
    values = [value for row in rows.values() for value in row["values"].values()]
    assert np.isfinite(values).all()
    assert rows["AUC, trained on them"]["values"]["training rows"] > 0.95
    assert set(rows["8 numbers: categories right (%)"]["values"]) == {"isthmus", "PCA", "MLP"}
    assert "### What a classifier finds in the codes" in (quick_run / "tables.md").read_text("utf-8")


def test_rows_can_be_asked_for() -> None:
    asked = dataclasses.replace(TINY, given={"pool": "Y"})
    (section,) = sections.measure(asked, make_frame(), sections.QUICK)
    met, shapes, _ = section.rows
    assert met.values["isthmus"] == met.values["bootstrap of them"] == 100
    assert met.values["real rows that do not"] == 0
    assert shapes.values["bootstrap of them"] > shapes.values["real rows that do not"]


def test_no_data_is_one_line_and_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(tables.BENCH, ["--only", "adult", "--data", str(tmp_path), "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("adult: skipped, there is no file")
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
