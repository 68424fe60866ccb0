"""Static pictures, drawn once for a page in the light and in the dark, for paper and for .png files."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from isthmus.files import writing
from isthmus.report.html import Html
from isthmus.report.labels import NAMES, Groups, Scale, read_labels, short

__all__ = ["COLOURS", "COLOUR_SCALE", "drawing", "group_colour", "map_figure", "map_picture", "png", "svg"]

Floats = npt.NDArray[np.float64]

INK, MUTED, LINE = "#1b2330", "#5d6878", "#dfe4ea"
MODEL, PEER, BASE = "#1f6fb2", "#d1701f", "#98a3b0"
_NAMED = {INK: "ink", MUTED: "muted", LINE: "line", MODEL: "model", PEER: "peer", BASE: "base"}

COLOURS = (
    *("#2f7ab8", "#e0812f", "#3d9a57", "#c8505a", "#8a6bbf", "#9a6b4f"),
    *("#d878b4", "#8f9a2e", "#2ea6b0", "#5a78d1", "#b89a2f", "#7fa894"),
    "#98a3b0",
)
"""Of groups by how frequent they are; the last is for 'other'. All are seen on white and on black."""

COLOUR_SCALE = ("#3f51b5", "#2d86b8", "#2ba58c", "#8ab54a", "#e3a02c")
"""From low to high, none of them too near to white or to black."""

_STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "text.parse_math": False,  # a dollar in a column's name is a dollar
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "svg.fonttype": "none",  # text stays text, in the page's own font
    "svg.hashsalt": "isthmus",
    "figure.constrained_layout.use": True,
}
WIDTH = 8.6


@contextmanager
def drawing() -> Iterator[None]:
    """Draw in the house style; other pictures of the same program keep theirs."""
    with mpl.rc_context(_STYLE):
        yield


def svg(figure: Figure, words: str) -> Html:
    """Turn a figure into part of a page that follows the page's colours; `words` say what it shows."""
    with drawing():
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, dpi=200, metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r"<g id=\"[^\"]*\">", "<g>", text)  # one page, many pictures: no id twice
    text = re.sub(r" font-family: [^;\"]*;", "", text)  # the page's own font
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)  # which would style the whole page
    for colour, name in _NAMED.items():
        text = text.replace(colour, f"var(--{name})")
    return Html(text.replace("<svg ", f'<svg role="img" aria-label="{escape(words)}" ', 1))


def png(figure: Figure, path: str | PathLike[str]) -> None:
    """Write a figure as a picture on white."""
    with drawing(), writing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=160, facecolor="white")


def map_picture(
    coords: npt.ArrayLike,
    labels: npt.ArrayLike | None,
    path: str | PathLike[str],
    title: object = "",
    columns: Mapping[str, npt.ArrayLike] | None = None,
    pictures: npt.NDArray[np.uint8] | None = None,
) -> None:
    """Draw points as a map in a .png or .svg, or in an .html file that can be turned, zoomed and asked.

    Parameters
    ----------
    coords
        Places (rows, 2) or (rows, 3).
    labels
        What colours the points (rows,): numbers and dates by a colour bar, anything else by name, the 12 most
        frequent ones; None for one colour.
    path
        A file ending in .png, .svg or .html.
    title
        What the colours show.
    columns, pictures
        What a point of an .html file tells of its row: cells by name, each (rows,), and a picture (rows, height,
        width[, channels]).
    """
    places = np.asarray(coords, dtype=np.float64)
    ending = Path(path).suffix.lower()
    if ending == ".html":
        from isthmus.report.map import write_map

        write_map(path, places, labels, str(title), columns, pictures)
    elif ending == ".svg":
        with drawing(), writing(path) as temporary:
            map_figure(places, labels, str(title)).savefig(temporary, format="svg", facecolor="white")
    else:
        png(map_figure(places, labels, str(title)), path)


def map_figure(places: Floats, labels: npt.ArrayLike | None, title: str) -> Figure:
    """Draw points (rows, 2 or 3) in the colours of their labels (rows,)."""
    deep = places.shape[1] == 3
    with drawing():
        figure = Figure(figsize=(WIDTH, 6.4 if deep else 5.6))
        axes: Any = figure.add_subplot(projection="3d" if deep else None)
        if not deep:
            axes.set_aspect("equal", adjustable="datalim")
        axes.tick_params(labelbottom=False, labelleft=False, length=0)
        if deep:
            axes.set_zticklabels([])
        axes.set_title(short(title, 60))
        size = float(np.clip(36_000 / max(len(places), 1), 2, 24))
        style: dict[str, Any] = {"s": size, "linewidths": 0, "alpha": 0.8, "rasterized": True}
        if labels is None:
            axes.scatter(*places.T, color=MODEL, **style)
        else:
            _coloured(figure, axes, places, read_labels(labels), style)
    return figure


def group_colour(groups: Groups, place: int) -> str:
    """Choose a group's colour: grey for what has no name of its own."""
    return COLOURS[-1] if place >= NAMES or groups.names[place] == "missing" else COLOURS[place]


def _coloured(figure: Figure, axes: Any, places: Floats, read: Scale | Groups, style: dict[str, Any]) -> None:
    if isinstance(read, Groups):
        colours = [group_colour(read, i) for i in range(len(read.names))]
        axes.scatter(*places.T, c=[colours[i] for i in read.places], **style)
        dots = [Line2D([], [], marker="o", linestyle="", color=colour, markersize=6) for colour in colours]
        figure.legend(dots, [f" {short(name)}" for name in read.names], loc="outside right upper")
        return
    known = np.isfinite(read.numbers)
    axes.scatter(*places[~known].T, color=BASE, **style)
    scale = ScalarMappable(Normalize(read.low, read.high), LinearSegmentedColormap.from_list("isthmus", COLOUR_SCALE))
    # Highest last, so that few high ones are not buried.
    order = np.argsort(read.numbers[known], kind="stable")
    axes.scatter(*places[known][order].T, c=scale.to_rgba(read.numbers[known][order]), **style)
    bar = figure.colorbar(scale, ax=axes, shrink=0.7, aspect=30, pad=0.02, ticks=read.ticks)
    bar.ax.set_yticklabels(read.names)
    bar.outline.set_visible(False)
    bar.ax.grid(False)
