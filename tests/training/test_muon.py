"""Muon: steps as long in every direction, and a run that is resumed takes the same ones."""

import pytest
import torch
from torch import nn

from isthmus.training.loop import train
from isthmus.training.muon import LIKE_ADAM, Muon, orthogonal
from isthmus.training.optimizers import OPTIMIZERS
from isthmus.training.plan import Plan
from isthmus.training.sources import Rows

ROWS = torch.randn(128, 1, 6, 6, generator=torch.Generator().manual_seed(0))


class Blur(nn.Module):
    """Learns to blur by three convolutions, of which the middle one is hidden, and one gets no gradient."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        sizes = ((1, 6), (6, 12), (12, 1), (4, 4))
        self.layers = nn.ModuleList(nn.Conv2d(one, other, 3, padding=1) for one, other in sizes)
        self.to(memory_format=torch.channels_last)

    def losses(self, batch, rng):
        first, hidden, last, _ = self.layers
        found = last(torch.relu(hidden(torch.relu(first(batch)))))
        return {"error": (found - nn.functional.avg_pool2d(batch, 3, 1, 1)).square().mean()}

    def weights(self, share):
        return {"error": 1.0}

    def matrices(self):
        return [self.layers[1].weight, self.layers[3].weight]


def plan(optimizer: str, **options) -> Plan:
    return Plan(steps=60, batch_size=32, optimizer=optimizer, learning_rate=0.01, warmup=5, checks=6, **options)


@pytest.mark.parametrize("shape", [(3, 5, 5), (2, 16, 144), (2, 64, 9), (1, 1, 7)])
def test_singular_values_come_to_about_one_and_directions_stay(shape):
    given = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    made = orthogonal(given)
    assert made.shape == given.shape
    values = torch.linalg.svdvals(made)
    assert float(values.min()) > 0.2 and float(values.max()) < 1.3  # a square one's least values take longest
    u, _, v = torch.linalg.svd(given, full_matrices=False)
    turned = u.mT @ made @ v.mT
    rest = turned - torch.diag_embed(turned.diagonal(dim1=1, dim2=2))
    assert float(rest.abs().max()) < 1e-3


def test_nothing_comes_of_no_gradient_and_no_step_is_undefined():
    assert torch.equal(orthogonal(torch.zeros(2, 3, 4)), torch.zeros(2, 3, 4))


def test_a_step_is_as_long_as_one_of_adam_whatever_the_gradient():
    for scale in (1e-6, 1.0, 1e6):
        layer = nn.Conv2d(16, 16, 3)
        before = layer.weight.detach().clone()
        layer.weight.grad = scale * torch.randn(layer.weight.shape, generator=torch.Generator().manual_seed(0))
        Muon([layer.weight], [layer.weight], lr=0.1).step()
        length = float((layer.weight.detach() - before).square().mean().sqrt())
        assert length == pytest.approx(0.1 * LIKE_ADAM, rel=0.25)


def test_all_but_matrices_move_as_by_adamw():
    ours, theirs = Blur(), Blur()
    moved = Muon(ours.parameters(), [], lr=0.01, weight_decay=0.1)
    adamw = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.1, betas=(0.9, 0.99))
    for step in range(5):
        for model, optimizer in ((ours, moved), (theirs, adamw)):
            optimizer.zero_grad()
            model.losses(ROWS[step : step + 8], torch.Generator())["error"].backward()
            optimizer.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_all_that_has_a_gradient_moves_and_the_loss_falls(optimizer):
    model, before = Blur(), Blur()
    history = train(model, ROWS, ROWS[:32], plan(optimizer))
    for (name, weight), start in zip(model.named_parameters(), before.parameters(), strict=True):
        assert torch.equal(weight, start) == name.startswith("layers.3"), name
    assert history.best_loss < 0.3 * float(before.losses(ROWS[:32], torch.Generator())["error"].detach())


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(tmp_path, monkeypatch, optimizer):
    from isthmus.training import checkpoints

    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0.0)
    whole = Blur()
    train(whole, ROWS, ROWS[:32], plan(optimizer))
    stopping = True

    class Stops(Rows):
        def batch(self, step):
            if stopping and step == 27:
                raise KeyboardInterrupt
            return super().batch(step)

    state, data = tmp_path / "state", Stops(ROWS, 32, 0)
    with pytest.raises(KeyboardInterrupt):
        train(Blur(), data, ROWS[:32], plan(optimizer), checkpoint=state)
    stopping, again = False, Blur()
    train(again, data, ROWS[:32], plan(optimizer), checkpoint=state, resume=True)
    for one, other in zip(again.parameters(), whole.parameters(), strict=True):
        assert torch.equal(one, other)
