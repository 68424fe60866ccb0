"""Sounds are pictures of their pitches: coded, searched, told apart and heard again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import isthmus as im
from isthmus.cli.main import main
from isthmus.data.gallery import open_pictures
from isthmus.data.signals import Signal, write_signal
from isthmus.data.spectrograms import BANDS, MOMENTS, RATE, sounded, spectrogram
from isthmus.errors import DataError, FileError
from tests.conftest import HERTZ, tone


@pytest.fixture(scope="module")
def model(notes: Path) -> im.PictureAutoencoder:
    """Give an autoencoder of notes."""
    return im.PictureAutoencoder(4, width=8, steps=60).fit(notes)


@given(st.floats(100, 6000), st.floats(0.2, 3), st.sampled_from([16_000, 22_050, 44_100]), st.floats(0.01, 1))
@settings(max_examples=25, deadline=None)
def test_a_pitch_is_where_it_is_whatever_the_length_the_rate_and_the_loudness(hertz, seconds, rate, loud):
    time = np.arange(int(seconds * rate)) / rate
    drawn = spectrogram(loud * np.sin(2 * np.pi * hertz * time), rate)
    assert drawn.shape == (BANDS, MOMENTS, 1) and drawn.dtype == np.uint8 and drawn.max() == 255
    mel = np.linspace(*(2595 * np.log10(1 + np.array([50, 8000]) / 700)), BANDS + 2)[1:-1]
    wanted = BANDS - 1 - np.abs(mel - 2595 * np.log10(1 + hertz / 700)).argmin()
    assert abs(int(drawn[:, 32, 0].argmax()) - wanted) <= 1


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_what_is_made_of_a_picture_looks_like_it(seed):
    rng = np.random.default_rng(seed)
    drawn = spectrogram(tone(rng.uniform(200, 3000), 1.0, RATE, seed), RATE)
    again = sounded(drawn, 1.0)
    assert again.dtype == np.float32 and len(again) == RATE and np.abs(again).max() <= 1
    error = np.abs(spectrogram(again, RATE).astype(float) - drawn)[drawn > 128]
    assert error.mean() < 12, "of 255, where it can be heard"


def test_silence_and_channels_are_no_trouble_and_a_click_is_told():
    assert spectrogram(np.zeros((16_000, 2)), 16_000).max() == 0
    assert not sounded(np.zeros((BANDS, MOMENTS, 1), np.uint8), 0.5).any()
    stereo = np.stack([tone(900, 1.0), tone(900, 1.0)], 1)
    assert np.array_equal(spectrogram(stereo, 16_000), spectrogram(stereo[:, :1], 16_000))
    with pytest.raises(DataError, match=r"0\.006 seconds of sound: 0\.05 and more are needed"):
        spectrogram(np.zeros(100), 16_000)


def test_a_folder_of_sounds_is_read_with_its_labels(notes, tmp_path):
    opened = open_pictures(notes)
    assert opened.planes.shape == (36, 1, BANDS, MOMENTS) and set(opened.labels or ()) == set(HERTZ)
    assert opened.sounds is not None and opened.sounds[0] == notes / "high" / "02.wav"
    assert opened.names[0] == "high/02.wav" and opened.seconds == pytest.approx(0.59, abs=0.02)
    write_signal(tmp_path / "click.wav", Signal(np.zeros((9, 1), np.float32), 8000))
    with pytest.raises(DataError, match=r"'.*click\.wav': 0\.001 seconds"):
        open_pictures(tmp_path)
    (tmp_path / "one.png").write_bytes(b"")
    with pytest.raises(FileError, match="pictures as well as sounds"):
        open_pictures(tmp_path)


def test_sounds_alike_have_codes_alike_and_a_search_finds_them(model, notes, tmp_path):
    labels = np.array(open_pictures(notes).labels)
    codes = model.encode(notes)
    far = np.square(codes[:, None] - codes[None]).sum(2) + np.diag(np.full(36, np.inf))
    assert (labels[far.argmin(1)] == labels).mean() > 0.9
    assert model.inspect()["sounds"] == pytest.approx(0.59, abs=0.02)
    index = im.Index.create(tmp_path / "notes.index", model, notes)
    new = tmp_path / "new.wav"
    write_signal(new, Signal(tone(HERTZ["high"], 0.7, seed=99)[:, None], 16_000))
    found = index.search(new, n=5).to_pandas()
    assert list(found["label"]) == ["high"] * 5
    assert all(Path(path).is_file() for path in found["sound"])


def test_from_the_command_line(notes, tmp_path, capsys):
    saved, index = tmp_path / "notes.isthmus", tmp_path / "notes.index"
    assert main(["fit", str(notes), "-o", str(saved), "--code", "2", "--budget", "4s", "--quiet"]) == 0
    assert main(["inspect", str(saved)]) == 0
    assert "sounds, as pictures of 64 x 64 pixels each, as 2 numbers" in capsys.readouterr().out
    assert main(["encode", str(saved), str(notes), "-o", str(tmp_path / "codes.npy")]) == 0
    assert np.load(tmp_path / "codes.npy").shape == (36, 2)
    assert main(["index", str(saved), str(notes), "-o", str(index)]) == 0
    out = tmp_path / "alike.csv"
    assert main(["search", str(index), str(notes / "low" / "00.wav"), "-n", "3", "-o", str(out)]) == 0
    assert pd.read_csv(out)["name"][0] == "low/00.wav"
    assert main(["map", str(saved), str(notes), "-o", str(tmp_path / "map.html"), "--color", "label"]) == 0
