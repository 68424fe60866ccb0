"""``fit --series``, and ``outliers`` and ``encode`` of what it wrote."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.cli import options
from isthmus.cli.terminal import done
from isthmus.errors import UsageError

if TYPE_CHECKING:
    from isthmus.series import SeriesAutoencoder

KIND = "series"
OUTS = (".png", ".svg")


def fit(data: Path, out: Path, others: dict[str, object], *, quiet: bool, json: bool, **settings: Any) -> None:
    """Fit to a series; `others` are options of other data, which must not be there."""
    for name, value in others.items():
        if value:
            raise UsageError(f"--{name} is not for --series; it takes --columns, --missing, --epochs, --budget, --seed")
    options.check_out(out, inputs=[data])
    from isthmus.series import SeriesAutoencoder

    model = SeriesAutoencoder(verbose=not quiet, **settings).fit(data)
    model.save(out)
    facts = model.inspect()
    told = {"rows": facts["rows"], **facts["series"], "weights": facts["weights"], "seconds": facts["seconds"]}
    done(f"wrote {out}: {learnt(facts)}", {"model": out, **told}, quiet=quiet, as_json=json)


def outliers(
    model: "SeriesAutoencoder",
    data: Path,
    out: Path,
    *,
    explain: bool,
    top: int,
    share: float | None,
    false_alarms: float | None,
    quiet: bool,
    json: bool,
) -> None:
    """Write how odd each moment is, in the order of time, or the oddest stretches and why, or a picture of both."""
    import pyarrow as pa

    from isthmus.data.series import times
    from isthmus.data.sources import write_table

    options.check_out(out, (*options.TABLES, *OUTS), inputs=[data])
    found = model.outliers(data)
    if out.suffix.lower() in OUTS:
        from isthmus.report.series import draw_series

        draw_series(found, out, top)
    elif explain:
        write_table(found.explain(top), out)
    else:
        when = times(found.table)
        columns: dict[str, Any] = {"row": range(len(found.scores))}
        columns |= {} if when is None else {when[0]: when[1]}
        columns["score"] = found.scores
        if share is not None or false_alarms is not None:
            columns["outlier"] = found.flags(share, false_alarms=false_alarms)
        write_table(pa.table(columns), out)
    _, first, last = found.stretches(1)[0]
    result = {"out": out, "rows": len(found.scores), "first": first, "last": last}
    sentence = f"wrote {out}: the oddest of {len(found.scores):,} rows are {first} to {last} (counted from 0)"
    done(sentence, result, quiet=quiet, as_json=json)


def learnt(facts: dict[str, Any]) -> str:
    """Say what was learnt.

    >>> series = {"columns": ["load", "heat"], "reach": 8, "clock": ["hour"]}
    >>> learnt({"rows": 4032, "series": series, "weights": 40000})
    'a series of 4,032 rows; load, heat; each with means of up to 255 rows before and after, and hour; 40,000 weights'
    """
    told = facts["series"]
    names = ", ".join(told["columns"][:6]) + (", ..." if len(told["columns"]) > 6 else "")
    clock = f", and {' and '.join(told['clock'])}" if told["clock"] else ""
    far = 2 ** told["reach"] - 1
    seen = f"each with means of up to {far} rows before and after{clock}"
    return f"a series of {facts['rows']:,} rows; {names}; {seen}; {facts['weights']:,} weights"
