"""The way from one row to another, column by column."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from isthmus.files import writing
from isthmus.report import html
from isthmus.report.labels import short
from isthmus.report.pictures import BASE, MODEL, PEER, WIDTH, drawing, png, svg

__all__ = ["way_figure", "way_picture"]

_ACROSS = 3


def way_picture(rows: pa.Table, path: str | PathLike[str], title: str) -> None:
    """Draw rows on the way from the first to the last in a .png or an .html file, which has them in a table as well."""
    figure = way_figure(rows)
    if Path(path).suffix.lower() == ".png":
        png(figure, path)
        return
    words = f"The columns that change on the way, a dot a row; {len(rows) - 2} rows lie between the two real ones."
    numbered = [[i, *("" if cell is None else cell for cell in row.values())] for i, row in enumerate(rows.to_pylist())]
    table = html.table(["step", *rows.column_names], numbered)
    page = html.page(title, words, html.figure(svg(figure, words), "Orange: the real rows."), table)
    with writing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def way_figure(rows: pa.Table) -> Figure:
    """Draw each column that changes over the steps: numbers as a line, categories as places on a ladder."""
    changing = [name for name in rows.column_names if len(rows[name].unique()) > 1] or rows.column_names[:1]
    down = -(-len(changing) // _ACROSS)
    with drawing():
        figure = Figure(figsize=(WIDTH, 1.9 * down + 0.2))
        panels = figure.subplots(down, _ACROSS, squeeze=False).ravel()
        for empty in panels[len(changing) :]:
            empty.set_visible(False)
        for name, panel in zip(changing, panels, strict=False):
            _column(panel, rows[name].to_numpy())
            panel.set_title(short(name, 26))
            panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        for panel in panels[max(len(changing) - _ACROSS, 0) : len(changing)]:
            panel.set_xlabel("step")
    return figure


def _column(panel: Axes, cells: np.ndarray[Any, np.dtype[Any]]) -> None:
    """Draw one column's cells (rows,), the first and the last in another colour."""
    heights = cells
    if cells.dtype.kind not in "iufM":
        words = ["missing" if cell is None else str(cell) for cell in cells]
        ladder = list(dict.fromkeys(words))
        heights = np.asarray([ladder.index(word) for word in words])
        panel.set_yticks(range(len(ladder)), [short(word, 14) for word in ladder], fontsize=7.5)
        panel.set_ylim(-0.5, len(ladder) - 0.5)
    elif cells.dtype.kind != "M":
        panel.ticklabel_format(axis="y", useOffset=False)  # 42.051 and not 0.001 + 42.05
    steps = np.arange(len(cells))
    panel.set_xlim(-0.35, len(cells) - 0.65)  # the same of all panels, where cells are missing as well
    panel.plot(steps, heights, color=BASE, linewidth=1.2)
    panel.scatter(steps[1:-1], heights[1:-1], s=16, color=MODEL, linewidths=0, zorder=3)
    panel.scatter(steps[[0, -1]], heights[[0, -1]], s=22, color=PEER, linewidths=0, zorder=3)
