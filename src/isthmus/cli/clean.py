"""``clean``: a table with its wrong cells repaired."""

import argparse
from pathlib import Path
from typing import Annotated

from isthmus.cli import options
from isthmus.cli.models import load_for
from isthmus.cli.terminal import done
from isthmus.cli.words import several, switch, word
from isthmus.errors import UsageError


def _share(text: str) -> float:
    """Read a share from 0 to 1."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to 1")
    return share


def clean(
    model: options.Model,
    data: options.Data,
    out: options.TableOut,
    changes: Annotated[
        Path | None,
        word("--changes", metavar="FILE", type=Path, help="file for the list of changes; by default OUT.changes.csv"),
    ] = None,
    share: Annotated[
        float,
        word(
            "--share-of-false-repairs",
            metavar="SHARE",
            type=_share,
            help="repairs that may, by expectation, change a right cell; by default 0.05",
        ),
    ] = 0.05,
    suggest: Annotated[bool, switch("--suggest", help="change nothing; list all that is likely wrong")] = False,
    denoise: Annotated[
        list[str] | None,
        several("--denoise", metavar="COL", help="smooth these columns of numbers, and change nothing else"),
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Repair cells that are surely wrong.

    Misspelt words, numbers in wrong units, values that the rest of the row rules out. Every change is
    listed with how sure it is, and why. Missing cells are left to `isthmus impute`.

    For example:

      isthmus clean houses.isthmus houses.csv -o clean.csv      (and clean.changes.csv)
      isthmus clean houses.isthmus houses.csv -o same.csv --suggest --changes suspects.csv
      isthmus clean houses.isthmus houses.csv -o smooth.csv --denoise Lot_Area Sale_Price
    """
    changes = changes or out.with_name(f"{out.name.partition('.')[0]}.changes.csv")
    for path in (out, changes):
        options.check_out(path, options.TABLES, inputs=[model, data])
    if suggest and denoise:
        raise UsageError("--suggest and --denoise: say one of them")
    if changes == out:
        raise UsageError(f"'{out}' is named for the table and for its changes: choose another name for one")
    from isthmus.data.sources import write_table

    found = load_for("clean", model).clean(data, share, suggest=suggest, denoise=denoise or ())
    told = found.suggestions if suggest else found.changes
    write_table(told, changes)
    write_table(found.table, out)
    words = "suggestions, nothing changed" if suggest else "cells changed"
    result = {"out": out, "changes": changes, "changed": found.changes.num_rows, "listed": told.num_rows}
    done(f"wrote {out} and {changes}: {told.num_rows:,} {words}", result, quiet=quiet, as_json=json)
