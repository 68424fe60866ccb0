"""Tables, pictures and sounds in files that are as small as what they hold is surprising, and back."""

from __future__ import annotations

import io
import operator
import warnings
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import parquet

from isthmus import media
from isthmus.container import BLOCK, MAGIC, MODEL, Container, Writer
from isthmus.data.frames import Flavour
from isthmus.data.integers import IntegerCodec
from isthmus.data.parts import Parts
from isthmus.data.schema import Schema
from isthmus.data.sources import Table, open_table
from isthmus.endings import PICTURE, SOUND, kind_of
from isthmus.errors import NONSENSE, FileError, IsthmusWarning, UsageError
from isthmus.tablefile import LEVEL, TableFile, totals
from isthmus.tasks.compress.plan import ROWS
from isthmus.tasks.compress.relations import entropy

Floats = npt.NDArray[np.float64]

if TYPE_CHECKING:
    from isthmus.model import Autoencoder

TABLE, PARQUET = "table", "parquet"
LARGE = 2_000_000
"""Rows beyond which a Parquet file is never read whole."""
SAMPLE = 500_000
"""Rows that are learnt from of a table that does not fit into memory."""
_BOTH = 2  # blocks written or read side by side


def compress(
    data: Any,
    path: str | PathLike[str],
    *,
    tolerance: float | Mapping[str, float] = 0.0,
    unordered: bool = False,
    model: Autoencoder | str | PathLike[str] | None = None,
    schema: Schema | None = None,
    missing: Collection[object] = (),
    quality: float | None = None,
    size: int | None = None,
    perceptual: bool = False,
    budget: float | None = None,
    seed: int = 0,
    memory: float | str | None = None,
    verbose: bool = False,
) -> dict[str, Any]:
    """Write a table, a picture or a sound to a small file.

    A table's file holds all that reading it needs, its model included; models of pictures and sounds come with isthmus.

    Parameters
    ----------
    data
        A table: a path, frame or array, as `isthmus.Autoencoder.fit` takes it; or the path of a picture (.png, .jpg,
        ...) or a sound (.wav, .flac, .ogg, ...).
    path
        The file to write.
    tolerance
        By how much numbers may be off: a share of each column's range, or by column name, in the column's own units.
        Categories, Booleans, texts and numbers not named are always exact.
    unordered
        Whether rows may come back in another order, which saves what their order would take.
    model
        A fitted `isthmus.Autoencoder`, or its file, whose schema says what the columns are; or a file that `compress`
        wrote, whose whole model is used again, for more rows of the same table.
    schema, missing
        As in `isthmus.Autoencoder`.
    quality, size
        Of a picture or sound, how near it comes, from 1, small, to 8; or of a picture, bytes that it may take. A sound
        of whole numbers comes back exactly where neither is said.
    perceptual
        Whether a picture or sound is to look or sound alike, rather than to have a small mean squared error.
    budget
        Seconds to train, where the size of the table is not to decide.
    seed
        Of the training.
    memory
        Memory that a table may take, such as "2GB"; a larger file, or a folder of Parquet or CSV files, is learnt from
        by half a million of its rows and written a part at a time. By default half of what is free.
    verbose
        Whether to show progress on stderr.

    Returns
    -------
    dict
        What `look` tells: of a table rows and bytes in all, of the model, and of each column.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> flowers = load_iris(as_frame=True).frame
    >>> path = Path(tempfile.mkdtemp()) / "flowers.isz"
    >>> compress(flowers, path)["rows"]
    150
    >>> bool((decompress(path) == flowers).all().all())
    True
    """
    if kind_of(data) is not None:
        if not _exact(tolerance) or unordered or model is not None or schema is not None:
            raise UsageError("tolerance, unordered, model and schema are for tables; a picture or sound has a quality")
        media.write(data, path, quality=quality, size=size, perceptual=perceptual)
        return look(path)
    if quality is not None or size is not None or perceptual:
        raise UsageError("quality, size and perceptual are for pictures and sounds; a table has a tolerance")
    parts = Parts.of(data, missing, memory, LARGE)
    if parts is not None and unordered:
        raise UsageError(f"unordered: rows of '{fspath(data)}' are read a few at a time, and cannot be sorted")
    table = open_table(data, missing=missing) if parts is None else parts.some(SAMPLE, seed)
    rows = table.rows if parts is None else parts.rows
    file = _given(model, table, tolerance)
    if file is None:
        if model is not None:
            schema = _schema_of(model)
        if unordered:
            table = _sorted(table)
        file = TableFile.learn(table, tolerance, schema, rows, budget=budget, seed=seed, verbose=verbose)
    _check_columns(file, table)
    facts, held = file.facts()
    about = {"rows": rows, "flavour": table.flavour.to_dict(), "ordered": not unordered}
    if parts is not None:
        slices = (part.columns for part in parts.tables(ROWS))
        _write(path, {"kind": TABLE, **about, **facts}, held, _written(file, slices), file, table)
        return look(path)
    done = list(_written(file, (table.columns.slice(start, ROWS) for start in range(0, rows, ROWS))))
    plain = _as_parquet(table) if _exact(tolerance) else None
    if plain is not None and len(plain) <= sum(len(block) for block, _ in done) + sum(map(len, held)):
        with Writer(path, {"kind": PARQUET, **about}) as writer:
            writer.add(BLOCK, plain)
    else:
        _write(path, {"kind": TABLE, **about, **facts}, held, iter(done), file, table)
    return look(path)


