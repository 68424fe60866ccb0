"""What a long step tells while it works: a bar on a terminal, plain lines elsewhere, nothing when told so."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple, TextIO


class Report(NamedTuple):
    """What a check tells: losses weighed and summed, of training since the last check and of held-out rows now."""

    step: int
    seconds: float
    trained: float
    held_out: float
    rate: float


class Silent:
    """Says nothing; the contract of the others.

    Examples
    --------
    >>> Silent().start(100, 3.0, 0)
    """

    def start(self, steps: int, seconds: float, done: int) -> None:
        """Say how many steps and about how many seconds lie ahead, `done` of them behind already."""

    def expect(self, steps: int) -> None:
        """Say that it will be so many steps, now that more is known of how many a budget allows."""

    def step(self, step: int) -> None:
        """Say that a step is done."""

    def check(self, report: Report) -> None:
        """Say the losses."""

    def saved(self, checkpoint: Path) -> None:
        """Say that the run can now go on from a file."""

    def stop(self) -> None:
        """Say that the work is over."""


Progress = Silent


class Lines(Silent):
    """Plain lines at most every `every` seconds, for logs and pipes; a bar redrawn in place on a terminal.

    `unit` is what steps are of: a harvest's are tokens.
    """

    def __init__(
        self, what: str = "fit", stream: TextIO | None = None, every: float = 10.0, unit: str = "step"
    ) -> None:
        self.what, self.stream, self.every, self.unit = what, stream or sys.stderr, every, unit
        self.steps, self.loss, self.began, self.first, self.said = 1, "", 0.0, 0, 0.0

    def start(self, steps: int, seconds: float, done: int) -> None:
        """Promise the time before it is spent."""
        self.steps, self.first = max(steps, 1), done
        self.began = self.said = time.monotonic()
        resumed = f", resumed at {self.unit} {done:,}" if done else ""
        print(f"{self.what}: {steps:,} {self.unit}s, about {duration(seconds)}{resumed}", file=self.stream, flush=True)

    def expect(self, steps: int) -> None:
        """Reckon with that from now on."""
        self.steps = steps

    def step(self, step: int) -> None:
        """Redraw the bar, or print a line when it is time."""
        now = time.monotonic()
        if now - self.said < (0.2 if self.stream.isatty() else self.every):
            return
        self.said = now
        left = (now - self.began) / max(step - self.first, 1) * max(self.steps - step, 0)
        text = f"{self.what}: {self.unit} {step:,} of {self.steps:,}, {duration(left)} left{self.loss}"
        if self.stream.isatty():
            filled = round(24 * min(1.0, step / self.steps))
            self.stream.write(f"\r\033[K{'━' * filled}{'╌' * (24 - filled)} {text}")
            self.stream.flush()
        else:
            print(text, file=self.stream, flush=True)

    def check(self, report: Report) -> None:
        """Remember the held-out loss for the next line."""
        self.loss = f", held-out loss {report.held_out:.4f}"

    def stop(self) -> None:
        """Clear the bar and say how long it took."""
        clear = "\r\033[K" if self.stream.isatty() else ""
        took = duration(time.monotonic() - self.began)
        print(f"{clear}{self.what}: done in {took}{self.loss}", file=self.stream, flush=True)


def duration(seconds: float) -> str:
    """Say a time as people do.

    >>> duration(4.2), duration(75), duration(4000)
    ('4 s', '1 min 15 s', '1 h 6 min')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
