"""Several models on one pass, data that are read by step, and weights without an average."""

import numpy as np
import pytest
import torch
from torch import nn

from isthmus.training.average import Average, Present
from isthmus.training.loop import train, train_together
from isthmus.training.plan import Plan
from isthmus.training.sources import Read, Rows

DATA = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
PLAN = Plan(steps=30, batch_size=16, checks=5)


class Line(nn.Module):
    def __init__(self, seed):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, generator=torch.Generator().manual_seed(seed)))
        self.calls = 0

    def losses(self, batch, rng):
        noise = torch.randn(len(batch), generator=rng)
        return {"error": ((batch @ self.weight - batch.sum(1)) + 0.01 * noise).square().mean()}

    def weights(self, share):
        return {"error": 1.0}

    def after_step(self):
        self.calls += 1


class Counted(Read):
    def __init__(self, rows):
        super().__init__(len(DATA), self.count)
        self.rows_, self.asked = rows, []

    def count(self, step):
        self.asked.append(step)
        return self.rows_.batch(step).numpy()


@pytest.mark.parametrize("average", [True, False])
def test_together_is_alone(average):
    plan = Plan(steps=30, batch_size=16, checks=5, average=average)
    models = [Line(seed) for seed in range(3)]
    histories = train_together(models, DATA, DATA[:20], plan)
    for seed, (model, history) in enumerate(zip(models, histories, strict=True)):
        alone = Line(seed)
        assert train(alone, DATA, DATA[:20], plan).checks == history.checks
        assert torch.equal(alone.weight, model.weight)


def test_what_is_shared_is_read_once():
    source = Counted(Rows(DATA, 16, 0))
    train_together([Line(0), Line(1)], source, DATA[:20], PLAN)
    after_the_pace = source.asked[source.asked.index(0) + 1 :]
    assert len(source.asked) <= 31 and sorted(set(after_the_pace)) == list(range(1, 30))


def test_rows_that_are_read_are_rows_in_memory():
    one, other = Line(0), Line(0)
    rows = Rows(DATA, 16, 0)
    train(one, DATA, DATA[:20], PLAN)
    train(other, Read(len(DATA), lambda step: np.ascontiguousarray(rows.batch(step).numpy())), DATA[:20], PLAN)
    assert torch.equal(one.weight, other.weight)


def test_a_model_is_told_of_every_step():
    model = Line(0)
    train(model, DATA, DATA[:20], PLAN)
    assert model.calls == 30


def test_the_present_weights_stand_in_for_an_average():
    model = Line(0)
    present, average = Present(model), Average(model)
    with torch.no_grad():
        model.weight.add_(1)
    present.swap(), present.update(3)
    assert torch.equal(present.weights[0], model.weight) and not torch.equal(average.weights[0], model.weight)
    assert present.kept == []
