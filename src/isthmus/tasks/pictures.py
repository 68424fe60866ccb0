"""What all models of whole pictures share: how they are trained, what pictures show, and bytes as they come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from isthmus.errors import DataError, UsageError
from isthmus.training.loop import train
from isthmus.training.plan import History, Plan
from isthmus.training.progress import Progress

Bytes = npt.NDArray[np.uint8]

BATCH = 128
HELD_OUT = 0.04
JUDGED = 256
"""Pictures at least that a check is made on: fewer are taken several times, under other noise."""
MOST_LABELS = 256


@dataclass(frozen=True)
class Training:
    """How long and how a model of whole pictures is trained.

    `budget` is in seconds and decides where it is given; a check is made on `judged` pictures at least.
    """

    steps: int
    learning_rate: float
    patience: int
    seed: int
    budget: float | None = None
    batch: int = BATCH
    judged: int = JUDGED
    checks: int = 30
    optimizer: str = "adamw"
    progress: Progress | None = None
    checkpoint: Path | None = None
    resume: bool = False
    identity: dict[str, Any] = field(default_factory=dict)


def train_on(net: nn.Module, planes: Bytes, kinds: Bytes, training: Training) -> tuple[History, npt.NDArray[np.bool_]]:
    """Train on planes (n, channels, rows, columns), a plane of kinds (n,) laid behind; tell which were held out."""
    n, _, rows, columns = planes.shape
    told = np.broadcast_to(kinds[:, None, None, None], (n, 1, rows, columns))
    data = torch.from_numpy(np.concatenate([planes, told], 1))
    held = np.zeros(n, np.bool_)
    held[np.random.default_rng(training.seed).permutation(n)[: max(1, round(HELD_OUT * n))]] = True
    left = torch.from_numpy(~held if n > 1 else held)
    judged = data[torch.from_numpy(held)]
    plan = Plan(
        steps=training.steps,
        batch_size=min(training.batch, int(left.sum())),
        optimizer=training.optimizer,
        learning_rate=training.learning_rate,
        warmup=200,
        checks=training.checks,
        patience=training.patience,
        seed=training.seed,
        budget=training.budget,
    )
    history = train(
        net,
        data[left],
        judged.repeat(-(-training.judged // len(judged)), 1, 1, 1),
        plan,
        progress=training.progress,
        checkpoint=training.checkpoint,
        resume=training.resume,
        identity={"pictures": n, "size": [rows, columns], **training.identity},
    )
    return history, held


def check_size(planes: Bytes, largest: int) -> None:
    """Refuse pictures that are too large to be coded whole."""
    rows, columns = planes.shape[2:]
    if max(rows, columns) > largest:
        raise DataError(
            f"pictures of {columns} x {rows} pixels: at most {largest} x {largest} can be learnt; shrink them"
        )


def labels_of(labels: Sequence[str] | None) -> list[str]:
    """Give the different labels, numbers by size before words.

    >>> labels_of(["10", "a", "9"])
    ['9', '10', 'a']
    """
    found = sorted(set(labels or []), key=lambda label: (0, int(label), "") if label.isdecimal() else (1, 0, label))
    if len(found) > MOST_LABELS:
        raise DataError(f"{len(found):,} labels: at most {MOST_LABELS} can be told apart, in one byte")
    return found


def kinds_of(given: Any, n: int, labels: Sequence[str]) -> Tensor | None:
    """Turn what `n` pictures are to show, one thing or one each, into places among labels (n,)."""
    if given is None:
        return None
    if not labels:
        raise UsageError("given: this model was not told what its pictures show; fit with labels, or sub-folders")
    wanted = [given] * n if isinstance(given, str | int) else list(given)
    if len(wanted) != n:
        raise UsageError(f"given names {len(wanted):,} things for {n:,} pictures: one for all, or one each")
    for each in wanted:
        if str(each) not in labels:
            shown = ", ".join(labels[:12]) + (", ..." if len(labels) > 12 else "")
            raise UsageError(f"given {each!r}: there is no such label; there are {shown}")
    return torch.tensor([list(labels).index(str(each)) for each in wanted])


def as_bytes(pixels: Tensor) -> Bytes:
    """Turn pixels (n, channels, rows, columns) between 0 and 1 into bytes (n, rows, columns[, 3])."""
    found = (pixels * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return found[..., 0] if found.shape[3] == 1 else found
