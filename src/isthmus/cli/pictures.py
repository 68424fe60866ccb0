"""``fit``, ``reconstruct``, ``interpolate``, ``sample`` and ``outliers`` of pictures or sounds through a code."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from isthmus.cli import options
from isthmus.cli.terminal import done
from isthmus.endings import media_in
from isthmus.errors import UsageError

if TYPE_CHECKING:
    from isthmus.pictures import PictureAutoencoder

KIND = "pictures"
OUTS = (".png",)
ODDEST = 10


def is_meant(data: Path, code: str | None) -> bool:
    """Tell whether DATA are pictures or sounds to be coded whole: a folder, with a code that is not sparse, or .npz.

    >>> is_meant(Path("digits.npz"), None), is_meant(Path("table.csv"), "gaussian:16")
    (True, False)
    """
    if data.suffix.lower() == ".npz":
        return True
    name = (code or "").partition(":")[0]
    plain = name.isdecimal() or name in ("dense", "gaussian", "quantized")
    return plain and data.is_dir() and any(media_in(data))


def fit(
    data: Path,
    out: Path,
    code: str | None,
    condition: list[str] | None,
    corrupt: list[str] | None,
    others: dict[str, object],
    *,
    quiet: bool,
    json: bool,
    **settings: Any,
) -> None:
    """Fit to pictures; `others` are options of other data, which must not be there."""
    for name, value in others.items():
        if value:
            raise UsageError(f"--{name} is not for pictures; they take --code, --condition label, --corrupt, --budget")
    if condition not in (None, ["label"]):
        raise UsageError("--condition: of pictures, say label: what the folders that they are in are called")
    options.check_out(out)
    from isthmus.pictures import PictureAutoencoder

    model = PictureAutoencoder(
        int(code) if code and code.isdecimal() else code,
        noise="+".join(corrupt) if corrupt else None,
        condition=condition is not None,
        checkpoint=out.with_name(out.name + ".checkpoint"),
        verbose=not quiet,
        **settings,
    ).fit(data)
    model.save(out)
    facts = model.inspect()
    told = {name: facts[name] for name in ("pictures", "size", "code", "explained", "weights", "steps", "seconds")}
    done(f"wrote {out}: {learnt(facts)}", {"model": out, **told}, quiet=quiet, as_json=json)


def reconstruct(model: "PictureAutoencoder", data: Path, out: Path, *, quiet: bool, json: bool) -> None:
    """Write pictures that went through the code: a folder of them, or a sheet, each below what it was."""
    import numpy as np

    from isthmus.data.gallery import open_pictures
    from isthmus.report.sheets import save_each, save_sheet

    if out.suffix:
        options.check_out(out, OUTS, inputs=[data])
    before = open_pictures(data).planes.transpose(0, 2, 3, 1)
    made = model.reconstruct(before)
    if out.suffix:
        before = before.reshape(made.shape)
        across = min(len(made), 16)
        lines = [half[start : start + across] for start in range(0, len(made), across) for half in (before, made)]
        whole = [
            np.concatenate([line, np.full((across - len(line), *line.shape[1:]), 128, np.uint8)]) for line in lines
        ]
        save_sheet(out, np.concatenate(whole), columns=across)
    else:
        save_each(out, made)
    done(f"wrote {out}: {len(made):,} pictures", {"out": out, "pictures": len(made)}, quiet=quiet, as_json=json)


def interpolate(
    model: "PictureAutoencoder", data: Path, out: Path, rows: tuple[int, int], steps: int, *, quiet: bool, json: bool
) -> None:
    """Write the way from one picture to another as a sheet of one line."""
    options.check_out(out, OUTS, inputs=[data])
    from isthmus.report.sheets import save_sheet

    made = model.interpolate(data, rows, steps)
    save_sheet(out, made, columns=len(made))
    said = f"wrote {out}: picture {rows[0]}, {steps} between, picture {rows[1]}"
    done(said, {"out": out, "pictures": len(made)}, quiet=quiet, as_json=json)


def sample(
    model: "PictureAutoencoder", out: Path, n: int, shown: str | None, *, seed: int, quiet: bool, json: bool
) -> None:
    """Write made-up pictures: a sheet, or a folder of them."""
    from isthmus.report.sheets import save_each, save_sheet

    if out.suffix:
        options.check_out(out, OUTS)
    made = model.sample(n, shown, seed=seed)
    if out.suffix:
        save_sheet(out, made)
    else:
        save_each(out, made)
    done(f"wrote {out}: {n:,} pictures", {"out": out, "pictures": n}, quiet=quiet, as_json=json)


def outliers(model: "PictureAutoencoder", data: Path, out: Path, *, quiet: bool, json: bool) -> None:
    """Write how odd each picture is as a table, oddest first, or the oddest and where they are so as a sheet."""
    import numpy as np
    import pyarrow as pa

    from isthmus.data.gallery import open_pictures
    from isthmus.data.sources import write_table
    from isthmus.report.sheets import marked, save_sheet

    options.check_out(out, (*options.TABLES, *OUTS), inputs=[data])
    read = open_pictures(data)
    pictures = read.planes.transpose(0, 2, 3, 1)
    scores = model.outliers(pictures)
    order = np.argsort(-scores, kind="stable")
    if out.suffix.lower() in OUTS:
        chosen = order[:ODDEST]
        save_sheet(out, marked(read.planes[chosen], model.error_map(pictures[chosen])), columns=len(chosen))
    else:
        write_table(pa.table({"picture": [read.names[row] for row in order], "score": scores[order]}), out)
    done(f"wrote {out}: {len(order):,} pictures", {"out": out, "pictures": len(order)}, quiet=quiet, as_json=json)


def map_(
    model: "PictureAutoencoder", data: Path, out: Path, dim: int, color: str | None, *, quiet: bool, json: bool
) -> None:
    """Draw each picture as a point, in the colour of the folder that it is in; a page shows the pictures."""
    if color not in (None, "label"):
        raise UsageError(f"--color {color}: of pictures, say label: what the folders that they are in are called")
    from isthmus.cli.codes import write_numbers
    from isthmus.data.gallery import open_pictures

    read = open_pictures(data)
    if color and read.labels is None:
        raise UsageError("--color label: nothing says what these pictures show; put each kind in a folder of its own")
    shown = read.planes.transpose(0, 2, 3, 1)
    places = model.map(shown, dim)
    if out.suffix.lower() in options.CODES:
        write_numbers(places, "map", out)
    else:
        from isthmus.report.pictures import map_picture

        columns = {"picture": read.names}
        map_picture(places, read.labels, out, data.name if read.labels is None else "label", columns, shown)
    result = {"out": out, "points": len(places), "dim": dim}
    done(f"wrote {out}: {len(places):,} points", result, quiet=quiet, as_json=json)


def learnt(facts: dict[str, Any]) -> str:
    """Say what was learnt.

    >>> code = {"name": "gaussian", "size": 16}
    >>> learnt({"pictures": 500, "size": [28, 28], "code": code, "explained": 0.91, "labels": [], "weights": 10000})
    'pictures of 28 x 28 pixels as 16 numbers (gaussian), learnt from 500; 91.0 % of the variance kept; 10,000 weights'
    """
    rows, columns = facts["size"]
    size = f"{columns} x {rows} pixels"
    what = f"sounds, as pictures of {size} each," if facts.get("sounds") else f"pictures of {size}"
    code, told = facts["code"], f", told {len(facts['labels'])} labels" if facts["labels"] else ""
    return (
        f"{what} as {code['size']} numbers ({code['name']}){told}, learnt from {facts['pictures']:,}; "
        f"{100 * facts['explained']:.1f} % of the variance kept; {facts['weights']:,} weights"
    )
