"""The panels of the page: each a module here, which answers, and one in `static/panels`, which shows."""

from __future__ import annotations

from typing import Protocol

from fastapi import APIRouter

from isthmus.app.panels import (
    compress,
    denoise,
    features,
    fill,
    generate,
    library,
    map_,
    outliers,
    overview,
    search,
    sliders,
)
from isthmus.app.subjects import Subject


class Panel(Protocol):
    """What a panel's module holds."""

    ID: str
    TITLE: str
    router: APIRouter

    def refusal(self, subject: Subject | None) -> str | None:
        """Say why there is nothing to show of what is open, or None where there is."""


PANELS: tuple[Panel, ...] = (
    library,
    overview,
    map_,
    sliders,
    outliers,
    fill,
    generate,
    search,
    compress,
    denoise,
    features,
)
"""In the order of the page."""
