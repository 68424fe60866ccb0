"""``index`` and ``search``: rows that are found by what they are like."""

from pathlib import Path
from typing import Annotated, Any

from isthmus.cli import options, parts, pictures
from isthmus.cli.models import load_for
from isthmus.cli.terminal import done, print_rows, to_json
from isthmus.cli.words import several, switch, whole, word
from isthmus.errors import UsageError


def place(text: str) -> Path | str:
    """Read where an index is: a folder, or an address of a server."""
    return text if "://" in text else Path(text)


Place = Annotated[
    Path | str,
    word(
        "-o",
        "--out",
        metavar="INDEX",
        type=place,
        help="a folder, s3://bucket/name, or postgresql://user@host/db?table=NAME",
    ),
]


def index(
    model: options.Model,
    out: Place,
    data: Annotated[
        Path | None, word(metavar="DATA", nargs="?", type=Path, help="a table, a folder of tables, or of pictures")
    ] = None,
    append: Annotated[bool, switch("--append", help="add the rows of DATA to an index that is there")] = False,
    retrain: Annotated[bool, switch("--retrain", help="encode the rows of INDEX anew by MODEL; without DATA")] = False,
    delete: Annotated[
        str | None, word("--delete", metavar="WHERE", help="delete the rows for which WHERE holds; without DATA")
    ] = None,
    compress: Annotated[
        str,
        word(
            "--compress",
            choices=("none", "int8", "product", "binary"),
            help="how codes are held while they are searched; none",
        ),
    ] = "none",
    memory: options.Memory = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Make an index of rows or pictures by their codes, to be searched.

    The index is a folder, a place in a bucket (s3, gs, az), or a table of a PostgreSQL database with pgvector, that
    holds the rows, their codes and a copy of the model.

    For example:

      isthmus index houses.isthmus houses.csv -o houses.index
      isthmus index houses.isthmus new.csv -o houses.index --append
      isthmus index houses.isthmus sales/ -o houses.index --memory 2GB
      isthmus index houses.isthmus -o houses.index --delete "price > 1000000"
      isthmus index retrained.isthmus -o houses.index --retrain
      isthmus index houses.isthmus houses.csv -o s3://sales/houses
      isthmus index houses.isthmus houses.csv -o "postgresql://me@host/sales?table=houses"
    """
    asked = sum([append, retrain, delete is not None])
    if asked > 1:
        raise UsageError("--append, --retrain and --delete: say one of them")
    if (data is None) == (append or not asked):
        raise UsageError("DATA: name the rows to index" if data is None else "DATA: with --retrain and --delete, none")
    from isthmus.index import Index

    loaded = load_for("encode", model)
    rows = None if data is None else parts.tables(_opened(loaded, data, memory), data, "index", quiet=quiet)
    if rows is not None and not append:
        made = Index.create(out, loaded, rows, compress=compress)
        says, facts = f"wrote {out}: {len(made):,} rows", dict[str, int]()
    else:
        made = Index(out)
        if not retrain and not made.made_by(loaded):
            raise UsageError(f"'{out}' holds codes of another model than '{model}': --retrain encodes its rows anew")
        says, facts = _changed(made, loaded, rows, delete, out)
    done(says, {"out": out, "rows": len(made)} | facts, quiet=quiet, as_json=json)


def _opened(model: Any, data: Path, memory: str | None) -> Any:
    """Open a table that does not fit into memory; the index keeps cells that the model reads as missing."""
    from isthmus.data.parts import Parts

    return None if model.kind == pictures.KIND else Parts.of(data, memory=memory)


def _changed(made: Any, model: Any, rows: Any, delete: str | None, out: Path | str) -> tuple[str, dict[str, int]]:
    """Append, delete or retrain; give what to say and the count."""
    if rows is not None:
        added = len(made.add(rows))
        return f"added {added:,} rows to {out}, which holds {len(made):,}", {"added": added}
    if delete is not None:
        gone = made.delete(delete)
        return f"deleted {gone:,} rows of {out}, which holds {len(made):,}", {"deleted": gone}
    made.retrain(model)
    return f"encoded {len(made):,} rows of {out} anew", {}


def search(
    index: Annotated[Path | str, word(metavar="INDEX", type=place, help="what `isthmus index` wrote")],
    query: Annotated[
        Path | None,
        word(metavar="QUERY", nargs="?", type=Path, help="rows to look for, empty cells imputed; or a picture"),
    ] = None,
    given: Annotated[
        list[str] | None,
        several("--given", metavar="COL=VALUE", help="a row to look for; what is not named is imputed"),
    ] = None,
    row: Annotated[
        int | None, word("--row", metavar="R", type=whole(0), help="a row of the index to look for, by its number")
    ] = None,
    n: Annotated[int, word("-n", metavar="N", type=whole(1), help="rows to find, of each; 10")] = 10,
    where: Annotated[
        str | None, word("--where", metavar="WHERE", help="an SQL condition, e.g. \"price < 200000 and zone = 'hill'\"")
    ] = None,
    exact: Annotated[bool, switch("--exact", help="compare with every code, however many there are")] = False,
    out: Annotated[
        Path | None,
        word("-o", "--out", metavar="OUT", type=Path, help=f"{', '.join(options.TABLES)}; of pictures also .png"),
    ] = None,
    json: options.Json = False,
) -> None:
    """Find the rows that are most like others.

    Nearest first; isthmus_distance is between codes.

    For example:

      isthmus search houses.index new.csv -n 5 -o like-them.csv
      isthmus search houses.index --given area=120 --given zone=hill --where "price < 200000"
      isthmus search houses.index --row 17 --json
      isthmus search digits.index seven.png -n 12 -o alike.png
    """
    if sum(each is not None for each in (query, given, row)) != 1:
        raise UsageError("say what to look for: QUERY, --given COL=VALUE or --row R")
    if out is not None:
        options.check_out(out, (*options.TABLES, ".png"), inputs=[path for path in (query,) if path is not None])
    import pyarrow as pa

    from isthmus.data.sources import open_table, write_table
    from isthmus.index import Index
    from isthmus.indexed import PIXELS, pixels_of
    from isthmus.report.sheets import save_sheet

    asked = query if given is None else _row(given)
    found = open_table(Index(index).search(asked, row=row, n=n, where=where, exact=exact)).columns
    pictures = PIXELS in found.column_names and pa.types.is_binary(found.schema.field(PIXELS).type)
    if out is not None and out.suffix == ".png":
        if not pictures:
            raise UsageError(f"-o {out}: this is no index of pictures; write a table")
        save_sheet(out, pixels_of(found), columns=n)
    elif out is not None:
        write_table(found.drop_columns(PIXELS) if pictures else found, out)
    found = found.drop_columns(PIXELS) if pictures else found
    if out is not None:
        done(f"wrote {out}: {len(found):,} rows", {"out": out, "rows": len(found)}, quiet=False, as_json=json)
    elif json:
        print(to_json({"rows": found.to_pylist()}))
    else:
        print_rows(found.to_pylist())


def _row(given: list[str]) -> dict[str, str]:
    """Read a row of which some columns are known.

    >>> _row(["area=120", "zone=hill"])
    {'area': '120', 'zone': 'hill'}
    """
    row: dict[str, str] = {}
    for text in given:
        name, is_, value = text.partition("=")
        if not name or not is_ or name in row:
            raise UsageError(f"--given {text}: write COL=VALUE, each column once")
        row[name] = value
    return row
