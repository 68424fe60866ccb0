"""A form whose empty fields are filled as it is typed into, and how sure that is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from isthmus.app.desk import Answer, Here
from isthmus.app.rowed import Rowed
from isthmus.app.subjects import Subject
from isthmus.app.threads import one_row

ID, TITLE = "fill", "Fill in"
router = APIRouter()

LIKELIEST = 5
"""Values of a category that are told."""


def refusal(subject: Subject | None) -> str | None:
    """Say what is missing."""
    return None if isinstance(subject, Rowed) else "Open a model of a table in the library first."


class Row(BaseModel):
    """A row of which some cells are known."""

    row: dict[str, Any]


@router.post("/fill")
def fill(desk: Here, asked: Row) -> Answer:
    """Give what stands in the cells that are not named: the likeliest value, and others, or a range."""
    with desk.working() as notes, one_row():
        subject = desk.rowed
        model, row = subject.model, subject.typed(asked.row)
        filled = model.impute(row, uncertainty=True).to_pylist()[0]
        empty = [name for name in subject.blank.names if row[name][0].as_py() is None]
        listed = [v.name for v in model.schema_.coded if getattr(v, "values", None) is not None and v.name in empty]
        chances = model.probabilities(row, listed)
        cells: dict[str, Any] = {}
        for name in empty:
            cells[name] = {"value": filled[name]}
            if name in chances:
                values, shares = model.schema_[name].values, chances[name][0]  # type: ignore[attr-defined]
                order = (-shares).argsort(kind="stable")[:LIKELIEST]
                cells[name]["options"] = [[values[i], shares[i]] for i in order]
            else:
                cells[name] |= {end: filled.get(f"{name}_{end}") for end in ("low", "high")}
        return Answer({"cells": cells, "notes": notes})
