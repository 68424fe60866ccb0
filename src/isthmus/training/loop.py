"""One loop trains everything: AdamW or Muon, warm-up and cosine decay, clipping, averaged weights, early stopping.

Several models can share one pass over the data: each takes its own steps on the same batches, and none can tell.
Several workers can share one model: each takes some shards of every batch, and all take the step of their sum.

What makes a run repeatable and resumable is that no random state is carried from step to step: the rows of
a step and the noise drawn in it follow from `(seed, step)`, and the shard, alone. A run that is killed and resumed from
its last checkpoint therefore ends in the very weights it would have had.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, TypedDict

import torch
from torch import Tensor, nn

from isthmus.training.plan import History, Plan
from isthmus.training.precision import steady
from isthmus.training.progress import Progress, Silent
from isthmus.training.run import Losses, Run
from isthmus.training.sources import Rows, Source
from isthmus.training.workers import Alone


class How(TypedDict, total=False):
    """What `train` takes by name, but for who shares the work."""

    started: float | None
    progress: Progress | None
    checkpoint: Path | None
    resume: bool
    identity: dict[str, Any] | None


class Trainable(Protocol):
    """What the loop asks of a module: named losses of a batch, and the weight of each at a share of the run."""

    def losses(self, batch: Tensor, rng: torch.Generator) -> Losses:
        """Compute scalars by name."""

    def weights(self, share: float) -> dict[str, float]:
        """Give the weight of every loss."""

    def after_step(self) -> None:
        """Do what the model wants done to its weights after each step; a model need not have this."""

    def matrices(self) -> list[nn.Parameter]:
        """Give the hidden weights that Muon is to move (`training/muon.py`); a model need not have this."""

    def gradients(self, step: int) -> Losses:
        """Put gradients of a step in place in its own way (`training/private.py`); a model need not have this."""


def train(
    module: nn.Module,
    data: Tensor | Source | Sequence[Source],
    held_out: Tensor,
    plan: Plan,
    *,
    started: float | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    identity: dict[str, Any] | None = None,
    workers: Alone | None = None,
) -> History:
    """Train `module` in place on the rows of `data` and leave it with its best weights, averaged where planned so.

    Parameters
    ----------
    module
        A torch module with `losses(batch, generator)` and `weights(share)`, on its device already.
    data, held_out
        Rows to learn from and rows to judge by, first axis rows; of what is no matrix, batches are asked for by step.
        Several sources are shards of the data: each gives its part of every batch, with noise of its own.
    plan
        Steps, batch size, rates, patience, seed and, where given, a budget counted from `started`.
    started
        On `time.monotonic`'s clock; now, when not given.
    progress
        Who is told how it goes.
    checkpoint, resume, identity
        A file written every few seconds; with `resume` the run goes on from it, provided that it was made by
        a run of the same `identity` (any JSON-able facts that make two runs the same).
    workers
        Who shares the work: each calls this with the same arguments, and all end with the same weights. The shards,
        not the workers, decide what is learnt: any number of workers comes to the same, up to rounding.

    Raises
    ------
    DataError
        When memory is too short for one row at a time, or when the losses stay infinite or undefined although the
        rate was halved three times.
    FileError
        When the checkpoint is damaged, or that of another run.
    """
    began, tell = time.monotonic() if started is None else started, progress or Silent()
    run = Run(module, data, held_out, plan, began, tell, workers or Alone())
    if checkpoint is not None:
        rows = sum(map(len, run.shards))
        run.saves_to(checkpoint, {"plan": asdict(plan), "rows": rows, **(identity or {})}, resume)
    _go([run])
    if checkpoint is not None and not run.workers.rank:
        checkpoint.unlink(missing_ok=True)
    return run.history


def train_together(
    modules: Sequence[nn.Module], data: Tensor | Source, held_out: Tensor, plan: Plan, progress: Progress | None = None
) -> list[History]:
    """Train several modules on one pass over the data, each to the very weights that it would get alone.

    Parameters
    ----------
    modules, data, held_out, plan, progress
        As of `train`; a budget is that of all together, and what each gets of it is then not what it gets alone.
    """
    now, silent = time.monotonic(), Silent()
    source = data if not isinstance(data, Tensor) else Rows(data, plan.batch_size, plan.seed)
    tell = progress or silent
    runs = [Run(module, source, held_out, plan, now, tell if i == 0 else silent) for i, module in enumerate(modules)]
    _go(runs)
    return [run.history for run in runs]


def _go(runs: Sequence[Run]) -> None:
    """Step all runs in turns until each is over."""
    going = list(runs)
    with steady(runs[0].device):
        for run in runs:
            run.module.train()
            run.begin(len(runs))
        while going:
            going = [run for run in going if run.goes_on()]
    for run in runs:
        run.module.eval()
        run.progress.stop()
