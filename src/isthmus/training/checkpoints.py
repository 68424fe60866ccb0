"""Checkpoints of a run in progress: on disk against `kill -9`, in memory against undefined losses."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from isthmus.errors import DataError, FileError
from isthmus.files import writing

if TYPE_CHECKING:
    from isthmus.training.loop import History, _Run

SECONDS_BETWEEN = 10.0


def write(path: Path, tensors: dict[str, Tensor], facts: dict[str, Any], identity: dict[str, Any]) -> None:
    """Write the state of a run; a kill at any moment leaves either the old file or the new one."""
    meta = {"facts": json.dumps(facts), "identity": json.dumps(identity, sort_keys=True)}
    with writing(path) as temporary:
        save_file(tensors, temporary, metadata=meta)


def read(path: Path, identity: dict[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the state of a run, and refuse one that belongs to other data or other settings."""
    try:
        with safe_open(path, framework="pt") as file:
            meta = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        saved, facts = json.loads(meta["identity"]), json.loads(meta["facts"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise FileError(f"{path}: not a usable checkpoint ({error}); delete it to start anew") from None
    wanted = json.loads(json.dumps(identity))
    differing = sorted(key for key in saved.keys() | wanted.keys() if saved.get(key) != wanted.get(key))
    if differing:
        raise FileError(
            f"{path}: checkpoint of another run ({', '.join(differing)} differ); use the same data and settings, "
            "or delete it to start anew"
        )
    return tensors, facts


class Safe:
    """The last state whose losses were all finite; the way back when one is not."""

    def __init__(self, tensors: dict[str, Tensor], times: int = 3) -> None:
        self.tensors, self.times = tensors, times

    def roll_back(self, run: _Run, fault: list[str], history: History) -> float:
        """Restore the last good weights and halve the learning rate; give up after the third time."""
        if self.times == 0:
            raise DataError(
                f"loss {' and '.join(fault)} is not finite at step {run.step} although the learning rate was halved "
                "three times; look for extreme values in the data, or lower learning_rate"
            )
        self.times -= 1
        step = run.step
        run.restore(self.tensors)
        history.notes.append(f"loss {' and '.join(fault)} not finite by step {step}: rolled back, learning rate halved")
        if not all(math.isfinite(float(t.sum())) for t in run.average.weights):
            raise DataError("the weights were not finite before the first check; lower learning_rate")
        return run.scale / 2
