"""A step for which memory is too short is taken in parts, to nearly the same weights; or there is one line."""

import pytest
import torch
from torch import nn

from isthmus.errors import DataError, IsthmusWarning
from isthmus.training import checkpoints
from isthmus.training.loop import train
from isthmus.training.plan import Plan

PLAN = Plan(steps=30, batch_size=16, learning_rate=0.05, warmup=5, checks=6, patience=99)
ROWS = torch.linspace(-1, 3, 200)[:, None]


class Narrow(nn.Module):
    """Two weights that follow what they see, where there is memory for so many rows at once and no more."""

    def __init__(self, room, error=None, killed=-1):
        super().__init__()
        self.at, self.spread = nn.Parameter(torch.zeros(())), nn.Parameter(torch.ones(()))
        self.room, self.error, self.killed, self.seen, self.steps = room, error, killed, [], 0

    def losses(self, batch, rng):
        if len(batch) > self.room:
            raise self.error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        if self.training:
            self.seen.append(len(batch))
        return {"at": (batch - self.at).square().mean(), "spread": (batch.square() - self.spread).square().mean()}

    def weights(self, share):
        return {"at": 1.0, "spread": 0.5}

    def after_step(self):
        self.steps += 1
        if self.steps == self.killed:
            raise KeyboardInterrupt


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:126] DefaultCPUAllocator: can't allocate memory: you tried to"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("CUDA error: out of memory"),
    MemoryError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_rows_go_through_in_halves_and_quarters(error):
    module = Narrow(5, error)
    with pytest.warns(IsthmusWarning, match="out of memory: 4 rows go through at a time, in place of 8"):
        history = train(module, ROWS, ROWS[:3], PLAN)
    assert max(module.seen) == 4
    assert history.steps == 30
    assert [note.partition(": ")[2] for note in history.notes] == [
        "out of memory: 8 rows go through at a time, in place of 16",
        "out of memory: 4 rows go through at a time, in place of 8",
    ]


def test_the_weights_are_those_of_whole_steps():
    module = Narrow(5)
    with pytest.warns(IsthmusWarning):
        train(module, ROWS, ROWS[:3], PLAN)
    plain = Narrow(10_000)
    train(plain, ROWS, ROWS[:3], PLAN)
    assert module.at.item() == pytest.approx(plain.at.item(), abs=1e-5)
    assert module.spread.item() == pytest.approx(plain.spread.item(), abs=1e-5)
    assert plain.at.item() != 0


def test_held_out_rows_are_judged_in_parts_too():
    module = Narrow(20)
    with pytest.warns(IsthmusWarning, match="13 rows go through at a time, in place of 25"):
        history = train(module, ROWS, ROWS, PLAN)
    expected = (ROWS - module.at).square().mean() + 0.5 * (ROWS.square() - module.spread).square().mean()
    assert history.best_loss == pytest.approx(expected.item(), rel=1e-5)


def test_one_row_that_is_too_much_is_one_line():
    with pytest.warns(IsthmusWarning), pytest.raises(DataError, match="out of memory with one row at a time") as error:
        train(Narrow(0), ROWS, ROWS, PLAN)
    assert "\n" not in str(error.value)


def test_other_errors_are_not_taken_for_it():
    with pytest.raises(RuntimeError, match="shapes"):
        train(Narrow(5, RuntimeError("shapes differ")), ROWS, ROWS, PLAN)


def test_a_resumed_run_remembers(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0.0)
    path = tmp_path / "run.checkpoint"
    with pytest.warns(IsthmusWarning), pytest.raises(KeyboardInterrupt):
        train(Narrow(5, killed=12), ROWS, ROWS[:3], PLAN, checkpoint=path)
    module = Narrow(10_000)
    train(module, ROWS, ROWS[:3], PLAN, checkpoint=path, resume=True)
    assert set(module.seen) == {4}
