"""A fit in a process of its own: the page stays quick, progress is read from its words, and it can be stopped."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from isthmus.errors import UsageError

_PROMISE = re.compile(r"^fit: ([\d,]+) steps, about (.+?)(?:, resumed.*)?$")
_STEP = re.compile(r"^fit: step ([\d,]+) of ([\d,]+), (.+?) left(?:, held-out loss ([\d.]+))?$")
_UNITS = {"s": 1, "min": 60, "h": 3600}


class Fitting:
    """The fit that runs, or the last one; there is at most one at a time."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._out = Path()
        self._lines: list[str] = []
        self._curve: list[tuple[int, float]] = []
        self._promised = 0.0
        self._began = 0.0
        self._stopped = False

    @property
    def running(self) -> bool:
        """Whether a fit is going on."""
        return self._process is not None and self._process.poll() is None

    def start(self, data: Path, out: Path, options: Sequence[str]) -> None:
        """Begin to fit.

        Raises
        ------
        UsageError
            Another fit is going on.
        """
        if self.running:
            raise UsageError("a fit is going on: wait for it, or cancel it")
        self._lines, self._curve, self._promised, self._stopped = [], [], 0.0, False
        self._out, self._began = out, time.monotonic()
        words = [sys.executable, "-m", "isthmus", "fit", str(data), "-o", str(out), *options]
        self._process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def stop(self) -> None:
        """Stop the fit; nothing of it is left."""
        if self._process is not None and self.running:
            self._stopped = True
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._out.with_name(self._out.name + ".checkpoint").unlink(missing_ok=True)

    def look(self) -> dict[str, Any] | None:
        """Tell how far it is; None before the first."""
        if self._process is None:
            return None
        code = self._process.poll()
        state = "running" if code is None else "stopped" if self._stopped else "done" if code == 0 else "failed"
        seconds = time.monotonic() - self._began
        share = min(0.99, seconds / self._promised) if self._promised else 0.0
        return {
            "state": state,
            "model": self._out.name,
            "share": 1.0 if state == "done" else share,
            "says": self._lines[-1] if self._lines else "reading the data",
            "curve": self._curve,
        }

    def _listen(self, process: subprocess.Popen[str]) -> None:
        """Read what the fit says, line by line."""
        for raw in process.stderr or ():
            line = raw.strip()
            if promise := _PROMISE.match(line):
                self._promised = time.monotonic() - self._began + seconds_of(promise[2])
            elif (step := _STEP.match(line)) and step[4]:
                self._curve.append((int(step[1].replace(",", "")), float(step[4])))
            if line:
                self._lines.append(line.removeprefix("isthmus: "))


def seconds_of(words: str) -> float:
    """Read a time as progress says it.

    >>> seconds_of("1 min 15 s"), seconds_of("4 s")
    (75.0, 4.0)
    """
    pairs = re.findall(r"(\d+) (h|min|s)\b", words)
    return float(sum(int(count) * _UNITS[unit] for count, unit in pairs))
