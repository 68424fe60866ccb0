"""How long and how fast to train, and what happened in a run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train; no field depends on what the data mean.

    `budget` is in seconds and, where given, decides in place of `steps`; the time of `reserve` steps of it is left for
    what comes after training. Training stops early after `patience` checks in a row, of `checks` in all, without a
    better held-out loss. `optimizer` is a word of `training.optimizers`. Gradients longer than `clip` are cut to it,
    where one is given; with `average` what is judged and kept is the average of the weights, not the last. Without
    `best`, what stands at the end is kept, and nothing stops early. `learning_rate` is for runs of `long` steps at
    most, where that is given: in longer ones it is lower, by the root of how many times as long they are. `precision`
    is a word of `training.precision`; whether steps are compiled is up to $ISTHMUS_COMPILE where `compile` does not
    say.
    """

    steps: int
    batch_size: int = 1024
    optimizer: str = "adamw"
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    warmup: int = 100
    hold: float = 0.0
    long: int | None = None
    clip: float | None = 1.0
    average: bool = True
    checks: int = 20
    patience: int = 6
    best: bool = True
    seed: int = 0
    budget: float | None = None
    reserve: float = 0.0
    precision: str = "auto"
    compile: bool | None = None

    def rate(self, share: float, step: int, steps: int | None = None) -> float:
        """Learning rate: a linear warm-up of `warmup` steps, then, from a share `hold` on, half a cosine to nothing.

        `steps` are those that the run is reckoned to take, which a budget may decide.

        >>> plan = Plan(steps=1000, learning_rate=1.0)
        >>> [round(plan.rate(step / 1000, step), 2) for step in (0, 99, 500, 999)]
        [0.01, 0.98, 0.5, 0.0]
        >>> Plan(steps=1000, learning_rate=1.0, long=500).rate(0.0, 300, 2000)
        0.5
        """
        ramp = min(1.0, (step + 1) / max(1, min(self.warmup, self.steps // 4)))
        if self.long is not None:
            ramp *= min(1.0, math.sqrt(self.long / max(1, self.steps if steps is None else steps)))
        falling = min(1.0, max(0.0, share - self.hold) / (1 - self.hold))
        return self.learning_rate * ramp * 0.5 * (1 + math.cos(math.pi * falling))


@dataclass
class History:
    """What happened in a run: the losses at each check, the best check, and anything worth telling."""

    checks: list[dict[str, Any]] = field(default_factory=list)
    best_step: int = 0
    best_loss: float | None = None
    steps: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def stale(self) -> int:
        """Checks since the best one."""
        return sum(check["step"] > self.best_step for check in self.checks)
