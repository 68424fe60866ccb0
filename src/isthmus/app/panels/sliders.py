"""One number of the code moved, and what it says decoded at once; and ways from one row to another."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Response
from pydantic import BaseModel

from isthmus.app.desk import Answer, Here
from isthmus.app.rowed import Rowed
from isthmus.app.seen import heard
from isthmus.app.subjects import Codeable, Subject
from isthmus.app.threads import one_row
from isthmus.errors import UsageError

ID, TITLE = "sliders", "Code sliders"
router = APIRouter()

SPREAD = 3.0
"""Standard deviations on either side that a slider goes."""


def refusal(subject: Subject | None) -> str | None:
    """Say what is missing."""
    return None if isinstance(subject, Codeable) else "Open a model of a table or of pictures in the library first."


class Decoded(BaseModel):
    """A code, and the condition it is decoded under."""

    code: list[float]
    given: dict[str, Any] = {}


class Walk(BaseModel):
    """Two rows, and how many steps lie between."""

    start: int
    end: int
    steps: int = 7


@router.get("/sliders")
def sliders(desk: Here) -> Answer:
    """Tell of each number of the code, and of each direction that codes vary in, how far it goes."""
    with desk.working():
        return Answer(desk.keep("sliders", lambda: _sliders(desk.codeable)))


@router.get("/sliders/start")
def start(desk: Here, row: int | None = None, seed: int = 0) -> Answer:
    """Give a row and its code; without one, a row that is made up."""
    with desk.working():
        subject = desk.codeable
        if row is not None:
            code = subject.codes[subject.need_row(row)]
            return Answer({"shown": subject.show([row])[0], "code": code, "again": subject.decode(code[None])[0]})
        codes = subject.usual_codes()
        if not len(codes):
            raise UsageError("this model keeps no codes: open data with it")
        code = codes[np.random.default_rng(seed).integers(len(codes))]
        return Answer({"shown": None, "code": code, "again": subject.decode(code[None])[0]})


@router.post("/sliders/decode")
def decode(desk: Here, asked: Decoded) -> Answer:
    """Give what a code says."""
    with desk.working():
        subject = desk.codeable
        code = _code(subject, asked)
        with one_row():  # the browser draws meanwhile, and has little of the machine if two wait for each other
            return Answer(subject.decode(code[None], asked.given)[0])


@router.post("/sliders/sound")
def sound(desk: Here, asked: Decoded) -> Response:
    """Give what a code sounds like."""
    with desk.working():
        return heard(desk.pictured.said(_code(desk.pictured, asked), asked.given))


@router.post("/sliders/walk")
def walk(desk: Here, asked: Walk) -> Answer:
    """Go from one row to another through the code."""
    with desk.working():
        subject = desk.codeable
        ends = [subject.need_row(asked.start), subject.need_row(asked.end)]
        if not 1 <= asked.steps <= 50:
            raise UsageError(f"steps {asked.steps}: give 1 to 50")
        share = np.linspace(0, 1, asked.steps + 2, dtype=np.float32)[:, None]
        codes = (1 - share) * subject.codes[ends[0]] + share * subject.codes[ends[1]]
        given = subject.show(ends[:1])[0].get("cells") if isinstance(subject, Rowed) else None
        return Answer({"steps": subject.decode(codes, given), "ends": subject.show(ends)})


def _code(subject: Codeable, asked: Decoded) -> npt.NDArray[np.float32]:
    code = np.array(asked.code, np.float32)
    if code.shape != (subject.size,) or not np.isfinite(code).all():
        raise UsageError(f"a code of this model has {subject.size} numbers")
    return code


def _sliders(subject: Codeable) -> dict[str, Any]:
    codes = subject.usual_codes().astype(np.float64)
    mean, std = codes.mean(0), codes.std(0)
    _, lengths, axes = np.linalg.svd(codes - mean, full_matrices=False)
    spreads = lengths / np.sqrt(max(len(codes), 1))
    total = max(float(np.square(spreads).sum()), 1e-12)
    numbers = [
        {"index": int(j), "middle": mean[j], "reach": SPREAD * std[j], "share": std[j] ** 2 / total}
        for j in np.argsort(-std, kind="stable")
        if std[j] > 0
    ]
    directions = [
        {"vector": axes[i], "reach": SPREAD * spreads[i], "share": spreads[i] ** 2 / total}
        for i in range(len(spreads))
        if spreads[i] > 1e-6 * spreads[0]
    ]
    return {"mean": mean, "numbers": numbers, "directions": directions}
