"""``sample`` and ``amplify``: tables of rows that nobody has collected."""

from pathlib import Path
from typing import Annotated

from isthmus.cli import diffusion, options, pictures
from isthmus.cli.given import parse_given
from isthmus.cli.models import load_for
from isthmus.cli.parts import watched
from isthmus.cli.terminal import done
from isthmus.cli.words import several, share, switch, whole, word
from isthmus.errors import UsageError

MANY = 1 << 16
"""Rows made up at a time."""


def sample(
    model: options.Model,
    out: Annotated[
        Path,
        word(
            "-o",
            "--out",
            metavar="OUT",
            type=Path,
            help=f"file to write: {', '.join(options.TABLES)}; of pictures .png, .gif, .npy, or a folder",
        ),
    ],
    n: Annotated[int, word("-n", metavar="N", type=whole(1), help="rows, or pictures, to make up")],
    given: options.Given = None,
    seed: options.Seed = 0,
    prior: Annotated[
        str | None,
        word("--prior", metavar="KIND", help="normal or learnt: where codes come from, in a model without masks"),
    ] = None,
    steps: Annotated[
        int | None, word("--steps", metavar="N", type=whole(2), help="of pictures: levels of noise gone through; 18")
    ] = None,
    guidance: Annotated[
        float | None,
        word("--guidance", metavar="G", type=float, help="of pictures: above 1, plainer examples of their label; 1"),
    ] = None,
    watch: Annotated[bool, switch("--watch", help="of pictures: show noise turning into them, step by step")] = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Make up new rows, or pictures.

    They are like those the model was fitted to or, with --given, like those that have these values. Pictures are
    made out of noise by a model that `isthmus fit FOLDER --corrupt diffusion` wrote.

    For example:

      isthmus sample houses.isthmus -n 500 -o new.csv
      isthmus sample houses.isthmus -n 20 -o pools.csv --given Pool_QC=Excellent Sale_Price=..250000
      isthmus sample houses.isthmus -n 20 -o two.csv --given 'Street=Pave|Grvl' Fireplaces=1..2
      isthmus sample digits.isthmus -n 25 -o sevens.png --given label=7
      isthmus sample digits.isthmus -n 25 -o digits.gif
    """
    if not out.suffix or out.name.lower().endswith(diffusion.OUTS):
        drawn = load_for("sample", model)
        if drawn.kind == pictures.KIND:
            shown = diffusion.label(given)
            return pictures.sample(drawn, out, n, shown, seed=seed, quiet=quiet, json=json)
        if drawn.kind != "diffusion":
            raise UsageError(f"'{out}': '{model}' makes rows up; write them to {', '.join(options.TABLES)}")
        asked = {"steps": steps or 18, "guidance": 1.0 if guidance is None else guidance, "watch": watch, "seed": seed}
        return diffusion.sample(drawn, out, n, given, quiet=quiet, json=json, **asked)  # type: ignore[arg-type]
    options.check_out(out, options.TABLES, inputs=[model])
    from isthmus.data.sources import write_table, write_tables

    loaded = load_for("sample", model)
    if loaded.kind in ("diffusion", pictures.KIND):
        raise UsageError(f"'{out}': '{model}' makes pictures; write them to {', '.join(diffusion.OUTS)}, or a folder")
    if steps is not None or guidance is not None or watch:
        raise UsageError("--steps, --guidance and --watch are for models of pictures")
    asked = parse_given(given, loaded.schema_)
    if n <= MANY:
        write_table(loaded.sample(n, given=asked, seed=seed, prior=prior), out)
    else:
        made = loaded.sample_parts(n, asked, seed, prior, rows=MANY)
        write_tables(watched(made, "sample", n, MANY, quiet=quiet), out)
    result = {"out": out, "rows": n}
    done(f"wrote {out}: {n:,} rows", result, quiet=quiet, as_json=json)


def amplify(
    model: options.Model,
    data: options.Data,
    out: options.TableOut,
    where: Annotated[
        list[str],
        several("--where", metavar="COL=VALUE", help="what makes the kind; or COL=LOW..HIGH, or 'COL=A|B|C'"),
    ],
    to: Annotated[float, word("--to", metavar="SHARE", type=share, help="share of all rows that it is to have")],
    mark: Annotated[
        str, word("--mark", metavar="COL", help="column that is true in added rows; by default synthetic")
    ] = "synthetic",
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Add synthetic rows of a rare kind.

    The data come first, unchanged, then as many rows as make the kind up to its share.

    For example:

      isthmus amplify crashes.isthmus crashes.csv -o more.csv --where dead=yes --to 0.3
      isthmus amplify houses.isthmus houses.csv -o more.csv --where Pool_QC=Good Sale_Price=300000.. --to 0.1
    """
    options.check_out(out, options.TABLES, inputs=[model, data])
    from isthmus.data.sources import open_table, write_table

    loaded = load_for("amplify", model)
    rows = open_table(data, missing=loaded.missing)
    table = loaded.amplify(rows, parse_given(where, loaded.schema_, "--where"), to, mark=mark, seed=seed)
    write_table(table, out)
    added = len(table) - rows.rows
    result = {"out": out, "rows": len(table), "added": added}
    done(f"wrote {out}: {rows.rows:,} rows and {added:,} made up", result, quiet=quiet, as_json=json)
