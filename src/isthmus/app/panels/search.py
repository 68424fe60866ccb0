"""Rows or pictures like another, like a file of one's own, or like a row of which only some cells are known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from isthmus.app.desk import Answer, Desk, Here
from isthmus.app.subjects import Codeable, Codes, Subject
from isthmus.errors import UsageError

ID, TITLE = "search", "Search"
router = APIRouter()


def refusal(subject: Subject | None) -> str | None:
    """Say what is missing."""
    if not isinstance(subject, Codeable):
        return "Open a model of a table or of pictures in the library first."
    return None if subject.rows else "Open data with the model: its rows are what is searched."


class Query(BaseModel):
    """A row of the data by its number, or one of which some cells are known; and conditions."""

    row: int | None = None
    cells: dict[str, Any] = {}
    where: dict[str, Any] = {}
    n: int = 10


@router.post("/search")
def search(desk: Here, asked: Query) -> Answer:
    """Find the rows that are most like one."""
    with desk.working() as notes:
        subject = desk.codeable
        subject.need_data()
        if asked.row is not None:
            code = subject.codes[subject.need_row(asked.row)]
            looked_for = subject.show([asked.row])[0]
        else:
            rowed = desk.rowed
            full = rowed.model.impute(rowed.typed(asked.cells))
            code, looked_for = np.asarray(rowed.model.encode(full), np.float32)[0], {"cells": full.to_pylist()[0]}
        rows = _near(subject, code, asked.n, asked.where, asked.row)
        return Answer({"rows": rows, "query": looked_for, "notes": notes})


@router.post("/search/file")
async def search_file(desk: Here, request: Request, name: str = "", n: int = 10, where: str = "{}") -> Answer:
    """Find the pictures or sounds that are most like one that is sent; `where` is JSON."""
    sent = await request.body()
    return Answer(await run_in_threadpool(_like_file, desk, sent, name, n, where))


def _like_file(desk: Desk, sent: bytes, name: str, n: int, where: str) -> dict[str, Any]:
    try:
        allowed = json.loads(where)
    except ValueError:
        allowed = None
    if not isinstance(allowed, dict):
        raise UsageError("where: an object of JSON is expected")
    with desk.working() as notes:
        subject = desk.pictured
        subject.need_data()
        code, looked_for = subject.sent(sent, name)
        return {"rows": _near(subject, code, n, allowed), "query": looked_for, "notes": notes}


def _near(
    subject: Codeable, code: Codes, n: int, where: Mapping[str, Any], without: int | None = None
) -> list[dict[str, Any]]:
    """Give what the page shows of the rows nearest to a code, and how far each is."""
    if not 1 <= n <= 200:
        raise UsageError(f"n is {n}: give 1 to 200")
    found, far = subject.nearest(code, n, where, without)
    return [told | {"distance": d} for told, d in zip(subject.show(found.tolist()), far, strict=True)]
