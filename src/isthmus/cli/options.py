"""Arguments and options that several verbs share, and the checks on output paths."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from isthmus.cli.words import several, switch, whole, word
from isthmus.errors import FileError, UsageError

TABLES = (".csv", ".csv.gz", ".parquet", ".json")
CODES = (".csv", ".npy", ".parquet")

Model = Annotated[Path, word(metavar="MODEL", type=Path, help="a model that `isthmus fit` wrote")]
Data = Annotated[Path, word(metavar="DATA", type=Path, help="a table: .csv, .csv.gz, .tsv or .parquet")]


def place(text: str) -> Path | str:
    """Read a path, or leave an address as it is.

    >>> place("s3://sales/2024")
    's3://sales/2024'
    """
    return text if "://" in text else Path(text)


def on_disk(data: Path | str) -> Path:
    """Refuse an address where only a table may have one."""
    if isinstance(data, str):
        raise UsageError(f"'{data}': only tables are read from an address: name a file or folder")
    return data


ROWS_HELP = (
    "a table: .csv, .csv.gz, .tsv or .parquet, a folder of such files, or the address of one: s3://bucket/folder"
)
Rows = Annotated[Path | str, word(metavar="DATA", type=place, help=ROWS_HELP)]
TableOut = Annotated[Path, word("-o", "--out", metavar="OUT", type=Path, help=f"file to write: {', '.join(TABLES)}")]
CodesOut = Annotated[Path, word("-o", "--out", metavar="OUT", type=Path, help=f"file to write: {', '.join(CODES)}")]
ReportOut = Annotated[Path | None, word("-o", "--out", metavar="OUT", type=Path, help="report to write: .html, .json")]
Columns = Annotated[list[str] | None, several("--columns", metavar="COL", help="use only these columns")]
Drop = Annotated[list[str] | None, several("--drop", metavar="COL", help="leave these columns out")]
Missing = Annotated[
    list[str] | None,
    several("--missing", metavar="TEXT", help="read these cells as missing too, e.g. -999"),
]
Given = Annotated[
    list[str] | None,
    several("--given", metavar="COL=VALUE", help="or COL=LOW..HIGH, or 'COL=A|B|C'"),
]
Seed = Annotated[
    int, word("--seed", metavar="N", type=whole(0, 2**32 - 1), help="same seed, same result; by default 0")
]
Memory = Annotated[
    str | None,
    word("--memory", metavar="SIZE", help="read what would take more, e.g. 2GB, in parts; half of what is free"),
]
Engine = Annotated[
    str | None, word("--engine", choices=("ray",), metavar="NAME", help="ray: many machines, or processes of this one")
]
Workers = Annotated[int | None, word("--workers", metavar="N", type=whole(1), help="of --engine ray; by default 2")]
Address = Annotated[
    str | None,
    word("--address", metavar="HOST", help="a cluster of Ray: auto, host:port or ray://host:port; else this machine"),
]
Quiet = Annotated[bool, switch("--quiet", "-q", help="no messages but errors and warnings")]
Json = Annotated[bool, switch("--json", help="print one JSON object on stdout")]


def check_out(out: Path, extensions: Sequence[str] = (), inputs: Sequence[Path | str] = ()) -> None:
    """Refuse an output path that could not be written at the end, before any work is done.

    Parameters
    ----------
    out
        The file to be written.
    extensions
        Those that name a format; none means that any name will do.
    inputs
        Files that are read, and so must not be overwritten; addresses are no files here.

    Examples
    --------
    >>> check_out(Path("codes.xlsx"), CODES)
    Traceback (most recent call last):
    isthmus.errors.UsageError: 'codes.xlsx': unknown extension; known are .csv, .npy, .parquet
    """
    if extensions and not out.name.lower().endswith(tuple(extensions)):
        raise UsageError(f"'{out}': unknown extension; known are {', '.join(extensions)}")
    if out.is_dir():
        raise FileError(f"'{out}' is a folder: name a file in it")
    if not out.parent.is_dir():
        raise FileError(f"'{out}' cannot be written: there is no folder '{out.parent}'")
    for path in (each for each in inputs if isinstance(each, Path)):
        if out.exists() and path.exists() and out.samefile(path):
            raise UsageError(f"'{out}' is read by this command: choose another name to write to")