def _written(file: TableFile, slices: Iterator[pa.Table]) -> Iterator[tuple[bytes, Floats]]:
    """Write blocks of rows side by side, few at a time, and give them in order with the bits that columns took."""
    with ThreadPoolExecutor(_BOTH) as pool:
        while some := list(islice(slices, 2 * _BOTH)):
            yield from pool.map(file.write, some)


def _write(
    path: str | PathLike[str],
    facts: dict[str, Any],
    held: list[bytes],
    blocks: Iterator[tuple[bytes, Floats]],
    file: TableFile,
    table: Table,
) -> None:
    """Write a container of blocks as they come."""
    with Writer(path, facts) as writer:
        for part in held:
            writer.add(MODEL, part)
        bits = np.zeros(len(file.codec.schema.coded))
        for block, each in blocks:
            writer.add(BLOCK, block)
            bits += each
        writer.totals(totals(file, table, bits, facts["rows"]))


def _check_columns(file: TableFile, table: Table) -> None:
    """Refuse a model that was made of other columns."""
    here, known = set(table.columns.column_names), set(file.codec.schema.names)
    for names, what in ((known - here, "not here"), (here - known, "unknown to it")):
        if names:
            listed = ", ".join(f"'{name}'" for name in sorted(names)[:5])
            raise UsageError(f"the model was made of other columns: {listed} {what}")


def decompress(path: str | PathLike[str], *, rows: slice | None = None, salvage: bool = False) -> Any:
    """Read what `compress` wrote: a table of the kind it was made of, a picture's pixels, a sound's samples and rate.

    Parameters
    ----------
    path
        A file that `compress` wrote.
    rows
        Which rows; only the blocks that hold them are read.
    salvage
        Whether to leave out blocks that are damaged, with a warning for each, instead of reading nothing.

    Raises
    ------
    FileError
        The file is missing, is no such file, was cut short or altered, or is from a newer version.
    """
    with Container(path, salvage) as container:
        with container.understood():
            flavour = Flavour.from_dict(container.facts.get("flavour", {"kind": "pyarrow"}))
        found = media.read(container) if container.facts.get("kind") in (PICTURE, SOUND) else None
        parts = [] if found is not None else list(tables(container, rows))
        for line in container.damage:
            warnings.warn(f"'{fspath(path)}': {line}", IsthmusWarning, stacklevel=2)
    if found is not None:
        return found
    if not parts:
        raise FileError(f"'{fspath(path)}': no block of it can be read")
    return flavour.give(pa.concat_tables(parts))


