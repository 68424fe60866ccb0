"""The loop on a module small enough to know every answer, and on a clock that only the module moves."""

from __future__ import annotations

import math
import re

import pytest
import torch
from torch import nn

from isthmus.errors import DataError
from isthmus.training import loop, run
from isthmus.training.average import Average
from isthmus.training.loop import train
from isthmus.training.plan import Plan
from isthmus.training.progress import Silent
from isthmus.training.seeds import Shuffle


class Point(nn.Module):
    """One weight that is drawn to the mean of what it sees; its training loss may be undefined for a while."""

    def __init__(self, undefined=(), seconds=1.0, clock=None):
        super().__init__()
        self.at = nn.Parameter(torch.zeros(()))
        self.calls, self.undefined, self.seconds, self.clock = 0, undefined, seconds, clock

    def losses(self, batch, rng):
        self.calls += 1
        if self.clock is not None:
            self.clock.now += self.seconds
        distance = (batch.mean() - self.at).square()
        broken = self.training and self.calls in self.undefined
        return {"distance": distance * math.nan if broken else distance, "idle": 0 * self.at}

    def weights(self, share):
        return {"distance": 1.0, "idle": 0.0}


class Clock:
    """Time as the module spends it."""

    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(loop, "time", clock)
    monkeypatch.setattr(run, "time", clock)
    return clock


ONES, SOME = torch.ones(64, 1), torch.full((8, 1), 0.3)
PLAN = Plan(steps=200, batch_size=16, learning_rate=0.02, weight_decay=0.0, warmup=10, patience=20)


def test_a_run_takes_the_steps_of_its_plan_and_learns():
    module = Point()
    history = train(module, ONES, ONES, PLAN)
    assert history.steps == 200
    assert [check["step"] for check in history.checks] == list(range(10, 201, 10))
    assert module.at.item() == pytest.approx(1, abs=0.05)
    assert set(history.checks[0]["train"]) == {"distance", "idle"}
    assert set(history.checks[0]["held_out"]) == {"distance", "idle", "total"}


def test_the_best_weights_stay_when_it_stops_early():
    module = Point()
    history = train(module, ONES, SOME, Plan(**{**vars(PLAN), "patience": 3}))
    assert history.steps < 200
    assert history.best_step < history.steps
    assert history.best_loss == min(check["held_out"]["total"] for check in history.checks)
    assert (0.3 - module.at).square().item() == pytest.approx(history.best_loss, abs=1e-6)
    assert history.notes == [
        f"stopped early at step {history.steps}: no better on held-out rows since step {history.best_step}"
    ]


def test_the_rate_warms_up_and_falls_to_nothing():
    rates = [PLAN.rate(step / 200, step) for step in range(200)]
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert max(rates) <= PLAN.learning_rate
    assert PLAN.rate(1.0, 200) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("seconds", [0.05, 0.2, 1.0])
def test_a_budget_is_kept_within_a_tenth(clock, seconds):
    history = train(Point(clock=clock, seconds=seconds), ONES, ONES, Plan(**{**vars(PLAN), "budget": 60.0}))
    assert 54 <= clock.now - 100 <= 66
    assert history.steps > 30


def test_a_budget_counts_from_when_the_user_began(clock):
    train(Point(clock=clock, seconds=0.1), ONES, ONES, Plan(**{**vars(PLAN), "budget": 60.0}), started=80.0)
    assert 74 <= clock.now - 60 <= 86


def test_a_machine_that_slows_down_keeps_the_budget_and_gives_a_model(clock):
    module = Point(clock=clock, seconds=0.01)
    ordinary = module.losses

    def slower(batch, rng):
        module.seconds = 0.01 if module.calls < 4 else 2.0
        return ordinary(batch, rng)

    module.losses = slower
    history = train(module, ONES, ONES, Plan(**{**vars(PLAN), "budget": 60.0}))
    assert 54 <= clock.now - 100 <= 66
    assert history.best_step == history.steps


def test_a_machine_that_was_busy_at_first_is_reckoned_with_anew(clock):
    module, told = Point(clock=clock, seconds=1.0), []
    ordinary = module.losses

    class Listens(Silent):
        def start(self, steps, seconds, done):
            told.append(steps)

        def expect(self, steps):
            told.append(steps)

    def quicker(batch, rng):
        module.seconds = 1.0 if module.calls < 8 else 0.02
        return ordinary(batch, rng)

    module.losses = quicker
    history = train(module, ONES, ONES, Plan(**{**vars(PLAN), "budget": 60.0, "patience": 99}), progress=Listens())
    assert told[0] < 60 < history.steps
    assert told[-1] == pytest.approx(history.steps, rel=0.1)
    assert len(history.checks) < 60  # of 20 planned: the first come at the pace that was promised


def test_a_run_of_more_steps_than_its_rate_is_for_has_a_lower_one():
    told = []

    class Listens(Silent):
        def check(self, report):
            told.append(report.rate)

    for long in (None, PLAN.steps // 4, 2 * PLAN.steps):
        train(Point(), ONES, ONES, Plan(**{**vars(PLAN), "long": long, "patience": 99}), progress=Listens())
    third = len(told) // 3
    usual, lower, same = told[:third], told[third : 2 * third], told[2 * third :]
    assert lower == pytest.approx([rate / 2 for rate in usual])
    assert same == usual


def test_an_undefined_loss_is_named_rolled_back_and_survived():
    module = Point(undefined=range(55, 58))
    history = train(module, ONES, ONES, PLAN)
    assert len(history.notes) == 1
    assert re.fullmatch("loss distance.* not finite .*rolled back, learning rate halved", history.notes[0])
    assert module.at.item() == pytest.approx(1, abs=0.05)
    assert all(math.isfinite(check["held_out"]["total"]) for check in history.checks)


def test_a_loss_that_stays_undefined_ends_in_one_line():
    with pytest.raises(DataError, match=r"loss distance.* is not finite .* learning_rate") as error:
        train(Point(undefined=range(10_000)), ONES, ONES, PLAN)
    assert "\n" not in str(error.value)


def test_the_average_forgets_the_start():
    layer = nn.Linear(1, 1, bias=False)
    average = Average(layer)
    for step in range(1000):
        with torch.no_grad():
            layer.weight.fill_(step)
        average.update(step)
    assert float(average.weights[0]) == pytest.approx(900, rel=0.02)  # where t counts t^8 or t^9


def test_swapping_the_average_twice_changes_nothing():
    layer = nn.Linear(3, 2)
    average = Average(layer)
    with torch.no_grad():
        layer.weight.add_(1)
    before = [weight.clone() for weight in (layer.weight, average.weights[0])]
    average.swap()
    assert torch.equal(layer.weight, before[1])
    average.swap()
    assert torch.equal(layer.weight, before[0]) and torch.equal(average.weights[0], before[1])


def test_an_epoch_takes_every_row_once_and_any_step_can_come_first():
    order = Shuffle(rows=12, batch_size=4, seed=3)
    epoch = torch.cat([order.rows_of(step) for step in range(3)])
    assert sorted(epoch.tolist()) == list(range(12))
    assert not torch.equal(epoch, torch.cat([order.rows_of(step) for step in range(3, 6)]))
    assert torch.equal(Shuffle(rows=12, batch_size=4, seed=3).rows_of(4), order.rows_of(4))
