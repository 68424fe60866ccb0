"""A map in one file: points to move, turn, zoom, ask and mark, coloured by any column; no network, nothing else needed.

`map.js` draws, with the files of `DRAWING` before it; it knows nothing of this page and serves any other. `page.js` is
the page around it.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from math import isnan
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus import __version__
from isthmus.files import writing
from isthmus.report.html import Html, h
from isthmus.report.labels import Groups, Scale, read_labels, short

__all__ = ["script", "write_map"]

PART = 2048
"""Rows whose cells are unpacked together."""
MOST_CELLS, MOST_COLUMNS, MOST_PICTURES = 3_000_000, 200, 24_000_000
"""Cells, columns and bytes of pictures that a page carries; beyond, points tell the number of their row alone."""
DRAWING = ("geometry.js", "painter.js", "sums.js", "pointer.js", "map.js")
"""What draws, in one function together."""
_LEVELS = 255  # of a scale; 255 itself is for what is missing


def script() -> str:
    """Give the source of what draws, for pages of others."""
    folder = files("isthmus.report.map")
    parts = [folder.joinpath(name).read_text(encoding="utf-8") for name in DRAWING]
    return "\n".join(['"use strict";', "(() => {", *parts, "})();", ""])


def write_map(
    path: str | PathLike[str],
    places: npt.ArrayLike,
    labels: npt.ArrayLike | None = None,
    title: str = "",
    columns: Mapping[str, npt.ArrayLike] | None = None,
    pictures: npt.NDArray[np.uint8] | None = None,
) -> int:
    """Write points as a page, and give its size in bytes.

    Parameters
    ----------
    path
        The file.
    places
        Points (rows, 2) or (rows, 3).
    labels
        What colours them first (rows,), called `title`; None for one colour.
    title
        What stands on top.
    columns
        Cells that a point tells of its row, by name, each (rows,); any of them can colour the points.
    pictures
        What a point shows of its row (rows, height, width[, 1 or 3]).

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> path = Path(tempfile.mkdtemp()) / "map.html"
    >>> write_map(path, [[0, 0], [1, 1]], ["hill", "port"], "zone", {"area": [40, 60]}) == path.stat().st_size
    True
    """
    with writing(path) as temporary:
        temporary.write_text(_page(np.asarray(places, "<f4"), labels, title, columns or {}, pictures), encoding="utf-8")
        return temporary.stat().st_size


def _page(
    places: npt.NDArray[np.float32],
    labels: npt.ArrayLike | None,
    title: str,
    columns: Mapping[str, npt.ArrayLike],
    pictures: npt.NDArray[np.uint8] | None,
) -> str:
    folder = files("isthmus.report.map")
    style = folder.joinpath("page.css").read_text(encoding="utf-8")
    page = folder.joinpath("page.js").read_text(encoding="utf-8")
    code = f'{script()}\n"use strict";\n(() => {{\n{page}\n}})();\n'
    held = {} if labels is None else {title or "label": labels}
    held |= {name: values for name, values in columns.items() if name not in held}
    shown = dict(list(held.items())[:MOST_COLUMNS])
    if len(places) * len(shown) > MOST_CELLS:
        shown = dict(list(shown.items())[: max(1 if labels is not None else 0, MOST_CELLS // max(len(places), 1))])
    head = h(
        "head",
        h("meta", charset="utf-8"),
        _policy(code, style),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("meta", name="color-scheme", content="light dark"),
        h("title", title or "map"),
        h("style", Html(style)),
    )
    parts = _carried(places, shown, labels is not None, title, len(held) - len(shown), pictures)
    body = h("body", *_bones(title or "map"), *parts, h("script", Html(code)))
    return f"<!DOCTYPE html>\n{h('html', head, body, lang='en')}\n"


def _policy(code: str, style: str) -> Html:
    """Let the browser run this script and this style and nothing else, and load nothing from anywhere."""
    one, other = (b64encode(sha256(text.encode()).digest()).decode() for text in (code, style))
    rules = f"default-src 'none'; script-src 'sha256-{one}'; style-src 'sha256-{other}'; base-uri 'none'"
    return h("meta", http_equiv="Content-Security-Policy", content=rules)


def _bones(title: str) -> list[Html]:
    keys = "Drag to move or turn, scroll to zoom, shift-drag to mark rows. Keys: arrows, + - 0, L for the lasso, Esc."
    buttons = [
        h("button", words, id=name, type="button", title=tip)
        for name, words, tip in (
            ("lasso", "Lasso", "mark rows by drawing around them (L, or hold shift)"),
            ("reset", "Reset", "see all of the map again (0)"),
            ("picture", "Save picture", "as a PNG file, as it is seen"),
            ("rows", "Save rows", "those marked, or all, with their cells and places, as a CSV file"),
        )
    ]
    colour = h("label", "Colour ", h("select", id="colour"), class_="pick")
    top = h("header", h("h1", title), h("div", colour, *buttons, class_="tools"))
    canvas = h("canvas", id="map", role="img", aria_label=f"a map of points: {title}", aria_describedby="keys")
    nothing = h("noscript", h("p", "This page needs its script to unpack what it shows."))
    told = h("div", id="told", hidden="hidden")
    side = h("aside", h("div", id="legend"), h("p", id="count", aria_live="polite"), h("p", keys, id="keys"))
    foot = h("footer", f"Written by isthmus {__version__}. This page loads nothing from anywhere.")
    return [top, h("main", canvas, nothing, told), side, foot]


def _carried(
    places: npt.NDArray[np.float32],
    columns: Mapping[str, npt.ArrayLike],
    labelled: bool,
    title: str,
    left_out: int,
    pictures: npt.NDArray[np.uint8] | None,
) -> list[Html]:
    """Give everything that the page knows: facts as JSON, all else packed."""
    from isthmus.report.pictures import COLOUR_SCALE, COLOURS, group_colour

    told: list[dict[str, Any]] = []
    parts = [_script("places", _pack(np.ascontiguousarray(places).tobytes()))]
    for j, (name, values) in enumerate(columns.items()):
        read = read_labels(_plain(values))
        if isinstance(read, Groups):
            colours = [group_colour(read, i) for i in range(len(read.names))]
            told.append({"name": name, "groups": [short(each, 40) for each in read.names], "colours": colours})
            levels = read.places.astype(np.uint8)
        else:
            told.append({"name": name, "ticks": _ticks(read)})
            levels = _levels(read)
        parts.append(_script(f"column-{j}", _pack(levels.tobytes())))
    if columns:
        texts = [_texts(values) for values in columns.values()]
        for start in range(0, len(places), PART):
            some = json.dumps([each[start : start + PART] for each in texts], ensure_ascii=False)
            parts.append(_script(f"cells-{start // PART}", _pack(some.encode())))
    about = {
        "title": title, "rows": len(places), "dim": int(places.shape[1]), "columns": told, "part": PART,
        "labelled": labelled, "leftOut": left_out, "scale": COLOUR_SCALE, "one": COLOURS[0], "none": COLOURS[-1],
        "picture": None,
    }  # fmt: skip
    if pictures is not None and pictures.nbytes <= MOST_PICTURES:
        channels = 1 if pictures.ndim == 3 else pictures.shape[3]
        about["picture"] = {"height": pictures.shape[1], "width": pictures.shape[2], "channels": channels}
        parts.append(_script("pictures", _pack(np.ascontiguousarray(pictures).tobytes())))
    facts = json.dumps(about, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return [_script("about", facts, "application/json"), *parts]


def _plain(values: npt.ArrayLike) -> npt.NDArray[Any]:
    """Make words of true and false, as they are groups and no scale."""
    array = np.asarray(values)
    return array.astype(str).astype(object) if array.dtype.kind == "b" else array


def _texts(values: npt.ArrayLike) -> list[str]:
    return [_text(value) for value in np.asarray(values).tolist()]


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and isnan(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else short(value, 200)


def _levels(scale: Scale) -> npt.NDArray[np.uint8]:
    share = (scale.numbers - scale.low) / max(scale.high - scale.low, 1e-300)
    known = np.isfinite(scale.numbers)
    levels = np.full(len(share), _LEVELS, np.uint8)
    levels[known] = np.clip(share[known], 0, 1) * (_LEVELS - 1)
    return levels


def _ticks(scale: Scale) -> list[tuple[float, str]]:
    reach = max(scale.high - scale.low, 1e-300)
    return [((tick - scale.low) / reach, name) for tick, name in zip(scale.ticks, scale.names, strict=True)]


def _pack(data: bytes) -> str:
    return b64encode(gzip.compress(data, 6, mtime=0)).decode()


def _script(name: str, text: str, kind: str = "text/plain") -> Html:
    return h("script", Html(text), type=kind, id=name)
