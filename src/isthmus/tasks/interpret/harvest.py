"""Harvest: run a language model over text and store what it computes at a layer, token by token."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from isthmus.data.passages import Passage
from isthmus.data.shards import ActivationsWriter
from isthmus.errors import DataError, UsageError
from isthmus.nets.language import Language
from isthmus.tasks.interpret.reading import WINDOW, Reading, compute, windows
from isthmus.training.progress import Silent

__all__ = ["harvest", "layer_folder"]


def harvest(
    language: Language,
    passages: Iterable[Passage],
    out: Path,
    *,
    layer: int | Sequence[int],
    site: str = "residual",
    context: int = 128,
    batch_tokens: int = 2048,
    limit_tokens: int | None = None,
    shard_rows: int = 65_536,
    dtype: str = "float32",
    texts: Sequence[Mapping[str, Any]] = (),
    expected: int = 0,
    resume: bool = True,
    progress: Silent | None = None,
) -> dict[str, Any]:
    """Store the activations of every token of some passages; a run that was killed goes on when started again.

    Parameters
    ----------
    language
        The model.
    passages
        The text, in the same order at every start. One longer than `context` is read in parts.
    out
        The folder to write; with several layers, a folder for each in it, such as layer-05.
    layer, site
        Which activations, as in `Language.site`; those of several layers are computed in one pass.
    context, batch_tokens
        As in `Reading`.
    limit_tokens
        Stop after so many tokens.
    shard_rows
        Rows a shard has at least: what a kill can lose, and what is held in memory for each layer.
    dtype
        "float32", or "float16" for half the room.
    texts
        Facts of the texts, with their "name", which tell a folder of other texts from this.
    expected
        About how many tokens there are, for `progress`.
    resume
        Whether to go on with a folder that is there; otherwise that is refused.
    progress
        What tells how far it is.

    Returns
    -------
    dict
        Facts of the folder, or of the first of several: rows, passages, shards.

    Raises
    ------
    UsageError
        No such layer or site, or a context that the model cannot read.
    FileError
        The folder holds something else, or cannot be written.
    DataError
        There was no token, or an activation is not finite.
    """
    layers = (layer,) if isinstance(layer, int) else tuple(layer)
    reading = Reading(layers, site, context, batch_tokens)
    reading.check(language)
    folders = [out] if isinstance(layer, int) else [layer_folder(out, each) for each in layers]
    if not resume and (there := [folder for folder in folders if folder.exists()]):
        raise UsageError(f"'{there[0]}' is there already: name another folder")
    facts = {"lm": language.name, "lm_sha": language.sha, "site": site, "width": language.width, "dtype": dtype}
    facts |= {"context": context, "limit": limit_tokens, "texts": list(texts)}
    writers = [
        ActivationsWriter(folder, facts | {"layer": each}, shard_rows)
        for folder, each in zip(folders, layers, strict=True)
    ]
    missing = [writer for writer in writers if not writer.done]
    if missing:
        meter = _Meter(progress or Silent(), limit_tokens or expected, min(writer.rows for writer in missing))
        _fill(language, passages, writers, reading, limit_tokens, meter, [text["name"] for text in texts])
        meter.stop()
    return writers[0].facts


def layer_folder(out: Path, layer: int) -> Path:
    """Name the folder of one of several layers.

    >>> layer_folder(Path("acts"), 5).name
    'layer-05'
    """
    return out / f"layer-{layer:02d}"


def _fill(
    language: Language,
    passages: Iterable[Passage],
    writers: list[ActivationsWriter],
    reading: Reading,
    limit: int | None,
    meter: _Meter,
    names: list[str],
) -> None:
    """Compute what the folders lack. One may be a shard ahead of another: the kill came between the two."""
    missing = [writer for writer in writers if not writer.done]
    behind = min(missing, key=lambda writer: writer.rows)
    rows = behind.rows
    tokens = min(WINDOW, behind.shard_rows)
    for window in windows(language, passages, reading.context, names=names, first=behind.passages, tokens=tokens):
        kept = window if limit is None else window.cut(limit - rows)
        if not kept.rows:
            break
        found = compute(language, kept, reading, meter.add)
        for writer, values in zip(writers, found, strict=True):
            if not writer.done and kept.passages[-1] >= writer.passages:
                writer.append(values, *kept.columns())
        rows += kept.rows
        if rows == limit:
            break
    if not rows:
        raise DataError("the texts hold no token that the language model knows")
    for writer in missing:
        writer.close(lambda token: language.pieces([token])[0])


class _Meter:
    """Tells a progress about tokens, from the first batch on, by which the time is known."""

    def __init__(self, told: Silent, total: int, done: int) -> None:
        self._told, self._total, self._done, self._first = told, total, done, done
        self._began = time.monotonic()

    def add(self, rows: int) -> None:
        """Count rows."""
        if self._done == self._first:
            left = max(self._total - self._first, rows)
            self._told.start(max(self._total, rows), (time.monotonic() - self._began) * left / rows, self._first)
        self._done += rows
        self._told.step(self._done)

    def stop(self) -> None:
        """Say that it is done, if it began."""
        if self._done > self._first:
            self._told.stop()
