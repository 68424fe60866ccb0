import dataclasses

import numpy as np
import pytest
import torch

from isthmus.nets.signals import BANDS, INDICES, INPUTS, SoundNet, analyse, bands, gather, loudness, synthesise
from isthmus.tasks.sound import fit
from isthmus.tasks.sound.whole import LOUD, STARTS, WIDTHS, Around, walk


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("length", [1, 7, 100, 1000])
@pytest.mark.parametrize("hop", [16, 128])
def test_the_transform_is_orthonormal_and_undone(length, hop):
    sound = torch.randn(2, length, generator=generator())
    numbers = analyse(sound, hop)
    assert torch.allclose(synthesise(numbers, length), sound, atol=1e-5)
    assert torch.allclose(numbers.square().sum(), sound.square().sum(), rtol=1e-4)


def test_bands_ascend_and_are_known():
    for rate in (8000, 44100, 192000):
        found = bands(rate, 256)
        assert (np.diff(found) >= 0).all()
        assert found.min() >= 0
        assert found.max() < BANDS


def patches(count=6):
    rng = generator(1)
    own = torch.randn(count, 24, 20, generator=rng) * torch.exp2(torch.randn(count, 1, 20, generator=rng))
    band = torch.arange(20.0).expand(count, 24, 20)
    facts = torch.zeros(count, 24, 20)
    return torch.stack([own, own.flip(0), band, torch.zeros_like(own), facts], 1)


def test_gradients_reach_every_weight():
    torch.manual_seed(0)
    net = SoundNet()
    losses = net.losses(patches(), generator())
    sum(net.weights(0.0)[name] * loss for name, loss in losses.items()).backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name
        assert weight.grad.abs().sum() > 0, name


def test_the_same_noise_gives_the_same_losses():
    net = SoundNet()
    first, second = (net.losses(patches(), generator(3)) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_symbols_cover_all_sizes_once():
    assert (STARTS[1:] == STARTS[:-1] + WIDTHS[:-1]).all()
    middle = torch.from_numpy(STARTS + (WIDTHS - 1) // 2)
    assert loudness(middle.double()).long().tolist() == LOUD.tolist()


def random_net(seed=0):
    torch.manual_seed(seed)
    net = SoundNet()
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return net


def test_the_whole_network_is_the_trained_one_rounded():
    net = random_net()
    whole = fit.whole(net)
    inputs = torch.randint(0, 60, (400, INPUTS), generator=generator())
    band = torch.randint(0, BANDS, (400,), generator=generator())
    with torch.no_grad():
        expected = net.scales(inputs.float(), band).round().clamp(0, INDICES - 1).numpy()
    scaled = inputs.double().numpy().copy()
    scaled[:, 14:17] *= 16  # running means come in sixteenths
    found = whole.index(scaled, whole.first, whole.band[band.numpy()])
    assert (np.abs(found - expected) <= 1).all()
    assert (found == expected).mean() > 0.9


def test_numpy_and_torch_agree_on_the_whole_network_to_the_bit():
    whole = fit.whole(random_net(1))
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 128, (3000, INPUTS)).astype(np.float64)
    start = whole.band[rng.integers(0, BANDS, 3000)]

    def torch_index(threads):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        t = {
            f.name: torch.from_numpy(getattr(whole, f.name))
            for f in dataclasses.fields(whole)
            if f.name[0] in "fsl" and isinstance(getattr(whole, f.name), np.ndarray)
        }
        hidden = torch.floor(((torch.from_numpy(inputs) @ t["first"]) + torch.from_numpy(start)).clamp(0, 2**27) / 4096)
        narrow = torch.floor((hidden @ t["second"] + t["second_bias"]).clamp(0, 2**25) / 1024)
        found = torch.floor((narrow @ t["last"] + t["last_bias"])[:, 0] / 2**18 + 0.5).clamp(0, INDICES - 1)
        torch.set_num_threads(before)
        return found.long().numpy()

    expected = whole.index(inputs, whole.first, start)
    order = rng.permutation(INPUTS)
    assert np.array_equal(torch_index(1), expected)
    assert np.array_equal(torch_index(2), expected)
    assert np.array_equal(whole.index(inputs[:, order], whole.first[order], start), expected)
    assert len(set(expected.tolist())) > 5


def test_what_a_number_is_guessed_by_in_training_is_what_it_is_coded_by():
    rng = np.random.default_rng(0)
    symbols = rng.integers(0, 12, (9, 14))
    other = rng.integers(0, 12, (9, 14))
    levels = rng.integers(0, 40, (9, 14))
    whole = fit.whole(random_net(2))
    band = np.arange(14)
    lines = np.zeros(9 * 14, np.int64)

    def code(at, index):
        lines[at] = index
        return symbols.ravel()[at]

    again = walk(whole, Around(band, (20, 7, 16), levels, other), code)
    assert np.array_equal(again, symbols)
    facts = [torch.full((1, 1, 1), float(fact)) for fact in (20, 7, 16)]
    inputs = (
        gather(
            torch.from_numpy(LOUD[symbols]).double()[None],
            torch.from_numpy(LOUD[other]).double()[None],
            [*facts, torch.from_numpy(levels).double()[None]],
        )[0]
        .reshape(-1, INPUTS)
        .numpy()
    )
    inputs[:, 14:17] *= 16
    expected = whole.index(inputs, whole.first, whole.band[np.tile(band, 9)])
    assert np.array_equal(lines, expected)
