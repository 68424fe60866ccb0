from contextlib import suppress

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images

from isthmus.errors import DataError, FileError, UsageError
from isthmus.nets.expected import ENDS, INDICES, STARTS, Guess
from isthmus.nets.lapped import CHANNELS
from isthmus.tasks import images
from isthmus.tasks.images import compress_image, decompress_image, model_of
from isthmus.tasks.picture import bands, fit
from isthmus.tasks.picture.whole import FINE, LARGEST, MEANS, beside, walk


@pytest.fixture(scope="module")
def flower():
    return np.ascontiguousarray(load_sample_images().images[1][100:300, 200:500])


def decibels(one, other):
    return 10 * np.log10(255**2 / max(np.square(one.astype(float) - other).mean(), 1e-6))


@pytest.mark.parametrize("shape", [(1, 1), (7, 13), (200, 300)])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("perceptual", [False, True])
def test_a_picture_of_any_size_comes_back(flower, shape, channels, perceptual):
    pixels = flower[: shape[0], : shape[1], :channels]
    facts, blocks = compress_image(pixels, 7, perceptual)
    again = decompress_image(facts, blocks)
    assert again.shape == pixels.shape
    assert decibels(pixels, again) > 25


def test_sizes_fall_with_quality_and_likeness_rises(flower):
    sizes, likeness = [], []
    for quality in (1, 2.5, 4, 6, 8):
        facts, blocks = compress_image(flower, quality)
        sizes.append(sum(map(len, blocks)))
        likeness.append(decibels(flower, decompress_image(facts, blocks)))
    assert sizes == sorted(sizes)
    assert likeness == sorted(likeness)
    assert sizes[0] < sizes[-1] / 5
    assert likeness[-1] > likeness[0] + 6


def test_a_size_is_kept_to(flower):
    _, blocks = compress_image(flower, size=6000)
    assert 5000 < sum(map(len, blocks)) <= 6000
    with pytest.raises(DataError, match="lowest quality"):
        compress_image(flower, size=50)


def test_a_lost_band_is_grey_and_the_others_are_right(flower, monkeypatch):
    monkeypatch.setattr(images, "ROWS", 64)
    facts, blocks = compress_image(flower, 3)
    whole = decompress_image(facts, blocks)
    assert len(blocks) == 4
    part = decompress_image(facts, [blocks[0], None, *blocks[2:]])
    assert (part[64:128] == 128).all()
    assert (part[:64] == whole[:64]).all()
    assert (part[128:] == whole[128:]).all()


def test_what_is_read_are_the_very_numbers_under_any_number_of_threads(flower, monkeypatch):
    model, seen = model_of("error"), []
    pixels_of, before = bands.pixels_of, torch.get_num_threads()
    monkeypatch.setattr(bands, "pixels_of", lambda planes, *rest: seen.append(planes) or pixels_of(planes, *rest))
    block = bands.write(flower, 4 * FINE, model)
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            bands.read(block, flower.shape, 4 * FINE, model)
    finally:
        torch.set_num_threads(before)
    for one, two in zip(*seen, strict=True):
        assert (one == two).all()


def test_what_is_read_are_the_numbers_that_were_written(flower, monkeypatch):
    model, seen = model_of("likeness"), []
    monkeypatch.setattr(bands, "walk", lambda *all_: seen.append(walk(*all_)) or seen[-1])
    bands.read(bands.write(flower, 5 * FINE, model), flower.shape, 5 * FINE, model)
    for written, read in zip(seen[:3], seen[3:], strict=True):
        assert (written == read).all()


def test_symbols_beyond_the_table_come_back():
    model = model_of("error")
    pixels = np.zeros((32, 32, 1), np.uint8)
    pixels[:, 16:] = 255
    again = bands.read(bands.write(pixels, 8 * FINE, model), pixels.shape, 8 * FINE, model)
    assert decibels(pixels, again) > 30


