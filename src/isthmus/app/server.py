"""The app as a server: its page, its panels' answers, and what turns a fault into one line."""

from __future__ import annotations

import secrets
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from isthmus import __version__
from isthmus.app.desk import Answer, Desk, Here
from isthmus.app.folder import Folder
from isthmus.app.guard import Guard
from isthmus.app.panels import PANELS
from isthmus.app.pictured import Pictured
from isthmus.errors import IsthmusError
from isthmus.report.map import script

LOOKED_AT, KEPT = ("/api/denoise", "/api/compress/picture", "/api/search/file"), ("/api/library/files/",)
"""Beginnings of addresses that take files."""


def create_app(
    folder: Folder, *, token: str | None = None, port: int = 0, language_model: Path | None = None
) -> FastAPI:
    """Make the app.

    Parameters
    ----------
    folder
        What it may open, and where it keeps files.
    token
        What the first address must carry; by default a new one, in `app.state.token`.
    port
        The port that it is to listen on.
    language_model
        One that a sparse autoencoder's features can steer.
    """
    app = FastAPI(title="isthmus", version=__version__, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.desk, app.state.token = Desk(folder, language_model), token or secrets.token_urlsafe(24)
    for panel in PANELS:
        app.include_router(panel.router, prefix="/api")
    static = Path(str(files("isthmus.app").joinpath("static")))
    app.mount("/static", StaticFiles(directory=static))

    @app.get("/")
    def page() -> FileResponse:
        return FileResponse(static / "index.html")

    @app.get("/drawing/map.js")
    def drawing() -> Response:
        return Response(script(), media_type="text/javascript")

    @app.get("/api/state")
    def state(desk: Here) -> Answer:
        return Answer(_state(desk))

    app.add_exception_handler(IsthmusError, _fault)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(Exception, _unexpected)
    app.add_middleware(Guard, token=app.state.token, port=port, held=LOOKED_AT, large=KEPT)
    return app


def _state(desk: Desk) -> dict[str, Any]:
    """Tell what is open, and which panels have something to show of it."""
    subject = desk.subject
    panels = [{"id": panel.ID, "title": panel.TITLE, "refusal": panel.refusal(subject)} for panel in PANELS]
    told: dict[str, Any] = {"version": __version__, "opened": desk.opened, "panels": panels, "subject": None}
    if subject is not None:
        told["subject"] = {
            "model": subject.name,
            "kind": subject.kind,
            "data": subject.data_name,
            "rows": subject.rows,
            "columns": subject.columns(),
            "sounds": isinstance(subject, Pictured) and "sounds" in subject.model.facts_,
        }
    return told


def _fault(request: Request, error: Exception) -> Response:
    """Answer with the line that the command line would say."""
    return Answer({"error": " ".join(str(error).split())}, 400)


def _malformed(request: Request, error: Exception) -> Response:
    first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": (), "msg": ""}
    return Answer({"error": f"{'.'.join(map(str, first['loc']))}: {first['msg']}"}, 422)


def _unexpected(request: Request, error: Exception) -> Response:
    return Answer({"error": f"unexpected {type(error).__name__}: {error}"}, 500)
