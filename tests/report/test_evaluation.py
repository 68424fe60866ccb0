"""Made-up rows are judged: real rows pass, shuffled columns and copies are found out."""

import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sdmetrics")

from isthmus import Autoencoder, evaluate
from isthmus.errors import UsageError
from isthmus.report.evaluation_page import write
from isthmus.tasks import evaluate as measures


def make(rows, seed):
    rng = np.random.default_rng(seed)
    area = rng.uniform(40, 260, rows).round(1)
    size = np.where(area > 150, "large", np.where(area > 90, "middle", "small"))
    sign = np.where(size == "large", "L", np.where(size == "middle", "M", "S"))
    return pd.DataFrame({"area": area, "size": size, "sign": sign, "pool": np.where(area > 200, "Y", "N")})


@pytest.fixture(scope="module")
def model():
    return Autoencoder(epochs=2, width=32, blocks=1, batch_size=64).fit(make(400, 0))


@pytest.fixture(scope="module")
def found(model):
    return evaluate(model, make(400, 0), make(400, 0), held_out=make(300, 1))


def test_copies_of_the_real_rows_are_found_out(found):
    own = {name: each["synthetic"] for name, each in found.figures.items()}
    assert own["copies"] == 1
    assert own["nearer to DATA"] > 0.75
    assert own["membership by distance"] > 0.85
    assert own["distance to closest record"] == pytest.approx(0, abs=1e-6)
    assert own["quality"] > 0.99
    assert own["dependencies broken"] == 0
    assert own["missing patterns"] == 1


def test_baselines_are_what_they_are_known_to_be(found):
    figures = found.figures
    assert figures["shapes"]["each column alone"] > 0.9
    assert figures["told apart"]["each column alone"] > 0.8
    assert figures["dependencies broken"]["each column alone"] > 0.3
    assert figures["nearer to DATA"]["each column alone"] == pytest.approx(0.5, abs=0.15)
    assert figures["copies"]["held-out rows"] < 0.3
    assert figures["usefulness"]["bootstrap"] > 0.95 > figures["usefulness"]["each column alone"]


def test_fresh_rows_of_the_same_kind_give_nobody_away(model):
    figures = evaluate(model, make(400, 0), make(400, 2), held_out=make(400, 1)).figures
    assert figures["nearer to DATA"]["synthetic"] == pytest.approx(0.5, abs=0.1)
    assert figures["membership by distance"]["synthetic"] == pytest.approx(0.5, abs=0.1)
    assert figures["told apart"]["synthetic"] == pytest.approx(0.5, abs=0.1)


def test_without_held_out_rows_privacy_is_not_judged(model):
    found = evaluate(model, make(200, 0), target="area", rows=100)
    assert found.membership is None
    assert found.figures["nearer to DATA"]["synthetic"] is None
    assert "sampled from the model" in found.about["made-up rows"]
    assert "held-out rows" not in found.figures["quality"]
    assert found.about["rows looked at"] == 100
    assert json.dumps(found.to_dict())


def test_a_page_shows_it(found, tmp_path):
    write(found, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "nearer to DATA" in text
    assert "<svg" in text


def test_an_unknown_target_is_refused(model):
    with pytest.raises(UsageError, match="'colour'"):
        evaluate(model, make(50, 0), target="colour")


def test_dependencies_and_gaps():
    real = np.array([[0, 1, 5.0], [1, 2, 6.0], [0, 1, 7.0], [1, 2, np.nan]] * 10)
    real[:, 2] += np.arange(40) % 10
    assert measures.dependencies(real, [2, 3, None]) == [(0, 1), (1, 0)]
    made = np.array([[0, 2, 1.0], [0, 1, 1.0], [2, 0, 1.0]])
    assert measures.broken(real, made, [(0, 1)]) == pytest.approx(1 / 3)
    assert measures.same_gaps(real, made) == pytest.approx(0.75)
    assert measures.copies(made, made[:1]) == pytest.approx(1 / 3)


def test_pictures_show_which_pairs_are_broken_and_how_near_rows_lie(model, found, tmp_path):
    pairs, distances = found.columns["pairs"], found.columns["distances"]
    assert np.nanmin(pairs) > 0.99
    assert np.array_equal(pairs, pairs.T, equal_nan=True)
    assert distances["synthetic"].max() == pytest.approx(0, abs=1e-6)
    assert np.median(distances["held-out rows"]) > 0
    shuffled = make(400, 0).assign(size=make(400, 0)["size"].sample(frac=1, random_state=0).to_numpy())
    broken = evaluate(model, make(400, 0), shuffled).columns["pairs"]
    assert broken[1, 2] < 0.8 < broken[0, 2]  # size no longer goes with sign, area still does
    write(found, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Pairs of columns" in page
    assert "Distance to real rows" in page
