"""What the page has open, one thing at a time, and how its answers are made."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from starlette.responses import Response

from isthmus.app.fitting import Fitting
from isthmus.app.folder import Folder
from isthmus.app.pictured import Pictured
from isthmus.app.rowed import Rowed
from isthmus.app.subjects import Codeable, Dictionaried, Other, Subject
from isthmus.app.timed import Timed
from isthmus.as_json import to_json
from isthmus.errors import IsthmusWarning, UsageError
from isthmus.model import Autoencoder
from isthmus.pictures import PictureAutoencoder
from isthmus.series import SeriesAutoencoder
from isthmus.sparse import SparseAutoencoder
from isthmus.store import load

T = TypeVar("T")


class Answer(Response):
    """Strict JSON of anything that a job gives back."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Write it."""
        return to_json(content).encode()


class Desk:
    """A folder, what is open of it, and what was computed once and is kept.

    Parameters
    ----------
    folder
        Where files are found and kept.
    language_model
        The one that a sparse autoencoder's features can steer.
    """

    def __init__(self, folder: Folder, language_model: Path | None = None) -> None:
        self.folder, self.language_model = folder, language_model
        self.fitting = Fitting()
        self.subject: Subject | None = None
        self.opened = 0
        self._lock = threading.RLock()
        self._kept: dict[Any, Any] = {}

    def open(self, model: str, data: str | None = None) -> None:
        """Open a model, with data or without; what was open stays so if that fails."""
        with self._lock:
            subject = open_subject(self.folder.find(model))
            if data:
                subject.open(self.folder.find(data))
            self.subject, self._kept, self.opened = subject, {}, self.opened + 1

    @contextmanager
    def working(self) -> Iterator[list[str]]:
        """Let nobody else compute meanwhile; gives a list of what was warned of."""
        with self._lock, warnings.catch_warnings():
            notes: list[str] = []

            def note(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
                if issubclass(category, IsthmusWarning):
                    notes.append(str(message))

            warnings.simplefilter("ignore")
            warnings.simplefilter("always", IsthmusWarning)
            warnings.showwarning = note
            yield notes

    def keep(self, key: Any, make: Callable[[], T]) -> T:
        """Give what was made before under a key, or make it, until something else is opened."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            found: T = self._kept[key]
            return found

    @property
    def codeable(self) -> Codeable:
        """What is open, if it has codes."""
        if not isinstance(self.subject, Codeable):
            raise UsageError("open a model of a table or of pictures first")
        return self.subject

    @property
    def pictured(self) -> Pictured:
        """What is open, if it is a model of pictures or of sounds."""
        if not isinstance(self.subject, Pictured):
            raise UsageError("open a model of pictures or of sounds first")
        return self.subject

    @property
    def rowed(self) -> Rowed:
        """What is open, if it is a model of a table."""
        if not isinstance(self.subject, Rowed):
            raise UsageError("open a model of a table first")
        return self.subject


def open_subject(path: Path) -> Subject:
    """Open a model of any kind."""
    model = load(path)
    if isinstance(model, Autoencoder):
        return Rowed(model, path.name)
    if isinstance(model, SeriesAutoencoder):
        return Timed(model, path.name)
    if isinstance(model, PictureAutoencoder):
        return Pictured(model, path.name)
    if isinstance(model, SparseAutoencoder):
        return Dictionaried(model, path.name)
    return Other(model, path.name)


def desk_of(request: Request) -> Desk:
    """Find the desk of a request."""
    desk: Desk = request.app.state.desk
    return desk


Here = Annotated[Desk, Depends(desk_of)]
