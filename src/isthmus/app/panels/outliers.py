"""The oddest rows, and the cells that make them odd; the oddest pictures, and where they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter

from isthmus.app.desk import Answer, Here
from isthmus.app.pictured import Pictured
from isthmus.app.rowed import Rowed
from isthmus.app.seen import as_url
from isthmus.app.subjects import Codeable, Subject

ID, TITLE = "outliers", "Outliers"
router = APIRouter()

BINS = 60
CELLS = 4


def refusal(subject: Subject | None) -> str | None:
    """Say what is missing."""
    if not isinstance(subject, Codeable):
        return "Open a model of a table or of pictures in the library first."
    return None if subject.rows else "Open data with the model: its rows are what is judged."


@router.get("/outliers")
def outliers(desk: Here, n: int = 25) -> Answer:
    """Give the `n` oddest, and how scores are spread."""
    n = min(max(n, 1), 200)
    with desk.working():
        subject = desk.codeable
        subject.need_data()
        if isinstance(subject, Pictured):
            return Answer(_pictures(desk, subject, n))
        return Answer(_rows(desk, desk.rowed, n))


def _rows(desk: Here, subject: Rowed, n: int) -> dict[str, Any]:
    found = desk.keep("outliers", lambda: subject.model.outliers(subject.table))
    lines = desk.keep(("odd", n), lambda: found.explain(n, CELLS).to_pylist())
    odd = [int(row) for row in found.order[:n]]
    cells: dict[int, list[dict[str, Any]]] = {row: [] for row in odd}
    for line in lines:
        cells[line["row"]].append(line)
    shown = subject.show(odd)
    rows = [told | {"score": found.scores[told["row"]], "odd": cells[told["row"]]} for told in shown]
    return {"unit": "bits", "rows": rows, "scores": _spread(found.scores)}


def _pictures(desk: Here, subject: Pictured, n: int) -> dict[str, Any]:
    scores = desk.keep("outliers", lambda: subject.model.outliers(subject.pixels))
    odd = np.argsort(-scores, kind="stable")[:n]
    maps = subject.model.error_map(subject.pixels[odd])
    rows = []
    for told, again, far in zip(
        subject.show(odd.tolist()), subject.model.reconstruct(subject.pixels[odd]), maps, strict=True
    ):
        heat = (np.clip(far / 4, 0, 1) * 255).astype(np.uint8)
        rows.append(told | {"score": scores[told["row"]], "again": as_url(again), "error": as_url(heat)})
    return {"unit": "times the usual error", "rows": rows, "scores": _spread(scores)}


def _spread(scores: Any) -> dict[str, Any]:
    counts, edges = np.histogram(scores, BINS)
    return {"counts": counts, "low": edges[0], "high": edges[-1]}
