"""``compress`` and ``decompress``: tables, pictures and sounds as small files, and back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from isthmus.cli import options
from isthmus.cli.progress import shows_progress
from isthmus.cli.terminal import done, print_rows, say
from isthmus.cli.words import several, switch, whole, word
from isthmus.endings import COMPRESSED, PICTURE, PICTURES, SOUND, SOUNDS, kind_of
from isthmus.errors import UsageError

File = Annotated[Path, word(metavar="FILE", type=Path, help="a file that `isthmus compress` wrote")]


@shows_progress()
def compress(
    data: Annotated[
        Path,
        word(metavar="DATA", type=Path, help="a table (.csv, .parquet, ...), picture (.png, ...) or sound (.wav, ...)"),
    ],
    out: Annotated[Path, word("-o", "--out", metavar="FILE", type=Path, help="file to write: .isz")],
    tolerance: Annotated[
        list[str] | None,
        several(
            "--tolerance",
            metavar="SHARE|COL=BY",
            help="by how much numbers may be off: a share of each column's range, or COL=0.5 in its own units",
        ),
    ] = None,
    unordered: Annotated[bool, switch("--unordered", help="rows may come back in another order")] = False,
    model: Annotated[
        Path | None,
        word("--model", metavar="MODEL", type=Path, help="use a model's schema, or a compressed file's whole model"),
    ] = None,
    missing: options.Missing = None,
    quality: Annotated[
        float | None,
        word("--quality", metavar="1..8", type=float, help="how near a picture or sound is to come; 4"),
    ] = None,
    size: Annotated[int | None, word("--size", metavar="BYTES", type=whole(1), help="bytes a picture may take")] = None,
    perceptual: Annotated[
        bool, switch("--perceptual", help="a picture or sound is to look or sound alike, whatever its mean error")
    ] = False,
    curve: Annotated[
        Path | None,
        word("--curve", metavar="PNG", type=Path, help="also draw size against error, which takes six times as long"),
    ] = None,
    budget: Annotated[int | None, word("--budget", metavar="SECONDS", type=whole(1), help="time to train")] = None,
    seed: options.Seed = 0,
    memory: options.Memory = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Write a table, a picture or a sound to a file as small as what it holds is surprising.

    Of a table, a small model learns how the cells depend on each other and is stored beside them; nothing else is
    needed to read the file. Without --tolerance every cell comes back exactly. The models of pictures and sounds come
    with isthmus. A sound without --quality comes back exactly, where its samples are whole numbers.

    For example:

      isthmus compress houses.csv -o houses.isz
      isthmus compress sensors.parquet -o sensors.isz --tolerance 0.01
      isthmus compress sensors.csv -o sensors.isz --tolerance T1=0.05 T2=0.05 --unordered
      isthmus compress july.csv -o july.isz --model june.isz
      isthmus compress sensors.csv -o sensors.isz --curve sensors.png
      isthmus compress photo.png -o photo.isz --quality 5
      isthmus compress photo.png -o photo.isz --size 20000 --perceptual
      isthmus compress speech.wav -o speech.isz --quality 3 --perceptual
    """
    options.check_out(out, COMPRESSED, inputs=[data])
    if curve is not None:
        options.check_out(curve, (".png",), inputs=[data])
        if kind_of(data) is not None:
            raise UsageError(f"--curve: '{data}' is a {kind_of(data)}; curves are drawn of tables")
    from isthmus.compression import compress as write

    before = data.stat().st_size if data.is_file() else 0
    facts = write(
        data,
        out,
        tolerance=_tolerance(tolerance or []),
        unordered=unordered,
        model=model,
        missing=tuple(missing or ()),
        quality=quality,
        size=size,
        perceptual=perceptual,
        budget=budget,
        seed=seed,
        memory=memory,
        verbose=not quiet,
    )
    if curve is not None:
        from isthmus.report.sizes import sizes_picture

        given = {"missing": tuple(missing or ()), "budget": budget, "seed": seed, "unordered": unordered}
        facts["curve"] = sizes_picture(data, curve, f"{data.name}: size against error", **given)
    sentence = f"wrote {out}: {facts['bytes']:,} bytes, {100 * facts['bytes'] / max(before, 1):.1f} % of {data.name}"
    done(sentence, {"out": out, "was": before, **facts}, quiet=quiet, as_json=json)


