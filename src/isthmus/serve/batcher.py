"""What waits while the model is busy is answered together, once it is not."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from isthmus.serve.faults import RefusedError

Together = Callable[[Sequence[Any]], Sequence[Any]]


@dataclass(frozen=True)
class _Waiting:
    key: Hashable
    thing: Any
    answer: asyncio.Future[Any]


class Batcher:
    """One thread that works, and a queue before it.

    Requests are taken in the order they came in. With the first go those of the same key that wait behind it: nobody
    waits for a batch to fill, and the busier the model, the larger the batches.

    Parameters
    ----------
    together
        Answers several things of one key; gives for each an answer, or an exception to be raised.
    waiting
        Most things that may wait.
    most
        Most things that are answered together.
    """

    def __init__(self, together: Together, waiting: int, most: int = 64) -> None:
        self._together, self._most, self._limit = together, most, waiting
        self._queue: deque[_Waiting] = deque()
        self._some = asyncio.Event()
        self._pool = ThreadPoolExecutor(1, "isthmus")
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many things wait."""
        return len(self._queue)

    @property
    def full(self) -> bool:
        """Whether another thing would be turned away."""
        return len(self._queue) >= self._limit

    def start(self) -> None:
        """Begin to work; only from within an event loop."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """End; whoever still waits is turned away."""
        if self._task is not None:
            self._task.cancel()
        for each in self._queue:
            if not each.answer.done():
                each.answer.set_exception(RefusedError(503, "the service stops", {"retry-after": "1"}))
        await asyncio.to_thread(self._pool.shutdown)

    async def ask(self, key: Hashable, thing: Any) -> Any:
        """Wait for the answer to a thing, which may be joined with others of the same key; None is joined with none."""
        if self.full:
            words = f"{self._limit:,} requests are waiting already: try again in a second"
            raise RefusedError(503, words, {"retry-after": "1"})
        answer = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(key, thing, answer))
        self._some.set()
        return await answer

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._some.wait()
            taken = self._take()
            if not taken:
                self._some.clear()
                continue
            try:
                answers = await loop.run_in_executor(self._pool, self._together, [each.thing for each in taken])
            except Exception as error:  # a fault of ours is told to those it concerns, and the others are served
                answers = [error] * len(taken)
            for each, answer in zip(taken, answers, strict=True):
                if each.answer.done():  # whoever asked has gone
                    continue
                if isinstance(answer, Exception):
                    each.answer.set_exception(answer)
                else:
                    each.answer.set_result(answer)

    def _take(self) -> list[_Waiting]:
        """Take the first that is still waited for, and those of its key."""
        waiting = [each for each in self._queue if not each.answer.done()]
        if not waiting:
            self._queue.clear()
            return []
        key = waiting[0].key
        alike = waiting[:1] if key is None else [each for each in waiting if each.key == key][: self._most]
        chosen = {id(each) for each in alike}
        self._queue = deque(each for each in waiting if id(each) not in chosen)
        return alike
