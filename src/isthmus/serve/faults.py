"""What is answered to a request that cannot be: a status and one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from isthmus.errors import IsthmusError

LONGEST = 500
"""Characters of a line: what is wrong may itself be long."""


class RefusedError(Exception):
    """A request is not answered, for a reason that its sender can understand."""

    def __init__(self, status: int, words: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self.status, self.headers = status, headers


def fault(status: int, words: str, headers: Mapping[str, str] | None = None) -> Response:
    """Make an answer of one line."""
    line = " ".join(words.split())
    line = line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
    # In ASCII, so that a name that no UTF-8 can hold can be named all the same.
    content = json.dumps({"error": line}) + "\n"
    return Response(content, status, dict(headers or {}), media_type="application/json")


def add_faults(app: FastAPI) -> None:
    """Let an app tell every fault in one line."""
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(IsthmusError, _data)
    app.add_exception_handler(RequestValidationError, _option)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return fault(error.status, str(error), error.headers)


def _data(request: Request, error: Exception) -> Response:
    return fault(422, str(error))


def _option(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return fault(422, first_line(error.errors()[0]))


def first_line(error: Mapping[str, object]) -> str:
    """Tell the place and the kind of what pydantic found wrong."""
    place = error["loc"]
    assert isinstance(place, tuple)
    return f"{'.'.join(map(str, place))}: {error['msg']}"


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return fault(error.status_code, f"{request.method} {request.url.path}: {error.detail}", error.headers)


def _unexpected(request: Request, error: Exception) -> Response:
    return fault(500, f"unexpected {type(error).__name__}: {error}")
