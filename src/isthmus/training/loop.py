"""One loop trains everything: AdamW, warm-up and cosine decay, clipping, averaged weights, early stopping.

What makes a run repeatable and resumable is that no random state is carried from step to step: the rows of
a step and the noise drawn in it follow from `(seed, step)` alone. A run that is killed and resumed from its last
checkpoint therefore ends in the very weights it would have had.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from isthmus.errors import DataError
from isthmus.training import checkpoints
from isthmus.training.progress import Progress, Silent


class Trainable(Protocol):
    """What the loop asks of a model: named losses of a batch, and the weight of each at a share of the run."""

    def losses(self, batch: Tensor, rng: torch.Generator) -> dict[str, Tensor]: ...

    def weights(self, share: float) -> dict[str, float]: ...


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train; every field is independent of the data's meaning."""

    steps: int
    batch_size: int = 1024
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    warmup: int = 100
    clip: float = 1.0
    checks: int = 20
    patience: int = 6
    seed: int = 0
    budget: float | None = None

    def rate(self, share: float, step: int) -> float:
        """Learning rate: linear warm-up over `warmup` steps, then half a cosine down to nothing."""
        ramp = min(1.0, (step + 1) / max(1, min(self.warmup, self.steps // 4)))
        return self.learning_rate * ramp * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


@dataclass
class History:
    """What happened in a run: the losses at each check, the best check, and anything worth telling."""

    checks: list[dict[str, Any]] = field(default_factory=list)
    best_step: int = 0
    best_loss: float = math.inf
    steps: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


class Average:
    """Weights averaged over the last part of the run, whatever its length.

    A power-function average (Karras et al. 2024, "Analyzing and improving the training dynamics of diffusion
    models", eq. 2): step t enters with weight proportional to t^power, so a power of 9 averages over about the
    last tenth of all steps. On tables this is the largest single gain of the whole recipe.
    """

    def __init__(self, module: nn.Module, power: float = 9.0) -> None:
        self.power = power
        self.source = [p for p in module.parameters() if p.requires_grad]
        self.weights = [p.detach().clone() for p in self.source]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the present weights; `step` counts from 0."""
        torch._foreach_lerp_(self.weights, [p.detach() for p in self.source], self.power / (self.power + step + 1))

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the average and the present weights, in place."""
        for weight, average in zip(self.source, self.weights, strict=True):
            kept = weight.detach().clone()
            weight.copy_(average)
            average.copy_(kept)


def mix(*numbers: int) -> int:
    """Mix integers into one 63-bit seed (splitmix64), so that neighbouring steps draw unrelated noise.

    >>> mix(0, 1) == mix(0, 1), mix(0, 1) == mix(1, 0)
    (True, False)
    """
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = (state ^ (number & 0xFFFFFFFFFFFFFFFF)) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state >> 1


def generator(device: torch.device, *numbers: int) -> torch.Generator:
    """Give a random generator on `device` that depends on the given integers alone."""
    return torch.Generator(device=device).manual_seed(mix(*numbers))


class Shuffle:
    """The rows of any step: a fresh permutation each epoch, computed from the seed, nothing remembered."""

    def __init__(self, rows: int, batch_size: int, seed: int) -> None:
        self.rows, self.batch, self.seed = rows, min(batch_size, rows), seed
        self.per_epoch = max(1, rows // self.batch)
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.long)

    def rows_of(self, step: int) -> Tensor:
        """Give the row numbers of a step; a last, smaller batch is left for another epoch."""
        epoch, part = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._order = torch.randperm(self.rows, generator=generator(torch.device("cpu"), self.seed, epoch, 1))
            self._epoch = epoch
        return self._order[part * self.batch : (part + 1) * self.batch]


@dataclass
class _Run:
    """The parts of one run in progress."""

    module: Any
    data: Tensor
    held_out: Tensor
    plan: Plan
    optimizer: torch.optim.Optimizer
    average: Average
    history: History
    device: torch.device
    step: int = 0
    scale: float = 1.0
    best: list[Tensor] = field(default_factory=list)

    def total(self, losses: dict[str, Tensor], share: float) -> Tensor:
        weights = self.module.weights(share)
        return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()

    def backward(self, rows: Tensor, step: int, share: float) -> dict[str, Tensor]:
        batch = self.data[rows].to(self.device, non_blocking=True)
        losses: dict[str, Tensor] = self.module.losses(batch, generator(self.device, self.plan.seed, step, 2))
        self.optimizer.zero_grad(set_to_none=True)
        self.total(losses, share).backward()  # type: ignore[no-untyped-call]
        return {name: loss.detach() for name, loss in losses.items()}

    def forward_step(self, rows: Tensor, share: float) -> dict[str, Tensor]:
        losses = self.backward(rows, self.step, share)
        nn.utils.clip_grad_norm_(self.average.source, self.plan.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = self.scale * self.plan.rate(share, self.step)
        self.optimizer.step()
        self.average.update(self.step)
        self.step += 1
        return losses

    @torch.no_grad()
    def check(self, share: float) -> dict[str, float]:
        """Losses of the averaged weights on held-out rows, under the same noise at every check."""
        self.average.swap()
        self.module.eval()
        sums: dict[str, float] = {}
        for part, rows in enumerate(self.held_out.split(4096)):
            losses = self.module.losses(rows.to(self.device), generator(self.device, self.plan.seed, part, 3))
            losses["total"] = self.total(losses, 1.0)
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0.0) + float(loss) * len(rows) / len(self.held_out)
        self.module.train()
        self.average.swap()
        return sums

    def state(self) -> dict[str, Tensor]:
        """Everything a resumed run needs, as named tensors."""
        tensors = {f"module.{k}": v for k, v in self.module.state_dict().items()}
        tensors |= {f"average.{i}": v for i, v in enumerate(self.average.weights)}
        tensors |= {f"best.{i}": v for i, v in enumerate(self.best)}
        for i, state in enumerate(self.optimizer.state_dict()["state"].values()):
            tensors |= {f"optimizer.{i}.{k}": torch.as_tensor(v) for k, v in state.items()}
        return {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        groups: dict[str, dict[str, Tensor]] = {"module": {}, "average": {}, "best": {}, "optimizer": {}}
        for name, tensor in tensors.items():
            group, rest = name.split(".", 1)
            groups[group][rest] = tensor
        self.module.load_state_dict(groups["module"])
        with torch.no_grad():
            for i, weight in enumerate(self.average.weights):
                weight.copy_(groups["average"][str(i)])
        self.best = [groups["best"][str(i)].to(self.device) for i in range(len(groups["best"]))]
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in groups["optimizer"].items():
            index, key = name.split(".")
            state.setdefault(int(index), {})[key] = tensor
        loaded = self.optimizer.state_dict() | {"state": state}
        self.optimizer.load_state_dict(loaded)


def train(
    module: nn.Module,
    data: Tensor,
    held_out: Tensor,
    plan: Plan,
    *,
    started: float | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    identity: dict[str, Any] | None = None,
) -> History:
    """Train `module` in place on the rows of `data` and leave it with its best averaged weights.

    Parameters
    ----------
    module
        A torch module with `losses(batch, generator)` and `weights(share)`, on its device already.
    data, held_out
        Rows to learn from and rows to judge by, first axis rows; batches are slices of them.
    plan
        Steps, batch size, rates, patience, seed and, where given, a budget of seconds counted from `started`.
    checkpoint, resume, identity
        A file written every few seconds; with `resume` the run goes on from it, provided that it was made by
        a run of the same `identity` (any JSON-able facts that make two runs the same).

    Raises
    ------
    DataError
        When the losses stay infinite or undefined although the rate was halved three times.
    """
    progress = progress or Silent()
    device = next(module.parameters()).device
    started = time.monotonic() if started is None else started
    optimizer = torch.optim.AdamW(
        module.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay, fused=True
    )
    run = _Run(module, data, held_out, plan, optimizer, Average(module), History(), device)
    elapsed_before = 0.0
    identity = {"plan": asdict(plan), "rows": len(data), **(identity or {})}
    if resume and checkpoint is not None and checkpoint.exists():
        tensors, saved = checkpoints.read(checkpoint, identity)
        run.restore(tensors)
        run.step, run.scale, elapsed_before = saved["step"], saved["scale"], saved["seconds"]
        run.history = History(**saved["history"])
        run.history.best_loss = math.inf if run.history.best_loss is None else run.history.best_loss
    started -= elapsed_before
    module.train()
    order = Shuffle(len(data), plan.batch_size, plan.seed)
    pace = _rehearse(run, order)
    steps = plan.steps if plan.budget is None else _steps_within(plan.budget, started, pace, plan.checks)
    progress.start(steps, min(plan.budget or math.inf, steps * pace), run.step)
    _go(run, order, steps, started, pace, progress, checkpoint, identity)
    module.eval()
    run.history.steps, run.history.seconds = run.step, time.monotonic() - started
    progress.stop()
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return run.history


def _rehearse(run: _Run, order: Shuffle, times: int = 3) -> float:
    """Seconds a step takes, from a few that change nothing: what is promised before training starts."""
    rows = order.rows_of(run.step)
    run.backward(rows, run.step, 0.0)
    began = time.monotonic()
    for _ in range(times):
        run.backward(rows, run.step, 0.0)
    run.optimizer.zero_grad(set_to_none=True)
    return max(1e-5, (time.monotonic() - began) / times * 1.1)


def _steps_within(budget: float, started: float, pace: float, checks: int) -> int:
    """Steps that the seconds left allow; each check costs about a step."""
    left = budget - (time.monotonic() - started)
    return max(2 * checks, int(left / pace * 0.95))


def _go(
    run: _Run,
    order: Shuffle,
    steps: int,
    started: float,
    pace: float,
    progress: Progress,
    checkpoint: Path | None,
    identity: dict[str, Any],
) -> None:
    """Step until the plan, the budget or the patience is used up; then put the best averaged weights in place."""
    plan, history = run.plan, run.history
    every = max(1, steps // plan.checks)
    share_of: Callable[[], float] = lambda: run.step / steps  # noqa: E731
    if plan.budget is not None:
        budget = plan.budget
        share_of = lambda: min(1.0, (time.monotonic() - started) / budget)  # noqa: E731
    safe = checkpoints.Safe(run.state())
    seen: list[dict[str, Tensor]] = []
    saved_at = time.monotonic()
    while run.step < steps if plan.budget is None else share_of() < 1.0:
        share = share_of()
        seen.append(run.forward_step(order.rows_of(run.step), share))
        progress.step(run.step)
        if run.step % every and (plan.budget is not None or run.step < steps):
            continue
        trained = {name: float(torch.stack([s[name] for s in seen]).mean()) for name in seen[0]}
        seen = []
        fault = [name for name, loss in trained.items() if not math.isfinite(loss)]
        if fault:
            run.scale = safe.roll_back(run, fault, history)
            continue
        held = run.check(share)
        history.checks.append({"step": run.step, "train": trained, "held_out": held})
        if held["total"] < history.best_loss:
            history.best_loss, history.best_step = held["total"], run.step
            run.best = [w.clone() for w in run.average.weights]
        safe.tensors = run.state() if len(history.checks) % 4 == 0 else safe.tensors
        progress.check(held, history.best_loss)
        if len([c for c in history.checks if c["step"] > history.best_step]) >= plan.patience:
            history.notes.append(f"stopped early: no better on held-out rows since step {history.best_step}")
            break
        if checkpoint is not None and time.monotonic() - saved_at > checkpoints.SECONDS_BETWEEN:
            checkpoints.write(checkpoint, run.state(), _facts(run, started), identity)
            saved_at = time.monotonic()
    if not run.best:
        raise DataError("training gave no usable weights: every check was infinite or undefined")
    with torch.no_grad():
        for weight, best in zip(run.average.source, run.best, strict=True):
            weight.copy_(best)


def _facts(run: _Run, started: float) -> dict[str, Any]:
    return {
        "step": run.step,
        "scale": run.scale,
        "seconds": time.monotonic() - started,
        "history": asdict(run.history),
    }
