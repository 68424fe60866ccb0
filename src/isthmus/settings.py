"""What an estimator was asked for, read and checked when it is fitted and not before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.errors import UsageError
from isthmus.nets.codes import Code, parse_code
from isthmus.nets.corruptions import Corruption, Mask, parse_corruption
from isthmus.private import read_wanted
from isthmus.tasks.plan import Settings

if TYPE_CHECKING:
    from isthmus.model import Autoencoder


def read_settings(model: Autoencoder) -> Settings:
    """Read the settings of an unfitted `model`, all but its condition, which only the data can judge.

    Raises
    ------
    UsageError
        Naming the first setting that cannot be, its value, and what it may be.
    """
    for name in ("width", "blocks", "batch_size"):
        if not isinstance(getattr(model, name), int) or getattr(model, name) < 1:
            raise UsageError(f"{name} is {getattr(model, name)!r}; give a whole number of 1 or more")
    for name in ("epochs", "learning_rate"):
        value = getattr(model, name)
        if value is not None and not 0 < value < float("inf"):
            raise UsageError(f"{name} is {value!r}; give a number above 0")
    if not isinstance(model.seed, int) or model.seed < 0:
        raise UsageError(f"seed is {model.seed!r}; give a whole number of 0 or more")
    if model.resume and model.checkpoint is None:
        raise UsageError("resume needs checkpoint, the file to go on from")
    code = parse_code(model.code)
    corruption = model.corruption
    if isinstance(corruption, str) and corruption == "auto":
        corruption = () if code.generative or model.prior == "learnt" else (Mask(),)
    corruption = parse_corruption(corruption)
    _check_prior(model.prior, code, corruption)
    return Settings(
        code=code,
        corruption=corruption,
        prior=model.prior,
        width=model.width,
        blocks=model.blocks,
        epochs=model.epochs,
        budget=parse_duration(model.budget),
        batch_size=model.batch_size,
        learning_rate=model.learning_rate,
        seed=model.seed,
        device=model.device,
        checkpoint=None if model.checkpoint is None else Path(model.checkpoint),
        resume=model.resume,
        private=read_wanted(model),
    )


def check_training(estimator: Any, names: Sequence[str] = ("steps", "learning_rate")) -> None:
    """Refuse settings of a training by steps that cannot be, naming the first and what it may be."""
    for name in names:
        value = getattr(estimator, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise UsageError(f"{name} is {value!r}; give a number above 0")
    if not isinstance(estimator.seed, int) or estimator.seed < 0:
        raise UsageError(f"seed is {estimator.seed!r}; give a whole number of 0 or more")
    if estimator.resume and estimator.checkpoint is None:
        raise UsageError("resume needs checkpoint, the file to go on from")


def _check_prior(prior: str | None, code: Code, corruption: Sequence[Corruption]) -> None:
    if prior not in (None, "normal", "learnt"):
        raise UsageError(f"prior is {prior!r}; give 'normal' or 'learnt'")
    if prior == "normal" and not code.generative:
        raise UsageError(f"prior 'normal': code {code} has none; give a gaussian code, or prior 'learnt'")
    if prior is not None and any(isinstance(kind, Mask) for kind in corruption):
        raise UsageError(
            f"prior {prior!r}: a model with corruption mask makes up rows without one; leave one of them out"
        )


def places(wanted: Sequence[str], names: Sequence[str], option: str = "condition") -> tuple[int, ...]:
    """Find the columns that an option names among the coded columns `names`."""
    for name in wanted:
        if name not in names:
            raise UsageError(f"{option} {name!r}: no such coded column; there are {', '.join(names)}")
    return tuple(names.index(name) for name in wanted)


def parse_duration(given: float | str | None) -> float | None:
    """Read seconds from a number or from words such as "90s", "2min", "1h".

    Examples
    --------
    >>> parse_duration("2min"), parse_duration(45), parse_duration(None)
    (120.0, 45.0, None)
    """
    if given is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|sec|min|m|h)?\s*", str(given))
    seconds = float(found[1]) * {"m": 60, "h": 3600}.get((found[2] or "s")[0], 1) if found else 0.0
    if seconds <= 0:
        raise UsageError(f"budget is {given!r}; give a time such as 60s, 2min or 1h")
    return seconds
