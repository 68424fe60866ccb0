"""What a fit with differential privacy takes as known: a schema that its owner wrote, and nothing of the rows."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from isthmus.data.parts import Parts
from isthmus.data.schema import Schema
from isthmus.data.variables import Category, Moment, Number, Numeric, Variable
from isthmus.errors import IsthmusWarning, UsageError
from isthmus.nets.corruptions import Mask
from isthmus.tasks.batches import Floats
from isthmus.tasks.counts import Domain
from isthmus.tasks.plan import Settings
from isthmus.tasks.privacy import Wanted

if TYPE_CHECKING:
    from isthmus.model import Autoencoder

FEW = 5
"""Rows with a value of a category below which it is worth asking whether everyone knows of it."""


def read_wanted(model: Autoencoder) -> Wanted | None:
    """Read what privacy an unfitted `model` was asked for; None for none.

    Raises
    ------
    UsageError
        For an epsilon or delta that cannot be, naming it, or a delta without epsilon.
    """
    epsilon, delta = model.dp_epsilon, model.dp_delta
    if epsilon is None:
        if delta is not None:
            raise UsageError(f"dp_delta is {delta!r} without dp_epsilon: give both, or dp_epsilon alone")
        return None
    if not _is_number(epsilon) or not 0 < epsilon <= 100:
        raise UsageError(f"dp_epsilon is {epsilon!r}; give a number above 0 and at most 100, such as 3")
    if delta is not None and (not _is_number(delta) or not 0 < delta < 1e-2):
        raise UsageError(f"dp_delta is {delta!r}; give a number above 0 and below 0.01, far below one over the rows")
    return Wanted(float(epsilon), None if delta is None else float(delta))


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


def check_private(model: Autoencoder, settings: Settings, X: Any) -> Schema:
    """Refuse what does not go with differential privacy, naming the first of it and what to do; give the schema."""
    if not isinstance(model.schema, Schema):
        raise UsageError(
            "dp_epsilon needs a schema of what is known without the rows: write one with `isthmus schema DATA -o "
            "schema.toml`, set its ranges and values to what anyone may know, and give it as schema (--schema)"
        )
    wrong = {
        "resume": settings.resume and "steps taken twice would be told twice: start anew",
        "checkpoint": settings.checkpoint is not None and "a run that goes on would tell more than was accounted for",
        "budget": settings.budget is not None and "the steps must be known before the first: give epochs",
        "condition": bool(model.condition) and "leave it out, and give values when rows are made up",
        "prior": settings.prior is not None and "leave it out: rows are made up cell by cell",
        "code": settings.code.generative and f"{settings.code.name} is taught by whole batches: take a dense one",
        "corruption": settings.corruption != (Mask(),) and "only mask spoils each row on its own: leave it at auto",
        "engine": model.engine is not None and "noisy steps are taken in one process: leave it out",
        "a table in parts": isinstance(X, Parts) and "rows have to fit into memory: allow more with --memory",
    }
    for name, reason in wrong.items():
        if reason:
            raise UsageError(f"{name} does not go with dp_epsilon: {reason}")
    return model.schema


def domains(schema: Schema) -> list[Domain]:
    """Give what a schema says of each coded column."""
    return [_domain(variable) for variable in schema.coded]


def _domain(variable: Variable) -> Domain:
    if not isinstance(variable, Numeric):
        return Domain(variable.size, variable.missing)
    decimals = variable.decimals if isinstance(variable, Number) else 0
    return Domain(None, variable.missing, variable.low, variable.high, decimals)


def warn_of_what_rows_told(schema: Schema, x: Floats) -> None:
    """Warn where a schema looks as if it was read off these rows (rows, columns); who holds them alone is told."""
    same, rare = [], []
    for j, variable in enumerate(schema.coded):
        known = x[~np.isnan(x[:, j]), j]
        if isinstance(variable, Numeric):
            ends = len(known) and (known.min(), known.max()) == (variable.low, variable.high)
            if ends and (isinstance(variable, Moment) or variable.high - variable.low > FEW):
                same.append(variable.name)
        elif isinstance(variable, Category):
            counts = np.bincount(known[known >= 0].astype(int), minlength=variable.size)
            if (counts[counts > 0] < FEW).any():
                rare.append(variable.name)
    listed = [(same, "ranges that are exactly the rows'"), (rare, f"values that fewer than {FEW} rows have")]
    for names, what in listed:
        if names:
            shown = ", ".join(f"'{name}'" for name in names[:8]) + (", ..." if len(names) > 8 else "")
            warnings.warn(
                f"the schema counts as public, and has {what} ({shown}): if they were read off the rows, "
                "the model tells them; edit the schema",
                IsthmusWarning,
                stacklevel=5,
            )
