"""Learns how likely cells are, by a chain whose own size is part of the bill."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from isthmus.nets.chain import Chain
from isthmus.tasks.compress.coder import Ints
from isthmus.tasks.compress.exact import Whole
from isthmus.tasks.compress.plan import Plan
from isthmus.training.loop import Plan as Training
from isthmus.training.loop import train
from isthmus.training.progress import Progress

FEWEST = 100
"""Rows below which columns are written by their own frequencies alone."""
MOST = 400_000
"""Rows to learn likelihoods from."""
WIDEST = 96
_BATCH = 1024
_JUDGES = 4096


def likelihoods(
    plan: Plan, cells: Ints, rows: int, *, budget: float | None = None, seed: int = 0, progress: Progress | None = None
) -> Plan:
    """Give the plan likelihoods, learnt from cells (rows, columns) of a table of so many `rows`.

    Raises
    ------
    DataError
        When the losses stay infinite or undefined.
    """
    alone = replace(plan, whole=_frequencies(plan, cells))
    if rows < FEWEST or not plan.written:
        return alone
    chosen = np.sort(np.random.default_rng(seed).permutation(len(cells))[:MOST])
    known, own = plan.symbols(cells[chosen] if len(chosen) < len(cells) else cells)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        chain = Chain(plan.known, plan.sizes, _width(rows), rows)
    data = torch.from_numpy(np.concatenate([known, own], 1).astype(np.int32))
    chain.start(torch.from_numpy(own))
    few = np.random.default_rng(seed + 1).permutation(len(data))[:_JUDGES]
    training = Training(
        _steps(rows),
        _BATCH,
        learning_rate=1e-2,
        weight_decay=0.0,
        budget=budget,
        seed=seed,
        patience=99,
    )
    train(chain, data, data[few], training, progress=progress)
    steps = {name: weight.numpy().astype(np.int64) for name, weight in chain.steps().items()}
    learnt = replace(plan, whole=Whole.of(plan.known, plan.sizes, steps))
    sample = cells[: 2 * len(few)]
    costs = [_cost(each, sample, rows) for each in (alone, learnt)]
    return learnt if costs[1] < costs[0] else alone


def _frequencies(plan: Plan, cells: Ints) -> Whole:
    """How often each symbol occurs, whatever the cells before."""
    own = plan.symbols(cells)[1] if plan.written else np.zeros((len(cells), 0), np.int64)
    count = [np.bincount(own[:, j], minlength=size) + 0.1 for j, size in enumerate(plan.sizes)]
    level = np.concatenate([np.log(each / each.max()) for each in count] or [np.zeros(0)])
    empty = {
        "embedding": np.zeros((sum(plan.known), 0)),
        "bias": np.zeros((len(plan.sizes), 0)),
        "out": np.zeros((0, sum(plan.sizes))),
        "level": level * 256,
    }
    return Whole.of(plan.known, plan.sizes, {name: np.rint(each).astype(np.int64) for name, each in empty.items()})


def _cost(plan: Plan, cells: Ints, rows: int) -> float:
    """Bytes that a table of so many rows would take, by some of them."""
    assert plan.whole is not None
    return float(plan.encode(cells)[2].sum()) / 8 * rows / len(cells) + len(plan.whole.pack())


def _width(rows: int) -> int:
    """Choose hidden units by how many rows share their cost."""
    return int(np.clip(8 * round(0.18 * rows**0.5 / 8), 8, WIDEST))


def _steps(rows: int) -> int:
    """Choose steps: some 48 passes, but no less than 400 steps and no more than 2,000."""
    return int(np.clip(48 * rows // _BATCH, 400, 2000))
