"""One model on several workers: the shards decide what is learnt, whoever takes them."""

import subprocess
import sys
import warnings
from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from isthmus.training import checkpoints, one_host
from isthmus.training.loop import train
from isthmus.training.plan import Plan
from isthmus.training.progress import Silent
from isthmus.training.sources import Rows
from isthmus.training.workers import Alone, Processes

PLAN = Plan(steps=40, batch_size=16, checks=4, warmup=5)
IDENTITY = {"plan": asdict(PLAN), "rows": 240}
DATA = torch.randn(240, 3, generator=torch.Generator().manual_seed(0))


class Line(nn.Module):
    """A plane with noise in its losses, one weight that gets no gradient, and a failure at a step where wanted."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, generator=torch.Generator().manual_seed(seed)))
        self.idle = nn.Parameter(torch.zeros(2))

    def losses(self, batch, rng):
        noise = torch.randn(len(batch), generator=rng)
        error = (batch @ self.weight - batch.sum(1)) + 0.1 * noise
        return {"error": error.square().mean(), "size": self.weight.square().sum()}

    def weights(self, share):
        return {"error": 1.0, "size": 0.01 * share}


def shards(count: int) -> list[Rows]:
    return [Rows(DATA[i::count], 16 // count, i) for i in range(count)]


def learnt(count: int, workers: Alone | None = None, seed: int = 0, budget: float | None = None, **options):
    model = Line(seed)
    plan = replace(PLAN, budget=budget)
    history = train(model, shards(count), DATA[:20], plan, workers=workers, **options)
    return model, history


WORKER = """
import importlib.util, platform, sys
from pathlib import Path
import torch
from torch import distributed
from isthmus.training import one_host
from isthmus.training.workers import Processes

here, store, rank, count, shards, budget = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]), float(sys.argv[6])
way = sys.argv[7]
spec = importlib.util.spec_from_file_location("lines", here)
lines = importlib.util.module_from_spec(spec)
spec.loader.exec_module(lines)
torch.set_num_threads(1)
distributed.init_process_group("gloo", init_method=f"file://{store}/meet", rank=rank, world_size=count)
if way == "full":
    one_host._reserve = lambda path, size: None
