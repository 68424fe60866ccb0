"""The very same training loop on several workers of Ray Train, which goes on without one that is lost."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from isthmus.errors import IsthmusError
from isthmus.on_ray.board import Writes
from isthmus.tensors import save_tensors
from isthmus.training import checkpoints
from isthmus.training.logs import Together
from isthmus.training.loop import train
from isthmus.training.one_host import workers_of
from isthmus.training.plan import History, Plan
from isthmus.training.progress import Silent
from isthmus.training.sources import Source
from isthmus.training.workers import Alone

_STATE, _END = "state", "end"


@dataclass(frozen=True)
class Job:
    """A training, as its workers are told it.

    Parameters
    ----------
    module, shards, held_out, plan, identity
        As `isthmus.training.loop.train` takes them.
    spent
        Seconds of a budget that were spent before.
    threads
        Processors of a worker.
    every
        Seconds between the states that are kept.
    board
        Where the first worker says how far it is.
    """

    module: nn.Module
    shards: Sequence[Source]
    held_out: Tensor
    plan: Plan
    identity: dict[str, Any]
    spent: float
    threads: int
    every: float
    board: Any


class _Hands(Silent):
    """Gives Ray what the run can go on from."""

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def saved(self, checkpoint: Path) -> None:
        """Hand over the state of the run."""
        hand_over(None if self.rank else checkpoint.parent)


def hand_over(folder: Path | None) -> None:
    """Give Ray a folder to keep; only the first worker has one, but all call this, and wait a second for each other."""
    from ray import train as ray_train

    ray_train.report({}, checkpoint=None if folder is None else ray_train.Checkpoint.from_directory(folder))


def work(told: dict[str, Any]) -> None:
    """Train on one worker: from the state that was kept last, if one was."""
    import ray
    from ray import train as ray_train
    from ray.train.torch import get_device

    job: Job = ray.get(told["job"])
    if ray.get(job.board.fault.remote()) is not None:  # another try would end no better
        return
    torch.set_num_threads(job.threads)
    checkpoints.SECONDS_BETWEEN = job.every
    device, rank = get_device(), ray_train.get_context().get_world_rank()
    module = job.module.to(device)
    with TemporaryDirectory() as folder:
        state = Path(folder, _STATE)
        if (kept := ray_train.get_checkpoint()) is not None:
            with kept.as_directory() as there:
                if not Path(there, _STATE).exists():  # it was over when a worker was lost
                    return
                shutil.copy(Path(there, _STATE), state)
        try:
            history = train(
                module,
                job.shards,
                job.held_out,
                job.plan,
                started=time.monotonic() - job.spent,
                progress=Together([_Hands(rank)] if rank else [Writes(job.board), _Hands(rank)]),
                checkpoint=state,
                resume=True,
                identity=job.identity,
                workers=workers_of(device) if ray_train.get_context().get_world_size() > 1 else Alone(),
            )
        except IsthmusError as error:
            ray.get(job.board.blame.remote(error))
            raise
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
        save_tensors(Path(folder, _END), tensors, {"history": json.dumps(asdict(history))})
        hand_over(None if rank else Path(folder))


def read_end(folder: Path, module: nn.Module) -> History:
    """Give `module` the weights that a training ended with, and tell how it went."""
    with safe_open(folder / _END, framework="pt") as file:
        module.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        return History(**json.loads(file.metadata()["history"]))
