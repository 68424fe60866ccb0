"""Jobs that are killed: what each starts from, what it does, and how to tell what a kill left of it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Say = Callable[[Any], None]


@dataclass(frozen=True)
class Faults:
    """What should not be: half a result in a result's place, and what was acknowledged and is gone."""

    half: bool = False
    lost: bool = False


@dataclass(frozen=True)
class Job:
    """Something that writes.

    Parameters
    ----------
    name, title
        On the command line, and in words.
    make
        Fills a folder with what the job starts from, and with an older result where it is to replace one.
    work, again
        Does the job in a folder, saying what it acknowledges; and goes on after a kill. Both give an exit code.
    look
        After a kill: the folder, the one it started from, the undisturbed one, and what was acknowledged.
    same
        Whether a folder holds the undisturbed one's results.
    leaves
        Names that a kill may leave, for the next start to go on from.
    says
        Whether it acknowledges what it has written before it ends.
    needs
        A folder of data files.
    """

    name: str
    title: str
    make: Callable[..., int]
    work: Callable[..., int]
    again: Callable[..., int]
    look: Callable[[Path, Path, Path, Sequence[Any]], Faults]
    same: Callable[[Path, Path], bool]
    leaves: tuple[str, ...] = ()
    says: bool = False
    needs: str = ""


def isthmus(folder: Path, *words: str) -> int:
    """Run a command line in a folder, quietly."""
    from isthmus.cli.main import main

    os.chdir(folder)
    with (folder / ".said").open("w") as said, contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        return main([*words, "--quiet"])


def write_rows(path: Path, rows: int, seed: int) -> None:
    """Write a table of numbers and categories that hang together."""
    draw = np.random.default_rng(seed)
    area = draw.integers(40, 260, rows)
    zone = draw.choice(["centre", "harbour", "hill"], rows)
    lines = [f"{a},{z},{1 + a // 40},{1000 * a + 90 * len(z)}" for a, z in zip(area, zone, strict=True)]
    path.write_text("\n".join(["area,zone,rooms,price", *lines]) + "\n", "utf-8")


MODEL, OLD = "m.isthmus", ("--code", "2", "--epochs", "1")


def make_fit(folder: Path, data: Path, say: Say) -> int:
    """Lay out a table and a model of other settings, which is to be replaced."""
    write_rows(folder / "t.csv", 2000, 0)
    return isthmus(folder, "fit", "t.csv", "-o", MODEL, *OLD)


def fit(folder: Path, say: Say) -> int:
    """Fit, with a checkpoint at every occasion; go on where there is one."""
    from isthmus.training import checkpoints

    checkpoints.SECONDS_BETWEEN = 0.0
    return isthmus(folder, "fit", "t.csv", "-o", MODEL, "--code", "4", "--epochs", "12", "--resume")


def look_fit(here: Path, start: Path, whole: Path, said: Sequence[Any]) -> Faults:
    """Look for a model that is neither the old one nor the new one."""
    return Faults(half=not (same_model(here, start) or same_model(here, whole)))


def same_model(here: Path, there: Path) -> bool:
    """Tell whether two folders hold models of the same weights, wholly."""
    from isthmus.store import read

    try:
        (_, _, one), (_, _, other) = read(here / MODEL), read(there / MODEL)
    except ValueError:
        return False
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)


def make_compress(folder: Path, data: Path, say: Say) -> int:
    """Lay out two tables and the file of one, in the place of the other's."""
    write_rows(folder / "t.csv", 3000, 0)
    write_rows(folder / "old.csv", 500, 1)
    return isthmus(folder, "compress", "old.csv", "-o", "t.isz")


def compress(folder: Path, say: Say) -> int:
    """Compress a table over the file of another."""
    return isthmus(folder, "compress", "t.csv", "-o", "t.isz")


def look_compress(here: Path, start: Path, whole: Path, said: Sequence[Any]) -> Faults:
    """Look for a file that is neither the old one nor the new one."""
    held = (here / "t.isz").read_bytes()
    return Faults(half=held not in ((start / "t.isz").read_bytes(), (whole / "t.isz").read_bytes()))


def same_compressed(here: Path, there: Path) -> bool:
    """Tell whether two folders hold the same compressed file."""
    return (here / "t.isz").read_bytes() == (there / "t.isz").read_bytes()


FIRST, MORE, TIMES = 200, 50, 6


def make_index(folder: Path, data: Path, say: Say) -> int:
    """Lay out a model, an index of some rows, and others to add."""
    write_rows(folder / "t.csv", FIRST, 0)
    write_rows(folder / "more.csv", MORE, 1)
    code = isthmus(folder, "fit", "t.csv", "-o", MODEL, *OLD)
    return code or isthmus(folder, "index", MODEL, "t.csv", "-o", "rows.index")


def append(folder: Path, say: Say) -> int:
    """Add rows to the index again and again, and acknowledge each time."""
    for _ in range(TIMES):
        if code := isthmus(folder, "index", MODEL, "more.csv", "-o", "rows.index", "--append"):
            return code
        say(MORE)
    return 0


