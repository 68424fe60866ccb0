"""Starts the service, and ends it when it is told to: what was begun is finished first."""

from __future__ import annotations

import gc
import signal
import sys
from pathlib import Path

import torch
import uvicorn

from isthmus.errors import FileError, UsageError
from isthmus.index import Index
from isthmus.model import Autoencoder
from isthmus.serve.gate import find_key
from isthmus.serve.limits import Limits
from isthmus.serve.server import create_app
from isthmus.store import load
from isthmus.web import listen


def launch(
    path: Path,
    index: Path | str | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    key_file: Path | None = None,
    limits: Limits | None = None,
    threads: int = 1,
) -> None:
    """Serve until told to stop by SIGTERM or SIGINT.

    Parameters
    ----------
    path, index
        A model of a table, and an index of it.
    host, port
        Where to listen; port 0 takes a free one.
    key_file
        A file with the key; by default the environment's.
    limits
        What is taken.
    threads
        Threads of one forward pass. Rows by the handful are done before a second one could help.

    Raises
    ------
    UsageError
        The port is taken, a key is missing, or the index is of another model.
    FileError
        The model is none of a table.
    """
    limits, key = limits or Limits(), find_key(key_file, host)
    torch.set_num_threads(threads)
    model = load(path)
    if not isinstance(model, Autoencoder):
        raise FileError(f"'{path}' holds a model of kind {model.kind!r}: what can be served is one of a table")
    found = None if index is None else Index(index)
    if found is not None and not found.made_by(model):
        raise UsageError(f"'{index}' holds codes of another model than '{path}': make it anew, or name its own")
    listening = listen(host, port)
    port = listening.getsockname()[1]
    app = create_app(model, found, limits=limits, key=key, port=port)
    settings = uvicorn.Config(
        app, log_level="warning", server_header=False, timeout_graceful_shutdown=int(limits.seconds) + 1
    )
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, _told)  # the server raises the signal anew when it has ended: that is the end we want
    shown = f"[{host}]" if ":" in host else host
    _settle()
    print(f"isthmus: serving {path} at http://{shown}:{port}\nisthmus: stop with Ctrl-C", file=sys.stderr, flush=True)
    uvicorn.Server(settings).run(sockets=[listening])


def _settle() -> None:
    """Spare what lives as long as the process the search for garbage, which else holds every request up at times."""
    gc.collect()
    gc.freeze()


def _told(number: int, frame: object) -> None:
    pass
