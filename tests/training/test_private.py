"""Gradients with differential privacy: each row's own, cut to a length, under noise of the scale that was stated."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.nets.codes import Dense, Quantized, Sparse
from isthmus.nets.columns import Columns
from isthmus.nets.corruptions import Mask
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.likelihoods import Categorical, Numeric
from isthmus.training.loop import train
from isthmus.training.plan import Plan
from isthmus.training.private import Chance, Noise, Private

ROWS = 40
DENSE = Dense(4)


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    table = np.column_stack(
        [rng.normal(size=ROWS), rng.integers(0, 4, ROWS), rng.integers(0, 2, ROWS), rng.exponential(size=ROWS)]
    )
    table[3, 0], table[5, 2], table[7, 1] = np.nan, np.nan, -1.0
    return torch.from_numpy(table)


def net_of(x, code=DENSE):
    torch.manual_seed(1)
    kinds = [
        Numeric.learn(x[:, 0]),
        Categorical.learn(x[:, 1], 4),
        Categorical.learn(x[:, 2], 2),
        Numeric.learn(x[:, 3]),
    ]
    net = Hourglass(Columns(kinds), code, width=16, blocks=2, corruption=[Mask()], visible=0.4)
    for weight in net.parameters():  # some start at zero, whose gradients would hide mistakes
        weight.data += 0.05 * torch.randn_like(weight)
    return net


def private_of(x, code=DENSE, clip=1.0, multiplier=0.0, rate=1.0, steps=10, net=None):
    return Private(net or net_of(x, code), x, Noise(rate, rate * len(x), clip, multiplier, steps), Chance(1))


def row_gradients(private, x):
    """Give each row's gradient, one backward pass a row, under the noise that `private.clipped` draws next."""
    chance = Chance(private.chance.seed)
    chance.calls = private.chance.calls
    losses = private.module.row_losses(x, chance.generator())
    each = [torch.autograd.grad(loss, private.trained, retain_graph=True, allow_unused=True) for loss in losses]
    return [
        [torch.zeros_like(w) if g is None else g for g, w in zip(row, private.trained, strict=True)] for row in each
    ]


def length(gradient):
    return float(torch.cat([part.flatten() for part in gradient]).detach().norm())


@pytest.mark.parametrize("code", [Dense(4), Sparse(6, k=2), Quantized(3)], ids=str)
def test_sums_are_those_of_one_row_at_a_time(x, code):
    private = private_of(x, code, clip=0.3)
    expected = [torch.zeros_like(weight) for weight in private.trained]
    cut = 0
    for gradient in row_gradients(private, x):
        share = min(1.0, 0.3 / length(gradient))
        cut += share < 1
        expected = [total + share * part for total, part in zip(expected, gradient, strict=True)]
    assert cut > 0
    for found, wanted in zip(private.clipped(x), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=2e-4, atol=1e-6)


def test_without_a_clip_the_sum_is_the_gradient_of_the_whole_batch(x):
    private = private_of(x, clip=1e6)
    whole = [sum(parts) for parts in zip(*row_gradients(private, x), strict=True)]
    for found, wanted in zip(private.clipped(x), whole, strict=True):
        torch.testing.assert_close(found, wanted, rtol=2e-4, atol=1e-5)


@given(row=st.integers(0, ROWS - 1), clip=st.sampled_from([1e-3, 0.1, 5.0]), scale=st.sampled_from([1.0, 1e3]))
@settings(max_examples=30, deadline=None)
def test_no_row_changes_a_sum_by_more_than_the_clip(x, row, clip, scale):
    alone = x[row : row + 1].clone()
    alone[:, [0, 3]] *= scale
    assert length(private_of(x, clip=clip).clipped(alone)) <= clip


