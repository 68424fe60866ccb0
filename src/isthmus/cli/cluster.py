"""``cluster``: rows in groups, each named by what sets it apart."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from isthmus.cli import options
from isthmus.cli.look import PICTURES
from isthmus.cli.models import load_for
from isthmus.cli.terminal import done, print_rows
from isthmus.cli.words import switch, whole, word
from isthmus.errors import UsageError


def cluster(
    model: options.Model,
    data: options.Data,
    out: Annotated[
        Path | None,
        word(
            "-o",
            "--out",
            metavar="OUT",
            type=Path,
            help=f"the table with a column cluster ({', '.join(options.TABLES)}), or a map ({', '.join(PICTURES)})",
        ),
    ] = None,
    k: Annotated[
        int | None, word("-k", metavar="N", type=whole(1), help="groups; by default as many as stand out most")
    ] = None,
    shapes: Annotated[bool, switch("--shapes", help="dense groups of any shape; rows between them in none")] = False,
    column: Annotated[
        str, word("--column", metavar="NAME", help="name of the column that is written; by default cluster")
    ] = "cluster",
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Part rows into groups, and name each in words.

    A group's name is what sets it apart from the rest. Its stability says how alike it is when groups are
    looked for again in half of the rows and from another seed: below 0.6 do not build on it. Group -1 is rows
    in no group.

    For example:

      isthmus cluster houses.isthmus houses.csv
      isthmus cluster houses.isthmus houses.csv -o grouped.csv -k 5
      isthmus cluster houses.isthmus houses.csv -o groups.html --shapes
    """
    if out is not None:
        options.check_out(out, (*options.TABLES, *PICTURES), inputs=[model, data])
    if k is not None and shapes:
        raise UsageError("-k and --shapes: say one of them")
    loaded = load_for("cluster", model)
    from isthmus.data.sources import open_table, write_table

    table = open_table(data)
    found = loaded.cluster(table, k, shapes=shapes, column=column, seed=seed)
    if out is not None and out.suffix.lower() in PICTURES:
        from isthmus.report.pictures import map_picture

        columns = {name: table.columns[name].to_numpy() for name in table.columns.column_names}
        map_picture(loaded.map(table), found.labels.astype(str), out, column, columns)
    elif out is not None:
        write_table(found.table, out)
    result = {
        "out": out,
        "rows": len(found.labels),
        "k": found.k,
        "agreement": found.agreement,
        "clear": found.clear,
        "clusters": [asdict(each) for each in found.clusters],
    }
    if not (json or quiet):
        print_rows(
            [
                {"cluster": each.number, "rows": each.rows, "stability": each.stability, "name": each.name}
                for each in found.clusters
            ]
        )
    sentence = f"{found.k} groups of {len(found.labels):,} rows; found again they agree by {found.agreement:.2f} of 1"
    if found.clear is False:
        sentence += "; no number of groups stands out from a cloud without any"
    done(f"wrote {out}: {sentence}" if out else sentence, result, quiet=quiet, as_json=json)
