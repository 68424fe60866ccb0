"""Learns how likely cells are, by a chain whose own size is part of the bill."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from isthmus.nets.chain import Chain
from isthmus.tasks.compress.coder import Ints
from isthmus.tasks.compress.exact import Whole
from isthmus.tasks.compress.plan import ROWS, Columns, Plan
from isthmus.training.loop import train
from isthmus.training.plan import Plan as Training
from isthmus.training.progress import Progress

FEWEST = 100
"""Rows below which columns are written by their own frequencies alone."""
MOST = 400_000
"""Rows to learn likelihoods from."""
WIDEST = 96
STEPPED = (0.5, 0.8, 0.9)
"""Shares of a column's bits below which its steps from row to row are written in its place; each is tried."""
_TRIAL_ROWS = 64_000
_TRIAL_STEPS = 250
_BATCH = 1024
_JUDGES = 4096


def best(cells: Ints, columns: Columns, rows: int, *, budget: float | None = None, seed: int = 0) -> Plan:
    """Choose by a short training whether columns that change slowly are written as steps, or as what others tell.

    What is saved by steps shows at once; what others would have told of the cells themselves only training shows.
    """
    plans: list[Plan] = []
    for stepped in STEPPED:
        plan = Plan.learn(cells, columns, stepped)
        if plan.kinds not in [each.kinds for each in plans]:
            plans.append(plan)
    if len(plans) == 1 or rows < FEWEST:
        return plans[0]
    start = max(len(cells) // 2 - _TRIAL_ROWS // 2, 0)
    some = cells[start : start + _TRIAL_ROWS]
    share = None if budget is None else budget / 10
    tries = [likelihoods(plan, some, rows, budget=share, seed=seed, steps=_TRIAL_STEPS) for plan in plans]
    costs = [_cost(plan, some, rows) for plan in tries]
    return plans[int(np.argmin(costs))]


def likelihoods(
    plan: Plan,
    cells: Ints,
    rows: int,
    *,
    steps: int | None = None,
    budget: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Plan:
    """Give the plan likelihoods, learnt from cells (rows, columns) of a table of so many `rows`.

    How many steps of training that takes follows from the rows, where it is not said.

    Raises
    ------
    DataError
        When the losses stay infinite or undefined.
    """
    alone = replace(plan, whole=_frequencies(plan, cells))
    if rows < FEWEST or not plan.written:
        return alone
    known, own = plan.symbols(_some(cells, seed))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        chain = Chain(plan.known, plan.sizes, _width(rows), rows)
    data = torch.from_numpy(np.concatenate([known, own], 1).astype(np.int32))
    chain.start(torch.from_numpy(own))
    few = np.random.default_rng(seed + 1).permutation(len(data))[:_JUDGES]
    training = Training(
        steps or _steps(rows),
        _BATCH,
        learning_rate=1e-2,
        weight_decay=0.0,
        budget=budget,
        seed=seed,
        patience=99,
    )
    train(chain, data, data[few], training, progress=progress)
    trained = {name: weight.numpy().astype(np.int64) for name, weight in chain.steps().items()}
    learnt = replace(plan, whole=Whole.of(plan.known, plan.sizes, trained))
    costs = [_cost(each, cells, rows) for each in (alone, learnt)]
    return learnt if costs[1] < costs[0] else alone


def _some(cells: Ints, seed: int) -> Ints:
    """Take whole blocks of cells (rows, columns) from all over a table: steps are from one row to the next."""
    starts = np.arange(0, len(cells), ROWS)
    if len(cells) <= MOST:
        return cells
    chosen = np.sort(np.random.default_rng(seed).permutation(starts[:-1])[: MOST // ROWS])
    return np.concatenate([cells[start : start + ROWS] for start in chosen])


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
    """Bytes that a table of so many rows would take, by one block in the middle."""
    assert plan.whole is not None
    start = max((len(cells) - ROWS) // 2, 0)
    block = cells[start : start + ROWS]
    return float(plan.encode(block)[2].sum()) / 8 * rows / len(block) + len(plan.whole.pack())


def _width(rows: int) -> int:
    """Choose hidden units by how many rows share their cost."""
    return int(np.clip(8 * round(0.18 * rows**0.5 / 8), 8, WIDEST))


def _steps(rows: int) -> int:
    """Choose steps: some 48 passes, but no less than 400 steps and no more than 2,000."""
    return int(np.clip(48 * rows // _BATCH, 400, 2000))
