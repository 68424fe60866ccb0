"""Compiled steps come to what plain ones do, and where nothing can be compiled a run goes on with a warning."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from isthmus.errors import IsthmusWarning, UsageError
from isthmus.training import run
from isthmus.training.compiling import compiled, wants_compiling
from isthmus.training.loop import train
from isthmus.training.plan import Plan

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


class Drawn(nn.Module):
    """A layer that is trained under noise, which a compiled step must draw alike."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(3, 3)

    def losses(self, batch, rng):
        noisy = batch + torch.randn(batch.shape, generator=rng)
        return {"error": (self.layer(noisy) - batch).square().mean(), "idle": torch.zeros(())}

    def weights(self, share):
        return {"error": 1.0, "idle": 0.0}


ROWS = torch.randn(32, 3, generator=torch.Generator().manual_seed(0))
PLAN = Plan(steps=12, batch_size=8, checks=2)


def weights_after(plan=PLAN):
    module = Drawn()
    train(module, ROWS, ROWS[:4], plan)
    return module.state_dict()


@pytest.mark.parametrize(
    "word, device, wanted", [("1", CUDA, True), ("1", CPU, False), ("0", CUDA, False), ("", CUDA, False)]
)
def test_the_environment_asks_for_it_on_a_gpu(monkeypatch, word, device, wanted):
    monkeypatch.setenv("ISTHMUS_COMPILE", word)
    assert wants_compiling(None, device) is wanted
    assert wants_compiling(True, device)
    assert not wants_compiling(False, device)


def test_another_word_is_refused(monkeypatch):
    monkeypatch.setenv("ISTHMUS_COMPILE", "often")
    with pytest.raises(UsageError, match="ISTHMUS_COMPILE is 'often'; give 0 or 1"):
        wants_compiling(None, CPU)


def test_a_compiled_run_is_the_plain_one(monkeypatch):
    plain = weights_after()
    used = []

    def backend(graph, inputs):
        used.append(graph)
        return graph.forward

    monkeypatch.setattr(run, "compiled", partial(compiled, backend=backend))
    found = weights_after(Plan(steps=12, batch_size=8, checks=2, compile=True))
    assert used
    assert found.keys() == plain.keys()  # the file is that of the module as it is
    assert all(torch.equal(found[name], plain[name]) for name in plain)


def test_what_cannot_be_compiled_goes_on_as_it_is(monkeypatch):
    plain = weights_after()

    def broken(graph, inputs):
        raise RuntimeError("no compiler here")

    monkeypatch.setattr(run, "compiled", partial(compiled, backend=broken))
    with pytest.warns(IsthmusWarning, match="training is not compiled here") as told:
        found = weights_after(Plan(steps=12, batch_size=8, checks=2, compile=True))
    assert len(told) == 1
    assert all(torch.equal(found[name], plain[name]) for name in plain)


def test_what_fails_backwards_is_found_out_before_it_counts(monkeypatch):
    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            raise RuntimeError("no kernel for that")

    monkeypatch.setattr(
        torch, "compile", lambda f: lambda *given: {name: Broken.apply(each) for name, each in f(*given).items()}
    )
    module, rng = Drawn(), torch.Generator().manual_seed(3)
    with pytest.warns(IsthmusWarning, match="no kernel for that"):
        losses = compiled(module)(ROWS, rng)
    assert torch.equal(losses["error"], module.losses(ROWS, torch.Generator().manual_seed(3))["error"])
    assert all(weight.grad is None for weight in module.parameters())


def test_running_short_of_memory_is_told_to_who_can_help_it(monkeypatch):
    def short(batch, rng):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch, "compile", lambda f: short)
    with pytest.raises(torch.OutOfMemoryError):
        compiled(Drawn())(ROWS, torch.Generator())
