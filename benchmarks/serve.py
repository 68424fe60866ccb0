"""`make bench-serve`: how many one-row `impute` a second the service answers, and how long each takes.

python benchmarks/serve.py                     all, results to benchmarks/results
python benchmarks/serve.py --only ames         the others' results stay as they are
python benchmarks/serve.py --quick             does it run? Results to the screen

The service is a process of its own; the clients are threads of this one, each with a connection that it keeps.
"""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from results import OURS, Page, Section
from runner import Bench, MissingSourceError, main
from sources import SOURCES

import isthmus as im
from isthmus.data.sources import open_table
from isthmus.serve.rows import to_records

CLIENTS = (1, 8, 64)
GOALS = {"99th of 100, 8 clients (ms)": "< 20"}
HIDDEN = 0.3
"""Share of a row's cells that are not sent."""


@dataclass(frozen=True)
class Settings:
    """How long the model is trained, and how many requests are timed with each number of clients."""

    seed: int = 0
    epochs: float = 20
    requests: int = 4000
    warm: int = 200


@dataclass(frozen=True)
class Served:
    """A table whose model is served."""

    name: str
    title: str
    goals: Mapping[str, str]

    def load(self, folder: Path) -> Any:
        """Read it."""
        return SOURCES[self.name].load(folder)


TABLES = tuple(Served(name, SOURCES[name].title, GOALS) for name in ("adult", "ames"))


def measure(served: Served, data: Any, settings: Settings) -> list[Section]:
    """Time the service of one table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.isthmus"
        model = im.Autoencoder(epochs=settings.epochs, seed=settings.seed).fit(data)
        model.save(path)
        bodies = _bodies(model, data, settings)
        note = "One row a request, three cells in ten missing; service and clients on the same cores."
        section = Section("One-row impute over HTTP", note)
        with _service(path) as (process, port):
            _ask(port, bodies[: settings.warm], 8)
            before = _memory(process.pid)
            for clients in CLIENTS:
                began = time.perf_counter()
                times = np.array(_ask(port, bodies, clients)) * 1000
                rate = len(bodies) / (time.perf_counter() - began)
                words = f"{clients} client{'s' if clients > 1 else ''}"
                section.add(f"requests a second, {words}", {OURS: rate}, digits=0, headline=clients == CLIENTS[1])
                section.add(f"median, {words} (ms)", {OURS: float(np.median(times))}, digits=1)
                late = float(np.percentile(times, 99))
                section.add(f"99th of 100, {words} (ms)", {OURS: late}, digits=1, headline=clients == CLIENTS[1])
            section.add("memory when warm (MiB)", {OURS: before}, digits=0)
            section.add("memory after all requests (MiB)", {OURS: _memory(process.pid)}, digits=0)
    return [section]


def _bodies(model: Any, data: Any, settings: Settings) -> list[bytes]:
    """Make requests of rows of the data, without some of their cells."""
    draw = np.random.default_rng(settings.seed)
    names = [variable.name for variable in model.schema_.coded]
    rows = open_table(data).columns.select(names).take(draw.integers(0, len(data), settings.requests))
    records = to_records(rows)
    gone = draw.random((len(records), len(names))) < HIDDEN
    kept = [
        {name: cell for (name, cell), hide in zip(row.items(), mine, strict=True) if not hide}
        for row, mine in zip(records, gone, strict=True)
    ]
    return [json.dumps([row]).encode() for row in kept]


def _ask(port: int, bodies: list[bytes], clients: int) -> list[float]:
    """Send requests by so many clients at once; give the seconds that each took."""

    def client(own: list[bytes]) -> list[float]:
        connection, times = http.client.HTTPConnection("127.0.0.1", port, timeout=60), []
        for body in own:
            began = time.perf_counter()
            connection.request("POST", "/impute", body, {"content-type": "application/json"})
            answer = connection.getresponse()
            told = answer.read()
            times.append(time.perf_counter() - began)
            if answer.status != 200:
                raise RuntimeError(f"{answer.status}: {told[:200]!r}")
        return times

    with ThreadPoolExecutor(clients) as pool:
        return [each for times in pool.map(client, (bodies[i::clients] for i in range(clients))) for each in times]


@contextmanager
def _service(path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    words = [sys.executable, "-m", "isthmus", "serve", str(path), "--port", "0"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = re.search(r"http://127\.0\.0\.1:(\d+)$", process.stderr.readline())
    if found is None:
        raise MissingSourceError(f"the service did not start: {process.stderr.read()}")
    try:
        yield process, int(found[1])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _memory(process: int) -> float:
    """Resident memory of a process in MiB."""
    words = Path(f"/proc/{process}/status").read_text("utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", words)
    assert found is not None
    return int(found[1]) / 1024


BENCH = Bench(
    page=Page("serve", "Benchmark of the service", "`isthmus serve`, asked by clients that wait for each answer."),
    sources={each.name: each for each in TABLES},
    measure=measure,
    settings=Settings(),
    quick=Settings(epochs=1, requests=300, warm=32),
    packages=("fastapi", "uvicorn"),
)


if __name__ == "__main__":
    sys.exit(main(BENCH))
