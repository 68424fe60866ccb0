"""``isthmus denoise``, and ``isthmus fit`` of a denoiser."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image


@pytest.fixture
def noisy(isthmus):
    """A noisy picture and a noisy signal, in the folder where commands run."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:64, :64]
    clean = 128 + 80 * np.sin(rows / 6) * np.cos(columns / 9)
    Image.fromarray(np.clip(clean + rng.normal(0, 20, clean.shape), 0, 255).astype(np.uint8)).save("noisy.png")
    Image.fromarray(clean.astype(np.uint8)).save("clean.png")
    pd.DataFrame({"x": np.sin(np.arange(600) / 9) + rng.normal(0, 0.2, 600), "y": "a"}).to_csv("s.csv", index=False)
    return isthmus


@pytest.mark.parametrize("words", [(), ("--self",), ("--level", "20"), ("--noise", "poisson")])
def test_a_picture_is_cleaned(noisy, words) -> None:
    ended = noisy("denoise", *words, "noisy.png", "-o", "out.png", "--json")
    assert ended.code == 0
    assert json.loads(ended.out)["noise"][0]["level"] == pytest.approx(20, rel=0.25)
    made, before, clean = (np.asarray(Image.open(f"{n}.png"), float) for n in ("out", "noisy", "clean"))
    assert np.square(made - clean).mean() < 0.3 * np.square(before - clean).mean()


def test_a_signal_is_cleaned(noisy) -> None:
    ended = noisy("denoise", "s.csv", "-o", "out.csv", "--columns", "x")
    assert ended.code == 0
    assert "wrote out.csv: noise of standard deviation 0." in ended.err
    assert list(pd.read_csv("out.csv").columns) == ["x", "y"]


def test_a_denoiser_is_fitted_to_a_folder_and_used(noisy, tmp_path) -> None:
    (tmp_path / "pictures").mkdir()
    rng = np.random.default_rng(0)
    for i in range(3):
        picture = rng.integers(0, 255, (20, 24, 3)).astype(np.uint8)
        Image.fromarray(picture).resize((48, 40)).save(tmp_path / "pictures" / f"{i}.png")
    ended = noisy(
        "fit", str(tmp_path / "pictures"), "-o", "d.isthmus", "--corrupt", "gaussian:0-50", "--budget", "2s", "-q"
    )
    assert ended.code == 0
    ended = noisy("inspect", "d.isthmus")
    assert "3 pictures" in ended.out
    assert noisy("denoise", "d.isthmus", str(tmp_path / "pictures"), "-o", "cleaned", "-q").code == 0
    assert Image.open("cleaned/2.png").size == (48, 40)
    ended = noisy("denoise", "d.isthmus", "noisy.png", "-o", "out.png")
    assert "the picture has 1" in ended.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("denoise", "noisy.png", "-o", "out.csv"), "unknown extension"),
        (("denoise", "noisy.png", "-o", "noisy.png"), "is read by this command"),
        (("denoise", "s.csv", "-o", "out.png"), "unknown extension"),
        (("denoise", "a", "b", "c", "-o", "out.png"), "name one DATA"),
        (("denoise", "--self", "a", "noisy.png", "-o", "out.png"), "--self takes none"),
        (("denoise", "nix.isthmus", "noisy.png", "-o", "out.png"), "no such file"),
        (("denoise", "noisy.png", "-o", "out.png", "--noise", "snow"), "invalid choice"),
        (("denoise", "s.csv", "-o", "o.csv", "--columns", "y"), "no column holds numbers"),
        (("fit", ".", "-o", "d.isthmus", "--corrupt", "gaussian", "--columns", "a"), "--columns is not for denoisers"),
    ],
)
def test_bad_words_get_one_line(noisy, words, message) -> None:
    ended = noisy(*words)
    assert ended.code in (1, 2)
    assert message in ended.err
    assert "Traceback" not in ended.err