def tables(container: Container, rows: slice | None = None, product: Any = np.matmul) -> Iterator[pa.Table]:
    """Read an open container's table, a block of rows after another; those that are damaged are left out."""
    total = _rows_of(container)
    first, last, _ = (rows or slice(None)).indices(total)
    if rows is not None and first >= last:
        raise UsageError(f"'{container.name}' has {total:,} rows, none of them from {rows.start} to {rows.stop}")
    if container.facts.get("kind") == PARQUET:
        if (held := container.block(0)) is not None:
            yield parquet.read_table(io.BytesIO(held)).replace_schema_metadata(None).slice(first, last - first)
        return
    try:
        file = TableFile.from_facts(container.facts, container.models(), product)
    except FileError as error:
        raise FileError(f"'{container.name}': {error}") from None

    def read(number: int, held: bytes | None) -> pa.Table | None:
        if held is None:
            return None
        try:
            found = file.read(held)
        except NONSENSE as error:
            container.spoilt(number, str(error))
            return None
        if len(found) != min(ROWS, total - number * ROWS):
            container.spoilt(number, f"it holds {len(found):,} rows")
            return None
        return found

    numbers = range(first // ROWS, min(-(-last // ROWS), container.blocks))
    if container.blocks < -(-total // ROWS):
        container.spoilt(container.blocks, "it is missing")
    with ThreadPoolExecutor(_BOTH) as pool:
        for start in range(0, len(numbers), _BOTH):
            some = numbers[start : start + _BOTH]
            for number, found in zip(some, pool.map(read, some, list(container.each(some))), strict=True):
                if found is not None:
                    begin = number * ROWS
                    yield found.slice(max(first - begin, 0), min(last - begin, len(found)) - max(first - begin, 0))


def look(path: str | PathLike[str]) -> dict[str, Any]:
    """Say what a file that `compress` wrote holds: rows, bytes, and what each column takes."""
    with Container(path) as container:
        facts, totals = container.facts, container.totals
        found = {"kind": facts.get("kind"), "bytes": container.size}
        if facts.get("kind") in (PICTURE, SOUND):
            names = ("height", "width", "samples", "channels", "rate", "quality", "bits", "model")
            return found | {"blocks": container.blocks} | {name: facts[name] for name in names if name in facts}
        found["rows"] = _rows_of(container)
        if facts.get("kind") == TABLE:
            found |= {"blocks": container.blocks, "ordered": facts.get("ordered"), **totals}
            found["model"] = sum(map(len, container.models()))
        return found


def _rows_of(container: Container) -> int:
    with container.understood():
        rows = operator.index(container.facts.get("rows", 0))
        if not 0 <= rows < 1 << 63:
            raise ValueError(f"{rows} rows")
    return rows


def _given(
    model: Autoencoder | str | PathLike[str] | None, table: Table, tolerance: float | Mapping[str, float]
) -> TableFile | None:
    """Give the whole model of a compressed file, where one is named."""
    if not isinstance(model, str | PathLike) or not _compressed(model):
        return None
    with Container(model) as container:
        if container.facts.get("kind") != TABLE:
            raise UsageError(f"'{fspath(model)}' holds no model: it is stored as Parquet")
        file = TableFile.from_facts(container.facts, container.models())
    if not _exact(tolerance):
        raise UsageError("tolerance: a model is used again with the tolerance it was made with; leave one of them out")
    return file


def _compressed(path: str | PathLike[str]) -> bool:
    if not Path(path).is_file():
        raise FileError(f"'{fspath(path)}': no such file")
    with Path(path).open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _schema_of(model: Autoencoder | str | PathLike[str]) -> Schema:
    if isinstance(model, str | PathLike):
        from isthmus.store import load

        return load(model).schema_
    return model.schema_


def _exact(tolerance: float | Mapping[str, float]) -> bool:
    return not (any(tolerance.values()) if isinstance(tolerance, Mapping) else tolerance)


def _sorted(table: Table) -> Table:
    """Sort rows by the column of numbers that gains most by being little steps; or leave them in a better order."""
    codec = IntegerCodec.learn(table)
    cells = codec.encode(table)
    gains = [
        (_gain(column), 0.0 if way == "level" else _gain(np.sort(column)))
        for way, column in zip(codec.ways, cells.T, strict=True)
    ]
    if not gains or sum(gain for gain, _ in gains) >= max(gain for _, gain in gains):
        return table
    order = np.lexsort([*cells.T, cells[:, int(np.argmax([gain for _, gain in gains]))]])
    return replace(table, columns=table.columns.take(pa.array(order)), flavour=table.flavour.without_rows())


def _gain(column: npt.NDArray[np.int64]) -> float:
    """Bits a row that steps from row to row save of a column (rows,)."""
    return max(entropy(column) - entropy(np.diff(column, prepend=column[:1])), 0.0)


def _as_parquet(table: Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table.columns, sink, compression="zstd", compression_level=LEVEL)
    return sink.getvalue()
