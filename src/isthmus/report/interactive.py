"""Maps that can be turned, zoomed and asked: one .html file each, plotly inside, no network."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from isthmus.files import writing
from isthmus.report.labels import Groups, read_labels, short
from isthmus.report.pictures import COLOUR_SCALE, COLOURS, group_colour

__all__ = ["write_map"]

Floats = npt.NDArray[np.float64]

_GREY = "#76818f"  # read as well on white as on black
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title>
<style>html, body {{ margin: 0; height: 100%; background: #fff }}
@media (prefers-color-scheme: dark) {{ html, body {{ background: #12161c }} }}</style></head>
<body>{body}</body></html>
"""
_MANY = 10_000  # points that are better drawn by the graphics card


def write_map(places: Floats, labels: npt.ArrayLike | None, path: str | PathLike[str], title: str) -> None:
    """Write points (rows, 2 or 3), coloured by labels (rows,), as a page; each tells its row."""
    figure = go.Figure(list(_traces(places, labels)))
    bare = {"showticklabels": False, "title": "", "gridcolor": "rgba(118,129,143,.2)", "zeroline": False}
    if places.shape[1] == 3:
        axis = {**bare, "showbackground": False}
        camera = {"eye": {"x": 0.9, "y": -1.1, "z": 0.6}}
        figure.update_layout(
            scene={"xaxis": axis, "yaxis": axis, "zaxis": axis, "aspectmode": "data", "camera": camera}
        )
    else:
        figure.update_xaxes(**bare)
        figure.update_yaxes(**bare, scaleanchor="x")
    hint = "Drag to turn, scroll to zoom."
    if places.shape[1] == 2:
        hint = "Drag to move, scroll to zoom, double-click to start again."
    figure.update_layout(
        template="none",
        title={
            "text": escape(short(title, 60)),
            "x": 0.02,
            "font": {"size": 17},
            "subtitle": {"text": hint},
        },
        dragmode="turntable" if places.shape[1] == 3 else "pan",
        font={"color": _GREY, "size": 13},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 16, "r": 16, "t": 76, "b": 16},
        legend={"itemsizing": "constant"},
        hovermode="closest",
    )
    body = figure.to_html(
        full_html=False,
        include_plotlyjs=True,
        div_id="map",
        default_height="100vh",
        config={"displayModeBar": False, "responsive": True, "scrollZoom": True},
    )
    with writing(path) as temporary:
        temporary.write_text(_PAGE.format(title=escape(title or "map"), body=body), encoding="utf-8")


def _traces(places: Floats, labels: npt.ArrayLike | None) -> Iterator[Any]:
    rows = np.arange(len(places))
    size = float(np.clip(14_000 / max(len(places), 1), 3, 8))
    if labels is None:
        yield _points(places, rows, None, size, {"color": COLOURS[0]})
        return
    shown = np.asarray(labels)
    read = read_labels(shown)
    if isinstance(read, Groups):
        for i, name in enumerate(read.names):
            mine = read.places == i
            yield _points(places[mine], rows[mine], shown[mine], size, {"color": group_colour(read, i)}, name)
        return
    order = np.argsort(read.numbers, kind="stable")  # the highest are drawn last, over the others
    known = order[np.isfinite(read.numbers[order])]
    missing = order[~np.isfinite(read.numbers[order])]
    if len(missing):
        yield _points(places[missing], rows[missing], shown[missing], size, {"color": COLOURS[-1]})
    bar = {"tickvals": read.ticks, "ticktext": read.names, "outlinewidth": 0, "thickness": 14, "len": 0.7}
    scale = [[i / (len(COLOUR_SCALE) - 1), colour] for i, colour in enumerate(COLOUR_SCALE)]
    marker = {
        "color": read.numbers[known],
        "cmin": read.low,
        "cmax": read.high,
        "colorscale": scale,
        "colorbar": bar,
    }
    yield _points(places[known], rows[known], shown[known], size, marker)


def _points(
    places: Floats,
    rows: npt.NDArray[np.int64],
    labels: npt.NDArray[Any] | None,
    size: float,
    marker: dict[str, Any],
    name: str | None = None,
) -> Any:
    words = (
        rows.astype(str)
        if labels is None
        else [f"{row}<br>{escape(short(label, 60))}" for row, label in zip(rows, labels.tolist(), strict=True)]
    )
    axes = dict(zip("xyz", places.T, strict=False))
    kind = go.Scatter3d if len(axes) == 3 else go.Scattergl if len(places) > _MANY else go.Scatter
    return kind(
        **axes,
        mode="markers",
        marker={
            "size": size if len(axes) == 2 else size * 0.6,
            "opacity": 0.85,
            "line": {"width": 0},
            **marker,
        },
        name=None if name is None else escape(short(name)),
        showlegend=name is not None,
        customdata=words,
        hovertemplate="row %{customdata}<extra></extra>",
    )