def test_a_row_that_breaks_the_losses_is_left_out(x):
    private = private_of(x)
    broken = private.module.row_losses
    private.module.row_losses = lambda rows, rng: (
        broken(rows, rng) * torch.where(torch.arange(len(rows)) == 2, torch.inf, 1.0)
    )
    assert all(bool(part.isfinite().all()) for part in private.clipped(x))


def test_noise_has_the_stated_scale(x):
    net = net_of(x)
    quiet, loud = private_of(x, net=net), private_of(x, clip=2.0, multiplier=3.0, rate=1e-9, net=net)
    loud.gradients(0)  # of no row
    drawn = torch.cat([weight.grad.flatten() for weight in loud.trained]) * loud.noise.expected
    assert len(drawn) > 4000
    assert float(drawn.std()) == pytest.approx(2.0 * 3.0, rel=0.04)
    assert abs(float(drawn.mean())) < 4 * 6 / len(drawn) ** 0.5
    quiet.gradients(0)
    assert all(bool(weight.grad.isfinite().all()) for weight in quiet.trained)


def test_standard_noise_is_standard_and_whole_noise_has_its_spread():
    drawn = Chance(0).normal([200_000])
    assert float(drawn.std()) == pytest.approx(1.0, rel=0.01)
    assert float((drawn.abs() > 1.96).double().mean()) == pytest.approx(0.05, abs=0.003)
    chance = Chance(0)
    whole = np.array([chance.geometric(10.0) for _ in range(4000)])
    ratio = np.exp(-0.1)  # P(k) is in proportion to e^(-|k| / 10)
    assert whole.std() == pytest.approx(np.sqrt(2 * ratio) / (1 - ratio), rel=0.08)
    assert np.mean(whole == 0) == pytest.approx((1 - ratio) / (1 + ratio), abs=0.015)


def test_rows_are_drawn_each_on_its_own(x, monkeypatch):
    private, sizes = private_of(x, rate=0.3, steps=400), []
    monkeypatch.setattr(
        private, "clipped", lambda rows: sizes.append(len(rows)) or [torch.zeros_like(w) for w in private.trained]
    )
    for step in range(400):
        private.gradients(step)
    assert np.mean(sizes) == pytest.approx(0.3 * ROWS, rel=0.05)
    assert np.var(sizes) == pytest.approx(0.21 * ROWS, rel=0.25)  # binomial


def test_without_a_seed_nothing_repeats():
    assert not torch.equal(Chance().normal([4]), Chance().normal([4]))
    assert torch.equal(Chance(3).normal([4]), Chance(3).normal([4]))


def test_no_step_is_taken_beyond_those_accounted_for(x):
    private = private_of(x, steps=1)
    private.gradients(0)
    with pytest.raises(RuntimeError, match="accounted for"):
        private.gradients(1)


def test_the_loop_takes_just_the_steps_and_keeps_the_last_weights(x):
    net = net_of(x)
    private = private_of(x, multiplier=1.0, rate=0.5, steps=30, net=net)
    plan = Plan(steps=30, batch_size=8, learning_rate=0.05, clip=None, best=False, patience=1)
    history = train(private, x[:20], x[20:], plan)
    assert (private.taken, history.best_step, history.notes) == (30, 30, [])
    losses = [check["held_out"]["total"] for check in history.checks]
    assert losses[-1] > min(losses)  # it goes on although it gets worse
    assert set(history.checks[0]["train"]) == {"gradient"}


def test_weights_that_no_layer_here_has_stay_as_they_are(x):
    net = net_of(x)
    before = {name: weight.clone() for name, weight in net.named_parameters()}
    private = private_of(x, multiplier=1.0, steps=3, net=net)
    train(private, x[:20], x[20:], Plan(steps=3, batch_size=8, weight_decay=0.0, clip=None, best=False))
    private.release()
    same = {name for name, weight in net.named_parameters() if torch.equal(weight, before[name])}
    assert same == {"encoder.numbers", "decoder.straight"}
    assert all(weight.requires_grad for weight in net.parameters())