def append_the_rest(folder: Path, say: Say) -> int:
    """Add rows until the index holds as many as the undisturbed one."""
    while len(rows_of(folder)) < FIRST + TIMES * MORE:
        if code := isthmus(folder, "index", MODEL, "more.csv", "-o", "rows.index", "--append"):
            return code
    from isthmus import Index

    return 0 if len(Index(folder / "rows.index").search(row=0, n=3)) == 3 else 1


def rows_of(folder: Path) -> Any:
    """Read all rows of the index, in the order of their numbers."""
    from isthmus.data.codestore import ROW, CodeStore

    return CodeStore(folder / "rows.index").rows().sort_by(ROW)


def look_index(here: Path, start: Path, whole: Path, said: Sequence[Any]) -> Faults:
    """Look for part of what was added at once, for rows that are not those, and for fewer than acknowledged."""
    held = rows_of(here)
    exact = (len(held) - FIRST) % MORE == 0 and held.equals(rows_of(whole).slice(0, len(held)))
    return Faults(half=not exact, lost=len(held) < FIRST + sum(said))


def same_index(here: Path, there: Path) -> bool:
    """Tell whether two folders hold indexes of the same rows."""
    return bool(rows_of(here).equals(rows_of(there)))


def make_new_index(folder: Path, data: Path, say: Say) -> int:
    """Lay out a model and a table."""
    write_rows(folder / "t.csv", FIRST, 0)
    return isthmus(folder, "fit", "t.csv", "-o", MODEL, *OLD)


def index(folder: Path, say: Say) -> int:
    """Make an index; one that is there was made whole."""
    if (folder / "rows.index").exists():
        return 0
    return isthmus(folder, "index", MODEL, "t.csv", "-o", "rows.index")


def look_new_index(here: Path, start: Path, whole: Path, said: Sequence[Any]) -> Faults:
    """Look for an index that is there and not whole."""
    return Faults(half=(here / "rows.index").exists() and not same_index(here, whole))


def make_harvest(folder: Path, data: Path, say: Say) -> int:
    """Lay out a language model and a text."""
    from stories import write_stories

    write_stories(data / STORIES, folder / "lm")
    lines = [f"Once upon a time there were {n} little boats on a wide river." for n in range(150)]
    (folder / "text.txt").write_text("\n\n".join(lines) + "\n", "utf-8")
    return 0


def harvest(folder: Path, say: Say) -> int:
    """Harvest two layers in small shards; go on where there are some."""
    from isthmus.data.passages import mixed_passages
    from isthmus.nets.language import Language
    from isthmus.tasks.interpret.harvest import harvest as run

    language, passages = Language.open(folder / "lm"), mixed_passages([folder / "text.txt"])
    settings: dict[str, Any] = {"layer": [0, 3], "context": 32, "batch_tokens": 128, "shard_rows": 200}
    run(language, passages, folder / "acts", texts=[{"name": "text.txt"}], **settings)
    return 0


def look_harvest(here: Path, start: Path, whole: Path, said: Sequence[Any]) -> Faults:
    """Look for shards that the facts count and that are not those of the undisturbed harvest."""
    return Faults(half=not all(_layer_right(each, whole / "acts" / each.name) for each in (here / "acts").glob("l*")))


def same_harvest(here: Path, there: Path) -> bool:
    """Tell whether two folders hold the same activations, and nothing else."""
    ours, theirs = ((folder / "acts").glob("*/*") for folder in (here, there))
    names = [{path.relative_to(folder) for path in each} for folder, each in ((here, ours), (there, theirs))]
    return names[0] == names[1] and not look_harvest(here, here, there, ()).half


def _layer_right(layer: Path, whole: Path) -> bool:
    """Compare every shard that the facts count: files are whole, tokens the same, values to rounding."""
    if not (layer / "activations.json").exists():
        return True  # killed before the first facts were there
    counted = range(len(json.loads((layer / "activations.json").read_text("utf-8"))["shards"]))
    named = {f"shard-{number:05d}" for number in counted}
    for path in whole.glob("*.npy"):
        if path.name[:11] in named and not np.allclose(np.load(layer / path.name), np.load(path), 1e-4, 1e-5):
            return False
    return True


STORIES = "lm_stories260k"
JOBS = (
    Job("fit", "A fit, with checkpoints", make_fit, fit, fit, look_fit, same_model, leaves=(f"{MODEL}.checkpoint",)),
    Job("index", "An index, made", make_new_index, index, index, look_new_index, same_index),
    Job("append", "An index, appended to", make_index, append, append_the_rest, look_index, same_index, says=True),
    Job(
        "harvest",
        "A harvest of a language model",
        make_harvest,
        harvest,
        harvest,
        look_harvest,
        same_harvest,
        leaves=("acts",),
        needs=STORIES,
    ),
    Job("compress", "A table, compressed", make_compress, compress, compress, look_compress, same_compressed),
)
