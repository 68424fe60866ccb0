"""``compare`` and ``align``: two models of the same columns."""

from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

from isthmus.cli import options
from isthmus.cli.codes import read_codes, write_numbers
from isthmus.cli.models import load_for
from isthmus.cli.terminal import done, print_rows, to_json
from isthmus.cli.words import whole, word

REPORTS = (".html", ".json")


def compare(
    models: Annotated[
        list[Path], word(metavar="MODEL", nargs="+", type=Path, help="two models or more, of the same columns")
    ],
    data: options.Data,
    out: options.ReportOut = None,
    rows: Annotated[
        int, word("--rows", metavar="N", type=whole(3), help="rows to compare at most; by default 4096")
    ] = 4096,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Measure how far two runs agree.

    Codes: linear CKA, variance explained after turning one onto the other (Procrustes), shared neighbours
    before and after aligning. Answers: cells filled in, cells rebuilt, ranks of outliers. Best on rows that
    no model was fitted to. Each pair of models is compared.

    For example:

      isthmus compare monday.isthmus tuesday.isthmus houses.csv
      isthmus compare monday.isthmus tuesday.isthmus houses.csv -o agreement.html
    """
    from isthmus.errors import UsageError

    if len(models) < 2:
        raise UsageError("compare needs two models or more before DATA")
    if out is not None:
        options.check_out(out, REPORTS, inputs=[*models, data])
    from isthmus.agreement import compare as measure

    loaded = [load_for("outliers", path) for path in models]
    found = {
        f"{models[i]}, {models[j]}": measure(loaded[i], loaded[j], data, rows=rows, seed=seed)
        for i, j in combinations(range(len(models)), 2)
    }
    result: dict[str, Any] = {"pairs": [{"models": pair} | each.to_dict() for pair, each in found.items()]}
    if out is not None and out.suffix.lower() == ".html":
        from isthmus.report.agreement import write

        write(found, out)
    elif out is not None:
        from isthmus.files import writing

        with writing(out) as path:
            path.write_text(to_json(result) + "\n", encoding="utf-8")
    if out is None and not json and not quiet:
        for pair, each in found.items():
            print(f"{pair}: {each.rows:,} rows compared")
            print_rows([{"figure": name, **figure} for name, figure in each.measured.items()])
        return
    if out is not None or json:
        done(f"wrote {out}: {len(found)} pairs of models", result, quiet=quiet, as_json=json)


def align(
    old: Annotated[Path, word(metavar="OLD", type=Path, help="the model that made the codes")],
    new: Annotated[Path, word(metavar="NEW", type=Path, help="a model of the same columns")],
    codes: Annotated[Path, word(metavar="CODES", type=Path, help="codes of OLD: .csv, .npy, .parquet")],
    out: options.CodesOut,
    method: Annotated[
        str,
        word(
            "--method",
            choices=("rows", "linear"),
            help="through the rows that codes stand for (default), or by an affine map learnt from --data",
        ),
    ] = "rows",
    data: Annotated[
        Path | None, word("--data", metavar="DATA", type=Path, help="rows to learn the linear map from")
    ] = None,
    condition: Annotated[
        Path | None,
        word("--condition", metavar="DATA", type=Path, help="rows with the condition columns of CODES"),
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Turn codes of one model into codes of another.

    So stored codes survive a retraining, without the rows they were made of.

    For example:

      isthmus align monday.isthmus tuesday.isthmus codes.npy -o codes-now.npy
    """
    inputs = [path for path in (old, new, codes, data, condition) if path is not None]
    options.check_out(out, options.CODES, inputs=inputs)
    from isthmus.agreement import align as turn

    pair = load_for("decode" if method == "rows" else "encode", old), load_for("encode", new)
    aligned = turn(*pair, read_codes(codes), method=method, data=data, given=condition)  # type: ignore[arg-type]
    write_numbers(aligned, "z", out)
    count, width = aligned.shape
    result = {"out": out, "rows": count, "width": width}
    done(f"wrote {out}: {count:,} codes of {width} numbers", result, quiet=quiet, as_json=json)
