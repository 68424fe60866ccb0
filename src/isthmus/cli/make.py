"""``sample``: a table of rows that nobody has collected."""

from typing import Annotated

from isthmus.cli import options
from isthmus.cli.given import parse_given
from isthmus.cli.models import load_for
from isthmus.cli.terminal import done
from isthmus.cli.words import whole, word


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
