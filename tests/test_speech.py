"""Noise out of recordings of speech: the model that comes with isthmus, and what `SpeechDenoiser` learns itself."""

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import isthmus as im
from isthmus.errors import DataError, FileError, UsageError
from isthmus.nets.backgrounds import Backgrounds
from isthmus.nets.speech import analyse, synthesise
from isthmus.speech import speech


def voice(seconds: float, rate: int, seed: int = 0) -> np.ndarray:
    """Make something like speech: syllables of pulses whose pitch glides, through two formants, with pauses."""
    rng, time = np.random.default_rng(seed), np.arange(int(seconds * rate)) / rate
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.7 * time + rng.random())
    turn = 2 * np.pi * np.cumsum(pitch) / rate
    first, second = (
        middle + swing * np.sin(2 * np.pi * speed * time + rng.random())
        for middle, swing, speed in ((500, 200, 1.3), (1500, 500, 0.9))
    )
    found = np.zeros(len(time))
    for number in range(1, 25):
        high = number * pitch
        size = np.exp(-(((high - first) / 150) ** 2)) + 0.5 * np.exp(-(((high - second) / 250) ** 2)) + 0.01
        found += np.where(high < 0.45 * rate, size, 0) * np.sin(number * turn)
    return 0.1 * found * np.clip(np.sin(2 * np.pi * 2.1 * time), 0, 1) ** 0.5


def spoilt(clean: np.ndarray, decibels: float, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=clean.shape)
    return clean + noise * clean.std() / noise.std() * 10 ** (-decibels / 20)


def si_sdr(clean: np.ndarray, made: np.ndarray) -> float:
    fitted = (clean @ made) / (clean @ clean) * clean
    return float(10 * np.log10((fitted @ fitted) / ((made - fitted) @ (made - fitted))))


@pytest.fixture(scope="module")
def voices() -> list[tuple[np.ndarray, int]]:
    return [(voice(1.5, 8000, seed), 8000) for seed in range(6)]


@pytest.fixture(scope="module")
def fitted(voices) -> im.SpeechDenoiser:
    return im.SpeechDenoiser(widths=(8, 12), depths=(1, 1), steps=60, learning_rate=1e-2).fit(voices)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100])
def test_noise_is_taken_out_at_every_rate(rate) -> None:
    clean = voice(2, rate)
    noisy = spoilt(clean, 5)
    made = speech().denoise(noisy, rate)
    assert made.shape == noisy.shape
    assert si_sdr(clean, made) > si_sdr(clean, noisy) + 3


def test_most_of_clean_speech_is_left() -> None:
    # Real voices come back at 30 dB and more (benchmarks/results/denoise.md); this one hums a little.
    clean = voice(2, 8000)
    assert si_sdr(clean, speech().denoise(clean, 8000)) > 5


def test_how_loud_it_is_does_not_matter() -> None:
    noisy = spoilt(voice(1, 8000), 5)
    made = speech().denoise(noisy, 8000)
    for louder in (1e-3, 30.0):
        assert np.allclose(speech().denoise(louder * noisy, 8000), louder * made, atol=1e-4 * louder)


def test_channels_are_cleaned_apart() -> None:
    noisy = np.stack([spoilt(voice(1, 8000, seed), 5, seed) for seed in (0, 1)], 1)
    made = speech().denoise(noisy, 8000)
    assert made.shape == noisy.shape
    for number in range(2):
        assert np.allclose(made[:, number], speech().denoise(noisy[:, number], 8000), atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(length=st.integers(1, 6000), rate=st.sampled_from([4000, 8000, 11025, 16000, 44100, 48000]))
def test_spectrograms_are_undone_and_lengths_are_kept(length, rate) -> None:
    samples = torch.randn(1, length, generator=torch.Generator().manual_seed(length))
    assert torch.allclose(synthesise(analyse(samples, rate), rate, length), samples, atol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 300])
def test_silence_and_a_few_samples_are_no_trouble(length) -> None:
    assert not speech().denoise(np.zeros(length), 8000).any()
    made = speech().denoise(np.full(length, 0.25, np.float32), 44100)
    assert made.shape == (length,)
    assert np.isfinite(made).all()


def test_noise_is_added_as_strong_as_said() -> None:
    clean = torch.randn(400, 4000, generator=torch.Generator().manual_seed(0))
    recorded = {8000: torch.randn(3, 1000, generator=torch.Generator().manual_seed(2))}
    wanted, noisy = Backgrounds(recorded)(clean, 8000, torch.Generator().manual_seed(1))
    spoken = wanted.abs().amax(1) > 0
    assert 0.9 < float(spoken.float().mean()) < 0.99
    noise = (noisy - wanted).square().mean(1)
    same = noise == 0
    assert 0.01 < float(same.float().mean()) < 0.1
    ratio = 10 * torch.log10(clean.square().mean(1) / noise)[~same]
    assert -5.1 < float(ratio.min()) < -3
    assert 18 < float(ratio.max()) < 20.1
    assert torch.isfinite(noisy).all()


def test_a_denoiser_is_fitted_saved_and_loaded(tmp_path, voices, fitted) -> None:
    clean = voice(1.5, 8000, 9)
    noisy = spoilt(clean, 5)
    made = fitted.denoise(noisy, 8000)
    assert si_sdr(clean, made) > si_sdr(clean, noisy) + 2
    fitted.save(tmp_path / "s.isthmus")
    again = im.load(tmp_path / "s.isthmus")
    assert isinstance(again, im.SpeechDenoiser)
    assert np.array_equal(again.denoise(noisy, 8000), made)
    assert again.inspect()["recordings"] == 6
    assert again.inspect()["weights"] == sum(weight.numel() for weight in fitted.net.parameters())
    fitted.save(tmp_path / "h.isthmus", half=True)
    assert (tmp_path / "h.isthmus").stat().st_size < (tmp_path / "s.isthmus").stat().st_size
    assert np.allclose(im.load(tmp_path / "h.isthmus").denoise(noisy, 8000), made, atol=0.02)


