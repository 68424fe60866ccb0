import pytest
import torch

from isthmus.nets.expected import AROUND, INDICES, LOW, STARTS, Guess
from isthmus.nets.images import PictureNet
from isthmus.nets.lapped import CHANNELS, Lapped
from isthmus.nets.similarity import ms_ssim
from isthmus.training.loop import train
from isthmus.training.plan import Plan


@pytest.fixture
def batch():
    torch.manual_seed(0)
    grey = torch.randint(0, 256, (2, 1, 48, 48), dtype=torch.uint8).repeat(1, 3, 1, 1)
    return torch.cat([grey, torch.randint(0, 256, (1, 3, 48, 48), dtype=torch.uint8)])


def test_before_learning_the_network_is_a_transform_that_can_be_undone():
    picture = torch.randn(2, 32, 48) * 50
    quality = torch.tensor([8.0, 3.0])
    with torch.no_grad():
        net = PictureNet()
        again = net.synthesise(net.analyse(picture, 0, quality), 0, quality)
    assert torch.allclose(again, picture, atol=1e-3)


def test_colours_keep_what_is_smooth():
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    smooth = (torch.sin(y / 15) + torch.cos(x / 20))[None] * 40
    lapped = Lapped(16)
    with torch.no_grad():
        assert (lapped.synthesise(lapped.analyse(smooth)) - smooth).abs().max() < 2


def test_qualities_between_have_gains_between():
    net = PictureNet()
    gains = net.gains(torch.zeros(3, dtype=torch.long), torch.tensor([2.0, 2.5, 3.0]))[:, 0, 0, 0]
    assert gains[0] < gains[1] < gains[2]
    assert torch.isclose(gains[1], (gains[0] * gains[2]).sqrt())


def test_gradients_reach_every_weight(batch):
    net = PictureNet()
    for _ in range(2):  # the last layers start at zero, and let nothing through to those before at first
        losses = net.losses(batch, torch.Generator().manual_seed(0))
        net.zero_grad()
        sum(losses.values()).backward()
        with torch.no_grad():
            for weight in net.parameters():
                weight.sub_(1e-4 * weight.grad)
    assert all(weight.grad.abs().sum() > 0 for weight in net.parameters())


@pytest.mark.parametrize("perceptual", [False, True])
def test_the_loop_trains_it(batch, perceptual):
    torch.manual_seed(0)
    net = PictureNet(perceptual)
    history = train(net, batch, batch, Plan(steps=8, batch_size=3, learning_rate=1e-3, checks=2))
    first, last = history.checks[0]["held_out"]["total"], history.checks[-1]["held_out"]["total"]
    assert last < first


def test_a_number_is_guessed_only_by_what_comes_before_it():
    torch.manual_seed(0)
    guess = Guess()
    torch.nn.init.normal_(guess.means)
    whole = torch.randint(-3, 4, (1, CHANNELS, 5, 6)).float()
    kind, quality, other = torch.tensor([0]), torch.tensor([4.0]), torch.zeros(1, CHANNELS, 5, 6)
    with torch.no_grad():
        index, mean = guess(whole, other, kind, quality)
        for group, start in enumerate(STARTS):
            changed = whole.clone()
            changed[0, start:, 2, 3] += 5
            again, mean_again = guess(changed, other, kind, quality)
            known = [(y, x) for y in range(5) for x in range(6) if 2 * y + x <= 2 * 2 + 3 and (y, x) != (2, 3)]
            for y, x in known:
                assert torch.equal(again[0, :, y, x], index[0, :, y, x])
            end = [*STARTS[1:], CHANNELS][group]
            assert torch.equal(again[0, :end, 2, 3], index[0, :end, 2, 3])
            assert torch.equal(mean_again[0, :end, 2, 3], mean[0, :end, 2, 3])
    assert len(AROUND) * LOW + LOW == guess.means.shape[1]


def test_chances_sum_to_one():
    guess = Guess()
    with torch.no_grad():
        bits = guess.bits(torch.arange(-4000.0, 4001)[None], torch.arange(INDICES)[:, None].float(), torch.tensor(0.25))
    assert torch.allclose(torch.exp2(-bits).sum(1), torch.ones(INDICES), atol=1e-3)


def test_similarity_falls_with_noise():
    torch.manual_seed(0)
    picture = torch.rand(1, 3, 180, 200) * 255
    little, much = (ms_ssim(picture, picture + size * torch.randn_like(picture)) for size in (3, 60))
    assert 1 > little > much > 0
