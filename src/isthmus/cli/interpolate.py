"""``interpolate``: from one row to another."""

import re
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Annotated

from isthmus.cli import options, pictures
from isthmus.cli.look import PICTURES
from isthmus.cli.models import load_for
from isthmus.cli.terminal import done
from isthmus.cli.words import whole, word


def _two_rows(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"\s*(\d+)\s*,\s*(\d+)\s*", text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not two row numbers such as 3,17")
    return int(found[1]), int(found[2])


def interpolate(
    model: options.Model,
    data: options.Data,
    out: Annotated[
        Path, word("-o", "--out", metavar="OUT", type=Path, help="file to write: a table, or .png or .html to look at")
    ],
    rows: Annotated[
        tuple[int, int], word("--rows", metavar="A,B", type=_two_rows, help="the two rows, counted from 0")
    ],
    steps: Annotated[int, word("--steps", metavar="N", type=whole(1), help="rows between them; by default 8")] = 8,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Go from one row to another in steps.

    The rows in between are decoded from codes on the straight line between the two rows' codes.

    For example:

      isthmus interpolate houses.isthmus houses.csv --rows 3,17 -o way.csv
      isthmus interpolate houses.isthmus houses.csv --rows 3,17 --steps 20 -o way.html
    """
    options.check_out(out, (*options.TABLES, *PICTURES), inputs=[model, data])
    from isthmus.data.sources import open_table, write_table

    loaded = load_for("interpolate", model)
    if loaded.kind == pictures.KIND:
        return pictures.interpolate(loaded, data, out, rows, steps, quiet=quiet, json=json)
    table = loaded.interpolate(open_table(data).columns, rows, steps)
    if out.suffix.lower() in PICTURES:
        from isthmus.report.way import way_picture

        way_picture(open_table(table).columns, out, f"From row {rows[0]} to row {rows[1]}")
    else:
        write_table(table, out)
    result = {"out": out, "rows": len(table)}
    done(f"wrote {out}: row {rows[0]}, {steps} between, row {rows[1]}", result, quiet=quiet, as_json=json)
