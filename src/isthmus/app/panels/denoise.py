"""A picture, noisy and cleaned, side by side."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from isthmus.app.desk import Answer, Here
from isthmus.app.seen import as_url, picture_of, psnr
from isthmus.app.subjects import Other, Subject
from isthmus.errors import UsageError

ID, TITLE = "denoise", "Denoise"
router = APIRouter()

WAYS = ("photos", "self", "both")
LARGEST = 4_000_000
"""Pixels that are cleaned while somebody waits."""


def refusal(subject: Subject | None) -> str | None:
    """Show it always: what was learnt of photos comes with isthmus."""
    return None


@router.post("/denoise")
async def denoise(
    desk: Here, request: Request, how: str = "photos", level: float | None = None, noise: float = 0.0
) -> Answer:
    """Clean a picture that is sent; `noise` of that standard deviation (of 255) is put on it first."""
    sent = await request.body()
    if how not in WAYS:
        raise UsageError(f"how is {how!r}; known are {', '.join(WAYS)}")
    return Answer(await run_in_threadpool(_cleaned, desk, sent, how, level, noise))


def _cleaned(desk: Here, sent: bytes, how: str, level: float | None, noise: float) -> dict[str, Any]:
    from isthmus.denoiser import on_array, photos

    with desk.working() as notes:
        clean = picture_of(sent)
        if clean.shape[0] * clean.shape[1] > LARGEST:
            size = f"{clean.shape[1]:,} x {clean.shape[0]:,} pixels"
            raise UsageError(f"{size}: at most {LARGEST:,} here; `isthmus denoise` takes more")
        if not 0 <= noise <= 100:
            raise UsageError(f"noise {noise:g}: give 0 to 100")
        before = _noisy(clean, noise)
        own = isinstance(desk.subject, Other) and desk.subject.kind == "denoiser"
        model = None if how == "self" else desk.subject.model if own and desk.subject else photos()
        began = time.perf_counter()
        after, found = on_array(before, model, level=level, thorough=how == "both")
        told = {"before": as_url(before), "after": as_url(after), "level": found.level, "notes": notes}
        told |= {"seconds": time.perf_counter() - began, "rows": clean.shape[0], "columns": clean.shape[1]}
        if noise:
            told |= {"psnr_before": psnr(clean, before), "psnr_after": psnr(clean, after)}
        return told


def _noisy(clean: npt.NDArray[np.uint8], level: float) -> npt.NDArray[np.uint8]:
    if not level:
        return clean
    drawn = np.random.default_rng(0).normal(0, level, clean.shape)
    return np.asarray(np.clip(np.rint(clean + drawn), 0, 255), np.uint8)