def decompress(
    file: File,
    out: Annotated[
        Path,
        word("-o", "--out", metavar="OUT", type=Path, help="the table, picture or sound to write"),
    ],
    rows: Annotated[str | None, word("--rows", metavar="A:B", help="only rows A up to B, counted from 0")] = None,
    salvage: Annotated[bool, switch("--salvage", help="leave out what is damaged, and say what that is")] = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Give back what `isthmus compress` wrote.

    For example:

      isthmus decompress houses.isz -o houses.csv
      isthmus decompress flights.isz -o some.parquet --rows 1000000:1000100
      isthmus decompress damaged.isz -o rest.csv --salvage
      isthmus decompress photo.isz -o photo.png
    """
    options.check_out(out, (*options.TABLES, *PICTURES, *SOUNDS), inputs=[file])
    from isthmus.compression import tables
    from isthmus.container import Container
    from isthmus.data.sources import write_tables
    from isthmus.errors import FileError
    from isthmus.media import save

    with Container(file, salvage) as container:
        if container.facts.get("kind") in (PICTURE, SOUND):
            if rows is not None:
                raise UsageError(f"--rows: '{file}' holds a {container.facts['kind']}, not a table")
            what = save(container, out)
            _tell(file, container.damage)
            return done(f"wrote {out}: {what}", {"out": out, "damage": container.damage}, quiet=quiet, as_json=json)
        if out.suffix.lower() in (*PICTURES, *SOUNDS):
            raise UsageError(f"'{out}': '{file}' holds a table; known are {', '.join(options.TABLES)}")
        count = write_tables(tables(container, _rows(rows)), out)
        if not count:
            raise FileError(f"'{file}': no block of it can be read")
        _tell(file, container.damage)
        result = {"out": out, "rows": count, "damage": container.damage}
    done(f"wrote {out}: {count:,} rows", result, quiet=quiet, as_json=json)


def _tell(file: Path, damage: Sequence[str]) -> None:
    """Warn of what is damaged."""
    for line in damage:
        say(f"isthmus: warning: '{file}': {line}")


def inspect(path: Path) -> Mapping[str, Any]:
    """Give what is told of a compressed file, for ``isthmus inspect``."""
    from isthmus.compression import look

    return look(path)


def show(path: Path, facts: Mapping[str, Any]) -> None:
    """Print what is told of a compressed file."""
    if facts["kind"] in (PICTURE, SOUND):
        words = ", ".join(f"{name} {value}" for name, value in facts.items() if name != "kind")
        print(f"{path}: {facts['kind']}, {words}")
        return
    print(f"{path}: {facts['kind']}, {facts['rows']:,} rows in {facts['bytes']:,} bytes")
    if "columns" not in facts:
        return
    print(f"{facts['blocks']} blocks; model {facts['model']:,} bytes; texts {', '.join(facts['texts']) or 'none'}")
    alone = sum(row["alone"] for row in facts["columns"]) * facts["rows"] / 8
    together = sum(row["bytes"] for row in facts["columns"])
    print(f"cells {together:,} bytes, where columns written alone would take {alone:,.0f}; bits a cell:\n")
    print_rows(facts["columns"])


def _tolerance(words: list[str]) -> float | dict[str, float]:
    """Read shares and COL=BY.

    >>> _tolerance(["0.01"]), _tolerance(["T1=0.5", "T2=1"])
    (0.01, {'T1': 0.5, 'T2': 1.0})
    """
    named: dict[str, float] = {}
    share = 0.0
    for text in words:
        name, equals, value = text.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            raise UsageError(f"--tolerance {text}: give a share such as 0.01, or COL=BY such as T1=0.5") from None
        if equals:
            named[name] = number
        else:
            share = number
    if named and share:
        raise UsageError("--tolerance: give one share for all columns, or COL=BY for some; not both")
    return named or share


def _rows(text: str | None) -> slice | None:
    """Read A:B, either of which may be left out.

    >>> _rows("10:20"), _rows(":5"), _rows(None)
    (slice(10, 20, None), slice(None, 5, None), None)
    """
    if text is None:
        return None
    first, colon, last = text.partition(":")
    words = [first.strip(), last.strip()]
    if not colon or not all(part.isdecimal() or not part for part in words):
        raise UsageError(f"--rows {text}: give A:B, rows counted from 0, such as 1000:1100")
    return slice(*(int(part) if part else None for part in words))
