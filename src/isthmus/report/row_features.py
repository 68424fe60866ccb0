"""Features of a sparse code of a table as a page: the rows each fires on most, and which columns it moves."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from isthmus.data.sources import open_table
from isthmus.errors import DataError, UsageError
from isthmus.model import Autoencoder
from isthmus.report.browser import Browser, write_browser
from isthmus.report.features_page import histogram_of, percent, rounded
from isthmus.sparse import SparseAutoencoder
from isthmus.tasks.interpret.features import OCTAVE, Collected, collect, nearest
from isthmus.tasks.interpret.labels import Background, Label
from isthmus.tasks.interpret.row_labels import row_aspects, row_label
from isthmus.tasks.moves import moves

__all__ = ["browse_rows"]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.float32]

_MOVED, _ROWS, _COLUMNS = 10, 48, 60
"""Columns told of that a feature moves most, rows it is averaged over, and columns shown of a row."""
_MOVES = (
    "Rows where it fires, decoded with the feature and without: numbers change in standard deviations, categories in"
    " the probability of the value named."
)


def browse_rows(
    model: Autoencoder | SparseAutoencoder, data: Any, out: str | PathLike[str], *, examples: int = 20
) -> dict[str, Any]:
    """Write a page of the features of a table's sparse code.

    Parameters
    ----------
    model
        Fitted with a sparse code; or a sparse autoencoder of rows of numbers.
    data
        A table as `fit` takes it, or an array for a sparse autoencoder.
    out
        The .html file to write.
    examples
        Strongest rows of each feature.

    Returns
    -------
    dict
        `features`, `rows`, `dead`, `l0`, `bytes`, `seconds`.
    """
    began = time.perf_counter()
    rows = _Matrix.of(model, data) if isinstance(model, SparseAutoencoder) else _Table.of(model, data)
    found = collect(_Store(rows.codes), _Same(rows.codes.shape[1]), np.ones(len(rows.codes), bool), examples=examples)
    told = row_aspects(rows.names, rows.x, rows.words)
    usual = Background.of_sets(told)
    labels = []
    for j in range(len(found.count)):
        top, drawn = ([told[row] for row in best.row[j].tolist() if row >= 0] for best in (found.top, found.drawn))
        labels.append(row_label(top, drawn, usual))
    size = write_browser(out, _browser(rows, found, labels))
    return {
        "features": len(labels),
        "rows": found.rows,
        "dead": float(np.mean(found.count == 0)),
        "l0": float(found.count.sum() / max(found.rows, 1)),
        "bytes": size,
        "seconds": time.perf_counter() - began,
    }


class _Store:
    """Codes of rows, each row a passage of its own."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes

    def __len__(self) -> int:
        return len(self._codes)

    def block(self, start: int, stop: int) -> Codes:
        return self._codes[start:stop].copy()

    def passages(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        return rows.astype(np.int32)

    def texts(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        return np.zeros(len(rows), np.int32)


class _Same:
    """What was encoded already."""

    def __init__(self, size: int) -> None:
        self.size = size

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return x


@dataclass(frozen=True)
class _Table:
    """A table and an autoencoder with a sparse code."""

    model: Autoencoder
    title: str
    codes: Codes
    names: list[str]
    x: Floats
    words: list[list[str] | None]
    directions: torch.Tensor
    columns: Any

    @classmethod
    def of(cls, model: Autoencoder, data: Any) -> _Table:
        if model.net_.code.name != "sparse":
            raise UsageError(
                f"the code is {model.net_.code}: features are read off a sparse one, as --code sparse:256:k=16"
            )
        codes = model.encode(data)
        table = open_table(data, missing=tuple(model.missing))
        variables = model.schema_.coded
        return cls(
            model,
            f"{codes.shape[1]:,} features of {len(codes):,} rows",
            codes,
            [variable.name for variable in variables],
            model.codec_.encode(table),
            [None if variable.size is None else [str(value) for value in variable.values] for variable in variables],  # type: ignore[attr-defined]
            model.net_.decoder.widen.weight.detach().T,
            table.columns,
        )

    def cells(self, row: int) -> list[str]:
        """Give a row's cells as text."""
        here = set(self.columns.column_names)
        return [_cell(self.columns[name][row].as_py()) if name in here else "" for name in self.names[:_COLUMNS]]

    def moved(self, feature: int, rows: Sequence[int]) -> list[tuple[str, float, str]]:
        """Say which columns a feature moves: name, change, and the change in words."""
        net = self.model.net_
        found = []
        for move in moves(net, self.codes[list(rows)], feature, self.x[list(rows)])[:_MOVED]:
            likelihood = net.columns.likelihoods[move.column]
            if move.value is None:
                mean, spread = (float(each) for each in likelihood.unit)  # type: ignore[union-attr]
                words = f"{_number(move.without * spread + mean)} to {_number(move.with_ * spread + mean)}"
                name = self.names[move.column]
            else:
                values = self.words[move.column] or []
                value = values[move.value] if move.value < len(values) else "missing"
                name = f"{self.names[move.column]} {value}"
                words = f"{100 * move.without:.0f} to {100 * move.with_:.0f} %"
            found.append((name, rounded(move.size, 3), words))
        return found


@dataclass(frozen=True)
class _Matrix:
    """Rows of numbers and a sparse autoencoder of them."""

    title: str
    codes: Codes
    names: list[str]
    x: Floats
    words: list[list[str] | None]
    directions: torch.Tensor

    @classmethod
    def of(cls, model: SparseAutoencoder, data: Any) -> _Matrix:
        columns = open_table(data).columns
        try:
            x = np.column_stack([column.to_numpy().astype(np.float64) for column in columns.columns])
        except (TypeError, ValueError):
            raise DataError("a sparse autoencoder reads numbers only: a column of these is none") from None
        codes = model.encode(x)
        title = f"{codes.shape[1]:,} features of {len(codes):,} rows"
        return cls(title, codes, columns.column_names, x, [None] * x.shape[1], model.net.directions().cpu())

    def cells(self, row: int) -> list[str]:
        return [_cell(float(value)) for value in self.x[row, :_COLUMNS]]

    def moved(self, feature: int, rows: Sequence[int]) -> list[tuple[str, float, str]]:
        by = float(self.codes[list(rows), feature].mean()) * self.directions[feature].numpy().astype(np.float64)
        size = by[: len(self.names)] / np.maximum(self.x.std(0), 1e-12)
        order = np.argsort(-np.abs(size))[:_MOVED]
        return [(self.names[j], rounded(float(size[j]), 3), f"{by[j]:+.3g}") for j in order.tolist()]


def _browser(rows: _Table | _Matrix, found: Collected, labels: list[Label]) -> Browser:
    shown = sorted({row for best in (found.top, found.drawn) for row in best.row.ravel().tolist() if row >= 0})
    place = {row: at for at, row in enumerate(shown)}
    density = found.count / max(found.rows, 1)
    return Browser(
        "rows",
        rows.title,
        "rows",
        _MOVES,
        {
            "label": [each.text for each in labels],
            "density": [rounded(each, 3) for each in density.tolist()],
            "peak": [rounded(each) for each in found.peak.tolist()],
            "clear": [round(each.clear, 3) for each in labels],
            "words": [""] * len(labels),
        },
        _features(rows, found, labels, place),
        lead=_LEAD,
        facts=[
            ("rows read", f"{found.rows:,}"),
            ("features", f"{len(labels):,}"),
            ("fire on a row", f"{found.count.sum() / max(found.rows, 1):.1f}"),
            ("never fire here", f"{100 * float(np.mean(found.count == 0)):.1f} %"),
        ],
        more={"cells": [rows.cells(row) for row in shown]},
        extra={
            "octave": OCTAVE,
            "columns": rows.names[:_COLUMNS],
            "numeric": [words is None for words in rows.words[:_COLUMNS]],
        },
    )


_LEAD = (
    "Each feature is one number of a sparse code: of a row only a few are not zero, and the row is rebuilt from them.",
    "Labels name cells that the rows where a feature fires most share and other rows seldom have; low and high are the"
    " lowest and highest fifth, very low and very high the outer twentieths.",
)


def _features(
    rows: _Table | _Matrix, found: Collected, labels: list[Label], place: dict[int, int]
) -> Iterator[dict[str, Any]]:
    others, cosines = nearest(rows.directions)
    for j, given in enumerate(labels):
        firing = np.flatnonzero(rows.codes[:, j] > 0)
        some = firing[np.linspace(0, len(firing) - 1, min(len(firing), _ROWS)).round().astype(int)].tolist()
        top = [
            (int(row), float(value))
            for row, value in zip(found.top.row[j], found.top.value[j], strict=True)
            if row >= 0
        ]
        drawn = sorted(
            (
                (int(row), float(value))
                for row, value in zip(found.drawn.row[j], found.drawn.value[j], strict=True)
                if row >= 0 and row not in dict(top)
            ),
            key=lambda each: -each[1],
        )
        yield {
            "count": int(found.count[j]),
            "peak": rounded(float(found.peak[j])),
            "told": _told(given),
            "histogram": histogram_of(found, j),
            "examples": [{"row": row, "at": place[row], "value": rounded(value)} for row, value in top],
            "drawn": [{"row": row, "at": place[row], "value": rounded(value)} for row, value in drawn[::2]],
            "moves": rows.moved(j, some) if some else [],
            "near": [[int(k), round(float(c), 3)] for k, c in zip(others[j], cosines[j], strict=True)],
        }


def _told(given: Label) -> str:
    if given.top is None:
        return ""
    drawn = "" if given.drawn is None else f", for {100 * given.drawn:.0f} % of those drawn from all where it fires"
    return (
        f"Label found by itself: it holds for {100 * given.top:.0f} % of the strongest rows{drawn}; of all rows for"
        f" {percent(given.usual)} at most."
    )


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)[:60]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
