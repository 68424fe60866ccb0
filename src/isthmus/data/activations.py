"""Activations on disk: a folder of shards with the tokens they came from, mapped into memory."""

from __future__ import annotations

import json
import warnings
from functools import cached_property, lru_cache
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from isthmus.data.npys import unbroken
from isthmus.errors import DataError, FileError, IsthmusWarning

__all__ = ["Activations"]

Floats = npt.NDArray[np.float32]
Wholes = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]

FACTS = "activations.json"
PIECES = "pieces.json"
FORMAT = 1
DTYPES = ("float32", "float16")
_SINK = 4.0
"""Rows whose norm is more than so many times the median are sinks: the first tokens of a text, which carry no meaning
(Sun et al. 2024, Massive Activations in Large Language Models)."""
_OPEN = 64
"""Shards that are mapped into memory at a time."""
BESIDE = {"tokens": "<i4", "passages": "<i4", "texts": "<i4", "norms": "<f4"}
"""What a shard holds of each row beside its activations."""


class Activations:
    """A folder of activations (rows, width), one row a token, mapped into memory and never read whole.

    Examples
    --------
    >>> import tempfile
    >>> from isthmus.data.shards import ActivationsWriter
    >>> folder = Path(tempfile.mkdtemp())
    >>> facts = {"lm": "tiny", "layer": 1, "site": "residual", "width": 2, "dtype": "float32"}
    >>> writer = ActivationsWriter(folder, facts)
    >>> writer.append(np.eye(2), tokens=[5, 6], passages=[0, 0])
    >>> writer.close()
    >>> acts = Activations.open(folder)
    >>> acts.rows, acts.values(np.array([1])).tolist(), acts.tokens(np.array([1])).tolist()
    (2, [[0.0, 1.0]], [6])
    """

    dtype: npt.DTypeLike = np.float32

    def __init__(self, path: Path, facts: dict[str, Any]) -> None:
        self.path, self.facts = path, facts
        self.width = int(facts["width"])
        self._ends = np.cumsum(facts["shards"], dtype=np.int64)
        self.rows = int(self._ends[-1]) if len(self._ends) else 0
        self._mapped = lru_cache(_OPEN)(self._map)

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Self:
        """Open a folder that `isthmus lm harvest` wrote; of an unfinished one, what is there.

        Raises
        ------
        FileError
            The folder is missing or holds no activations, or a file of it is missing, cut short or altered.
        """
        folder = Path(path)
        facts = read_facts(folder)
        acts = cls(folder, facts)
        for number in range(len(facts["shards"])):
            for name in ("values", *BESIDE):
                acts._map(number, name)
        if not acts.rows:
            raise FileError(f"'{folder}' holds no rows yet: run the harvest again to its end")
        if not facts["done"]:
            so_far = f"{acts.rows:,} rows so far; the same harvest, run again, goes on"
            warnings.warn(f"'{folder}' is unfinished: {so_far}", IsthmusWarning, stacklevel=2)
        return acts

    def __len__(self) -> int:
        return self.rows

    def values(self, rows: Rows) -> Floats:
        """Gather the activations (n, width) of some rows, in any order."""
        rows = np.asarray(rows, dtype=np.int64)
        if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < self.rows:
            raise DataError(f"rows {rows.min():,} to {rows.max():,} were asked for; '{self.path}' has {self.rows:,}")
        found = np.empty((len(rows), self.width), dtype=np.float32)
        shard_of = np.searchsorted(self._ends, rows, side="right")
        for number in np.unique(shard_of).tolist():
            here = np.flatnonzero(shard_of == number)
            first = int(self._ends[number - 1]) if number else 0
            found[here] = self._mapped(number, "values")[rows[here] - first]
        return found

    def block(self, start: int, stop: int) -> Floats:
        """Give the activations (stop - start, width) of rows that lie side by side."""
        return self.values(np.arange(start, min(stop, self.rows), dtype=np.int64))

    def tokens(self, rows: Rows) -> Wholes:
        """Give the token that each of some rows belongs to."""
        return self._whole["tokens"][rows]

    def passages(self, rows: Rows) -> Wholes:
        """Give the passage that each of some rows belongs to, counted from 0 over all texts."""
        return self._whole["passages"][rows]

    def texts(self, rows: Rows) -> Wholes:
        """Give the text that each of some rows belongs to, as its place in `facts["texts"]`."""
        return self._whole["texts"][rows]

    def norms(self) -> Floats:
        """Give the norm of every row."""
        return self._whole["norms"]

    @cached_property
    def sink_norm(self) -> float:
        """The norm beyond which a row is a sink, the first token of a text, and left out of training."""
        return _SINK * float(np.median(self.norms()))

    @cached_property
    def usable(self) -> Rows:
        """Which rows are no sinks."""
        return np.flatnonzero(self.norms() <= self.sink_norm).astype(np.int64)

    def split(self, share: float, seed: int = 0) -> tuple[Rows, Rows]:
        """Set apart a share of the passages: usable rows to learn from, and those held out."""
        numbers = np.unique(self._whole["passages"])
        held = np.random.default_rng(seed).permutation(numbers)[: round(share * len(numbers))]
        out = np.isin(self._whole["passages"][self.usable], held)
        return self.usable[~out], self.usable[out]

    @cached_property
    def pieces(self) -> dict[int, str]:
        """How each token that occurs is written; empty where the harvest did not say."""
        try:
            held = json.loads((self.path / PIECES).read_text(encoding="utf-8"))
            return {int(token): str(text) for token, text in held.items()}
        except (OSError, ValueError, AttributeError):
            return {}

    @cached_property
    def _whole(self) -> dict[str, npt.NDArray[Any]]:
        """What stands beside the activations, a few bytes a row, in memory."""
        shards = range(len(self._ends))
        return {name: np.concatenate([self._map(number, name) for number in shards]) for name in BESIDE}

    def _map(self, number: int, name: str) -> npt.NDArray[Any]:
        path = shard_file(self.path, number, name)
        rows = self.facts["shards"][number]
        if not path.is_file():
            raise FileError(f"'{path}' is missing: harvest anew into another folder")
        try:
            with unbroken():
                found: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError):
            raise FileError(f"'{path}' was cut short or altered: harvest anew into another folder") from None
        dtype = np.dtype(BESIDE.get(name, self.facts["dtype"]))
        shape = (rows, self.width) if name == "values" else (rows,)
        if found.shape != shape or found.dtype != dtype:
            holds = f"{found.dtype} {found.shape}, not {dtype} {shape}"
            raise FileError(f"'{path}' was altered: it holds {holds}; harvest anew into another folder")
        return found


