"""How much autoencoders keep over how many features they use for it: the Pareto picture of sparsity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

from matplotlib.figure import Figure

from isthmus.report.pictures import COLOURS, WIDTH, drawing, png

__all__ = ["pareto_figure", "pareto_picture"]

PANELS = {"explained": "variance explained", "recovered": "cross-entropy recovered"}


def pareto_figure(points: Sequence[Mapping[str, Any]], title: str = "") -> Figure:
    """Draw what is kept against L0, a panel a measure, a line a group.

    Parameters
    ----------
    points
        Each with "l0", one or both of "explained" and "recovered", and "name", the group it belongs to.
    title
        What stands above.

    Examples
    --------
    >>> points = [{"name": "mine", "l0": l0, "explained": 1 - 1 / l0} for l0 in (16, 32)]
    >>> len(pareto_figure(points).axes)
    1
    """
    panels = [name for name in PANELS if any(point.get(name) is not None for point in points)]
    names = list(dict.fromkeys(point["name"] for point in points))
    with drawing():
        figure = Figure(figsize=(WIDTH if len(panels) > 1 else WIDTH / 2, 3.2))
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for panel, measure in zip(axes, panels, strict=True):
            for number, name in enumerate(names):
                own = [p for p in points if p["name"] == name and p.get(measure) is not None]
                line = sorted((float(p["l0"]), float(p[measure])) for p in own)
                colour = COLOURS[number % len(COLOURS)]
                panel.plot(*zip(*line, strict=True), color=colour, linewidth=1.6, marker="o", markersize=4, label=name)
            panel.set_xscale("log", base=2)
            ticks = sorted({2 ** round(float(p["l0"])).bit_length() // 2 for p in points if p["l0"] >= 1})
            panel.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            panel.minorticks_off()
            panel.set_xlabel("features active in a token (L0)")
            panel.set_title(PANELS[measure])
        axes[-1].legend(frameon=False, loc="lower right")
        if title:
            figure.suptitle(title)
    return figure


def pareto_picture(points: Sequence[Mapping[str, Any]], path: str | PathLike[str], title: str = "") -> None:
    """Write the picture to a .png file; see `pareto_figure`."""
    png(pareto_figure(points, title), path)
