"""What a service counts, in Prometheus' text format."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
TOGETHER = (1, 2, 4, 8, 16, 32, 64)


class Meters:
    """The counters of one service, beside those of its process."""

    def __init__(self, waiting: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "isthmus_requests", "Requests answered, by path and status.", ["path", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "isthmus_seconds", "Time to answer, by path.", ["path"], buckets=SECONDS, registry=self.registry
        )
        self.together = Histogram(
            "isthmus_together", "Requests answered together.", buckets=TOGETHER, registry=self.registry
        )
        Gauge("isthmus_waiting", "Requests that wait.", registry=self.registry).set_function(waiting)

    def text(self) -> bytes:
        """Tell all."""
        return generate_latest(self.registry)


class Measured:
    """Counts and times what passes through an app; paths that there are none of go under one name."""

    def __init__(self, app: ASGIApp, meters: Meters, paths: Collection[str]) -> None:
        self.app, self.meters, self.paths = app, meters, frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began, path = time.perf_counter(), scope["path"] if scope["path"] in self.paths else "other"

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.meters.requests.labels(path, message["status"]).inc()
                self.meters.seconds.labels(path).observe(time.perf_counter() - began)
            await send(message)

        await self.app(scope, receive, counted)
