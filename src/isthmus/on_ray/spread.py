"""Work on the pieces of a table, each on a machine that has room, and its results in order."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.data.parts import Parts
from isthmus.errors import IsthmusError, IsthmusWarning
from isthmus.on_ray.cluster import keep


def spread(
    ray: Any, work: Callable[[Parts], Iterable[Any]], pieces: list[Parts], workers: int, cpus: int
) -> Iterator[Any]:
    """Give what comes of the pieces, in their order; what a lost worker had begun, another does again.

    Parameters
    ----------
    ray
        The library, in a cluster.
    work
        What is done with each.
    pieces
        Pieces of a table in files that all machines see under the same paths.
    workers, cpus
        How many do it at most, and how many processors each takes.

    Raises
    ------
    IsthmusError
        As `work` raised it. Warnings are told here too, each once.
    """
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    task = keep(ray, _Task, work, pieces, cpus)
    numbers = ray.data.from_items([{"number": i} for i in range(len(pieces))], override_num_blocks=len(pieces))
    results = numbers.map_batches(
        _Worker,
        fn_constructor_args=(task,),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(workers, len(pieces))),
        num_cpus=cpus,
    )
    told: set[str] = set()
    for row in results.iter_rows():
        result, error, remarks = row["result"]
        for remark in remarks:
            if remark not in told:
                told.add(remark)
                warnings.warn(remark, IsthmusWarning, stacklevel=2)
        if error is not None:
            raise error
        yield result


class _Task:
    """What is to be done, for workers to ask."""

    def __init__(self, *facts: Any) -> None:
        self.facts = facts

    def told(self) -> tuple[Any, ...]:
        """Give the work, the pieces and the processors of a worker."""
        return self.facts


class _Worker:
    """Does the work on one piece after another."""

    def __init__(self, task: Any) -> None:
        import ray
        import torch

        self.work, self.pieces, cpus = ray.get(task.told.remote())
        torch.set_num_threads(cpus)

    def __call__(self, batch: dict[str, npt.NDArray[np.int64]]) -> Iterator[dict[str, npt.NDArray[np.object_]]]:
        for number in batch["number"]:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", IsthmusWarning)
                try:
                    for result in self.work(self.pieces[number]):
                        yield _boxed(result, None, caught)
                        caught.clear()
                except IsthmusError as error:
                    yield _boxed(None, error, caught)


def _boxed(result: Any, error: IsthmusError | None, caught: list[warnings.WarningMessage]) -> dict[str, Any]:
    """Put a result into a column of one cell, with the warnings before it."""
    box = np.empty(1, object)
    box[0] = (result, error, [str(each.message) for each in caught if issubclass(each.category, IsthmusWarning)])
    return {"result": box}
