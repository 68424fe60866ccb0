"""What the rest of a run depends on, and what of it survives a kill."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from isthmus.training import checkpoints
from isthmus.training.average import Average
from isthmus.training.memory import Split
from isthmus.training.plan import History
from isthmus.training.progress import Progress
from isthmus.training.workers import Alone


class State:
    """The state of a run in progress (`training/run.py`), as named tensors and back, and its checkpoint.

    Attributes
    ----------
    module, optimizer, average, best
        Weights as they are, how they move, their average, and the best of it so far.
    step, scale, rollbacks, parts
        Steps taken, what rates were lowered to and how often, and in how many parts rows go through.
    seen
        Losses of the steps since the last check.
    history, started
        What happened, and since when.
    checkpoint, identity, saved_at
        The file that the run is saved in, if it is; what tells the run from others; and when that was last done.
    """

    module: Any
    optimizer: torch.optim.Optimizer
    average: Average
    best: list[Tensor]
    step: int
    scale: float
    rollbacks: int
    parts: Split
    seen: list[dict[str, Tensor]]
    history: History
    started: float
    checkpoint: Path | None
    identity: dict[str, Any]
    saved_at: float
    device: torch.device
    progress: Progress
    workers: Alone

    def saves_to(self, checkpoint: Path, identity: dict[str, Any], resume: bool) -> None:
        """Save to a file every few seconds; with `resume`, go on from it if it is there."""
        self.checkpoint, self.identity = checkpoint, identity
        if not resume or not checkpoint.exists():
            return
        tensors, facts = checkpoints.read(checkpoint, identity)
        self.restore(tensors)
        self.scale, self.rollbacks, self.parts.count = facts["scale"], facts["rollbacks"], facts["parts"]
        self.history = History(**facts["history"])
        self.started -= facts["seconds"]

    def save(self) -> None:
        """Write a checkpoint, unless the last one is only seconds old, or a step since the last check failed."""
        if self.checkpoint is None or not self.workers.agree(self._ought_to_save()):
            return
        if not self.workers.rank:
            self._write()
        self.progress.saved(self.checkpoint)

    def _ought_to_save(self) -> bool:
        recent = time.monotonic() - self.saved_at < checkpoints.SECONDS_BETWEEN
        return not recent and all(bool(loss.isfinite()) for losses in self.seen for loss in losses.values())

    def _write(self) -> None:
        assert self.checkpoint is not None
        facts = {
            "scale": self.scale,
            "rollbacks": self.rollbacks,
            "parts": self.parts.count,
            "seconds": time.monotonic() - self.started,
            "history": asdict(self.history),
        }
        checkpoints.write(self.checkpoint, self.state(), facts, self.identity)
        self.saved_at = time.monotonic()

    def state(self) -> dict[str, Tensor]:
        """Everything the rest of the run depends on, as named tensors of its own."""
        tensors = {"step": torch.tensor(self.step)}
        tensors |= {f"module.{name}": tensor for name, tensor in self.module.state_dict().items()}
        tensors |= {f"average.{i}": tensor for i, tensor in enumerate(self.average.kept)}
        tensors |= {f"best.{i}": tensor for i, tensor in enumerate(self.best)}
        for i, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{name}": tensor for name, tensor in state.items()}
        for name in self.seen[0] if self.seen else ():
            tensors[f"seen.{name}"] = torch.stack([losses[name] for losses in self.seen])
        return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go back to a state."""
        parts: dict[str, dict[str, Tensor]] = {"module": {}, "average": {}, "best": {}, "optimizer": {}, "seen": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            if rest:
                parts[part][rest] = tensor
        self.step = int(tensors["step"])
        self.module.load_state_dict(parts["module"])
        for i, weight in enumerate(self.average.kept):
            weight.copy_(parts["average"][str(i)])
        self.best = [parts["best"][str(i)].to(self.device) for i in range(len(parts["best"]))]
        rows = zip(*(table.to(self.device) for table in parts["seen"].values()), strict=True)
        self.seen = [dict(zip(parts["seen"], row, strict=True)) for row in rows]
        weights = self.optimizer.param_groups[0]["params"]
        state: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimizer"].items():
            number, _, key = name.partition(".")
            weight = weights[int(number)]  # whose layout in memory is that of its moments: the fused step relies on it
            copied = torch.empty_like(weight).copy_(tensor) if tensor.shape == weight.shape else tensor.clone()
            state.setdefault(int(number), {})[key] = copied
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": state})