def test_the_network_in_whole_numbers_says_what_the_trained_one_does():
    torch.manual_seed(0)
    guess = Guess()
    torch.nn.init.normal_(guess.means, std=0.2)
    whole = fit.whole(guess)
    rng = np.random.default_rng(0)
    numbers = rng.integers(-4, 5, (6, 8, CHANNELS))
    other = rng.integers(-4, 5, (12, 16, CHANNELS))
    lines, means = np.zeros_like(numbers), np.zeros_like(numbers)

    def code(y, x, some, found, mean):
        lines[y, x, some], means[y, x, some] = found, mean
        return numbers[y, x, some]

    grid = beside(other, 1, (6, 8))
    assert (walk(whole, grid, 1, 70, code) == numbers).all()
    with torch.no_grad():
        index, mean = guess(
            torch.from_numpy(numbers).float().movedim(2, 0)[None],
            torch.from_numpy(grid / 4).float().movedim(2, 0)[None],
            torch.tensor([1]),
            torch.tensor([70 / FINE]),
        )
    index = index[0].movedim(0, 2).numpy().clip(0, INDICES - 1)
    assert np.abs(lines // MEANS - index).max() < 0.7
    fine = means + (lines % MEANS - MEANS // 2) / MEANS
    assert np.abs(fine - mean[0].movedim(0, 2).numpy()).max() < 0.5 / MEANS + 0.02


@pytest.mark.parametrize("name", ["error", "likeness"])
def test_sums_are_exact_in_any_order_and_in_torch(name):
    whole = model_of(name).guess
    rng = np.random.default_rng(0)
    around = rng.integers(0, 97, (50, len(whole.first))).astype(float)
    own = rng.integers(0, 97, (50, CHANNELS)).astype(float)
    shuffled = rng.permutation(len(whole.first))
    start = whole.hidden(around, 2, 33)
    sums = torch.from_numpy(around[:, shuffled]) @ torch.from_numpy(whole.first[shuffled])
    sums = sums + torch.from_numpy(whole.facts[2] + 33 * whole.quality)
    hidden = torch.floor(sums.clamp(0, 2.0**27) / 4096)
    assert (start == (hidden @ torch.from_numpy(whole.shared) + torch.from_numpy(whole.shared_bias)).numpy()).all()
    for group in range(len(STARTS)):
        found = whole.lines(start, own, group, 2)
        assert (
            found == np.concatenate([whole.lines(start[i : i + 1], own[i : i + 1], group, 2) for i in range(50)])
        ).all()
        assert found.shape[1] == ENDS[group] - STARTS[group]
    most = 97 * 4 * np.abs(whole.first).sum(0).max()
    assert most < 2**53
    assert 2**15 * np.abs(whole.shared).sum(0).max() + 97 * np.abs(whole.own).sum(0).max() < 2**53
    assert (whole.counts > 0).all()
    assert whole.counts.shape == (INDICES * MEANS, 2 * LARGEST + 1)


def test_what_is_no_picture_is_told(flower):
    for bad in (flower.astype(float), flower[..., :2], flower[:0], flower[..., 0]):
        with pytest.raises(DataError, match="no picture"):
            compress_image(bad)
    with pytest.raises(UsageError, match="quality 9"):
        compress_image(flower, 9)


def test_damaged_facts_and_blocks_are_told(flower):
    facts, blocks = compress_image(flower[:40, :40], 2)
    for damaged in ({}, facts | {"model": "none"}, facts | {"quality": 9999}, facts | {"channels": 2}):
        with pytest.raises(FileError, match="damaged"):
            decompress_image(damaged, blocks)
    with pytest.raises(FileError, match="blocks"):
        decompress_image(facts, [*blocks, b""])
    with pytest.raises(FileError, match="block 1"):
        decompress_image(facts, [blocks[0][:-1]])
    with suppress(FileError):  # other bytes of the same length are other numbers, or are told to be none
        decompress_image(facts, [bytes(255 - b for b in blocks[0])])


def test_weights_that_are_none_are_told(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(b"nothing")
    with pytest.raises(FileError, match="weights"):
        fit.read(tmp_path / "w.safetensors")
