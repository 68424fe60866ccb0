"""The sound benchmark's measures, on sounds whose answer is known. No times are asserted."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("soundfile")

import sound
from rates import bd_rate
from results import OURS, Result
from runner import MissingSourceError
from sounds import FORMATS, aligned, coded, si_sdr, spectral_distance


def chord(length: int, rate: int) -> np.ndarray:
    time = np.arange(length) / rate
    tones = sum(np.sin(2 * np.pi * pitch * time) for pitch in (220, 331, 1205))
    return 0.1 * np.asarray(tones)[:, None] + 0.002 * np.random.default_rng(0).normal(size=(length, 1))


def test_distortion_does_not_mind_how_loud_it_is() -> None:
    samples = chord(4000, 8000)
    noise = np.random.default_rng(1).normal(size=samples.shape) * samples.std() * 0.1
    assert si_sdr(samples, samples + noise) == pytest.approx(20, abs=0.5)
    assert si_sdr(samples, 3 * (samples + noise)) == pytest.approx(si_sdr(samples, samples + noise))


def test_spectral_distance_is_that_of_levels() -> None:
    samples = np.random.default_rng(0).normal(size=(8000, 1))
    assert spectral_distance(samples, samples, 8000) == 0
    assert spectral_distance(samples, 2 * samples, 8000) == pytest.approx(6.02, abs=0.1)


@pytest.mark.parametrize("late", [-30, 0, 17])
def test_what_comes_back_late_is_moved(late: int) -> None:
    samples = np.random.default_rng(0).normal(size=(500, 1))
    moved = np.roll(samples, late, axis=0)
    back = aligned(moved, samples)
    assert np.allclose(back[40:-40], samples[40:-40])


def test_half_the_bits_are_half_the_bits() -> None:
    points = [(8.0, 10.0), (16.0, 15.0), (30.0, 21.0)]
    assert bd_rate([(bits / 2, quality) for bits, quality in points], points) == pytest.approx(-50)
    assert np.isnan(bd_rate([(1.0, 0.0), (2.0, 1.0)], points))


@pytest.mark.parametrize("name", FORMATS)
def test_every_peer_writes_and_reads(name: str) -> None:
    samples = chord(8000, 16000)
    size, back = coded(samples, 16000, name, 0.5)
    assert 100 < size < samples.size * 2
    assert si_sdr(samples, back) > 5


def test_a_recording_is_measured_and_drawn(tmp_path) -> None:
    found = np.round(chord(16000, 16000) * 32767).astype(np.int32)
    settings = sound.Settings(recordings=1, seconds=1.0, qualities=(3, 6))
    sections = sound.measure(sound.SOURCES["speech"], [sound.Recording("chord", found, 16000)], settings)
    assert [section.title for section in sections] == ["least error", "for the ear", "curves", "exact"]
    assert [section.headlines for section in sections if section.headlines] == [
        ["bits at equal SI-SDR"],
        ["bits at equal spectral distance"],
        ["bytes, exact"],
    ]
    assert all(row.values.get(OURS, 100) > 0 for section in sections for row in section.rows)
    sound.draw({"speech": Result("speech", "Speech", {}, sections)}, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_missing_recordings_are_told(tmp_path) -> None:
    with pytest.raises(MissingSourceError, match="--data"):
        sound.SOURCES["music"].load(tmp_path)
