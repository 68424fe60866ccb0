"""Models and data in the folder: open them, send files, fit new ones."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel

from isthmus.app.desk import Answer, Here
from isthmus.app.folder import MODEL
from isthmus.app.subjects import Subject
from isthmus.errors import UsageError

ID, TITLE = "library", "Library"
router = APIRouter()


def refusal(subject: Subject | None) -> str | None:
    """Show it always."""
    return None


class Opened(BaseModel):
    """What to open."""

    model: str
    data: str | None = None


class Fit(BaseModel):
    """What to fit, and how."""

    data: str
    name: str
    code: str = ""
    minutes: float | None = None
    drop: list[str] = []


@router.get("/library")
def look(desk: Here) -> Answer:
    """List models and data, and tell of the fit."""
    return Answer(desk.folder.list() | {"fit": desk.fitting.look()})


@router.post("/library/open")
def open_(desk: Here, asked: Opened) -> Answer:
    """Open a model, with data or without."""
    with desk.working() as notes:
        desk.open(asked.model, asked.data or None)
    return Answer({"notes": notes})


@router.put("/library/files/{name}")
async def send(desk: Here, name: str, request: Request) -> Answer:
    """Keep a file that is sent."""
    path = await desk.folder.keep(name, request.stream())
    return Answer({"name": path.name, "bytes": path.stat().st_size})


@router.get("/library/columns/{name}")
def columns(desk: Here, name: str) -> Answer:
    """Tell how the columns of data are understood, before anything is fitted to them."""
    from isthmus.data.schema import Schema
    from isthmus.data.sources import open_table

    path = desk.folder.find(name)
    if path.is_dir():
        return Answer({"columns": []})
    with desk.working() as notes:
        schema = Schema.learn(open_table(path))
    return Answer({"columns": schema.describe(), "notes": [*schema.notes, *notes]})


@router.post("/fit")
def fit(desk: Here, asked: Fit) -> Answer:
    """Begin to fit a model to data."""
    data = desk.folder.find(asked.data)
    out = desk.folder.new(asked.name if asked.name.endswith(MODEL) else asked.name + MODEL, (MODEL,))
    desk.fitting.start(data, out, _options(asked))
    return Answer(desk.fitting.look())


@router.get("/fit")
def progress(desk: Here) -> Answer:
    """Tell how far the fit is."""
    return Answer({"fit": desk.fitting.look()})


@router.delete("/fit")
def cancel(desk: Here) -> Answer:
    """Stop the fit."""
    desk.fitting.stop()
    return Answer({"fit": desk.fitting.look()})


def _options(asked: Fit) -> list[str]:
    """Give the words of `isthmus fit` for what a form holds; each as one word, so that none can be another option."""
    words: list[str] = []
    if code := asked.code.strip():
        if code.startswith("-"):
            raise UsageError(f"code {code!r}: write a size such as 16, or a kind such as gaussian:16")
        words.append(f"--code={code}")
    if asked.minutes is not None:
        if not 0 < asked.minutes <= 24 * 60:
            raise UsageError(f"minutes {asked.minutes:g}: give more than 0, and at most a day")
        words.append(f"--budget={asked.minutes * 60:g}s")
    for name in asked.drop:
        words.append(f"--drop={name}")
    return words
