"""Rows or pictures made up, of what is asked for."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from isthmus.app.desk import Answer, Here
from isthmus.app.pictured import Pictured
from isthmus.app.rowed import Rowed
from isthmus.app.seen import as_url
from isthmus.app.subjects import Other, Subject
from isthmus.data.sources import open_table, write_table
from isthmus.errors import UsageError

ID, TITLE = "generate", "Generate"
router = APIRouter()

MOST = 100_000


def refusal(subject: Subject | None) -> str | None:
    """Say what is missing."""
    makes = isinstance(subject, Rowed | Pictured) or (isinstance(subject, Other) and subject.kind == "diffusion")
    return None if makes else "Open a model of a table or of pictures in the library first."


class Wanted(BaseModel):
    """How many, and what holds of all: a value, `{"low": , "high": }`, or `{"any": [...]}` a column."""

    n: int = 20
    given: dict[str, Any] = {}
    seed: int = 0


@router.post("/generate")
def generate(desk: Here, asked: Wanted) -> Answer:
    """Make rows or pictures."""
    with desk.working() as notes:
        if isinstance(desk.subject, Rowed):
            rows = open_table(_made(desk.subject, asked)).columns.to_pylist()
            return Answer({"rows": [{"row": None, "cells": cells} for cells in rows], "notes": notes})
        subject = desk.subject
        if refusal(subject) is not None or subject is None:
            raise UsageError("this model makes nothing up")
        if not 1 <= asked.n <= 400:
            raise UsageError(f"n is {asked.n}: give 1 to 400 pictures")
        made = subject.model.sample(asked.n, asked.given.get("label") or None, seed=asked.seed)
        return Answer({"rows": [{"row": None, "picture": as_url(each)} for each in made], "notes": notes})


@router.post("/generate/csv")
def csv(desk: Here, asked: Wanted) -> Response:
    """Make rows, as a file."""
    with desk.working(), TemporaryDirectory() as folder:
        path = Path(folder) / "made-up.csv"
        write_table(_made(desk.rowed, asked), path)
        return Response(path.read_bytes(), media_type="text/csv")


@router.get("/generate/labels")
def labels(desk: Here) -> Answer:
    """List what pictures can be asked to show."""
    return Answer({"labels": getattr(getattr(desk.subject, "model", None), "labels_", [])})


def _made(subject: Rowed, asked: Wanted) -> Any:
    if not 1 <= asked.n <= MOST:
        raise UsageError(f"n is {asked.n:,}: give 1 to {MOST:,} rows")
    return subject.model.sample(asked.n, {name: _wanted(each) for name, each in asked.given.items()}, seed=asked.seed)


def _wanted(value: Any) -> Any:
    """Turn a condition of the page into one of `sample`."""
    if isinstance(value, dict) and "any" in value:
        return list(value["any"])
    if isinstance(value, dict):
        return (value.get("low"), value.get("high"))
    return value
