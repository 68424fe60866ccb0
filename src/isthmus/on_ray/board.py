"""How a training on other machines is seen here: its first worker writes on a board, and a thread reads it out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from typing import Any

from isthmus.errors import IsthmusError
from isthmus.on_ray.cluster import keep
from isthmus.training.progress import Progress, Report, Silent

EVERY = 0.5
"""Seconds between looks at the board."""


class Board:
    """What was said and not yet read; an actor of Ray."""

    def __init__(self) -> None:
        self.said: list[tuple[str, tuple[Any, ...]]] = []
        self.wrong: IsthmusError | None = None

    def write(self, what: str, *facts: Any) -> None:
        """Say something."""
        self.said.append((what, facts))

    def blame(self, error: IsthmusError) -> None:
        """Say what ended the training, on whichever worker."""
        self.wrong = error

    def fault(self) -> IsthmusError | None:
        """Give what ended the training, if it was no lost worker."""
        return self.wrong

    def take(self) -> list[tuple[str, tuple[Any, ...]]]:
        """Give what was not read yet."""
        said, self.said = self.said, []
        return said


class Writes(Silent):
    """Says on a board how far it is."""

    def __init__(self, board: Any) -> None:
        self.board, self.at = board, 0.0

    def start(self, steps: int, seconds: float, done: int) -> None:
        """Write it."""
        self.board.write.remote("start", steps, seconds, done)

    def expect(self, steps: int) -> None:
        """Write it."""
        self.board.write.remote("expect", steps)

    def step(self, step: int) -> None:
        """Write it, now and then."""
        if monotonic() - self.at > EVERY:
            self.at = monotonic()
            self.board.write.remote("step", step)

    def check(self, report: Report) -> None:
        """Write it."""
        self.board.write.remote("check", report)


@contextmanager
def read_out(ray: Any, progress: Progress) -> Iterator[Any]:
    """Give a board, and tell `progress` all that is written on it."""
    board = keep(ray, Board)
    over = Event()

    def read() -> None:
        for what, facts in ray.get(board.take.remote()):
            getattr(progress, what)(*facts)

    def reading() -> None:
        while not over.wait(EVERY):
            read()

    thread = Thread(target=reading, daemon=True)
    thread.start()
    try:
        yield board
        over.set()
        thread.join()
        read()
        progress.stop()
    finally:
        over.set()
        thread.join()
        ray.kill(board)
