"""Rows or pictures like another, or like one of which only some cells are known."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel

from isthmus.app.desk import Answer, Here
from isthmus.app.subjects import Codeable, Subject
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
        if not 1 <= asked.n <= 200:
            raise UsageError(f"n is {asked.n}: give 1 to 200")
        if asked.row is not None:
            code = subject.codes[subject.need_row(asked.row)]
            looked_for = subject.show([asked.row])[0]
        else:
            rowed = desk.rowed
            full = rowed.model.impute(rowed.typed(asked.cells))
            code, looked_for = np.asarray(rowed.model.encode(full), np.float32)[0], {"cells": full.to_pylist()[0]}
        found, far = subject.nearest(code, asked.n, asked.where, asked.row)
        rows = [told | {"distance": d} for told, d in zip(subject.show(found.tolist()), far, strict=True)]
        return Answer({"rows": rows, "query": looked_for, "notes": notes})
