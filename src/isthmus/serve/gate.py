"""Who is let in: programs that know the key, or where there is none, programs of this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from isthmus.errors import FileError, UsageError
from isthmus.serve.faults import fault
from isthmus.web import is_loopback, means_this_machine, same

KEY = "ISTHMUS_KEY"
"""The environment variable that may hold the key."""
SHORTEST = 16
OPEN = ("/health", "/health/ready")
"""What is answered without a key: it tells nothing, and those who watch over processes have none."""


def find_key(file: Path | None, host: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Find the key in a file, or in the environment; None where there is none and none is needed.

    Raises
    ------
    UsageError
        A key of fewer than 16 characters, or none where others than this machine can ask.
    FileError
        The file cannot be read.
    """
    if file is not None:
        try:
            key, where = file.read_text("utf-8").strip(), f"--key-file {file}"
        except (OSError, UnicodeDecodeError) as error:
            raise FileError(f"--key-file {file}: {getattr(error, 'strerror', None) or 'no UTF-8'}") from None
    elif KEY in environment:
        key, where = environment[KEY].strip(), KEY
    elif is_loopback(host):
        return None
    else:
        raise UsageError(f"--host {host}: others can reach it: set {KEY} or give --key-file, of {SHORTEST} characters")
    if len(key) < SHORTEST or not key.isascii() or not key.isprintable():
        raise UsageError(f"{where}: a key is {SHORTEST} or more printable ASCII characters")
    return key


class Gate:
    """Stands before the service.

    Parameters
    ----------
    app
        What is guarded.
    key
        What requests must carry, as `Authorization: Bearer KEY`. Without one, only requests that name this machine
        are answered and none of other sites' pages, which could else make a browser here ask.
    port
        The port that is listened on; 0 in tests lets any pass.
    """

    def __init__(self, app: ASGIApp, key: str | None, port: int) -> None:
        self.app, self.key, self.port = app, key, port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            if self.key is not None and not same(headers.get("authorization", ""), f"Bearer {self.key}"):
                refusal = fault(401, "send the header Authorization: Bearer KEY", {"www-authenticate": "Bearer"})
                return await refusal(scope, receive, send)
            if self.key is None and not self._own(headers):
                refusal = fault(403, "without a key this service answers programs of this machine only")
                return await refusal(scope, receive, send)
        await self.app(scope, receive, send)

    def _own(self, headers: Mapping[str, str]) -> bool:
        return means_this_machine(headers.get("host", ""), self.port) and "origin" not in headers
