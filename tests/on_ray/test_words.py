"""What is said where there is no Ray, or no use for it."""

import sys

import pytest

import isthmus as im
from isthmus.cli.main import main
from isthmus.errors import UsageError
from isthmus.on_ray.cluster import import_ray


def test_without_ray_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'isthmus\[ray\]'"):
        import_ray()


@pytest.mark.parametrize("words", [["--workers", "3"], ["--address", "auto"]])
def test_workers_are_of_an_engine(houses_csv, tmp_path, capsys, words):
    assert main(["fit", str(houses_csv), "-o", str(tmp_path / "m.isthmus"), *words]) == 2
    assert f"{words[0]} is for --engine ray" in capsys.readouterr().err


def test_an_engine_is_for_tables(tmp_path, capsys):
    (tmp_path / "pictures").mkdir()
    from PIL import Image

    for i in range(3):
        Image.new("L", (8, 8), i).save(tmp_path / "pictures" / f"{i}.png")
    words = ["fit", str(tmp_path / "pictures"), "-o", str(tmp_path / "m.isthmus"), "--code", "2", "--engine", "ray"]
    assert main(words) == 2
    assert "engine" in capsys.readouterr().err


def test_an_engine_is_a_setting_that_is_cloned():
    from sklearn.base import clone

    model = clone(im.Autoencoder(2, engine=im.Ray(workers=3)))
    assert model.engine == im.Ray(workers=3) and model.engine.shards == 3
