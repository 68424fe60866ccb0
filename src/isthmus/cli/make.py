"""``sample`` and ``amplify``: tables of rows that nobody has collected."""

from typing import Annotated

from isthmus.cli import options
from isthmus.cli.given import parse_given
from isthmus.cli.models import load_for
from isthmus.cli.terminal import done
from isthmus.cli.words import several, share, whole, word


def sample(
    model: options.Model,
    out: options.TableOut,
    n: Annotated[int, word("-n", metavar="N", type=whole(1), help="rows to make up")],
    given: options.Given = None,
    seed: options.Seed = 0,
    prior: Annotated[
        str | None,
        word("--prior", metavar="KIND", help="normal or learnt: where codes come from, in a model without masks"),
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Make up new rows.

    They are like those the model was fitted to or, with --given, like those that have these values.

    For example:

      isthmus sample houses.isthmus -n 500 -o new.csv
      isthmus sample houses.isthmus -n 20 -o pools.csv --given Pool_QC=Excellent Sale_Price=..250000
      isthmus sample houses.isthmus -n 20 -o two.csv --given 'Street=Pave|Grvl' Fireplaces=1..2
    """
    options.check_out(out, options.TABLES, inputs=[model])
    from isthmus.data.sources import write_table

    loaded = load_for("sample", model)
    table = loaded.sample(n, given=parse_given(given, loaded.schema_), seed=seed, prior=prior)
    write_table(table, out)
    result = {"out": out, "rows": len(table)}
    done(f"wrote {out}: {len(table):,} rows", result, quiet=quiet, as_json=json)


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
