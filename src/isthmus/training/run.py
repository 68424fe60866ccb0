"""One run of the training loop: what a step is, how it is judged, how long it goes on, and what is done if it fails."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.errors import DataError, IsthmusWarning
from isthmus.training import checkpoints
from isthmus.training.average import Average, Present
from isthmus.training.compiling import compiled, wants_compiling
from isthmus.training.memory import Split
from isthmus.training.optimizers import OPTIMIZERS
from isthmus.training.plan import History, Plan
from isthmus.training.precision import finished, mixed, moved, wants_bf16
from isthmus.training.progress import Progress, Report
from isthmus.training.seeds import generator
from isthmus.training.sources import Rows, Source, shards_of
from isthmus.training.state import State
from isthmus.training.workers import Alone

Losses = dict[str, Tensor]

JUDGED = 4096
"""Held-out rows that go through at once."""


class Run(State):
    """A run in progress, step by step; what of it survives a kill is in `State`.

    Parameters
    ----------
    module, data, held_out, plan, started, progress, workers
        As of `isthmus.training.loop.train`.
    """

    def __init__(
        self,
        module: Any,
        data: Tensor | Source | Sequence[Source],
        held_out: Tensor,
        plan: Plan,
        started: float,
        progress: Progress,
        workers: Alone | None = None,
    ) -> None:
        self.module, self.held_out, self.plan = module, held_out, plan
        self.shards = shards_of(data, 1, plan.batch_size, plan.seed)
        self.started, self.progress, self.workers = started, progress, workers or Alone()
        self.device = next(module.parameters()).device
        for shard in self.shards:
            if isinstance(shard, Rows):
                shard.near(self.device)
        self.bf16 = wants_bf16(plan.precision, self.device)
        self.losses = compiled(module) if wants_compiling(plan.compile, self.device) else module.losses
        self.optimizer = OPTIMIZERS[plan.optimizer](module, plan.learning_rate, plan.weight_decay)
        self.average = Average(module) if plan.average else Present(module)
        self.history = History()
        self.parts, self.judging = Split(self.remark), Split(self.remark)
        self.best: list[Tensor] = []
        self.step, self.scale, self.rollbacks = 0, 1.0, 0
        self.steps, self.every, self.saving = plan.steps, 1, 1
        self.safe: dict[str, Tensor] = {}
        self.seen: list[Losses] = []
        self.seconds: float | None = None
        self.checkpoint: Path | None = None
        self.identity: dict[str, Any] = {}
        self.began: tuple[float, int] = (0.0, 0)
        self.saved_at = time.monotonic()

    # what one step is

    def gradients(self, step: int, share: float) -> Losses:
        """Put the gradients of a step's rows in place and give its losses; in parts where memory is short."""
        batches = {shard: self.shards[shard].batch(step) for shard in self.workers.shards(len(self.shards))}
        losses = self.parts.enough(lambda: self._gradients(batches, step, share), max(map(len, batches.values())))
        if self.workers.count > 1:
            for weight in self.average.source:
                weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
            grads = [weight.grad for weight in self.average.source if weight.grad is not None]
            self.workers.sum([*grads, *losses.values()])
        return losses

    def _gradients(self, batches: dict[int, Tensor], step: int, share: float) -> Losses:
        self.optimizer.zero_grad(set_to_none=True)
        sums: Losses = {}
        for shard, batch in batches.items():
            rng = self._noise(step, 2, shard)
            for part in torch.split(batch, self.parts.size(len(batch))):
                with mixed(self.module, self.bf16):
                    losses: Losses = self.losses(moved(part, self.device), rng)
                weight = len(part) / len(batch) / len(self.shards)
                (weight * self.total(losses, share)).backward()  # type: ignore[no-untyped-call]
                for name, loss in losses.items():
                    sums[name] = sums.get(name, 0.0) + weight * loss.detach()
        return sums

    def total(self, losses: Losses, share: float) -> Tensor:
        """Weigh the losses at a share of the run."""
        weights = self.module.weights(share)
        return torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()

    def advance(self, share: float) -> Losses:
        """Take one step."""
        own = getattr(self.module, "gradients", None)
        losses = self.gradients(self.step, share) if own is None else own(self.step)
        if self.plan.clip is not None:
            nn.utils.clip_grad_norm_(self.average.source, self.plan.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = self.scale * self.plan.rate(share, self.step, self.steps)
        self.optimizer.step()
        if hasattr(self.module, "after_step"):
            self.module.after_step()
        self.average.update(self.step)
        self.step += 1
        return losses

    def check(self) -> dict[str, float]:
        """Judge the averaged weights by held-out rows, under the same noise at every check."""
        self.average.swap()
        self.module.eval()
        sums = self.judging.enough(self._judged, min(JUDGED, len(self.held_out)))
        self.module.train()
        self.average.swap()
        if self.workers.count > 1:
            told = torch.tensor(list(sums.values()), dtype=torch.float64, device=self.device)
            self.workers.sum([told])
            sums = dict(zip(sums, told.tolist(), strict=True))
        return sums

    @torch.no_grad()
    def _judged(self) -> dict[str, float]:
        """Judge by held-out rows, in as many shares as there are shards: a worker's, where there are several."""
        sums: dict[str, float] = {}
        shares = torch.tensor_split(self.held_out, len(self.shards))
        for shard in self.workers.shards(len(self.shards)):
            rows = shares[shard] if len(shares[shard]) else self.held_out[:1]  # which counts nothing, but names losses
            for part, some in enumerate(torch.split(rows, self.judging.size(min(JUDGED, len(rows))))):
                losses = self.module.losses(some.to(self.device), self._noise(part, 3, shard))
                losses["total"] = self.total(losses, 1.0)
                weight = len(some) / len(self.held_out) if len(shares[shard]) else 0.0
                for name, loss in losses.items():
                    sums[name] = sums.get(name, 0.0) + float(loss) * weight
        return sums

    def _noise(self, number: int, purpose: int, shard: int) -> torch.Generator:
        """Give what is random in a step or a part of the held-out rows: each shard has its own."""
        own = [shard] if len(self.shards) > 1 else []
        return generator(self.device, self.plan.seed, number, purpose, *own)

    # how long it goes on

    def pace(self, times: int = 7) -> float:
        """Seconds a step takes, from a few that change nothing: what is promised before training starts."""
        taken = []
        for _ in range(times):
            began = time.monotonic()
            self.gradients(self.step, 0.0)
            finished(self.device)
            taken.append(time.monotonic() - began)
        self.optimizer.zero_grad(set_to_none=True)
        return sorted(taken)[times // 2] * 1.1 + 1e-5  # the optimizer's own work comes on top

    def share(self, steps: int) -> float:
        """How much of the run is over, 0..1: by the clock where there is a budget, by steps where there is none."""
        if self.seconds is None:
            return min(1.0, self.step / steps)
        return self.workers.agree(min(1.0, (time.monotonic() - self.started) / self.seconds))

    def begin(self, together: int = 1) -> None:
        """Promise how many steps it will be; where several runs go together, each gets its part of a budget."""
        self.workers.same([*self.module.parameters(), *self.module.buffers(), *self.average.kept])
        pace, self.steps = self.workers.agree(self.pace() * together), self.plan.steps
        if self.plan.budget is not None:
            self.seconds = max(self.plan.budget - self.plan.reserve * pace, 0.3 * self.plan.budget)
            left = self.workers.agree(self.seconds - (time.monotonic() - self.started))
            self.steps = max(self.plan.checks, int(left / pace))
        self.progress.start(self.steps, self.steps * pace, self.step)
        self.every = max(1, self.steps // self.plan.checks)
        self.saving = max(1, int(checkpoints.SECONDS_BETWEEN / pace))
        self.began = time.monotonic(), self.step
        self.safe = self.state()

    def goes_on(self) -> bool:
        """Take one step, and judge when it is time; with the plan, the budget or the patience used up, end instead."""
        if (share := self.share(self.steps)) >= 1.0 and self.best:  # a spent budget still takes one step
            self.end()
            return False
        self.seen.append(self.advance(share))
        self.progress.step(self.step)
        if self.step % self.every and self.share(self.steps) < 1.0:
            if self.step % self.saving == 0:
                self._keep()
            return True
        names = list(self.seen[0])
        table = torch.stack([torch.stack([losses[name] for name in names]) for losses in self.seen])
        trained, self.seen = dict(zip(names, table.mean(0).tolist(), strict=True)), []
        if not all(map(math.isfinite, trained.values())):
            self.roll_back(self.safe, names, table)
            return True
        self.note(trained, self.check())
        self.safe = self.state()
        if self.history.stale >= self.plan.patience:
            self.history.notes.append(
                f"stopped early at step {self.step}: no better on held-out rows since step {self.history.best_step}"
            )
            self.end()
            return False
        self._keep()
        return True

    def _keep(self) -> None:
        """Save where the run is, and reckon anew how long it will be."""
        self.save()
        if self.seconds is not None:
            self.reckon(self.seconds)

    def reckon(self, budget: float) -> None:
        """Expect as many steps of a budget as there will be, if those to come are as quick as those until now."""
        now = time.monotonic()
        pace, left = (now - self.began[0]) / (self.step - self.began[1]), budget - (now - self.started)
        self.steps = self.step + int(self.workers.agree(max(left, 0.0) / max(pace, 1e-9)))
        self.every = max(self.every, self.steps // self.plan.checks)  # never more often: they take time as well
        self.progress.expect(self.steps)

    def end(self) -> None:
        """Put the best weights in place."""
        with torch.no_grad():
            for weight, best in zip(self.average.source, self.best, strict=True):
                weight.copy_(best)
        self.history.steps, self.history.seconds = self.step, time.monotonic() - self.started

    def note(self, trained: dict[str, float], held: dict[str, float]) -> None:
        """Write down a check, and keep the averaged weights if they are the best so far."""
        history = self.history
        history.checks.append({"step": self.step, "train": trained, "held_out": held})
        if history.best_loss is None or held["total"] < history.best_loss or not self.plan.best:
            history.best_loss, history.best_step = held["total"], self.step
            self.best = [weight.clone() for weight in self.average.weights]
        weights, rate = self.module.weights(1.0), self.optimizer.param_groups[0]["lr"]
        total = sum(weights[name] * loss for name, loss in trained.items())
        self.progress.check(Report(self.step, time.monotonic() - self.started, total, held["total"], rate))

    def roll_back(self, safe: dict[str, Tensor], names: list[str], losses: Tensor) -> None:
        """Restore the last good weights and halve the learning rate; give up after the third time.

        The losses (steps, names) since the last check tell which was the first to fail, and when: from the weights
        it then spreads to all.
        """
        failed = ~losses.isfinite()
        first = int(failed.any(1).int().argmax())
        name = " and ".join(name for name, bad in zip(names, failed[first].tolist(), strict=True) if bad)
        step = self.step - len(losses) + first + 1
        if self.rollbacks == 3:
            raise DataError(
                f"loss {name} is not finite at step {step} although the learning rate was halved three times; "
                "look for extreme values in the data, or lower learning_rate"
            )
        self.rollbacks += 1
        self.restore(safe)
        self.scale /= 2
        self.history.notes.append(f"loss {name} not finite at step {step}: rolled back, learning rate halved")

    def remark(self, line: str) -> None:
        """Write down what its owner should know, and say it at once."""
        self.history.notes.append(f"step {self.step}: {line}")
        warnings.warn(line, IsthmusWarning, stacklevel=2)
