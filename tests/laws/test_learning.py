"""Laws of learning: named finite losses, gradients everywhere, and seeds that decide all."""

from __future__ import annotations

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session")
def losses(model, frame):
    from isthmus.data.sources import open_table

    rows = torch.from_numpy(model.codec_.encode(open_table(frame)))
    return lambda: model.net_.losses(rows, torch.Generator().manual_seed(0))


def test_losses_are_finite_and_every_name_has_a_weight(model, losses):
    named = losses()
    assert all(loss.isfinite() and loss.ndim == 0 for loss in named.values())
    for share in (0.0, 0.5, 1.0):
        weights = model.net_.weights(share)
        assert set(named) <= set(weights)
        assert all(np.isfinite(weights[name]) and weights[name] >= 0 for name in named)


def test_losses_are_named_by_what_they_measure(case, losses):
    named = set(losses())
    assert {"visible", "numbers"} <= named
    assert ("hidden" in named) == case.masks
    assert ("kl" in named) == case.code.startswith("gaussian")


def test_gradients_reach_every_weight(model, losses):
    weights = model.net_.weights(1.0)
    model.net_.zero_grad()
    sum(weights[name] * loss for name, loss in losses().items()).backward()
    without = [
        name
        for name, weight in model.net_.named_parameters()
        if weight.numel() and (weight.grad is None or not weight.grad.any() or not weight.grad.isfinite().all())
    ]
    model.net_.zero_grad(set_to_none=True)
    assert without == []


def test_same_seed_same_model_bit_for_bit(case, model, frame):
    again = case.fit(frame)
    assert same_weights(model, again)
    assert np.array_equal(model.encode(frame), again.encode(frame))
    assert model.history_.checks == again.history_.checks


def test_another_seed_another_model(case, model, frame):
    assert not same_weights(model, case.fit(frame, seed=1))


def same_weights(one, other):
    weights, others = one.net_.state_dict(), other.net_.state_dict()
    return weights.keys() == others.keys() and all(torch.equal(weights[name], others[name]) for name in weights)
