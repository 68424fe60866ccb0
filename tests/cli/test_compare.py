"""``compare`` and ``align`` on models of a small table."""

import json

import numpy as np
import pytest

from isthmus import Autoencoder, load


@pytest.fixture(scope="module")
def models(houses_csv, houses_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("other") / "other.isthmus"
    Autoencoder(code=4, width=16, blocks=1, epochs=2, batch_size=64, seed=1).fit(houses_csv).save(path)
    return houses_model, path


def test_two_models_are_compared_on_the_screen(isthmus, models, houses_csv):
    ended = isthmus("compare", *models, houses_csv)
    assert ended.code == 0, ended.err
    assert "neighbours aligned" in ended.out
    assert "outliers, top 1 %" in ended.out


def test_every_pair_is_compared_for_programs(isthmus, models, houses_csv):
    ended = isthmus("compare", *models, models[0], houses_csv, "--json", "--rows", 40)
    pairs = json.loads(ended.out)["pairs"]
    assert len(pairs) == 3
    assert all(pair["rows"] == 40 for pair in pairs)
    assert pairs[1]["cka"]["value"] == pytest.approx(1)


def test_a_report_is_written(isthmus, tmp_path, models, houses_csv):
    assert isthmus("compare", *models, houses_csv, "-o", "agree.html").code == 0
    page = (tmp_path / "agree.html").read_text(encoding="utf-8")
    assert "<svg" in page and "neighbours aligned" in page
    assert isthmus("compare", *models, houses_csv, "-o", "agree.json").code == 0
    assert json.loads((tmp_path / "agree.json").read_text())["pairs"][0]["rows"] > 0


@pytest.mark.parametrize("words", [(), ("--method", "linear", "--data", "DATA")])
def test_codes_are_aligned(isthmus, tmp_path, models, houses_csv, words):
    assert isthmus("encode", models[0], houses_csv, "-o", "codes.npy").code == 0
    words = [houses_csv if word == "DATA" else word for word in words]
    assert isthmus("align", *models, "codes.npy", "-o", "now.npy", *words).code == 0
    assert np.load(tmp_path / "now.npy").shape == load(models[1]).encode(houses_csv).shape
