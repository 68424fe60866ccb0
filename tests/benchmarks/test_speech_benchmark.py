"""The part of the denoising benchmark that is about speech, on sounds made here."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("soundfile")

import speech
from results import OURS
from runner import MissingSourceError
from sounds import si_sdr
from train_speech import FOLD, SPEAKERS, UTTERANCES


def tone(seconds: float, rate: int, seed: int) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    tones = [np.sin(2 * np.pi * (120 + 10 * seed) * k * time) / k for k in range(1, 12)]
    return 0.1 * np.sum(tones, 0) * np.clip(np.sin(9 * time), 0, 1)


@pytest.mark.parametrize("level", speech.LEVELS)
@pytest.mark.parametrize("number", range(6))
def test_noise_is_as_loud_as_asked_for(level, number) -> None:
    voice, noises = tone(1, 8000, 0), [np.random.default_rng(0).normal(size=9000)]
    noisy = speech._noisy(voice, 8000, level, noises, number, seed=0)
    ratio = np.square(voice).mean() / np.square(noisy - voice).mean()
    assert 10 * np.log10(ratio) == pytest.approx(level)
    assert si_sdr(voice, noisy) == pytest.approx(level, abs=1)


def test_every_speaker_has_every_kind_of_noise() -> None:
    digits = {name: [np.full(2, float(10 * who + i)) for i in range(10)] for who, name in enumerate(SPEAKERS)}
    found = speech.Voices(digits, [], [])
    _, _, said = next(speech._sets(found, 12, 0))
    heard = {(number % 2, each[0] >= 10) for number, each in enumerate(said)}
    assert len(heard) == 4
    assert len({each[0] for each in said}) == 12


def test_what_is_measured_on_was_not_learnt_from(tmp_path) -> None:
    assert not {*speech._HELD_OUT} & {*UTTERANCES}
    with pytest.raises(MissingSourceError, match=r"--data|isthmus\[bench\]"):
        speech.voices(tmp_path)
    assert FOLD == "5"


def test_all_is_measured() -> None:
    pytest.importorskip("noisereduce")
    pytest.importorskip("pystoi")
    digits = {name: [tone(0.6, 8000, i) for i in range(3)] for name in SPEAKERS}
    noises = [np.random.default_rng(i).normal(size=32000) for i in range(2)]
    sections = speech.measure(speech.Voices(digits, [tone(2, 16000, 1)], noises), 4, 0)
    assert [section.title for section in sections] == ["distortion", "intelligibility", "kinds of noise", "time"]
    rows = {row.figure: row.values for section in sections for row in section.rows}
    assert set(speech.GOALS) <= set(rows)
    assert set(rows["SI-SDR of digits at 5 dB"]) == {OURS, "noisereduce", "Wiener", "noisy"}