def test_a_seed_gives_one_model_and_another_another(voices, fitted) -> None:
    first, again = (clone(fitted).set_params(steps=4).fit(voices) for _ in range(2))
    other = clone(fitted).set_params(steps=4, seed=1).fit(voices)
    noisy = spoilt(voices[0][0], 5)
    assert np.array_equal(first.denoise(noisy, 8000), again.denoise(noisy, 8000))
    assert not np.array_equal(first.denoise(noisy, 8000), other.denoise(noisy, 8000))


def test_folders_are_learnt_from_at_two_rates(tmp_path, voices) -> None:
    for name in ("clean", "noise"):
        (tmp_path / name).mkdir()
        for number, (samples, _) in enumerate(voices[:3]):
            soundfile.write(tmp_path / name / f"{number}.wav", samples, 16000 if number else 44100)
    small = im.SpeechDenoiser(widths=(4, 4), depths=(1, 1), steps=3)
    small.fit(tmp_path / "clean", noises=tmp_path / "noise")
    assert small.facts_["recordings"] == 3
    assert small.facts_["noises"] == 3


def test_files_of_sound_are_cleaned_by_what_was_learnt(tmp_path, fitted) -> None:
    clean = np.stack([voice(0.5, 8000), 0.5 * voice(0.5, 8000, 3)], 1)
    loud = spoilt(clean / np.abs(clean).max(), 5)
    soundfile.write(tmp_path / "a.wav", np.clip(loud, -1, 1), 8000, subtype="PCM_24")
    found = im.denoise(tmp_path / "a.wav", tmp_path / "b.wav")
    assert [each.by for each in found] == ["speech", "speech"]
    made, rate = soundfile.read(tmp_path / "b.wav")
    assert (rate, made.shape, soundfile.info(tmp_path / "b.wav").subtype) == (8000, loud.shape, "PCM_24")
    assert np.abs(made).max() <= 1
    assert si_sdr(clean[:, 0], made[:, 0]) > si_sdr(clean[:, 0], loud[:, 0]) + 2
    assert [each.by for each in im.denoise(tmp_path / "a.wav", tmp_path / "c.wav", model="self")] == ["self"] * 2
    assert [each.by for each in im.denoise(tmp_path / "a.wav", tmp_path / "c.wav", level=0.01)] == ["self"] * 2
    assert [each.by for each in im.denoise(tmp_path / "a.wav", tmp_path / "d.wav", model=fitted)] == ["speech"] * 2
    assert not np.array_equal(soundfile.read(tmp_path / "d.wav")[0], made)


def test_where_nobody_speaks_a_sound_is_cleaned_by_itself(tmp_path) -> None:
    soundfile.write(tmp_path / "rain.wav", 0.1 * np.random.default_rng(0).normal(size=4000), 16000)
    assert im.denoise(tmp_path / "rain.wav", tmp_path / "b.wav")[0].by == "self"
    soundfile.write(tmp_path / "slow.wav", np.sin(np.arange(1500) / 9), 1000)
    assert im.denoise(tmp_path / "slow.wav", tmp_path / "b.wav")[0].by == "self"
    soundfile.write(tmp_path / "none.wav", np.zeros(5), 8000)
    assert im.denoise(tmp_path / "none.wav", tmp_path / "b.wav")[0].level == 0


@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (lambda: speech().denoise(np.zeros((4, 4, 4)), 8000), DataError, "is no sound"),
        (lambda: speech().denoise([], 8000), DataError, "is no sound"),
        (lambda: speech().denoise(["a"], 8000), DataError, "is no sound"),
        (lambda: speech().denoise([0.1, np.nan], 8000), DataError, "NaN or infinity"),
        (lambda: speech().denoise(np.zeros(9), 1000), UsageError, "rate is 1000"),
        (lambda: im.SpeechDenoiser().denoise(np.zeros(9), 8000), NotFittedError, "not fitted"),
        (lambda: im.SpeechDenoiser().fit("nowhere"), FileError, "no folder 'nowhere'"),
        (lambda: im.SpeechDenoiser().fit([]), DataError, "no sounds"),
        (lambda: im.SpeechDenoiser().fit([(np.zeros(10), 8000)]), DataError, "'sound 0': 10 samples"),
        (lambda: im.SpeechDenoiser().fit([(np.zeros(9999), 4000)]), DataError, "at 4,000 a second"),
        (lambda: im.SpeechDenoiser(steps=0).fit([(np.zeros(9999), 8000)]), UsageError, "steps is 0"),
        (lambda: im.SpeechDenoiser(widths=(4,)).fit([(np.zeros(9999), 8000)]), UsageError, "as many of each"),
        (lambda: im.denoise(np.zeros((9, 9)), model=speech()), FileError, "no denoiser of pictures"),
    ],
)
def test_bad_input_gets_one_line(act, kind, words) -> None:
    with pytest.raises(kind, match=words) as raised:
        act()
    assert "\n" not in str(raised.value)


def test_a_model_of_pictures_cleans_no_sound(tmp_path) -> None:
    soundfile.write(tmp_path / "a.wav", voice(0.5, 8000), 8000)
    squares = np.zeros((3, 16, 16), np.uint8)
    im.Denoiser(start=None, widths=(4, 4), depths=(1, 1), steps=1).fit(squares).save(tmp_path / "d.isthmus")
    with pytest.raises(UsageError, match="no Denoiser cleans"):
        im.denoise(tmp_path / "a.wav", model=tmp_path / "d.isthmus")
