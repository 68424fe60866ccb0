"""How small a table's file gets as more error is allowed, beside what general tools make of the same values."""

from __future__ import annotations

import io
import lzma
import tempfile
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa
from matplotlib.figure import Figure
from pyarrow import parquet

from isthmus.compression import compress, decompress
from isthmus.data.csvs import write_csv
from isthmus.data.sources import Table, open_table
from isthmus.report.pictures import BASE, MODEL, PEER, WIDTH, drawing, png

__all__ = ["TOLERANCES", "sizes", "sizes_figure", "sizes_picture"]

TOLERANCES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1)


def sizes(data: Any, tolerances: Sequence[float] = TOLERANCES, **settings: Any) -> list[dict[str, float]]:
    """Give, for each tolerance, the bytes that isthmus and others take; others have the values that isthmus gives back.

    `settings` are those of `isthmus.compress`.
    """
    table = open_table(data, missing=settings.pop("missing", ()))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for tolerance in tolerances:
            path = Path(folder) / "table.isz"
            facts = compress(table, path, tolerance=tolerance, **settings)
            near = open_table(decompress(path)).columns
            row = {"tolerance": tolerance, "isthmus": float(facts["bytes"])}
            rows.append(row | {name: float(len(write(near))) for name, write in _OTHERS.items()})
    return rows


def sizes_picture(data: Any, path: str | PathLike[str], title: str, **settings: Any) -> list[dict[str, float]]:
    """Draw `sizes` in a .png file, and give them."""
    table: Table = open_table(data, missing=settings.pop("missing", ()))
    rows = sizes(table, **settings)
    png(sizes_figure(rows, title), path)
    return rows


def sizes_figure(rows: Sequence[dict[str, float]], title: str) -> Figure:
    """Draw bytes against the error allowed, both on scales of multiples; exact files stand at the left."""
    exact = min(row["tolerance"] for row in rows if row["tolerance"] > 0) / 3
    places = [max(row["tolerance"], exact) for row in rows]
    with drawing():
        figure = Figure(figsize=(WIDTH, 3.4))
        panel = figure.subplots()
        for colour, name in zip((MODEL, PEER, BASE), ("isthmus", *_OTHERS), strict=True):
            heights = [row[name] / 1000 for row in rows]
            panel.plot(places, heights, color=colour, linewidth=1.6, marker="o", markersize=4, label=name)
            below = name == "isthmus"  # the others' first points often lie near to it
            at = (6, -12 if below else 5)
            panel.annotate(f"{heights[0]:,.0f}", (places[0], heights[0]), textcoords="offset points", xytext=at)
        panel.set_xscale("log")
        panel.set_yscale("log")
        words = ["exact" if not row["tolerance"] else f"{100 * row['tolerance']:g} %" for row in rows]
        panel.set_xticks(places, words)
        panel.minorticks_off()
        low, high = panel.get_ylim()
        steps = [size for power in range(-1, 8) for size in (10.0**power, 2 * 10.0**power, 5 * 10.0**power)]
        ticks = [size for size in steps if low <= size <= high]
        panel.set_yticks(ticks, [f"{size:,g}" for size in ticks])
        panel.set_xlabel("error allowed, in shares of each column's range")
        panel.set_ylabel("kB")
        panel.set_title(title)
        panel.legend(frameon=False)
    return figure


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink, compression="zstd", compression_level=19)
    return sink.getvalue()


def _xz(table: pa.Table) -> bytes:
    text = io.StringIO()
    write_csv(table, text)
    return lzma.compress(text.getvalue().encode(), preset=9)


_OTHERS: dict[str, Callable[[pa.Table], bytes]] = {"Parquet + zstd": _parquet, "CSV + xz": _xz}
