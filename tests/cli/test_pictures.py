"""Pictures through a code, from the command line."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from isthmus.report.browser import unpack


@pytest.fixture
def digits(isthmus, tmp_path):
    """A folder of digits, each kind in a folder of its own, and a small model of them."""
    found = load_digits()
    for number, (picture, label) in enumerate(zip(found.images[:60], found.target, strict=False)):
        folder = tmp_path / "digits" / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.uint8(picture * 15.9)).save(folder / f"{number:02}.png")
    words = ("--code", "gaussian:4", "--condition", "label", "--budget", "3s", "--json", "-q")
    ended = isthmus("fit", "digits", "-o", "m.isthmus", *words)
    assert ended.code == 0
    assert json.loads(ended.out)["pictures"] == 60
    return isthmus


def test_pictures_go_through_every_verb(digits) -> None:
    assert "as 4 numbers (gaussian), told 10 labels" in digits("inspect", "m.isthmus").out
    assert digits("encode", "m.isthmus", "digits", "-o", "codes.csv", "-q").code == 0
    assert pd.read_csv("codes.csv").shape == (60, 4)
    assert digits("reconstruct", "m.isthmus", "digits", "-o", "again.png", "-q").code == 0
    assert digits("reconstruct", "m.isthmus", "digits", "-o", "again", "-q").code == 0
    assert Image.open("again/59.png").size == (8, 8)
    assert digits("sample", "m.isthmus", "-n", "9", "-o", "made.png", "--given", "label=3", "-q").code == 0
    assert digits("sample", "m.isthmus", "-n", "3", "-o", "made", "-q").code == 0
    assert digits("interpolate", "m.isthmus", "digits", "--rows", "0,7", "-o", "way.png", "-q").code == 0
    assert digits("outliers", "m.isthmus", "digits", "-o", "odd.csv", "-q").code == 0
    odd = pd.read_csv("odd.csv")
    assert odd["score"].is_monotonic_decreasing
    assert odd["picture"].str.endswith(".png").all()
    assert digits("outliers", "m.isthmus", "digits", "-o", "odd.png", "-q").code == 0
    assert Image.open("odd.png").mode == "RGB"


def test_pictures_have_maps(digits) -> None:
    assert digits("map", "m.isthmus", "digits", "-o", "map.csv", "--dim", "3", "-q").code == 0
    assert pd.read_csv("map.csv").shape == (60, 3)
    for name in ("map.html", "map.png", "map.svg"):
        assert digits("map", "m.isthmus", "digits", "-o", name, "--colour", "label", "-q").code == 0
    page = Path("map.html").read_text("utf-8")
    assert unpack(page, "about")["picture"] == {"height": 8, "width": 8, "channels": 1}
    assert unpack(page, "about")["columns"][0]["name"] == "label"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("map", "m.isthmus", "digits", "-o", "x.html", "--color", "hue"), "of pictures, say label"),
        (("fit", "digits", "-o", "x", "--code", "4", "--columns", "a"), "--columns is not for pictures"),
        (("fit", "digits", "-o", "x", "--code", "4", "--condition", "sex"), "of pictures, say label"),
        (("sample", "m.isthmus", "-n", "2", "-o", "a.csv"), "makes pictures"),
        (("sample", "m.isthmus", "-n", "2", "-o", "a.gif"), "unknown extension"),
        (("impute", "m.isthmus", "digits", "-o", "a.csv"), "which cannot impute"),
        (("interpolate", "m.isthmus", "digits", "--rows", "0,99", "-o", "a.png"), "there is no picture 99"),
    ],
)
def test_bad_words_get_one_line(digits, words, message) -> None:
    ended = digits(*words)
    assert ended.code in (1, 2)
    assert message in ended.err
