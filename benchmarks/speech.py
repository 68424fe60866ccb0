"""The part of benchmarks/denoise.py that is about speech: voices and noises that were held out, peers, measures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from results import OURS, Section
from runner import MissingSourceError
from scipy.signal import resample_poly, wiener
from sounds import si_sdr
from train_speech import FOLD, SPEAKERS

from isthmus.data.signals import open_signal
from isthmus.speech import speech

Samples = npt.NDArray[np.float64]

LEVELS = (0, 5, 10)
DIGITS, NUMBERS, SENTENCES = "digits", "numbers of four digits", "sentences, 16 kHz"
GOALS = {f"SI-SDR of {DIGITS} at 5 dB, above noisereduce": "≥ 3", f"SI-SDR of {DIGITS} at 5 dB, above Wiener": "> 0"}
_HELD_OUT = ("5703-47212-0000.ogg", "speechService.wav")
_NEEDED = ("noisereduce", "pystoi")


@dataclass(frozen=True)
class Voices:
    """Clean digits at 8 kHz by speaker, sentences at 16 kHz, and recorded noises at 16 kHz."""

    digits: dict[str, list[Samples]]
    sentences: list[Samples]
    noises: list[Samples]


def voices(folder: Path) -> Voices:
    """Read what the denoiser of speech that comes with isthmus never heard."""
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise MissingSourceError(f'there is no package {" and no ".join(missing)}: pip install "isthmus[bench]"')
    for name in ("fsdd", "esc10", "speech_music"):
        if not (folder / name).is_dir():
            raise MissingSourceError(f"there is no folder {folder / name}: name the shared data with --data")
    digits = {
        speaker: [_mono(path) for path in sorted((folder / "fsdd").glob(f"*_{speaker}_*.wav"))] for speaker in SPEAKERS
    }
    said = [_mono(folder / "speech_music" / name) for name in _HELD_OUT]
    noises = [_mono(path) for path in sorted((folder / "esc10").glob(f"*__{FOLD}-*.wav"))]
    return Voices(digits, [part for each in said for part in _parts(each, 5 * 16000)], noises)


def measure(found: Voices, count: int, seed: int) -> list[Section]:
    """Mix voices and noises, clean them in every way, and compare with the voices."""
    quality = Section(
        "distortion",
        "Mean SI-SDR in decibels (0, 5, 10 before) over utterances of two speakers and of sentences, half of them with "
        "recorded noise (rain, sea, helicopter, chainsaw, fire), half with white, pink or humming. noisereduce and "
        "Wiener (scipy) get for every utterance the best of their settings, by the truth: noisereduce stationary or "
        "not, with windows of 32 ms or its own; Wiener with windows of 3 to 41, told the level.",
    )
    clear = Section("intelligibility", "Mean STOI, 0 to 1; digits alone are too short for it.")
    kinds = Section("kinds of noise", "Mean SI-SDR in decibels at 5 dB.")
    spent: dict[str, list[float]] = {}
    for title, rate, clean in _sets(found, count, seed):
        for level in LEVELS:
            scores: dict[str, list[float]] = {}
            words: dict[str, list[float]] = {}
            for number, voice in enumerate(clean):
                noisy = _noisy(voice, rate, level, found.noises, number, seed)
                for name, way in _ways(noisy - voice).items():
                    started = time.perf_counter()
                    made = way(noisy, rate)
                    spent.setdefault(name, []).append((time.perf_counter() - started) / len(noisy) * rate)
                    best = max(made, key=lambda each: si_sdr(voice, each))
                    scores.setdefault(name, []).append(si_sdr(voice, best))
                    words.setdefault(name, []).append(_stoi(voice, best, rate) if title != DIGITS else np.nan)
            _tell(quality, f"SI-SDR of {title} at {level} dB", scores, headline=title == DIGITS and level == 5)
            if title != DIGITS:
                clear.add(f"STOI of {title} at {level} dB", _means(words))
            if level == 5:
                for kind, first in (("recorded", 0), ("made", 1))[: len(clean)]:
                    part = {name: values[first::2] for name, values in scores.items()}
                    kinds.add(f"{title}, {kind}", _means(part), digits=2)
        unharmed = [si_sdr(voice, speech().denoise(voice, rate)) for voice in clean]
        kinds.add(f"{title}, no noise", {OURS: float(np.mean(unharmed))}, digits=2)
    times = Section("time", "Seconds for a second of sound; of others all settings together.")
    times.add("seconds a second of speech", _means(spent), digits=4, headline=True)
    return [quality, clear, kinds, times]


def _tell(section: Section, figure: str, scores: dict[str, list[float]], *, headline: bool) -> None:
    """Add means, and how far above the peers ours is."""
    means = _means(scores)
    section.add(figure, means, digits=2, headline=headline)
    for peer in ("noisereduce", "Wiener"):
        section.add(f"{figure}, above {peer}", {OURS: means[OURS] - means[peer]}, digits=2, headline=headline)


def _means(values: dict[str, list[float]]) -> dict[str, float]:
    return {name: float(np.mean(each)) for name, each in values.items()}


def _sets(found: Voices, count: int, seed: int) -> Iterator[tuple[str, int, list[Samples]]]:
    """Give digits alone, four in a row with pauses, and sentences; speakers in turns."""
    rng = np.random.default_rng(seed)
    order = {name: rng.permutation(len(digits)) for name, digits in found.digits.items()}
    speakers = sorted(found.digits)

    def digit(number: int, place: int) -> Samples:
        who = speakers[number // 2 % len(speakers)]  # each has every other noise recorded
        return found.digits[who][order[who][(number // 4 * 2 + number % 2 + place) % len(order[who])]]

    def row(number: int) -> Samples:
        parts = [(digit(number, 50 * place), np.zeros(int(8000 * rng.uniform(0.1, 0.4)))) for place in range(4)]
        return np.concatenate([np.zeros(800), *(each for pair in parts for each in pair)])

    yield DIGITS, 8000, [digit(number, 0) for number in range(count)]
    yield NUMBERS, 8000, [row(number) for number in range(max(1, count // 2))]
    yield SENTENCES, 16000, found.sentences[: max(1, count // 4)]


def _noisy(voice: Samples, rate: int, level: float, noises: list[Samples], number: int, seed: int) -> Samples:
    """Add noise, recorded to every other utterance, and of a kind in turns to the rest."""
    rng = np.random.default_rng((seed, number))
    turn = number // 2
    if number % 2 == 0:
        recorded = noises[turn % len(noises)]
        recorded = recorded if rate == 16000 else resample_poly(recorded, 1, 2)
        noise = np.take(recorded, int(rng.integers(len(recorded))) + np.arange(len(voice)), mode="wrap")
    else:
        noise = _made(("white", "pink", "hum")[turn % 3], len(voice), rate, rng)
    return voice + noise * np.sqrt(np.square(voice).mean() / np.square(noise).mean() * 10 ** (-level / 10))


def _made(kind: str, length: int, rate: int, rng: np.random.Generator) -> Samples:
    white = rng.normal(size=length)
    if kind == "white":
        return white
    if kind == "pink":
        pitches = np.fft.rfftfreq(length, 1 / rate).clip(20)
        return np.fft.irfft(np.fft.rfft(white) / np.sqrt(pitches), length)
    time_, root = np.arange(length) / rate, rng.choice([50, 60])
    waves = [np.sin(2 * np.pi * (root * k * time_ + rng.random())) / k for k in range(1, 9)]
    return np.sum(waves, 0) + 0.05 * white


def _ways(noise: Samples) -> dict[str, Callable[[Samples, int], list[Samples]]]:
    """Give every way of cleaning, each with the answers of all its settings."""
    from noisereduce import reduce_noise

    def reduced(noisy: Samples, rate: int) -> list[Samples]:
        return [
            np.asarray(reduce_noise(y=noisy, sr=rate, stationary=stationary, n_fft=size), np.float64)
            for stationary in (True, False)
            for size in (rate * 32 // 1000, 1024)
        ]

    def smoothed(noisy: Samples, rate: int) -> list[Samples]:
        return [wiener(noisy, window, noise.var()) for window in (3, 5, 7, 9, 11, 15, 21, 31, 41)]

    return {
        OURS: lambda noisy, rate: [np.asarray(speech().denoise(noisy, rate), np.float64)],
        "noisereduce": reduced,
        "Wiener": smoothed,
        "noisy": lambda noisy, rate: [noisy],
    }


def _stoi(voice: Samples, made: Samples, rate: int) -> float:
    from pystoi import stoi

    return float(stoi(voice, made, rate))


def _mono(path: Path) -> Samples:
    return np.asarray(open_signal(path).samples.mean(1), np.float64)


def _parts(samples: Samples, size: int) -> list[Samples]:
    return [samples[start : start + size] for start in range(0, len(samples) - size + 1, size)]
