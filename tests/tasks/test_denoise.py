"""Noise out of pictures and signals: what was learnt, what is alike, levels, gaps and tiles."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_sample_images

from isthmus.denoiser import photos
from isthmus.nets.denoisers import DenoisingNet, cut
from isthmus.nets.noises import Gaussian, Noisy, Poisson, parse_noise
from isthmus.nets.unet import UNet
from isthmus.tasks.denoise import alone, tiles
from isthmus.tasks.denoise.gaps import fill_gaps
from isthmus.tasks.denoise.level import light_levels, noise_level
from isthmus.tasks.denoise.pictures import denoise_picture


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """A part of a photo (160, 160, 3), between 0 and 1."""
    return np.asarray(load_sample_images().images[1][180:340, 240:400], np.float32) / 255


def spoilt(clean: np.ndarray, level: float, seed: int = 0) -> np.ndarray:
    return np.asarray(clean + np.random.default_rng(seed).normal(0, level / 255, clean.shape), np.float32)


def psnr(made: np.ndarray, clean: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(made - clean).mean()))


@pytest.mark.parametrize("level", [10, 25, 50])
def test_the_level_is_estimated(photo, level) -> None:
    noisy = torch.from_numpy(spoilt(photo, level).transpose(2, 0, 1))
    assert noise_level(noisy) * 255 == pytest.approx(level, rel=0.15)


def test_levels_that_grow_with_brightness_are_estimated(photo) -> None:
    clean = torch.from_numpy(photo.transpose(2, 0, 1))
    noisy = clean + (0.02 * clean).sqrt() * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    gain, floor = light_levels(noisy)
    assert (gain * 0.5 + floor) ** 0.5 == pytest.approx(0.1, rel=0.15)


@pytest.mark.parametrize("way", ["photos", "alone"])
@pytest.mark.parametrize(("level", "gain"), [(15, 3.0), (25, 5.0), (50, 7.0)])
def test_noise_goes_of_grey_and_of_colours(photo, way, level, gain) -> None:
    net = photos().net if way == "photos" else None
    for clean in (photo, photo.mean(2, keepdims=True)):
        noisy = spoilt(clean, level)
        found = denoise_picture(noisy, net)
        assert psnr(found.pixels, clean) > psnr(noisy, clean) + gain
        assert found.level == pytest.approx(level, rel=0.15)


@pytest.mark.parametrize("level", [15, 50])
def test_both_ways_together_are_better_than_each(photo, level) -> None:
    clean = photo.mean(2, keepdims=True)
    noisy, net = spoilt(clean, level), photos().net
    ways = ({"net": net, "thorough": True}, {"net": net}, {"net": None})
    both, learnt, alone_ = (psnr(denoise_picture(noisy, level=level, **way).pixels, clean) for way in ways)
    assert both > max(learnt, alone_) + 0.05


@pytest.mark.parametrize("way", ["photos", "alone"])
def test_light_noise_and_salt_go_too(photo, way) -> None:
    net = photos().net if way == "photos" else None
    rng = np.random.default_rng(0)
    light = np.asarray(rng.poisson(photo * 40) / 40, np.float32)
    assert psnr(denoise_picture(light, net, noise="poisson").pixels, photo) > psnr(light, photo) + 4
    salt = photo.copy()
    salt[rng.random(photo.shape[:2]) < 0.05] = 1.0
    salt[rng.random(photo.shape[:2]) < 0.05] = 0.0
    found = denoise_picture(salt, net, noise="salt")
    assert psnr(found.pixels, photo) > 27
    assert found.hidden == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("way", ["photos", "alone"])
def test_what_is_hidden_is_filled_better_than_smoothly(photo, way) -> None:
    grey = photo.mean(2, keepdims=True)
    hidden = np.random.default_rng(0).random(grey.shape[:2]) < 0.3
    broken = np.where(hidden[..., None], 0, grey).astype(np.float32)
    found = denoise_picture(broken, photos().net if way == "photos" else None, hidden=hidden, level=0).pixels
    smooth = alone.smooth_fill(torch.from_numpy(broken.transpose(2, 0, 1)), torch.from_numpy(hidden))
    assert psnr(found[hidden], grey[hidden]) > psnr(smooth.permute(1, 2, 0).numpy()[hidden], grey[hidden]) + 1


def test_tiles_leave_no_seam() -> None:
    torch.manual_seed(0)
    net = photos().net
    noisy = Noisy(torch.rand(1, 1, 420, 300), torch.rand(1, 1, 420, 300) / 4)
    assert torch.allclose(tiles.denoise(net, noisy, tile=128), net(noisy), atol=1e-5)


@given(st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 3]))
@settings(max_examples=20, deadline=None)
def test_any_size_goes_both_ways(rows, columns, channels) -> None:
    pixels = np.random.default_rng(rows * 31 + columns).random((rows, columns, channels), dtype=np.float32)
    for net in (photos().net, None):
        found = denoise_picture(pixels, net).pixels
        assert found.shape == pixels.shape
        assert np.isfinite(found).all()


def test_what_has_no_noise_stays(photo) -> None:
    assert psnr(denoise_picture(photo, photos().net, level=0).pixels, photo) > 38
    assert np.array_equal(denoise_picture(photo, None, level=0).pixels, photo)
    flat = np.full((40, 40, 1), 0.3, np.float32)
    for net in (photos().net, None):
        assert np.abs(denoise_picture(flat, net).pixels - flat).max() < 0.02


def test_gradients_reach_every_weight() -> None:
    torch.manual_seed(0)
    net = DenoisingNet(3, (Gaussian(), Poisson()), UNet(4, 3, widths=(4, 6), depths=(1, 1)), (32, 32))
    for block in net.modules():  # they begin by changing nothing, which hides what is before them
        if isinstance(block, torch.nn.Conv2d):
            torch.nn.init.normal_(block.weight, std=0.1)
    batch = torch.randint(0, 256, (4, 3, 40, 40), dtype=torch.uint8)
    net.losses(batch, torch.Generator().manual_seed(0))["error"].backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in net.parameters())


def test_parts_are_cut_anywhere_and_turned() -> None:
    batch = torch.arange(2 * 12 * 12, dtype=torch.uint8).reshape(2, 1, 12, 12)
    found = {tuple(cut(batch, (4, 4), torch.Generator().manual_seed(s))[0].flatten().tolist()) for s in range(40)}
    assert len(found) > 30


def test_noises_are_of_the_levels_they_tell() -> None:
    rng = torch.Generator().manual_seed(0)
    clean = torch.full((64, 1, 32, 32), 0.5)
    for noise in (Gaussian(10, 50), Poisson()):
        values, level = noise(Noisy(clean, torch.zeros_like(clean)), rng)
        ratio = (values - clean).flatten(1).std(1) / level.flatten(1).mean(1)
        assert ratio.mean() == pytest.approx(1, abs=0.02)
        assert len(level.flatten(1).mean(1).unique()) > 32
    assert parse_noise("poisson:30+gaussian") == (Poisson(30.0), Gaussian())


@given(st.lists(st.tuples(st.integers(0, 399), st.integers(1, 60)), max_size=6))
@settings(max_examples=30, deadline=None)
def test_gaps_are_filled_and_nothing_else_changes(gaps) -> None:
    signal = np.sin(np.arange(400) / 9)
    hidden = np.zeros(400, bool)
    for start, length in gaps:
        hidden[start : start + length] = True
    filled = fill_gaps(np.where(hidden, np.nan, signal), hidden)
    assert np.isfinite(filled).all()
    assert np.array_equal(filled[~hidden], signal[~hidden])


@pytest.mark.parametrize("bright", [0.03, 0.5, 0.97])
def test_what_is_made_does_not_drift_away(bright) -> None:
    clean = np.full((96, 96, 1), bright, np.float32) + 0.02 * np.sin(np.arange(96, dtype=np.float32) / 5)[:, None, None]
    hidden = np.random.default_rng(0).random((96, 96)) < 0.8
    found = denoise_picture(np.where(hidden[..., None], 0, clean), photos().net, hidden=hidden, level=0).pixels
    assert psnr(found, clean) > 33
