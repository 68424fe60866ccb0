"""Starts the server on this machine alone, and the browser on its page."""

from __future__ import annotations

import sys
import threading
import time
import webbrowser
from pathlib import Path

import uvicorn

from isthmus.app.folder import Folder
from isthmus.app.server import create_app
from isthmus.web import listen

HOST = "127.0.0.1"


def launch(
    model: Path | None,
    data: Path | None,
    folder: Path,
    *,
    language_model: Path | None = None,
    port: int = 0,
    browser: bool = True,
) -> None:
    """Serve until interrupted.

    Parameters
    ----------
    model, data
        What is open at first.
    folder
        What else may be opened, and where files are kept.
    language_model
        One that a sparse autoencoder's features can steer.
    port
        The port to listen on; 0 takes a free one.
    browser
        Whether to open a browser.

    Raises
    ------
    UsageError
        The port is taken.
    IsthmusError
        The model or data cannot be opened.
    """
    listening = listen(HOST, port)
    port = listening.getsockname()[1]
    named = tuple(path for path in (model, data) if path is not None)
    app = create_app(Folder(folder, named), port=port, language_model=language_model)
    if model is not None:
        app.state.desk.open(model.name, None if data is None else data.name)
    address = f"http://{HOST}:{port}/?token={app.state.token}"
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=2))
    print(f"isthmus: open {address}\nisthmus: stop with Ctrl-C", file=sys.stderr, flush=True)
    if browser:
        threading.Thread(target=_browse, args=(server, address), daemon=True).start()
    try:
        server.run(sockets=[listening])
    finally:
        app.state.desk.fitting.stop()


def _browse(server: uvicorn.Server, address: str) -> None:
    """Open the page as soon as it would be answered."""
    while not server.started and not server.should_exit:
        time.sleep(0.05)
    if server.started:
        webbrowser.open(address)
