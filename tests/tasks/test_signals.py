import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import DataError, FileError, UsageError
from isthmus.tasks.signals import compress_signal, decompress_signal, network
from isthmus.tasks.sound import levels, lossless, residuals
from isthmus.tasks.sound.lossy import cheapest


def chord(length, rate=8000, channels=1):
    """Make a chord that swells, over a little noise; a second channel is softer and a little late."""
    time = np.arange(length) / rate
    rng = np.random.default_rng(0)
    sound = sum(np.sin(2 * np.pi * pitch * time + pitch) for pitch in (220.0, 277.2, 329.6)) * (1.2 + np.sin(3 * time))
    sound = 0.1 * sound + 0.003 * rng.normal(size=length)
    return np.stack([np.roll(sound, 5 * c) / (c + 1) for c in range(channels)], 1).astype(np.float32)


def quality_of(sound, again):
    return 10 * np.log10(np.square(sound).sum() / np.square(sound - again).sum())


@pytest.mark.parametrize("perceptual", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("length", [0, 1, 7, 3000])
def test_any_length_comes_back(length, channels, perceptual):
    sound = chord(length, channels=channels)
    facts, blocks = compress_signal(sound, 8000, 5, perceptual)
    again = decompress_signal(json.loads(json.dumps(facts)), blocks)
    assert again.shape == sound.shape
    assert again.dtype == np.float32
    if length == 3000:
        assert quality_of(sound, again) > (8 if perceptual else 20)


@pytest.mark.parametrize("rate", [1, 4000, 11025, 44100, 192000])
def test_any_rate_comes_back(rate):
    sound = chord(2500)
    facts, blocks = compress_signal(sound, rate, 6)
    assert len(blocks) == 1
    assert quality_of(sound, decompress_signal(facts, blocks)) > 10


def test_a_long_sound_is_written_in_blocks_and_a_lost_one_is_silent():
    sound = chord(100_000, 4000)
    facts, blocks = compress_signal(sound, 4000, 4)
    assert len(blocks) == 3
    again = decompress_signal(facts, blocks)
    lost = decompress_signal(facts, [blocks[0], None, blocks[2]])
    assert not lost[40_000:80_000].any()
    assert np.array_equal(lost[:40_000], again[:40_000])
    assert np.array_equal(lost[80_000:], again[80_000:])


@pytest.mark.parametrize("perceptual", [False, True])
def test_better_quality_takes_more_and_errs_less(perceptual):
    sound = chord(6000, channels=2)
    sizes, found = [], []
    for quality in (1, 2.5, 4, 6, 8):
        facts, blocks = compress_signal(sound, 8000, quality, perceptual)
        sizes.append(sum(map(len, blocks)))
        found.append(quality_of(sound, decompress_signal(facts, blocks)))
    assert sizes == sorted(sizes)
    assert found == sorted(found)
    assert sizes[-1] > 2 * sizes[0]


def test_loudness_does_not_change_what_quality_means():
    sound = chord(4000)
    sizes = [sum(map(len, compress_signal(sound * gain, 8000, 4)[1])) for gain in (1.0, 2.0**-6)]
    assert abs(sizes[0] - sizes[1]) < 0.03 * sizes[0]


def test_silence_takes_nothing_and_stays_silent():
    for perceptual in (False, True):
        facts, blocks = compress_signal(np.zeros((9000, 2), np.float32), 8000, 3, perceptual)
        assert sum(map(len, blocks)) < 20
        assert not decompress_signal(facts, blocks).any()


@pytest.mark.parametrize("perceptual", [False, True])
def test_other_threads_read_and_write_the_same(perceptual):
    sound, before = chord(5000, channels=2), torch.get_num_threads()
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        facts, blocks = compress_signal(sound, 8000, 5, perceptual)
        found.append((blocks, decompress_signal(facts, blocks)))
    torch.set_num_threads(before)
    assert found[0][0] == found[1][0]
    assert np.allclose(found[0][1], found[1][1], atol=1e-6)


def test_what_decides_probabilities_is_whole():
    for name in ("error", "ear"):
        net = network(name)
        for array in (net.first, net.band, net.second, net.second_bias, net.last, net.last_bias, net.counts):
            assert np.array_equal(array, np.round(array))
        assert (net.counts > 0).all()
        assert (net.changes > 0).all()
    assert (lossless.chances() > 0).all()


def test_the_cheapest_symbol_is_never_above_the_nearest():
    rng = np.random.default_rng(0)
    net = network("error")
    sizes, index = np.abs(rng.normal(0, 30, 2000)), rng.integers(0, len(net.counts), 2000)
    few = cheapest(sizes, index, -np.log2(net.chances()), net.middles, 6.0)
    fine = cheapest(sizes, index, -np.log2(net.chances()), net.middles, 1e9)
    assert (few <= fine).mean() > 0.99
    assert few.sum() < fine.sum()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_levels_come_back(groups, used, seed):
    found = np.random.default_rng(seed).integers(0, levels.TOP + 1, (groups, used))
    coder = levels.Encoder()
    levels.write(found, coder, network("ear").changes)
    assert np.array_equal(levels.read(groups, used, levels.Decoder(coder.bytes()), network("ear").changes), found)


# exact

EXTREMES = {
    "silence": np.zeros(900),
    "full scale": np.where(np.arange(900) % 3, 32767, -32768),
    "a step": np.repeat([-32768, 32767], 450),
    "noise": np.random.default_rng(1).integers(-32768, 32768, 900),
    "soft noise": np.random.default_rng(1).integers(-2, 3, 900),
    "one": np.array([-32768]),
    "seven": np.arange(7),
    "none": np.zeros(0),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_exact_samples_come_back_exactly(name):
    samples = EXTREMES[name].astype(np.int32)
    for sound in (samples[:, None], np.stack([samples, samples[::-1]], 1)):
        facts, blocks = compress_signal(sound, 8000, None)
        assert np.array_equal(decompress_signal(json.loads(json.dumps(facts)), blocks), sound)
        assert sum(map(len, blocks)) < sound.size * 2 * 1.06 + 150


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([8, 16, 24, 32]), st.integers(1, 3), st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_any_whole_numbers_come_back_exactly(bits, channels, length, seed):
    top = 1 << (bits - 1)
    rng = np.random.default_rng(seed)
    sound = rng.integers(-top, top, (length, channels)) >> rng.integers(0, bits)
    facts, blocks = compress_signal(sound.astype(np.int32), 50, None, bits=bits)
    assert np.array_equal(decompress_signal(facts, blocks), sound)


def test_exact_music_takes_less_than_flac():
    soundfile = pytest.importorskip("soundfile")
    import io

    samples = np.round(chord(40_000, 8000, 2) * 32767).astype(np.int32)
    facts, blocks = compress_signal(samples, 8000, None)
    file = io.BytesIO()
    soundfile.write(file, samples.astype(np.int16), 8000, format="FLAC", subtype="PCM_16", compression_level=1.0)
    assert np.array_equal(decompress_signal(facts, blocks), samples)
    assert sum(map(len, blocks)) < 1.03 * len(file.getvalue())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-(2**33), 2**33), min_size=1, max_size=20), st.integers(0, 30))
