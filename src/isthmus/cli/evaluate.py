"""``evaluate``: made-up rows beside real ones."""

from pathlib import Path
from typing import Annotated

from isthmus.cli import options
from isthmus.cli.models import load_for
from isthmus.cli.terminal import done, print_rows, to_json
from isthmus.cli.words import whole, word


def evaluate(
    model: options.Model,
    data: options.Data,
    synthetic: Annotated[
        Path | None,
        word("--synthetic", metavar="FILE", type=Path, help="made-up rows; by default sampled from the model"),
    ] = None,
    held_out: Annotated[
        Path | None,
        word("--held-out", metavar="FILE", type=Path, help="real rows that nothing was fitted to, for privacy"),
    ] = None,
    target: Annotated[
        str | None, word("--target", metavar="COL", help="column to predict; by default the last one")
    ] = None,
    out: options.ReportOut = None,
    rows: Annotated[
        int, word("--rows", metavar="N", type=whole(10), help="rows of each table to look at; by default 5000")
    ] = 5000,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Measure how good made-up rows are.

    Fidelity, usefulness and privacy, beside a bootstrap of the real rows, each column drawn alone, and
    held-out rows. DATA are the rows that the made-up ones were made from; without --held-out, whether they
    give rows away is not judged.

    For example:

      isthmus evaluate houses.isthmus houses.csv -o report.html
      isthmus evaluate houses.isthmus houses.csv --synthetic made-up.csv --held-out new.csv -o report.html
    """
    if out is not None:
        options.check_out(out, (".html", ".json"), inputs=[p for p in (model, data, synthetic, held_out) if p])
    loaded = load_for("sample", model)
    from isthmus.report.evaluation import FIGURES
    from isthmus.report.evaluation import evaluate as measure

    found = measure(loaded, data, synthetic, held_out=held_out, target=target, rows=rows, seed=seed)
    result = found.to_dict()
    if out is not None and out.suffix.lower() == ".html":
        from isthmus.report.evaluation_page import write

        write(found, out)
    elif out is not None:
        from isthmus.files import writing

        with writing(out) as path:
            path.write_text(to_json(result) + "\n", encoding="utf-8")
    if out is None and not json and not quiet:
        kinds = list(found.figures["quality"])
        print("; ".join(f"{name}: {value}" for name, value in found.about.items()))
        print_rows([{"figure": f, **{k: found.figures[f].get(k) for k in kinds}} for f in FIGURES])
    elif out is not None or json:
        done(f"wrote {out}", result, quiet=quiet, as_json=json)
