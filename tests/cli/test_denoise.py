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


def test_a_recording_is_cleaned_and_what_by_is_said(isthmus, tmp_path) -> None:
    soundfile = pytest.importorskip("soundfile")
    time = np.arange(16000) / 8000
    tones = [np.sin(2 * np.pi * 130 * number * time) / number**0.5 for number in range(1, 15)]
    voice = 0.05 * np.sum(tones, 0) * np.clip(np.sin(12 * time), 0, 1)
    noisy = voice + np.random.default_rng(0).normal(0, 0.5 * voice.std(), len(voice))
    soundfile.write("noisy.wav", np.stack([noisy, noisy], 1), 8000)
    ended = isthmus("denoise", "noisy.wav", "-o", "clean.wav")
    assert ended.code == 0
    assert "told from speech by what was learnt of it" in ended.err
    made, rate = soundfile.read("clean.wav")
    assert (rate, made.shape) == (8000, (16000, 2))
    assert np.square(made[:, 0] - voice).mean() < 0.5 * np.square(noisy - voice).mean()
    ended = isthmus("denoise", "--self", "noisy.wav", "-o", "alone.wav", "--json")
    assert ended.code == 0
    assert [each["by"] for each in json.loads(ended.out)["noise"]] == ["self", "self"]


def test_a_denoiser_of_speech_is_fitted_to_a_folder_and_used(isthmus, tmp_path) -> None:
    soundfile = pytest.importorskip("soundfile")
    rng = np.random.default_rng(0)
    for name in ("voices", "noises"):
        (tmp_path / name).mkdir()
        for number in range(2):
            soundfile.write(tmp_path / name / f"{number}.wav", rng.normal(0, 0.1, 9000), 8000)
    voices, noises = str(tmp_path / "voices"), str(tmp_path / "noises")
    ended = isthmus("fit", voices, "-o", "v.isthmus", "--corrupt", f"background:{noises}", "--budget", "1s", "-q")
    assert ended.code == 0
    ended = isthmus("inspect", "v.isthmus")
    assert "a denoiser of speech, learnt from 2 recordings and 2 of noise" in ended.out
    ended = isthmus("denoise", "v.isthmus", f"{voices}/0.wav", "-o", "o.wav", "--json")
    assert json.loads(ended.out)["noise"][0]["by"] == "speech"
    ended = isthmus("reconstruct", "v.isthmus", "s.csv", "-o", "o.csv")
    assert ended.code == 1
    assert "SpeechDenoiser, which cannot reconstruct" in ended.err
