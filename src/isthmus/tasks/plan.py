"""What a fit was asked for, and how long to train for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from isthmus.nets.codes import Code
from isthmus.nets.corruptions import Corruption
from isthmus.tasks.outliers import GROUPS
from isthmus.tasks.outliers import ROWS as REFERENCE
from isthmus.tasks.privacy import Wanted
from isthmus.tasks.synthesize import TRIAL, TRIALS
from isthmus.training.plan import Plan

STEPS, FEWEST_EPOCHS, MOST_EPOCHS = 3000, 26, 80
"""A default fit takes so many steps, but passes no fewer and no more times than these over the data."""

STEPS_AT_LEAST, STEPS_AT_MOST = 500, 12000
"""Whatever the data, it takes no fewer and no more steps than these."""

SHARE = 0.7
"""Share of a budget that the autoencoder has where a prior is learnt after it."""


@dataclass(frozen=True)
class Settings:
    """What a fit was asked for; None and "auto" are decided by the table.

    Without `makes_rows`, what only made-up rows need is not learnt after training: rules, the logits' correction, a
    prior. With `private`, the fit is `tasks.fit_private`'s.
    """

    code: Code
    corruption: tuple[Corruption, ...]
    condition: tuple[int, ...] = ()
    prior: str | None = None
    width: int = 192
    blocks: int = 2
    epochs: float | None = None
    budget: float | None = None
    batch_size: int = 256
    learning_rate: float = 3e-3
    seed: int = 0
    device: str = "auto"
    checkpoint: Path | None = None
    resume: bool = False
    makes_rows: bool = True
    private: Wanted | None = None


def plan_of(settings: Settings, rows: int, columns: int) -> Plan:
    """Decide how long to train on so many rows and columns."""
    batch = min(settings.batch_size, rows)
    epoch = max(1, rows // batch)
    if settings.epochs is not None:
        steps = max(1, round(settings.epochs * epoch))
    else:
        steps = min(max(STEPS, FEWEST_EPOCHS * epoch), MOST_EPOCHS * epoch)
        steps = min(max(steps, STEPS_AT_LEAST), STEPS_AT_MOST)
    share = SHARE if settings.prior == "learnt" else 1.0
    return Plan(
        steps=steps,
        batch_size=batch,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        budget=None if settings.budget is None else settings.budget * share,
        reserve=_afterwards(rows, columns, trial_cells(settings)) / batch,
    )


def trial_cells(settings: Settings) -> int:
    """Give the cells in a trial run of made-up rows: fewer where time is short."""
    return TRIAL if settings.budget is None else int(TRIAL * min(1.0, settings.budget / 60))


def _afterwards(rows: int, columns: int, trial: int) -> float:
    """Give how many rows' worth of training the work after it takes; a row only read is a third of one trained."""
    reference = min(rows, REFERENCE) * min(columns, GROUPS)
    return (TRIALS * min(4 * rows * columns, trial) + reference) / 3
