"""What the model is, how it was trained, and what survives its code, variable by variable."""

from __future__ import annotations

from fastapi import APIRouter

from isthmus.app.desk import Answer, Here
from isthmus.app.subjects import Subject
from isthmus.errors import UsageError

ID, TITLE = "overview", "Overview"
router = APIRouter()


def refusal(subject: Subject | None) -> str | None:
    """Say what is missing."""
    return "Open a model in the library first." if subject is None else None


@router.get("/overview")
def overview(desk: Here) -> Answer:
    """Give the facts of the model."""
    if desk.subject is None:
        raise UsageError("open a model first")
    subject = desk.subject
    if not hasattr(subject.model, "inspect"):
        return Answer({"facts": {}, "kind": subject.kind})
    with desk.working():
        return Answer({"facts": desk.keep("overview", subject.model.inspect), "kind": subject.kind})
