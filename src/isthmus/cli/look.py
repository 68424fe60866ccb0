"""``inspect`` and ``map``: to see a model and what it makes of the data."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from isthmus.cli import activations, compress, denoise, diffusion, options, pictures
from isthmus.cli import series as of_series
from isthmus.cli.codes import write_numbers
from isthmus.cli.models import load_for
from isthmus.cli.terminal import done, print_rows, to_json
from isthmus.cli.words import whole, word
from isthmus.endings import COMPRESSED

if TYPE_CHECKING:
    import pyarrow as pa

PICTURES = (".html", ".png", ".svg")


def inspect(model: options.Model, json: options.Json = False) -> None:
    """Show a model and what it keeps of each column, or what a compressed file holds.

    What survives is also what a code reveals: a code is no encryption.

    For example:

      isthmus inspect houses.isthmus
      isthmus inspect houses.isthmus --json
      isthmus inspect houses.isz
    """
    if model.suffix.lower() in COMPRESSED:
        told = compress.inspect(model)
        return print(to_json(told)) if json else compress.show(model, told)
    facts = load_for("inspect", model).inspect()
    if json:
        return print(to_json(facts))
    if "features" in facts:
        return print(f"{model}: {facts['code']}; {activations.sentence(facts)}")
    if "recordings" in facts:
        return print(f"{model}: {denoise.heard(facts)}")
    if "pictures" in facts:
        say = pictures.learnt if "explained" in facts else diffusion.learnt if "labels" in facts else denoise.learnt
        return print(f"{model}: {say(facts)}")
    if "series" in facts:
        return print(f"{model}: {of_series.learnt(facts)}")
    code = ", ".join(f"{key} {value}" for key, value in facts["code"].items()).removeprefix("name ")
    promised = facts.get("privacy")
    took = "fitted with differential privacy" if promised else f"fitted in {facts['seconds']:.1f} s"
    print(f"{model}: {'about ' if promised else ''}{facts['rows']:,} rows, {took}")
    learnt = facts["prior"] and f"; prior learnt in {facts['prior']['steps']:,} steps"
    print(f"code: {code}{learnt or ''}; {facts['weights']:,} weights, {facts['bytes']:,} bytes")
    if promised:
        _show_privacy(promised)
    print()
    print_rows(facts["survival"])


def _show_privacy(promised: Mapping[str, Any]) -> None:
    spent = ", ".join(f"{name} {value:.3g}" for name, value in promised["spent"].items())
    print(f"privacy: epsilon {promised['epsilon']:.3g}, delta {promised['delta']:.2g} ({promised['neighbours']})")
    print(f"alone, in epsilon: {spent}; noise multiplier of gradients {promised['noise multipliers']['gradients']:.3g}")


def map_(
    model: options.Model,
    data: options.Data,
    out: Annotated[
        Path,
        word("-o", "--out", metavar="OUT", type=Path, help="file to write: .html, .png, .svg, .csv, .npy, .parquet"),
    ],
    dim: Annotated[int, word("--dim", metavar="2|3", type=whole(2, 3), help="dimensions of the map")] = 2,
    color: Annotated[
        str | None, word("--color", "--colour", metavar="COL", help="colour points by this column")
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Draw every row as a point on a map.

    Rows that the model finds alike lie close together, and new rows land on the same map. A page (.html) can be moved,
    turned and asked; its points tell the cells of their rows.

    For example:

      isthmus map houses.isthmus houses.csv -o map.html --color Sale_Price
      isthmus map houses.isthmus houses.csv -o map.csv --dim 3
      isthmus map digits.isthmus digits/ -o digits.html
    """
    options.check_out(out, (*PICTURES, *options.CODES), inputs=[model, data])
    loaded = load_for("map", model)
    if loaded.kind == pictures.KIND:
        return pictures.map_(loaded, data, out, dim, color, quiet=quiet, json=json)
    from isthmus.data.sources import open_table

    table = open_table(data).columns
    labels = _labels(table, color)
    places = loaded.map(table, dim=dim)
    if out.suffix.lower() in PICTURES:
        from isthmus.report.pictures import map_picture

        columns = {name: table.column(name).to_numpy() for name in table.column_names}
        map_picture(places, labels, out, color or data.name, columns)
    else:
        write_numbers(places, "map", out)
    result = {"out": out, "points": len(places), "dim": dim}
    done(f"wrote {out}: {len(places):,} points", result, quiet=quiet, as_json=json)


def _labels(table: "pa.Table", color: str | None) -> Any:
    from isthmus.errors import UsageError

    if color is None:
        return None
    if color not in table.column_names:
        raise UsageError(f"--color {color}: no such column; there are {', '.join(table.column_names)}")
    return table.column(color).to_numpy()
