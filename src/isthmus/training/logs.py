"""How a run goes, for programs and for later: JSON lines on stderr, or a file with a line a check."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO

from isthmus.errors import FileError
from isthmus.files import writing
from isthmus.training.progress import Lines, Progress, Report, Silent

LOGS = (".csv", ".jsonl")
COLUMNS = ("run", "step", "seconds", "training_loss", "held_out_loss", "learning_rate")


class JsonLines(Silent):
    """Progress as JSON, a line each time, steps at most every `every` seconds."""

    def __init__(self, what: str = "fit", stream: TextIO | None = None, every: float = 1.0, unit: str = "step") -> None:
        self.what, self.stream, self.every, self.unit = what, stream or sys.stderr, every, unit
        self.steps, self.began, self.said = 1, 0.0, 0.0

    def start(self, steps: int, seconds: float, done: int) -> None:
        """Promise the time before it is spent."""
        self.steps, self.began = steps, time.monotonic()
        self.said = self.began
        self._say("start", {"of": steps, "unit": self.unit, "promised_seconds": round(seconds, 3), "done": done})

    def expect(self, steps: int) -> None:
        """Reckon with that from now on."""
        self.steps = steps

    def step(self, step: int) -> None:
        """Say how far it is, when it is time."""
        now = time.monotonic()
        if now - self.said >= self.every:
            self.said = now
            self._say("step", {"step": step, "of": self.steps, "seconds": round(now - self.began, 3)})

    def check(self, report: Report) -> None:
        """Say the losses."""
        self._say("check", _named(report))

    def stop(self) -> None:
        """Say how long it took."""
        self._say("stop", {"seconds": round(time.monotonic() - self.began, 3)})

    def _say(self, event: str, facts: Mapping[str, Any]) -> None:
        print(json.dumps({"what": self.what, "event": event, **facts}), file=self.stream, flush=True)


class Log(Silent):
    """A file with a line a check, complete at every moment: .csv with a header, or .jsonl.

    A run that goes on where another stopped goes on in its file: lines of steps that are taken again are taken out. Of
    what trains more than once, such as a model and its prior, `run` counts from 1.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.run = path, 0

    def start(self, steps: int, seconds: float, done: int) -> None:
        """Begin the file, or go on with what it says of steps before `done`."""
        self.run += 1
        if self.run > 1:
            return
        kept = [row for row in self._rows() if int(row["run"]) == 1 and int(row["step"]) <= done] if done else []
        with writing(self.path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            if self._csv:
                csv.writer(file, lineterminator="\n").writerow(COLUMNS)
            for row in kept:
                self._write(file, row)

    def check(self, report: Report) -> None:
        """Write a line, and let go of the file."""
        try:
            with self.path.open("a", encoding="utf-8", newline="") as file:
                self._write(file, {"run": self.run, **_named(report)})
        except OSError as error:
            raise FileError(f"'{self.path}' cannot be written: {error.strerror}") from None

    @property
    def _csv(self) -> bool:
        return self.path.suffix.lower() == ".csv"

    def _rows(self) -> list[dict[str, Any]]:
        """Read what is there already; nothing, if that is no log."""
        try:
            with self.path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file)) if self._csv else [json.loads(line) for line in file]
        except (OSError, ValueError, csv.Error):
            return []
        return [row for row in rows if isinstance(row, dict) and set(row) == set(COLUMNS)]

    def _write(self, file: TextIO, row: Mapping[str, Any]) -> None:
        if self._csv:
            csv.writer(file, lineterminator="\n").writerow([row[name] for name in COLUMNS])
        else:
            file.write(json.dumps({name: row[name] for name in COLUMNS}) + "\n")


class Together(Silent):
    """Tells several the same."""

    def __init__(self, listeners: Sequence[Progress]) -> None:
        self.listeners = listeners

    def start(self, steps: int, seconds: float, done: int) -> None:
        """Tell each."""
        for each in self.listeners:
            each.start(steps, seconds, done)

    def expect(self, steps: int) -> None:
        """Tell each."""
        for each in self.listeners:
            each.expect(steps)

    def step(self, step: int) -> None:
        """Tell each."""
        for each in self.listeners:
            each.step(step)

    def check(self, report: Report) -> None:
        """Tell each."""
        for each in self.listeners:
            each.check(report)

    def saved(self, checkpoint: Path) -> None:
        """Tell each."""
        for each in self.listeners:
            each.saved(checkpoint)

    def stop(self) -> None:
        """Tell each."""
        for each in self.listeners:
            each.stop()


_WAY: ContextVar[tuple[bool, Path | None]] = ContextVar("way", default=(False, None))
"""Whether progress is shown as JSON, and the file that it is written down in."""


@contextmanager
def telling(*, as_json: bool = False, log: Path | None = None) -> Iterator[None]:
    """Let whatever shows progress in this block show it as JSON, and write training down in a file as well."""
    token = _WAY.set((as_json, log))
    try:
        yield
    finally:
        _WAY.reset(token)


def told(verbose: bool, what: str = "fit", unit: str = "step") -> Progress:
    """Choose who is told of progress: the terminal, if that is wanted, and the file that `telling` names.

    >>> with telling(as_json=True):
    ...     type(told(True)).__name__
    'JsonLines'
    """
    as_json, path = _WAY.get()
    listeners: list[Progress] = []
    if verbose:
        listeners.append(JsonLines(what, unit=unit) if as_json else Lines(what, unit=unit))
    if path is not None:
        listeners.append(Log(path))
    return listeners[0] if len(listeners) == 1 else Together(listeners)


def _named(report: Report) -> dict[str, Any]:
    return {
        "step": report.step,
        "seconds": round(report.seconds, 3),
        "training_loss": report.trained,
        "held_out_loss": report.held_out,
        "learning_rate": report.rate,
    }
