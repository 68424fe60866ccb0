"""The engine that sends work to a cluster of Ray."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, Unpack

import torch
from torch import Tensor, nn

from isthmus.data.parts import Parts
from isthmus.engine import Engine
from isthmus.errors import DataError, FileError, IsthmusWarning, UsageError
from isthmus.on_ray.board import read_out
from isthmus.on_ray.cluster import join
from isthmus.on_ray.spread import spread
from isthmus.on_ray.training import Job, read_end, work
from isthmus.training import checkpoints
from isthmus.training.loop import How
from isthmus.training.plan import History, Plan
from isthmus.training.progress import Silent
from isthmus.training.sources import Source, shards_of

__all__ = ["Ray"]

_Result = TypeVar("_Result")


@dataclass
class Ray(Engine):
    """Many machines, or many processes of this one, by Ray: fits and jobs of tables go to its workers.

    Parameters
    ----------
    workers
        How many share the work. A fit makes each of its batches of so many shards of `batch_size` rows; fewer workers,
        when some are lost, take several shards each, and learn the same up to rounding.
    address
        "auto" for the cluster that this machine is part of, "host:port" or "ray://host:port" for another; None for
        the environment's RAY_ADDRESS or else a cluster of this machine alone, which ends with this process.
    storage
        A folder that all machines see under this path, for rows as numbers and for what a fit goes on from when a
        worker is lost, or with `resume`. Needed where there are several machines.
    cpus
        Processors that each worker takes, and threads that it computes with.
    restarts
        How many times a training may lose workers and go on.

    Raises
    ------
    UsageError
        Ray is not installed, or no cluster answers.

    Examples
    --------
    >>> import isthmus as im
    >>> im.Autoencoder(2, engine=im.Ray(workers=4, storage="shared")).engine.shards
    4
    """

    workers: int = 2
    address: str | None = None
    storage: str | Path | None = None
    cpus: int = 1
    restarts: int = 8

    @property
    def shards(self) -> int:  # type: ignore[override]
        """As many as workers were asked for, whatever happens to them."""
        return self.workers

    @property
    def place(self) -> Path | None:  # type: ignore[override]
        """The folder that all machines see."""
        if self.storage is None:
            return None
        place = Path(self.storage).absolute()
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"'{place}' cannot be made: {error.strerror}") from None
        return place

    def each(self, work: Callable[[Parts], Iterable[_Result]], parts: Parts) -> Iterator[_Result]:
        """Do something with the pieces of a table on many machines, and give what comes of them, in their order."""
        return spread(self._join(), work, parts.absolute().pieces(), self.workers, self.cpus)

    def train(
        self,
        module: nn.Module,
        data: Tensor | Source | Sequence[Source],
        held_out: Tensor,
        plan: Plan,
        **how: Unpack[How],
    ) -> History:
        """Train a module in place, on workers that share every batch."""
        ray, shards = self._join(), shards_of(data, self.workers, plan.batch_size, plan.seed)
        started, identity = how.get("started"), how.get("identity") or {}
        spent = 0.0 if started is None else time.monotonic() - started
        with TemporaryDirectory(prefix="isthmus-") as own, read_out(ray, how.get("progress") or Silent()) as board:
            device, every = next(module.parameters()).device, checkpoints.SECONDS_BETWEEN
            job = Job(module.cpu(), shards, held_out.cpu(), plan, identity, spent, self.cpus, every, board)
            place = (self.place or Path(own)) / "training"
            name = hashlib.sha256(json.dumps([identity, repr(plan)], sort_keys=True).encode()).hexdigest()[:16]
            if not how.get("resume"):
                shutil.rmtree(place, ignore_errors=True)
            try:
                result = self._trainer(ray, job, place, name).fit()
            except Exception as error:
                if (fault := ray.get(board.fault.remote())) is not None:
                    raise fault from None
                raise DataError(_reason(error)) from error
            if (fault := ray.get(board.fault.remote())) is not None:
                raise fault
            with result.checkpoint.as_directory() as folder:
                history = read_end(Path(folder), module)
            shutil.rmtree(place, ignore_errors=True)
        module.to(device).eval()
        for note in history.notes:
            if "out of memory" in note:
                warnings.warn(note, IsthmusWarning, stacklevel=3)
        return history

    def _join(self) -> Any:
        for name in ("workers", "cpus"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)!r}; give a whole number of 1 or more")
        return join(self.address, self.workers * self.cpus + 1)

    def _trainer(self, ray: Any, job: Job, place: Path, name: str) -> Any:
        """Give Ray's trainer: elastic, so that it goes on with as many workers as there is room for."""
        from ray import train
        from ray.train.torch import TorchConfig, TorchTrainer

        workers: Any = (1, min(self.workers, len(job.shards)))
        gpu = torch.cuda.is_available() and any("GPU" in node["Resources"] for node in ray.nodes())
        return TorchTrainer(
            work,
            train_loop_config={"job": ray.put(job)},
            scaling_config=train.ScalingConfig(
                num_workers=workers, use_gpu=gpu, resources_per_worker={"CPU": self.cpus, "GPU": int(gpu)}
            ),
            run_config=train.RunConfig(
                name=name,
                storage_path=str(place),
                failure_config=train.FailureConfig(max_failures=self.restarts),
                checkpoint_config=train.CheckpointConfig(num_to_keep=2),
            ),
            torch_config=TorchConfig(backend="nccl" if gpu else "gloo"),
        )


def _reason(error: BaseException) -> str:
    """Tell why a training was given up."""
    first = str(error).strip().splitlines()
    return f"the training on Ray was given up: {first[-1] if first else type(error).__name__}"
