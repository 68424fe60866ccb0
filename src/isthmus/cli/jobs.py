"""``impute`` and ``outliers``: jobs that write a table."""

from typing import TYPE_CHECKING, Annotated, Any

from isthmus.cli import options, pictures
from isthmus.cli.models import load_for
from isthmus.cli.terminal import done
from isthmus.cli.words import share, switch, whole, word
from isthmus.errors import UsageError

if TYPE_CHECKING:
    from isthmus.tasks.impute import Method


def impute(
    model: options.Model,
    data: options.Data,
    out: options.TableOut,
    method: Annotated[
        "Method | None",
        word("--method", choices=("mode", "mean", "sample"), help="likeliest values (default), means, or drawn values"),
    ] = None,
    draws: Annotated[
        int,
        word("--draws", metavar="M", type=whole(1), help="write M tables: OUT full.csv is full.1.csv, ..."),
    ] = 1,
    uncertainty: Annotated[
        bool, switch("--uncertainty", help="add COL_filled, and COL_probability or COL_low and COL_high")
    ] = False,
    interval: Annotated[
        float, word("--interval", metavar="SHARE", type=share, help="of numbers within low and high; by default 0.9")
    ] = 0.9,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Fill in missing cells.

    Each gets the value most likely by the rest of its row; with --method mean, numbers get what is expected
    on average. With --draws M there are M tables of drawn values, whose differences show how unsure the
    model is; with --uncertainty, further columns say so cell by cell.

    For example:

      isthmus impute houses.isthmus gaps.csv -o full.csv
      isthmus impute houses.isthmus gaps.csv -o full.csv --uncertainty
      isthmus impute houses.isthmus gaps.csv -o full.csv --draws 5     (full.1.csv ... full.5.csv)
    """
    options.check_out(out, options.TABLES, inputs=[model, data])
    if draws > 1 and method not in (None, "sample"):
        raise UsageError(f"--draws {draws} and --method {method}: several tables are drawn, say one of them")
    from isthmus.data.sources import write_table

    tables = load_for("impute", model).impute(data, method, draws, seed, uncertainty=uncertainty, interval=interval)
    if draws == 1:
        tables, paths = [tables], [out]
    else:
        stem, dot, ending = out.name.partition(".")
        paths = [out.with_name(f"{stem}.{i}{dot}{ending}") for i in range(1, draws + 1)]
    for table, path in zip(tables, paths, strict=True):
        write_table(table, path)
    result = {"out": paths, "rows": len(tables[0])}
    done(f"wrote {', '.join(map(str, paths))}: {len(tables[0]):,} rows", result, quiet=quiet, as_json=json)


def outliers(
    model: options.Model,
    data: options.Data,
    out: options.TableOut,
    explain: Annotated[bool, switch("--explain", help="say which cells are odd and why")] = False,
    top: Annotated[int, word("--top", metavar="N", type=whole(1), help="rows to explain; by default 10")] = 10,
    share: Annotated[
        float | None, word("--share", metavar="P", type=share, help="flag this share of the rows as outliers")
    ] = None,
    false_alarms: Annotated[
        float | None,
        word("--false-alarms", metavar="P", type=share, help="flag rows, but of usual rows only this share"),
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Score every row by how odd it is.

    The oddest comes first. A score of 10 is that of one row in 2^10 = 1,024. With --share or --false-alarms the column
    "outlier" says which rows to look at. Of pictures, a .png shows the oddest, and where they are so.

    For example:

      isthmus outliers houses.isthmus houses.csv -o odd.csv
      isthmus outliers houses.isthmus houses.csv -o why.csv --explain --top 20
      isthmus outliers houses.isthmus new.csv -o alarms.csv --false-alarms 0.001
      isthmus outliers vae.isthmus digits/ -o odd.png
    """
    loaded = load_for("outliers", model)
    if loaded.kind == pictures.KIND:
        return pictures.outliers(loaded, data, out, quiet=quiet, json=json)
    options.check_out(out, options.TABLES, inputs=[model, data])
    flagged = share is not None or false_alarms is not None
    if flagged and (explain or (share is not None and false_alarms is not None)):
        raise UsageError("give one of --share, --false-alarms and --explain")
    import pyarrow as pa

    from isthmus.data.sources import write_table

    found = loaded.outliers(data)
    columns: dict[str, Any] = {"row": found.order, "score": found.scores[found.order]}
    oddest = int(found.order[0])
    result = {"out": out, "rows": len(found.order), "oddest": oddest}
    sentence = f"wrote {out}: the oddest of {len(found.order):,} rows is row {oddest} (counted from 0)"
    if flagged:
        flags = found.flags(share, false_alarms=false_alarms)
        columns["outlier"] = flags[found.order]
        result["outliers"] = int(flags.sum())
        sentence += f"; outliers: {int(flags.sum()):,}"
    write_table(found.explain(top=top) if explain else pa.table(columns), out)
    done(sentence, result, quiet=quiet, as_json=json)
