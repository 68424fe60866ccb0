"""``isthmus fit --series`` and what is asked of the model."""

import datetime

import numpy as np
import pandas as pd
import pytest
from PIL import Image


@pytest.fixture
def table() -> pd.DataFrame:
    """A sensor that goes with the hour, ten minutes apart (1500 rows)."""
    n = np.arange(1500)
    when = [datetime.datetime(2024, 3, 1) + datetime.timedelta(minutes=10 * int(i)) for i in n]
    day = np.sin(2 * np.pi * n / 144)
    return pd.DataFrame({"when": when, "load": day, "heat": 20 + day**2})


def test_the_command_line_fits_tells_when_and_draws(isthmus, table, tmp_path):
    table.to_csv(tmp_path / "s.csv", index=False)
    csv = str(tmp_path / "s.csv")
    assert isthmus("fit", csv, "-o", "s.isthmus", "--series", "-q").code == 0
    told = isthmus("inspect", "s.isthmus").out
    assert "a series of 1,500 rows; load, heat; each with means of up to 255 rows before and after, and hour" in told
    ended = isthmus("outliers", "s.isthmus", csv, "-o", "odd.csv", "--share", "0.01")
    assert (ended.code, ended.err.startswith("wrote odd.csv: the oddest of 1,500 rows are ")) == (0, True)
    odd = pd.read_csv("odd.csv")
    assert [*odd] == ["row", "when", "score", "outlier"]
    assert odd["outlier"].sum() == 15
    assert isthmus("outliers", "s.isthmus", csv, "-o", "why.csv", "--explain", "--top", "4").code == 0
    assert len(pd.read_csv("why.csv")) == 4
    for out in ("odd.png", "odd.svg"):
        assert isthmus("outliers", "s.isthmus", csv, "-o", out, "--top", "3").code == 0
    assert Image.open("odd.png").size[0] > 800
    assert isthmus("encode", "s.isthmus", csv, "-o", "codes.npy").code == 0
    assert len(np.load("codes.npy")) == 1500
    for words, message in (
        (("impute", "s.isthmus", csv, "-o", "x.csv"), "is a model of a series, which cannot impute"),
        (("fit", csv, "-o", "x.isthmus", "--series", "--code", "3"), "--code is not for --series"),
        (("outliers", "s.isthmus", csv, "-o", "x.wav"), "x.wav"),
        (("export", "s.isthmus", "-o", "folder"), "export its `model_`"),
    ):
        ended = isthmus(*words)
        assert ended.code in (1, 2)
        assert message in ended.err
        assert len(ended.err.strip().splitlines()) == 1
