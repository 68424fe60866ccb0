"""``impute`` and ``outliers``: jobs that write a table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from isthmus.cli import options, parts, pictures
from isthmus.cli import series as of_series
from isthmus.cli.models import load_for
from isthmus.cli.terminal import done
from isthmus.cli.words import share, switch, whole, word
from isthmus.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from isthmus.results import Outliers
    from isthmus.tasks.batches import Flags, Floats
    from isthmus.tasks.impute import Method


_APART = 1_000_003
"""How far the seeds of a table's parts lie apart."""


@dataclass(frozen=True)
class _Impute:
    """Fill a table, or a part of one, which has a seed of its own."""

    model: Any
    how: "Method"
    seed: int
    size: int
    told: dict[str, Any]

    def __call__(self, rows: Any) -> Any:
        number, within = divmod(getattr(rows, "start", 0), self.size)
        return self.model.impute(rows, self.how, 1, self.seed + _APART * number + within, **self.told)


@dataclass(frozen=True)
class _Oddest:
    """Score a part of a table, and hold its oddest rows, of which more may be asked."""

    model: Any
    keep: int

    def __call__(self, rows: Any) -> "tuple[Floats, Outliers]":
        found = self.model.outliers(rows)
        return found.scores, found.oddest(self.keep)


def impute(
    model: options.Model,
    data: options.Rows,
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
    memory: options.Memory = None,
    engine: options.Engine = None,
    workers: options.Workers = None,
    address: options.Address = None,
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
    from isthmus.data.sources import write_tables

    loaded, paths = load_for("impute", model), [out]
    if draws > 1:
        stem, dot, ending = out.name.partition(".")
        paths = [out.with_name(f"{stem}.{i}{dot}{ending}") for i in range(1, draws + 1)]
    how: Method = method or ("mode" if draws == 1 else "sample")
    told: dict[str, Any] = {"uncertainty": uncertainty, "interval": interval}
    way, rows = parts.Way(memory, engine, workers, address), 0
    opened = way.opened(loaded, data)
    for draw, path in enumerate(paths):
        work = _Impute(loaded, how, seed + draw, 1 if opened is None else opened.size, told)
        rows = write_tables(way.each(opened, data, work, "impute", quiet=quiet, holes=True), path)
    result = {"out": paths, "rows": rows}
    done(f"wrote {', '.join(map(str, paths))}: {rows:,} rows", result, quiet=quiet, as_json=json)


def outliers(
    model: options.Model,
    data: options.Rows,
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
    memory: options.Memory = None,
    engine: options.Engine = None,
    workers: options.Workers = None,
    address: options.Address = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Score every row by how odd it is.

    The oddest comes first. A score of 10 is that of one row in 2^10 = 1,024. With --share or --false-alarms the column
    "outlier" says which rows to look at. Of pictures, a .png shows the oddest, and where they are so; of a
    series, when it was odd, and --explain lists the stretches.

    For example:

      isthmus outliers houses.isthmus houses.csv -o odd.csv
      isthmus outliers houses.isthmus houses.csv -o why.csv --explain --top 20
      isthmus outliers houses.isthmus new.csv -o alarms.csv --false-alarms 0.001
      isthmus outliers vae.isthmus digits/ -o odd.png
      isthmus outliers sensors.isthmus sensors.csv -o when.png
    """
    loaded = load_for("outliers", model)
    if loaded.kind == pictures.KIND:
        return pictures.outliers(loaded, options.on_disk(data), out, quiet=quiet, json=json)
    flagged = share is not None or false_alarms is not None
    if flagged and (explain or (share is not None and false_alarms is not None)):
        raise UsageError("give one of --share, --false-alarms and --explain")
    if loaded.kind == of_series.KIND:
        asked: dict[str, Any] = {"explain": explain, "top": top, "share": share, "false_alarms": false_alarms}
        return of_series.outliers(loaded, options.on_disk(data), out, quiet=quiet, json=json, **asked)
    options.check_out(out, options.TABLES, inputs=[model, data])
    from isthmus.data.sources import write_table, write_tables
    from isthmus.results import Outliers

    way = parts.Way(memory, engine, workers, address)
    opened = way.opened(loaded, data)
    work = loaded.outliers if opened is None else _Oddest(loaded, top)
    each = way.each(opened, data, work, "outliers", quiet=quiet)
    found = Outliers.joined(each, keep=top) if opened is not None else next(each)
    oddest = int(found.order[0])
    result = {"out": out, "rows": len(found.order), "oddest": oddest}
    sentence = f"wrote {out}: the oddest of {len(found.order):,} rows is row {oddest} (counted from 0)"
    flags = None
    if flagged:
        flags = found.flags(share, false_alarms=false_alarms)
        result["outliers"] = int(flags.sum())
        sentence += f"; outliers: {int(flags.sum()):,}"
    if explain:
        write_table(found.explain(top=top), out)
    else:
        write_tables(_oddest_first(found, flags), out)
    done(sentence, result, quiet=quiet, as_json=json)


def _oddest_first(found: "Outliers", flags: "Flags | None", rows: int = 1 << 18) -> "Iterator[pa.Table]":
    """Give all rows with their scores, a few at a time."""
    import pyarrow as pa

    for start in range(0, len(found.order), rows):
        row = found.order[start : start + rows]
        columns: dict[str, Any] = {"row": row, "score": found.scores[row]}
        yield pa.table(columns if flags is None else columns | {"outlier": flags[row]})
