"""How far models agree, as a page: every figure, and the same rows on one map before and after aligning."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from isthmus.agreement import Agreement
from isthmus.files import writing
from isthmus.report.html import Html, figure, page, section, table
from isthmus.report.pictures import COLOUR_SCALE, WIDTH, drawing, svg
from isthmus.tasks.reduce import Projection

__all__ = ["maps", "write"]


def write(found: Mapping[str, Agreement], path: str | PathLike[str]) -> None:
    """Write one page about pairs of models, by their names."""
    lead = (
        "Two trainings learn other axes, and to some degree other geometries. These figures say how far codes and "
        "answers agree on the same rows; 1 is full agreement."
    )
    parts = [section(pair, *_part(each)) for pair, each in found.items()]
    with writing(path) as temporary:
        Path(temporary).write_text(page("How far the models agree", lead, *parts), encoding="utf-8")


def _part(found: Agreement) -> list[Html]:
    rows = [
        [name, _number(each["value"]), _number(each["chance"]), each["says"]] for name, each in found.measured.items()
    ]
    inside = [table(["figure", "value", "by chance", "what it is"], rows, f"{found.rows:,} rows were compared.")]
    if min(codes.shape[1] for codes in found.codes.values()) >= 2:
        words = (
            "The same rows by the axes of the other model's codes, coloured by where they lie on its map: the other "
            "model's codes; the one's codes as they are, on their own axes; the one's codes once they are aligned."
        )
        inside.append(figure(svg(maps(found), "maps before and after aligning"), words))
    return inside


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def maps(found: Agreement) -> Figure:
    """Draw the other model's map, the one's own, and the one's aligned codes on the other's map."""
    axes = Projection.learn(found.codes["other"], 2)
    places = axes(found.codes["other"], 2)
    own = Projection.learn(found.codes["one"], 2)(found.codes["one"], 2)
    order = np.argsort(np.argsort(places[:, 0]))
    panels = {
        "codes of the other": places,
        "codes of one": own,
        "codes of one, aligned": axes(found.codes["aligned"], 2),
    }
    scale = LinearSegmentedColormap.from_list("isthmus", COLOUR_SCALE)
    with drawing():
        drawn = Figure(figsize=(WIDTH, 3.1))
        for (name, points), panel in zip(panels.items(), drawn.subplots(1, 3), strict=True):
            panel.scatter(*points.T, c=order, cmap=scale, s=4, linewidths=0, alpha=0.8, rasterized=True)
            panel.set_title(name)
            panel.tick_params(labelbottom=False, labelleft=False, length=0)
    return drawn