def test_what_is_left_over_is_split_and_joined(left, shift):
    left, shift = np.array(left, np.int64), np.full(len(left), shift)
    symbols, remains, below = residuals.parts(left, shift)
    assert (remains < below).all()
    assert np.array_equal(below, residuals.below(symbols, shift))
    assert np.array_equal(residuals.joined(symbols, remains, shift), left)


# what is wrong


def test_wrong_options_and_samples_are_one_line_each():
    sound = chord(100)
    for quality in (0, 9, float("nan")):
        with pytest.raises(UsageError, match="quality"):
            compress_signal(sound, 8000, quality)
    with pytest.raises(UsageError, match="rate"):
        compress_signal(sound, 0)
    with pytest.raises(DataError, match="shape"):
        compress_signal(sound[:, 0], 8000)
    with pytest.raises(DataError, match="whole"):
        compress_signal(sound, 8000, None)
    with pytest.raises(DataError, match="8 bits"):
        compress_signal(np.full((3, 1), 128, np.int32), 8000, None, bits=8)
    with pytest.raises(DataError, match="finite"):
        compress_signal(np.full((3, 1), np.inf, np.float32), 8000)


@pytest.mark.parametrize("quality", [4, None])
def test_damaged_blocks_are_a_line_or_sound_of_the_right_shape(quality):
    sound = chord(700)
    given_samples = sound if quality else np.round(sound * 32767).astype(np.int32)
    facts, blocks = compress_signal(given_samples, 8000, quality)
    rng = np.random.default_rng(0)
    for _ in range(8):
        spoilt = bytearray(blocks[0])
        spoilt[rng.integers(len(spoilt))] ^= int(rng.integers(1, 256))
        for held in (bytes(spoilt), bytes(spoilt[: rng.integers(len(spoilt))])):
            try:
                assert decompress_signal(facts, [held]).shape == sound.shape
            except FileError as error:
                assert "\n" not in str(error)
    with pytest.raises(FileError, match="blocks"):
        decompress_signal(facts, [])
    for wrong in (
        {"samples": "a"},
        {"samples": -3},
        {"channels": 0},
        {"rate": 0},
        {"model": "none"},
        {"samples": 10**15},
    ):
        with pytest.raises(FileError, match=r"damaged|blocks"):
            decompress_signal(facts | wrong, blocks)
    with pytest.raises(FileError, match="damaged"):
        decompress_signal({"samples": 3}, blocks)
