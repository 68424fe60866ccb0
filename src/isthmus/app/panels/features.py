"""What a sparse code has found: the browser of its features, and a language model steered by them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from isthmus.app.desk import Answer, Desk, Here
from isthmus.app.rowed import Rowed
from isthmus.app.subjects import Dictionaried, Subject
from isthmus.errors import UsageError

ID, TITLE = "features", "Features"
router = APIRouter()

_FRAMED = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "base-uri 'none'; form-action 'none'"
)
"""Rules of the browser's page: what it needs is in it, and it may ask nobody for anything."""


def refusal(subject: Subject | None) -> str | None:
    """Say what is missing."""
    if isinstance(subject, Rowed) and subject.model.net_.code.to_dict()["name"] == "sparse":
        return None if subject.rows else "Open data with the model: features are shown by the rows they fire on."
    if isinstance(subject, Dictionaried):
        return None if subject.path else "Open the activations that the model was fitted to, or others."
    return "Open a model with a sparse code: fit a table with code sparse:64:k=8, or activations (isthmus lm)."


class Prompt(BaseModel):
    """What a language model is to go on with, and the feature that is turned up or down."""

    text: str
    feature: int
    by: float
    tokens: int = 40


@router.get("/features/page")
def page(desk: Here) -> Response:
    """Give the browser of features as a page of its own."""
    with desk.working():
        text = desk.keep("features", lambda: _page(desk))
    return Response(text, media_type="text/html", headers={"content-security-policy": _FRAMED})


@router.get("/features")
def facts(desk: Here) -> Answer:
    """Tell whether a language model can be steered here."""
    return Answer({"steers": desk.language_model is not None and isinstance(desk.subject, Dictionaried)})


@router.post("/features/steer")
def steer(desk: Here, asked: Prompt) -> Answer:
    """Let the language model go on with a text, as it is and with a feature turned."""
    from isthmus.concepts import steer as steered

    with desk.working() as notes:
        found, subject = desk.language_model, desk.subject
        if found is None or not isinstance(subject, Dictionaried):
            raise UsageError("no language model is open: start with `isthmus open SAE ACTIVATIONS --lm MODEL`")
        if not 1 <= asked.tokens <= 200:
            raise UsageError(f"tokens {asked.tokens}: give 1 to 200")
        lm = desk.keep("language model", lambda: _open_language_model(found))
        told = steered(lm, subject.model, asked.text, {asked.feature: asked.by}, new=asked.tokens)
        return Answer({"told": told, "notes": notes})


def _page(desk: Desk) -> str:
    from isthmus.report.features import browse
    from isthmus.report.patch_features import browse_patches
    from isthmus.report.row_features import browse_rows

    subject = desk.subject
    if (fault := refusal(subject)) is not None or subject is None:
        raise UsageError(fault or "")
    with TemporaryDirectory() as folder:
        out = Path(folder) / "features.html"
        if isinstance(subject, Rowed):
            browse_rows(subject.model, subject.table, out)
        elif isinstance(subject, Dictionaried) and subject.path is not None:
            path = subject.path
            if (path / "activations.json").is_file():
                browse(subject.model, path, out, desk.language_model)
            elif path.is_dir():
                browse_patches(subject.model, path, out)
            else:
                browse_rows(subject.model, path, out)
        return out.read_text(encoding="utf-8")


def _open_language_model(path: Path) -> Any:
    from isthmus.language import LanguageModel

    return LanguageModel(path)
