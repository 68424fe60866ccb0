"""`isthmus.denoise` and `Denoiser` on all that they take."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import soundfile
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import isthmus as im
from isthmus.errors import DataError, FileError, UsageError


@pytest.fixture(scope="module")
def waves() -> np.ndarray:
    """Twelve grey pictures (12, 48, 48) of bytes."""
    rows, columns = np.mgrid[:48, :48]
    return np.stack([128 + 90 * np.sin((rows * i + columns * (7 - i)) / 20) for i in range(12)]).astype(np.uint8)


@pytest.fixture(scope="module")
def fitted(waves) -> im.Denoiser:
    return im.Denoiser(start=None, widths=(8, 12), depths=(1, 1), steps=300, learning_rate=5e-3).fit(waves)


def noisy(signal: np.ndarray, level: float) -> np.ndarray:
    return signal + np.random.default_rng(0).normal(0, level, signal.shape)


def closer(made, spoilt, clean) -> bool:
    return bool(np.square(made - clean).mean() < 0.5 * np.square(spoilt - clean).mean())


def test_a_signal_comes_back_as_it_was_given() -> None:
    clean = np.sin(np.arange(1500) / 20)
    rough = noisy(clean, 0.2)
    assert closer(im.denoise(rough), rough, clean)
    frame = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=1500, freq="h"), "x": rough, "name": "a"})
    frame.loc[100:110, "x"] = np.nan
    for give, table in ((pd, frame), (pl, pl.from_pandas(frame)), (pa, pa.Table.from_pandas(frame))):
        found = im.denoise(table)
        assert type(found).__module__.startswith(give.__name__)
        assert found.shape == frame.shape
        x = np.asarray(found["x"], float)
        assert np.isfinite(x).all()
        assert closer(x[200:], rough[200:], clean[200:])
    again = im.denoise(frame)
    assert again["when"].equals(frame["when"])
    assert again["name"].equals(frame["name"])


def test_columns_are_chosen_and_a_level_is_obeyed() -> None:
    frame = pd.DataFrame({"a": noisy(np.zeros(300), 1.0), "b": noisy(np.zeros(300), 1.0)})
    found = im.denoise(frame, columns=["a"])
    assert found["b"].equals(frame["b"])
    assert found["a"].std() < 0.5 * frame["a"].std()
    assert im.denoise(frame, level=0.0).equals(frame)


def test_pictures_keep_their_type_and_shape(waves) -> None:
    picture = waves[3]
    for dtype, most in ((np.uint8, 255), (np.uint16, 65535), (np.float32, 1.0), (np.float64, 1.0)):
        clean = (picture / 255 * most).astype(dtype)
        spoilt = np.clip(noisy(clean / most, 0.1), 0, 1) * most
        for shape in ((48, 48), (48, 48, 1)):
            for model in (None, "self"):
                found = im.denoise(spoilt.astype(dtype).reshape(shape), model=model)
                assert (found.dtype, found.shape) == (dtype, shape)
                assert closer(found.reshape(48, 48) / most, spoilt / most, clean / most)


def test_files_go_in_and_out(tmp_path, waves) -> None:
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    for i in range(2):
        spoilt = np.clip(noisy(waves[i].astype(float), 20), 0, 255).astype(np.uint8)
        Image.fromarray(spoilt).save(folder / f"{i}.png")
    found = im.denoise(tmp_path / "in", tmp_path / "out")
    assert [each.name for each in found] == ["0.png", "1.png"]
    assert all(each.level == pytest.approx(20, rel=0.2) for each in found)
    made = np.asarray(Image.open(tmp_path / "out" / "deep" / "1.png"), float)
    assert closer(made, np.asarray(Image.open(folder / "1.png"), float), waves[1].astype(float))
    tone = np.sin(np.arange(8000) / 11) / 2
    soundfile.write(tmp_path / "a.wav", noisy(np.stack([tone, tone], 1), 0.1), 8000, subtype="PCM_16")
    im.denoise(tmp_path / "a.wav", tmp_path / "b.wav")
    made, rate = soundfile.read(tmp_path / "b.wav")
    assert (rate, made.shape) == (8000, (8000, 2))
    assert closer(made[:, 0], soundfile.read(tmp_path / "a.wav")[0][:, 0], tone)
    pd.DataFrame({"x": noisy(tone, 0.1)}).to_csv(tmp_path / "a.csv", index=False)
    im.denoise(tmp_path / "a.csv", tmp_path / "b.csv")
    assert closer(pd.read_csv(tmp_path / "b.csv")["x"], pd.read_csv(tmp_path / "a.csv")["x"], tone)
    assert im.denoise(str(folder / "0.png")).shape == (48, 48, 1)


def test_a_denoiser_is_fitted_saved_and_loaded(tmp_path, waves, fitted) -> None:
    spoilt = noisy(waves[0] / 255, 0.1)
    assert closer(fitted.denoise(spoilt), spoilt, waves[0] / 255)
    fitted.save(tmp_path / "d.isthmus")
    again = im.load(tmp_path / "d.isthmus")
    assert isinstance(again, im.Denoiser)
    assert np.array_equal(again.denoise(spoilt), fitted.denoise(spoilt))
    assert np.array_equal(im.denoise(spoilt, model=tmp_path / "d.isthmus"), fitted.denoise(spoilt))
    assert again.inspect()["pictures"] == 12
    assert fitted.transform(waves[:2]).shape == (2, 48, 48)
    twin = clone(fitted).fit(waves)
    assert np.array_equal(twin.denoise(spoilt), fitted.denoise(spoilt))
    other = clone(fitted).set_params(seed=1).fit(waves)
    assert not np.array_equal(other.denoise(spoilt), fitted.denoise(spoilt))


def test_going_on_from_photos_is_better_than_starting_anew(waves) -> None:
    begun = im.Denoiser(steps=3).fit(waves)
    assert begun.facts_["start"] == "photos"
    spoilt = noisy(waves[0] / 255, 0.1)
    assert closer(begun.denoise(spoilt), spoilt, waves[0] / 255)
    coloured = im.Denoiser(steps=2, widths=(4, 4), depths=(1, 1)).fit(np.stack([waves] * 3, -1))
    assert coloured.facts_["channels"] == 3
    assert coloured.facts_["start"] is None


@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (lambda: im.denoise(np.zeros((4, 4)), noise="snow"), UsageError, "noise is 'snow'"),
        (lambda: im.denoise(np.zeros((4, 4)), level=-1), UsageError, "level is -1"),
        (lambda: im.denoise(np.zeros((4, 4)), level=300), UsageError, "from 0 to 255"),
        (lambda: im.denoise(np.zeros((4, 4), bool)), DataError, "bool is no kind of pixel"),
        (lambda: im.denoise(np.full((4, 4), np.nan)), DataError, "no kind of pixel"),
        (lambda: im.denoise(np.zeros((4, 4, 2))), DataError, "no picture"),
        (lambda: im.denoise(np.zeros((4, 4)), hidden=np.zeros((3, 3))), DataError, "marks no pixels"),
        (lambda: im.denoise(np.zeros(5)), DataError, "16 at least"),
        (lambda: im.denoise(np.array(["a", "b"])), DataError, "no numbers in order"),
        (lambda: im.denoise(pd.DataFrame({"a": ["x"] * 20})), DataError, "no column holds numbers"),
        (lambda: im.denoise(pd.DataFrame({"a": [1.0] * 20}), columns=["b"]), UsageError, "no such column"),
        (lambda: im.denoise(np.zeros(50), hidden=np.zeros(50)), UsageError, "signals are cleaned by themselves"),
        (lambda: im.denoise("nowhere.png"), FileError, "no file"),
        (lambda: im.Denoiser().denoise(np.zeros((4, 4))), NotFittedError, "not fitted"),
        (lambda: im.Denoiser("snow").fit(np.zeros((2, 9, 9), np.uint8)), UsageError, "is not understood"),
        (lambda: im.Denoiser(start="x").fit(np.zeros((2, 9, 9), np.uint8)), UsageError, "start is 'x'"),
        (lambda: im.Denoiser(steps=0).fit(np.zeros((2, 9, 9), np.uint8)), UsageError, "steps is 0"),
        (lambda: im.Denoiser(resume=True).fit(np.zeros((2, 9, 9), np.uint8)), UsageError, "resume needs"),
        (lambda: im.Denoiser().fit(np.zeros((2, 3, 9), np.uint8)), DataError, "need 8"),
        (lambda: im.Denoiser().fit(np.full((2, 9, 9), 7.0)), DataError, "numbers between 0 and 1"),
        (lambda: im.Denoiser().fit([]), DataError, "empty list"),
    ],
)
def test_bad_input_gets_one_line(act, kind, words) -> None:
    with pytest.raises(kind, match=words) as raised:
        act()
    assert "\n" not in str(raised.value)


def test_folders_that_cannot_be_used_get_one_line(tmp_path, waves) -> None:
    (tmp_path / "none").mkdir()
    for source, out, words in (
        (tmp_path / "none", tmp_path / "x", "holds no pictures"),
        (tmp_path / "none", None, "name one to write to"),
    ):
        with pytest.raises((FileError, UsageError), match=words):
            im.denoise(source, out)
    Image.fromarray(waves[0]).save(tmp_path / "none" / "a.png")
    with pytest.raises(UsageError, match="another folder"):
        im.denoise(tmp_path / "none", tmp_path / "none")
    with pytest.raises(FileError, match="no folder"):
        im.Denoiser().fit(tmp_path / "missing")
    with pytest.raises(FileError, match="no pictures"):
        (tmp_path / "empty").mkdir()
        im.Denoiser().fit(tmp_path / "empty")
    im.Autoencoder(code=2, epochs=1).fit(pd.DataFrame({"a": [1.5, 2.5] * 20})).save(tmp_path / "m.isthmus")
    with pytest.raises(FileError, match="is no denoiser"):
        im.denoise(waves[0], model=tmp_path / "m.isthmus")