workers = (Processes if way == "messages" else one_host.workers_of)(torch.device("cpu"))
model, history = lines.learnt(shards, workers, seed=rank, budget=budget or None, checkpoint=Path(store) / "state")
torch.save([model.weight.detach(), model.idle.detach()], f"{store}/{rank}")
print(history.steps, [check["held_out"]["total"] for check in history.checks], [c["train"] for c in history.checks])
shared = isinstance(workers, one_host.OneHost) and workers._told is not None
assert shared == (way == "memory" and platform.machine() in one_host.KINDS and one_host.FOLDER.is_dir()), workers
distributed.destroy_process_group()
"""


def together(folder, count: int, of: int, way: str, budget: float = 0.0) -> tuple[list[list[torch.Tensor]], list[str]]:
    """Train on several processes, each beginning at weights of its own."""
    words = [
        [sys.executable, "-c", WORKER, __file__, folder, *map(str, (i, count, of, budget, way))] for i in range(count)
    ]
    running = [subprocess.Popen(each, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for each in words]
    said = [process.communicate(timeout=120) for process in running]
    assert all(process.returncode == 0 for process in running), said
    return [torch.load(f"{folder}/{i}") for i in range(count)], [out for out, _ in said]


WAYS = pytest.mark.parametrize("way", ["messages", "memory", "full"])
"""By messages, through memory that is shared, and where that has no room."""


@WAYS
def test_two_workers_learn_what_one_learns_to_the_last_bit(tmp_path, way):
    alone, history = learnt(2)
    weights, said = together(tmp_path, 2, 2, way)
    for weight, idle in weights:
        assert torch.equal(weight, alone.weight)
        assert torch.equal(idle, alone.idle)
    assert said[0] == said[1]
    losses, trained = ([check[part] for check in history.checks] for part in ("held_out", "train"))
    assert said[0].strip() == f"{history.steps} {[each['total'] for each in losses]} {trained}"
    assert not (tmp_path / "state").exists()


@WAYS
def test_any_number_of_workers_learns_the_same_but_for_rounding(tmp_path, way):
    alone, _ = learnt(4)
    weights, _ = together(tmp_path, 3, 4, way)
    for weight, _ in weights:
        torch.testing.assert_close(weight, alone.weight, rtol=1e-5, atol=1e-6)
    assert torch.equal(weights[0][0], weights[1][0]) and torch.equal(weights[0][0], weights[2][0])


def test_workers_agree_on_what_a_budget_allows(tmp_path):
    weights, said = together(tmp_path, 2, 2, "memory", budget=0.5)
    assert said[0] == said[1]
    assert torch.equal(weights[0][0], weights[1][0])


def test_shards_have_noise_of_their_own_and_all_count():
    assert not torch.equal(learnt(1)[0].weight, learnt(2)[0].weight)
    seen = []

    class Listens(Rows):
        def batch(self, step):
            seen.append((self.order.seed, step))
            return super().batch(step)

    train(Line(), [Listens(DATA[i::2], 8, i) for i in range(2)], DATA[:20], PLAN)
    assert set(seen) == {(shard, step) for shard in range(2) for step in range(40)}


def test_a_run_is_saved_between_checks_and_goes_on_from_there(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0.0)
    whole, history = learnt(2)
    state = tmp_path / "state"

    class Stop(Rows):
        def batch(self, step):
            if step == 17 and stopping:
                raise KeyboardInterrupt
            return super().batch(step)

    stopping = True
    model, sources = Line(), [Stop(DATA[i::2], 8, i) for i in range(2)]
    with pytest.raises(KeyboardInterrupt):
        train(model, sources, DATA[:20], PLAN, checkpoint=state)
    tensors, _ = checkpoints.read(state, IDENTITY)
    assert int(tensors["step"]) == 17 and len(tensors["seen.error"]) == 7
    stopping, again = False, Line(5)
    resumed = train(again, sources, DATA[:20], PLAN, checkpoint=state, resume=True)
    assert torch.equal(again.weight, whole.weight)
    assert resumed.checks == history.checks


def test_whoever_listens_is_told_of_a_state_only_when_there_is_a_new_one(tmp_path, monkeypatch):
    told = []

    class Listens(Silent):
        def saved(self, checkpoint):
            told.append(int(checkpoints.read(checkpoint, IDENTITY)[0]["step"]))

    for between, times in ((1000.0, 0), (0.0, 40)):
        monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", between)
        told.clear()
        train(Line(), shards(2), DATA[:20], PLAN, checkpoint=tmp_path / "state", progress=Listens())
        assert len(told) == len(set(told)) == times


@pytest.mark.parametrize("rows", [1, 2, 7])
def test_held_out_rows_count_alike_whichever_shard_judges_them(rows):
    class Plain(Line):
        def losses(self, batch, rng):
            return {"error": (batch @ self.weight).square().mean(), "size": self.weight.square().sum()}

    held = DATA[:rows]
    model, plan = Plain(), replace(PLAN, learning_rate=0.0, average=False)
    history = train(model, shards(4), held, plan)
    weight = model.weight.detach()
    wanted = float((held @ weight).square().mean() + 0.01 * weight.square().sum())
    assert [check["held_out"]["total"] for check in history.checks] == pytest.approx([wanted] * len(history.checks))


def test_a_step_that_failed_is_not_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN", 0.0)
    kept = []

    class Fails(Line):
        step = 0

        def losses(self, batch, rng):
            found = super().losses(batch, rng)
            return {name: loss * (float("nan") if 23 <= self.step < 26 else 1) for name, loss in found.items()}

        def after_step(self):
            self.step += 1
            if (tmp_path / "state").exists():
                kept.append(int(checkpoints.read(tmp_path / "state", IDENTITY)[0]["step"]))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(Fails(), shards(1), DATA[:20], PLAN, checkpoint=tmp_path / "state")
    rolled_back = next(i for i, (one, other) in enumerate(pairwise(kept)) if other < one)
    assert max(kept[: rolled_back + 1]) == 23 and max(kept) == 39


def test_processes_are_those_of_the_default_group():
    with pytest.raises(ValueError, match="process group"):
        Processes(torch.device("cpu"))


def test_memory_that_is_shared_has_no_name_that_could_be_left_behind(tmp_path):
    before = set(one_host.FOLDER.glob("isthmus-*"))
    together(tmp_path, 2, 2, "memory")
    assert set(one_host.FOLDER.glob("isthmus-*")) <= before


def test_a_place_without_room_is_told_from_one_with(tmp_path):
    assert one_host._opened(tmp_path / "none", 8) is None
    one_host._reserve(tmp_path / "room", 64)
    memory = one_host._opened(tmp_path / "room", 64)
    assert memory is not None and len(memory) == 64
    one_host._reserve(tmp_path / "huge", 1 << 62)
    assert not (tmp_path / "huge").exists()
    assert one_host._opened(tmp_path / "room", 128) is None


def test_a_worker_that_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(one_host, "PATIENCE", 0.05)
    waiting = one_host.OneHost.__new__(one_host.OneHost)
    waiting._turn = 3
    with pytest.raises(RuntimeError, match="worker 1 has not answered"):
        waiting._wait(np.array([3, 2]))
