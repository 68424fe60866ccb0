"""``encode``, ``decode`` and ``reconstruct``: through the code and back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from isthmus.cli import options, parts, pictures
from isthmus.cli.given import parse_given
from isthmus.cli.models import load_for
from isthmus.cli.terminal import done
from isthmus.cli.words import word
from isthmus.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pyarrow as pa


def encode(
    model: options.Model,
    data: options.Rows,
    out: options.CodesOut,
    memory: options.Memory = None,
    engine: options.Engine = None,
    workers: options.Workers = None,
    address: options.Address = None,
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
    from isthmus.data.sources import write_tables

    loaded, width, way = load_for("encode", model), 0, parts.Way(memory, engine, workers, address)

    def codes() -> "Iterator[pa.Table]":
        nonlocal width
        for found in way.each(way.opened(loaded, data), data, loaded.encode, "encode", quiet=quiet):
            width = found.shape[1]
            yield numbered(found, "z")

    rows = write_tables(codes(), out)
    result = {"out": out, "rows": rows, "width": width}
    done(f"wrote {out}: {rows:,} codes of {width} numbers", result, quiet=quiet, as_json=json)


def decode(
    model: options.Model,
    codes: Annotated[
        Path, word(metavar="CODES", type=Path, help="codes that `isthmus encode` wrote: .csv, .npy, .parquet")
    ],
    out: options.TableOut,
    condition: Annotated[
        Path | None,
        word("--condition", metavar="DATA", type=Path, help="rows with the condition columns of CODES"),
    ] = None,
    given: options.Given = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Turn codes back into rows.

    A model fitted with --condition reads those columns beside the code: take them from the rows that
    were encoded, or give one value to all rows.

    For example:

      isthmus decode houses.isthmus codes.npy -o houses-again.csv
      isthmus decode adult.isthmus codes.npy -o adult-again.csv --condition adult.csv
      isthmus decode adult.isthmus codes.npy -o as-women.csv --given sex=Female
    """
    options.check_out(out, options.TABLES, inputs=[model, codes])
    from isthmus.data.sources import write_table

    if condition and given:
        raise UsageError("--condition and --given: say one of them")
    decoder = load_for("decode", model)
    known = condition or parse_given(given, decoder.schema_) or None
    table = decoder.decode(read_codes(codes), given=known)
    write_table(table, out)
    result = {"out": out, "rows": len(table)}
    done(f"wrote {out}: {len(table):,} rows", result, quiet=quiet, as_json=json)


def reconstruct(
    model: options.Model,
    data: options.Rows,
    out: options.TableOut,
    memory: options.Memory = None,
    engine: options.Engine = None,
    workers: options.Workers = None,
    address: options.Address = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Send rows through the code and back.

    What comes out is what the code keeps of them.

    For example:

      isthmus reconstruct houses.isthmus houses.csv -o houses-again.csv
      isthmus reconstruct vae.isthmus digits/ -o digits-again.png
    """
    if not out.suffix or out.suffix.lower() in pictures.OUTS:
        loaded = load_for("reconstruct", model)
        if loaded.kind == pictures.KIND:
            return pictures.reconstruct(loaded, options.on_disk(data), out, quiet=quiet, json=json)
    options.check_out(out, options.TABLES, inputs=[model, data])
    from isthmus.data.sources import write_tables

    loaded, way = load_for("reconstruct", model), parts.Way(memory, engine, workers, address)
    each = way.each(way.opened(loaded, data), data, loaded.reconstruct, "reconstruct", quiet=quiet)
    rows = write_tables(each, out)
    result = {"out": out, "rows": rows}
    done(f"wrote {out}: {rows:,} rows", result, quiet=quiet, as_json=json)


def numbered(numbers: "np.ndarray[Any, Any]", prefix: str) -> "pa.Table":
    """Give a matrix as a table whose columns are named prefix0, prefix1, ..."""
    import pyarrow as pa

    return pa.table({f"{prefix}{i}": column for i, column in enumerate(numbers.T)})


def write_numbers(numbers: "np.ndarray[Any, Any]", prefix: str, out: Path) -> None:
    """Write a matrix by its path's extension; columns are named prefix0, prefix1, ..."""
    from isthmus.data.sources import write_table

    if out.suffix.lower() == ".npy":
        write_table(numbers, out)
    else:
        write_table(numbered(numbers, prefix), out)


def read_codes(path: Path) -> "np.ndarray[Any, Any]":
    """Read a matrix of codes from .npy, .csv or .parquet."""
    import numpy as np

    from isthmus.data.sources import open_table
    from isthmus.errors import FileError

    columns = open_table(path).columns.columns
    try:
        return np.column_stack([column.to_numpy().astype(np.float32) for column in columns])
    except (TypeError, ValueError):
        raise FileError(f"'{path}' holds text; codes are numbers, as isthmus encode writes them") from None
