"""A series as a picture: its columns over time, where it was odd, and how odd each moment was."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from isthmus.data.series import numbers_of, times
from isthmus.files import writing
from isthmus.report.labels import short
from isthmus.report.pictures import INK, MODEL, PEER, WIDTH, drawing

if TYPE_CHECKING:
    from isthmus.series import OddMoments

__all__ = ["draw_series"]

MOST = 8
"""Columns that are drawn: those whose own values surprise most in the stretches that are marked."""


def draw_series(found: OddMoments, path: str | PathLike[str], top: int = 10) -> None:
    """Draw a series as .png or .svg: the oddest stretches shaded, numbered by rank, and scores below."""
    stretches, numbers = found.stretches(top), numbers_of(found.table, found.columns)
    cells = found.cells()
    inside = np.concatenate([np.arange(first, last + 1) for _, first, last in stretches])
    names = sorted(numbers, key=lambda name: -float(cells[name][inside].max()) if name in cells else 0.0)[:MOST]
    when = times(found.table)
    time = np.arange(found.table.num_rows) if when is None or when[1].null_count else when[1].to_numpy(False)
    with drawing():
        figure = Figure(figsize=(WIDTH, 1.25 * len(names) + 1.5))
        panels = figure.subplots(len(names) + 1, 1, sharex=True, squeeze=False)[:, 0]
        for panel, name in zip(panels, names, strict=False):
            panel.plot(time, numbers[name], color=INK, linewidth=0.7)
            panel.set_title(short(name, 60))
        panels[-1].plot(time, found.scores, color=MODEL, linewidth=0.7)
        panels[-1].set_title("how odd, in bits")
        for rank, (row, first, last) in enumerate(stretches, 1):
            for panel in panels:
                panel.axvspan(time[first], time[last], color=PEER, alpha=0.25, linewidth=1.5)
            panels[-1].annotate(str(rank), (time[row], found.scores[row]), color=PEER, fontsize=8, fontweight="bold")
        with writing(Path(path)) as temporary:
            figure.savefig(temporary, dpi=150, facecolor="white")
