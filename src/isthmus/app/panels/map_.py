"""Rows as points on a map, coloured by any column; what a part of it has in common."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import numpy as np
from fastapi import APIRouter, Response
from pydantic import BaseModel

from isthmus.app.desk import Answer, Here
from isthmus.app.seen import heard
from isthmus.app.subjects import Codeable, Subject
from isthmus.report.labels import Groups, read_labels
from isthmus.report.pictures import COLOUR_SCALE, group_colour

ID, TITLE = "map", "Map"
router = APIRouter()

SHOWN = 200
"""Rows of a selection that are sent."""


def refusal(subject: Subject | None) -> str | None:
    """Say what is missing."""
    if not isinstance(subject, Codeable):
        return "Open a model of a table or of pictures in the library first."
    return None if subject.rows else "Open data with the model: its rows are the points of the map."


class Rows(BaseModel):
    """Some rows, by their numbers."""

    rows: list[int]


@router.get("/map/places")
def places(desk: Here, dim: int = 2) -> Response:
    """Give places (rows, dim) as little-endian float32."""
    with desk.working():
        subject = desk.codeable
        subject.need_data()
        found = desk.keep(("map", dim), lambda: np.asarray(subject.places(dim), "<f4"))
    return Response(found.tobytes(), media_type="application/octet-stream")


@router.get("/map/colours")
def colours(desk: Here, column: str) -> Answer:
    """Give what colours the points: groups with their names, or numbers with their scale."""
    with desk.working():
        read = desk.keep(("colours", column), lambda: read_labels(desk.codeable.column(column)))
    if isinstance(read, Groups):
        shades = [group_colour(read, i) for i in range(len(read.names))]
        values = read.places.astype(np.uint8)
        return Answer({"kind": "groups", "names": read.names, "colours": shades, "values": _packed(values)})
    scale = {"low": read.low, "high": read.high, "ticks": read.ticks, "names": read.names}
    values = read.numbers.astype("<f4")
    return Answer({"kind": "scale", **scale, "colours": list(COLOUR_SCALE), "values": _packed(values)})


@router.get("/rows/{row}")
def row(desk: Here, row: int) -> Answer:
    """Give one row or picture."""
    with desk.working():
        return Answer(desk.codeable.show([desk.codeable.need_row(row)])[0])


@router.get("/rows/{row}/sound")
def sound(desk: Here, row: int) -> Response:
    """Give the sound that a picture is of."""
    with desk.working():
        return heard(desk.pictured.sound(desk.pictured.need_row(row)))


@router.post("/map/selection")
def selection(desk: Here, asked: Rows) -> Answer:
    """Tell what rows have in common that others have not, and give the first of them."""
    with desk.working():
        subject = desk.codeable
        chosen = np.unique([subject.need_row(row) for row in asked.rows])
        told = {"count": len(chosen), "of": subject.rows, "rows": subject.show(chosen[:SHOWN].tolist())}
        return Answer(told | {"apart": subject.apart(chosen)})


def _packed(values: Any) -> str:
    return b64encode(values.tobytes()).decode()
