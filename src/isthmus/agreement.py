"""Two models of the same columns: how far their codes and answers agree, and codes of one as codes of the other."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.data.sources import Table, open_table
from isthmus.errors import DataError, IsthmusWarning, UsageError
from isthmus.tasks import compare as measures
from isthmus.tasks import impute, reconstruct
from isthmus.tasks.align import Affine, through_rows
from isthmus.tasks.batches import Codes, Floats

if TYPE_CHECKING:
    from isthmus.halves import Part
    from isthmus.model import Autoencoder

__all__ = ["Agreement", "Method", "align", "compare"]

Method = Literal["rows", "linear"]

ROWS = 4096
"""Rows compared unless told: neighbours are found by looking at every pair."""

HIDDEN = 0.3


@dataclass(frozen=True)
class Agreement:
    """How far two models agree about the same rows; `measured` holds each figure by its name.

    Attributes
    ----------
    rows
        How many were compared.
    measured
        For each figure its value, 1 being full agreement, and what two models that have nothing in common would
        have, where that is known: `{"cka": {"value": 0.8, "chance": None, "says": "..."}, ...}`.
    codes
        Of the rows that were compared: `one`, `other`, and `aligned`, the one's codes as codes of the other's.
    """

    rows: int
    measured: dict[str, dict[str, Any]]
    codes: dict[str, Codes] = field(repr=False)

    def __getitem__(self, name: str) -> float | None:
        """Give the value of a figure."""
        value: float | None = self.measured[name]["value"]
        return value

    def to_dict(self) -> dict[str, Any]:
        """Give everything but the codes, for JSON."""
        return {"rows": self.rows, **self.measured}


def compare(one: Autoencoder, other: Autoencoder, data: Any, *, rows: int = ROWS, seed: int = 0) -> Agreement:
    """Measure how far two models of the same columns agree about rows.

    Parameters
    ----------
    one, other
        Fitted models; the one's codes are aligned to the other's.
    data
        Rows, best such that neither was fitted to: a path, frame or array. Beyond `rows`, so many are drawn.
    rows, seed
        How many rows to compare at most; which are drawn, and which cells are hidden.

    Raises
    ------
    DataError
        Where the models do not know the same columns, kinds and levels.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from isthmus import Autoencoder
    >>> flowers = load_iris(as_frame=True).frame
    >>> one, other = (Autoencoder(epochs=30, seed=seed).fit(flowers) for seed in (0, 1))
    >>> found = compare(one, other, flowers)
    >>> found["neighbours aligned"] > found["neighbours"]
    True
    """
    _check(one, other)
    _check(other, one)
    table = _drawn(open_table(data, missing=one.missing), rows, seed)
    if table.rows < 3:
        raise DataError(f"{table.rows} rows are too few to compare models by: give 3 or more")
    with _quiet():
        return Agreement(table.rows, *_measure(one, other, table, seed))


def _measure(
    one: Autoencoder, other: Autoencoder, table: Table, seed: int
) -> tuple[dict[str, dict[str, Any]], dict[str, Codes]]:
    x, y = one.codec_.encode(table), other.codec_.encode(table)
    a, b = reconstruct.encode(one.net_, x), reconstruct.encode(other.net_, y)
    aligned = _through_rows(one, other, a, x if one.net_.condition else None)
    chance = min(measures.NEIGHBOURS / (table.rows - 1), 1.0)
    near = f"of the {measures.NEIGHBOURS} rows nearest to a row"
    found: dict[str, dict[str, Any]] = {}

    def add(name: str, value: float | None, says: str, by_chance: float | None = None) -> None:
        found[name] = {"value": value, "chance": by_chance, "says": says}

    add("cka", measures.cka(a, b), "linear CKA of the codes")
    add("procrustes", 1 - measures.procrustes(a, b), "variance explained once one's codes are turned onto the other's")
    add("neighbours", measures.same_neighbours(a, a, b), f"share {near}, each in its own codes", chance)
    add(
        "neighbours aligned",
        measures.same_neighbours(aligned, b, b),
        "the same, aligned codes of one searched for among codes of the other",
        chance,
    )
    add(
        "neighbours stored",
        measures.same_neighbours(b, aligned, b),
        "the same, codes of the other searched for among aligned codes of one",
        chance,
    )
    add("itself", measures.finds_itself(aligned, b), "share of aligned codes nearest to the same row", 1 / table.rows)
    answers = _answers(one, other, (x, y), seed)
    for name, (share, tie, says) in answers.items():
        add(f"{name}, categories", share, f"share of {says} that are the same")
        add(f"{name}, numbers", tie, f"mean correlation of {says}")
    first, second = (model.outliers(table).scores for model in (one, other))
    add("outliers, ranks", measures.same_order(first, second), "Spearman's correlation of the scores", 0.0)
    add("outliers, top 1 %", measures.same_top(first, second), "share of the oddest rows that are the same", 0.01)
    return found, {"one": a, "other": b, "aligned": aligned}


def _answers(
    one: Autoencoder, other: Autoencoder, values: tuple[Floats, Floats], seed: int
) -> dict[str, tuple[float | None, float | None, str]]:
    """Compare cells that both fill in where they were hidden, and cells that both rebuild."""
    x = values[0]
    hidden = np.random.default_rng(seed).random(x.shape) < HIDDEN
    numeric = np.asarray([variable.size is None for variable in one.schema_.coded])
    places = _places(one, other)
    filled: list[Floats] = []
    rebuilt: list[Floats] = []
    for model, own, hide in zip((one, other), values, (hidden, hidden[:, places]), strict=True):
        guess = impute.impute(model.net_, np.where(hide, np.nan, own), "mode", seed)
        filled.append(_read(model, one, guess))
        rebuilt.append(_read(model, one, reconstruct.reconstruct(model.net_, own)))
    known = ~np.isnan(x)
    imputed = measures.same_values(filled[0], filled[1], numeric, hidden & known)
    kept = measures.same_values(rebuilt[0], rebuilt[1], numeric, np.ones_like(known))
    return {
        "imputed": (*imputed, f"cells filled in, {HIDDEN:.0%} hidden"),
        "rebuilt": (*kept, "cells rebuilt from the codes"),
    }


def align(
    old: Part,
    new: Part,
    codes: npt.ArrayLike,
    *,
    method: Method = "rows",
    data: Any = None,
    given: Any = None,
) -> Codes:
    """Turn codes of one model into codes of another, so that stored codes survive a retraining.

    Parameters
    ----------
    old, new
        Models of the same columns; for `method="rows"` the old one's decoder and the new one's encoder are enough.
    codes
        Codes (rows, size) that `old` made.
    method
        "rows" rebuilds the row that each code stands for and encodes it anew: as exact as the old code keeps its
        row. "linear" maps the codes by an affine map learnt from `data`, which both encode.
    data
        Rows to learn the linear map from: a path, frame or array.
    given
        The condition columns of the rows, for an old model that has some: see `isthmus.Autoencoder.decode`.

    Returns
    -------
    array
        Codes (rows, new size), float32.

    Raises
    ------
    DataError
        Where the new model lacks a column or level of the old one, or codes are not the old model's.
    """
    for model, half in ((old, "decode"), (new, "encode")):
        if method == "rows" and not hasattr(model, half):
            raise UsageError(f"method rows has to {half}, which {type(model).__name__.lower()}s saved alone cannot")
    _check(old, new)
    array = old._codes(codes)
    if method == "rows":
        if data is not None:
            raise UsageError("method rows needs no data: leave it out, or say method linear")
        if old.net_.condition and given is None:
            raise UsageError("the old model has condition columns, which its codes do not hold: give them (given)")
        return _through_rows(old, new, array, old._condition(given, len(array)))
    if method != "linear":
        raise UsageError(f"align method {method!r} is unknown; methods are rows and linear")
    if data is None:
        raise UsageError("method linear learns from rows that both models encode: give data")
    for model in (old, new):
        if model.net_.code.name in ("sparse", "quantized"):
            raise UsageError(f"method linear suits dense and gaussian codes, not {model.net_.code.name}: use rows")
    table = open_table(data)
    pairs = (reconstruct.encode(model.net_, model.codec_.encode(table)) for model in (old, new))
    return Affine(*pairs)(array)


def _through_rows(old: Part, new: Part, codes: Codes, given: Floats | None) -> Codes:
    return through_rows(old.net_, new.net_, codes, lambda values: _read(old, new, values), given)


def _read(source: Part, target: Part, values: Floats) -> Floats:
    """Turn values (rows, columns) of one model into the values that another has for the same cells."""
    return target.codec_.encode(Table(source.codec_.decode(values)), clip=False)


def _places(one: Part, other: Part) -> list[int]:
    """Where the columns of `other` stand in `one`."""
    names = [variable.name for variable in one.schema_.coded]
    return [names.index(variable.name) for variable in other.schema_.coded]


def _check(old: Part, new: Part) -> None:
    """Refuse a new model that does not know everything the old one's codes can stand for."""
    known = {variable.name: variable for variable in new.schema_.coded}
    for variable in old.schema_.coded:
        if variable.name not in known:
            raise DataError(f"the models have different columns: '{variable.name}' is in one of them only")
        same = known[variable.name]
        if same.kind != variable.kind:
            raise DataError(
                f"column '{variable.name}' is a {variable.kind} in one model, a {same.kind} in the other: "
                "fit both with the same schema"
            )
        lacking = [value for value in getattr(variable, "values", ()) if value not in getattr(same, "values", ())]
        if lacking:
            listed = ", ".join(map(repr, lacking[:4])) + (", ..." if len(lacking) > 4 else "")
            raise DataError(f"column '{variable.name}': one model knows {listed}, the other does not")


def _drawn(table: Table, most: int, seed: int) -> Table:
    """Draw at most so many rows, in their order."""
    if table.rows <= most:
        return table
    chosen = np.sort(np.random.default_rng(seed).permutation(table.rows)[:most])
    return Table(table.columns.take(pa.array(chosen)), table.flavour.without_rows())


@contextmanager
def _quiet() -> Iterator[None]:
    """Say once, and not of every encoding, that rows hold values a model never saw."""
    with warnings.catch_warnings():
        warnings.simplefilter("once", IsthmusWarning)
        yield
