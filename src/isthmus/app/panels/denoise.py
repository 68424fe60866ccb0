"""A picture or a sound, noisy and cleaned, side by side."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from isthmus.app.desk import Answer, Desk, Here
from isthmus.app.seen import as_sound_url, as_spectrograms, as_url, decibels, picture_of, psnr, sound_of
from isthmus.app.subjects import Other, Subject
from isthmus.data.signals import Signal
from isthmus.endings import SOUND, kind_of
from isthmus.errors import UsageError

ID, TITLE = "denoise", "Denoise"
router = APIRouter()

LEARNT, SELF, BOTH = "learnt", "self", "both"
WAYS = (LEARNT, SELF, BOTH)
LARGEST = 4_000_000
"""Pixels that are cleaned while somebody waits."""
MOST = 2_000_000
"""Samples that are cleaned by themselves, which takes longest, while somebody waits."""


def refusal(subject: Subject | None) -> str | None:
    """Show it always: what was learnt of photos and of speech comes with isthmus."""
    return None


@router.post("/denoise")
async def denoise(
    desk: Here,
    request: Request,
    name: str = "",
    how: str = LEARNT,
    level: float | None = None,
    noise: float = 0.0,
    above: float | None = None,
) -> Answer:
    """Clean what is sent, a sound where its name says so, else a picture.

    Noise is put on it first where that is asked for: on a picture `noise` of that standard deviation (of 255), on a
    sound as much as leaves it `above` by that many decibels.
    """
    sent = await request.body()
    if how not in WAYS:
        raise UsageError(f"how is {how!r}; known are {', '.join(WAYS)}")
    if kind_of(name) == SOUND:
        return Answer(await run_in_threadpool(_cleaned_sound, desk, sent, name, how, above))
    return Answer(await run_in_threadpool(_cleaned, desk, sent, how, level, noise))


def _cleaned(desk: Desk, sent: bytes, how: str, level: float | None, noise: float) -> dict[str, Any]:
    from isthmus.denoiser import on_array, photos

    with desk.working() as notes:
        clean = picture_of(sent)
        if clean.shape[0] * clean.shape[1] > LARGEST:
            size = f"{clean.shape[1]:,} x {clean.shape[0]:,} pixels"
            raise UsageError(f"{size}: at most {LARGEST:,} here; `isthmus denoise` takes more")
        if not 0 <= noise <= 100:
            raise UsageError(f"noise {noise:g}: give 0 to 100")
        before = _noisy(clean, noise)
        model = None if how == SELF else _own(desk, "denoiser") or photos()
        began = time.perf_counter()
        after, found = on_array(before, model, level=level, thorough=how == BOTH)
        told = {"before": as_url(before), "after": as_url(after), "level": found.level, "notes": notes}
        told |= {"seconds": time.perf_counter() - began, "rows": clean.shape[0], "columns": clean.shape[1]}
        if noise:
            told |= {"psnr_before": psnr(clean, before), "psnr_after": psnr(clean, after)}
        return told


def _cleaned_sound(desk: Desk, sent: bytes, name: str, how: str, above: float | None) -> dict[str, Any]:
    from isthmus.denoising import on_sound
    from isthmus.speech import speech

    with desk.working() as notes:
        clean = sound_of(sent, repr(name))
        if how == BOTH:
            raise UsageError("how is 'both', which is for pictures; a sound is cleaned by what was learnt or by itself")
        if above is not None and not -20 <= above <= 60:
            raise UsageError(f"above {above:g}: give -20 to 60 decibels")
        clean, before = (clean, clean) if above is None else _spoilt(clean, above)
        many = before.samples.size > MOST
        if how == SELF and many:
            raise UsageError(f"{before.samples.size:,} samples: at most {MOST:,} here; `isthmus denoise` takes more")
        learnt = _own(desk, "speech") or (speech() if many else None)  # None goes on by itself where nobody speaks
        began = time.perf_counter()
        after, found = on_sound(before, SELF if how == SELF else learnt)
        took, pair = time.perf_counter() - began, (before, after)
        told: dict[str, Any] = {"sounds": list(map(as_sound_url, pair)), "pictures": as_spectrograms(pair)}
        told |= {"notes": notes, "levels": [each.level for each in found], "by": found[0].by, "seconds": took}
        told |= {"length": len(clean.samples) / clean.rate, "rate": clean.rate}
        if above is not None:
            told |= {"above_before": decibels(clean.samples, before.samples)}
            told |= {"above_after": decibels(clean.samples, after.samples)}
        return told


def _own(desk: Desk, kind: str) -> Any:
    """Give the model that is open, where it is a denoiser of this kind."""
    subject = desk.subject
    return subject.model if isinstance(subject, Other) and subject.kind == kind else None


def _noisy(clean: npt.NDArray[np.uint8], level: float) -> npt.NDArray[np.uint8]:
    if not level:
        return clean
    drawn = np.random.default_rng(0).normal(0, level, clean.shape)
    return np.asarray(np.clip(np.rint(clean + drawn), 0, 255), np.uint8)


def _spoilt(clean: Signal, above: float) -> tuple[Signal, Signal]:
    """Give a sound, and the same in white noise that it is `above` by decibels, both as loud as can be played."""
    drawn = np.random.default_rng(0).normal(size=clean.samples.shape)
    size = np.sqrt(np.square(clean.samples, dtype=np.float64).mean()) * 10 ** (-above / 20)
    noisy = clean.samples + size * drawn
    loud = max(1.0, float(np.abs(noisy).max()))
    quiet, spoilt = (np.asarray(each / loud, np.float32) for each in (clean.samples, noisy))
    return Signal(quiet, clean.rate), Signal(spoilt, clean.rate)
