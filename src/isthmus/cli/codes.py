"""``encode``, ``decode`` and ``reconstruct``: through the code and back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from isthmus.cli import options
from isthmus.cli.given import parse_given
from isthmus.cli.terminal import done
from isthmus.cli.words import word

if TYPE_CHECKING:
    import numpy as np


def encode(
    model: options.Model,
    data: options.Data,
    out: options.CodesOut,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Turn rows into codes.

    A code is the few numbers that the model keeps of a row.

    For example:

      isthmus encode houses.isthmus houses.csv -o codes.npy
      isthmus encode houses.isthmus new.parquet -o codes.csv
    """
    options.check_out(out, options.CODES, inputs=[model, data])
    from isthmus import load

    codes = load(model).encode(data)
    write_numbers(codes, "z", out)
    rows, width = codes.shape
    done(f"wrote {out}: {rows:,} codes of {width} numbers", {"out": out, "rows": rows, "width": width},
         quiet=quiet, as_json=json)  # fmt: skip


def decode(
    model: options.Model,
    codes: Annotated[
        Path, word(metavar="CODES", type=Path, help="codes that `isthmus encode` wrote: .csv, .npy, .parquet")
    ],
    out: options.TableOut,
    given: options.Given = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Turn codes back into rows.

    A model fitted with --condition needs those columns' values too: --given COL=VALUE for all rows.

    For example:

      isthmus decode houses.isthmus codes.npy -o houses-again.csv
      isthmus decode adult.isthmus codes.csv -o as-women.csv --given sex=Female
    """
    options.check_out(out, options.TABLES, inputs=[model, codes])
    from isthmus import load
    from isthmus.data.sources import write_table

    loaded = load(model)
    table = loaded.decode(read_codes(codes), given=parse_given(given, loaded.schema_) or None)
    write_table(table, out)
    done(f"wrote {out}: {len(table):,} rows", {"out": out, "rows": len(table)}, quiet=quiet, as_json=json)


def reconstruct(
    model: options.Model,
    data: options.Data,
    out: options.TableOut,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Send rows through the code and back.

    What comes out is what the code keeps of them.

    For example:

      isthmus reconstruct houses.isthmus houses.csv -o houses-again.csv
    """
    options.check_out(out, options.TABLES, inputs=[model, data])
    from isthmus import load
    from isthmus.data.sources import write_table

    table = load(model).reconstruct(data)
    write_table(table, out)
    done(f"wrote {out}: {len(table):,} rows", {"out": out, "rows": len(table)}, quiet=quiet, as_json=json)


def write_numbers(numbers: "np.ndarray", prefix: str, out: Path) -> None:
    """Write a matrix by its path's extension; columns are named prefix0, prefix1, ..."""
    import pyarrow as pa

    from isthmus.data.sources import write_table

    write_table(pa.table({f"{prefix}{i}": column for i, column in enumerate(numbers.T)}), out)


def read_codes(path: Path) -> "np.ndarray":
    """Read a matrix of codes from .npy, .csv or .parquet."""
    import numpy as np

    from isthmus.data.sources import open_table
    from isthmus.errors import FileError

    if path.suffix.lower() != ".npy":
        columns = open_table(path).columns
        try:
            return np.column_stack([column.to_numpy().astype(np.float32) for column in columns.columns])
        except (TypeError, ValueError):
            raise FileError(f"{path}: holds text; codes are numbers, see isthmus encode") from None
    try:
        codes = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise FileError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError):
        raise FileError(f"{path}: is not a .npy file of numbers") from None
    return np.asarray(codes)