def read_facts(folder: Path) -> dict[str, Any]:
    """Read what a folder of activations says of itself."""
    path = folder / FACTS
    if not folder.is_dir():
        raise FileError(f"'{folder}' is no folder of activations" if folder.exists() else f"'{folder}': no such folder")
    if not path.is_file():
        raise FileError(f"'{folder}' holds no activations: it lacks {FACTS}, which `isthmus lm harvest` writes")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        version = facts["format"]
        known = isinstance(facts["width"], int) and facts["dtype"] in DTYPES and isinstance(facts["done"], bool)
        known = known and all(isinstance(rows, int) and rows > 0 for rows in facts["shards"])
        known = known and sum(facts["shards"]) == facts["rows"]
    except (OSError, ValueError, LookupError, TypeError):
        raise FileError(f"'{path}' was cut short or altered: harvest anew into another folder") from None
    if version != FORMAT:
        raise FileError(f"'{folder}' is of format {version!r}; this isthmus reads {FORMAT}: harvest anew, or upgrade")
    if not known:
        raise FileError(f"'{path}' was altered: its parts do not fit together; harvest anew into another folder")
    return dict(facts)


def shard_file(folder: Path, number: int, name: str) -> Path:
    """Name one file of a shard: its "values", or what of `BESIDE` stands beside them."""
    return folder / (f"shard-{number:05d}.npy" if name == "values" else f"shard-{number:05d}.{name}.npy")
