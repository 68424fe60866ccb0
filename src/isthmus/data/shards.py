"""Writing a folder of activations shard by shard, so that a kill loses little and nothing is done twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.data.activations import BESIDE, FACTS, FORMAT, PIECES, read_facts, shard_file
from isthmus.errors import DataError, FileError
from isthmus.files import writing

__all__ = ["ActivationsWriter"]


class ActivationsWriter:
    """Writes a folder of activations shard by shard; what is not in a whole shard when killed is done again.

    Parameters
    ----------
    path
        The folder; made where it is missing. One that holds activations of the same facts is gone on with.
    facts
        What the activations are of; "width" and "dtype" ("float32" or "float16") at least.
    shard_rows
        Rows a shard has at least: a shard ends with the `append` that fills it.

    Raises
    ------
    FileError
        The folder holds something else, or activations of other facts, or cannot be written.
    """

    def __init__(self, path: Path, facts: Mapping[str, Any], shard_rows: int = 65_536) -> None:
        self.path, self.shard_rows = path, shard_rows
        self._parts: list[dict[str, npt.NDArray[Any]]] = []
        self._held = 0
        if (path / FACTS).is_file():
            self.facts = read_facts(path)
            _check_same(path, self.facts, facts)
        else:
            self.facts = {"format": FORMAT, **facts, "rows": 0, "passages": 0, "done": False, "shards": []}
            _make(path)
            self._write_facts()
        if not self.done:
            self._tidy()

    @property
    def done(self) -> bool:
        """Whether the folder was closed: nothing is missing."""
        return bool(self.facts["done"])

    @property
    def rows(self) -> int:
        """Rows so far, those that wait for their shard to be full with them."""
        return int(self.facts["rows"]) + self._held

    @property
    def passages(self) -> int:
        """Passages that are wholly in shards: the number of the first that is still to come."""
        return int(self.facts["passages"])

    def append(
        self,
        values: npt.NDArray[Any],
        tokens: npt.ArrayLike,
        passages: npt.ArrayLike,
        texts: npt.ArrayLike | None = None,
    ) -> None:
        """Add whole passages: activations (n, width), and of each row its token, passage and text.

        Raises
        ------
        DataError
            An activation is not finite, or too large for half precision.
        """
        exact = np.asarray(values, dtype=np.float32)
        with np.errstate(over="ignore"):
            stored = np.ascontiguousarray(exact, dtype=self.facts["dtype"])
        if not np.isfinite(stored).all():
            fix = "store them as float32" if np.isfinite(exact).all() else "the model overflows on this text"
            raise DataError(f"an activation is no finite number in {self.facts['dtype']}: {fix}")
        beside = {
            "tokens": np.asarray(tokens, dtype=np.int32),
            "passages": np.asarray(passages, dtype=np.int32),
            "texts": np.zeros(len(exact), np.int32) if texts is None else np.asarray(texts, dtype=np.int32),
            "norms": np.linalg.norm(exact, axis=1).astype(np.float32),
        }
        self._parts.append({"values": stored, **beside})
        self._held += len(exact)
        if self._held >= self.shard_rows:
            self._flush()

    def close(self, spell: Callable[[int], str] | None = None) -> None:
        """Write the last shard, how each token that occurs is spelt, and that nothing is missing."""
        self._flush()
        if spell is not None:
            shards = [np.load(shard_file(self.path, number, "tokens")) for number in range(len(self.facts["shards"]))]
            found = {token: spell(token) for token in np.unique(np.concatenate(shards)).tolist()}
            with writing(self.path / PIECES) as temporary:
                temporary.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
        self.facts["done"] = True
        self._write_facts()

    def _flush(self) -> None:
        """Write what waits as one shard: its files first, then the facts that count it."""
        if not self._held:
            return
        for name in ("values", *BESIDE):
            parts = [part[name] for part in self._parts]
            _write_array(shard_file(self.path, len(self.facts["shards"]), name), parts)
        self.facts["shards"].append(self._held)
        self.facts["rows"] += self._held
        self.facts["passages"] = int(self._parts[-1]["passages"][-1]) + 1
        self._write_facts()
        self._parts, self._held = [], 0

    def _write_facts(self) -> None:
        with writing(self.path / FACTS) as temporary:
            temporary.write_text(json.dumps(self.facts, ensure_ascii=False, indent=1), encoding="utf-8")

    def _tidy(self) -> None:
        """Remove what a killed run left half-written: temporary files, and shards that the facts do not count."""
        for path in self.path.glob(".*"):
            if path.is_file() and (path.name.endswith(".npy") or path.name.endswith(FACTS)):
                path.unlink(missing_ok=True)
        for name in ("values", *BESIDE):
            shard_file(self.path, len(self.facts["shards"]), name).unlink(missing_ok=True)


def _check_same(path: Path, there: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuse to mix activations of two kinds in one folder."""
    for name, value in asked.items():
        if there.get(name) != value:
            if name in ("texts", "lm_sha"):
                what = "other texts" if name == "texts" else "another language model"
            else:
                what = f"{name} {there.get(name)}, not {value}"
            raise FileError(f"'{path}' holds activations of {what}: name another folder")


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(not name.name.startswith(".") for name in path.iterdir()):
            raise FileError(f"'{path}' is not empty and holds no activations: name another folder")
    except OSError as error:
        raise FileError(f"'{path}' cannot be made: {error.strerror or error}") from None


def _write_array(path: Path, parts: list[npt.NDArray[Any]]) -> None:
    """Write arrays as one .npy file without joining them in memory."""
    shape = (sum(len(part) for part in parts), *parts[0].shape[1:])
    header = {"descr": np.lib.format.dtype_to_descr(parts[0].dtype), "fortran_order": False, "shape": shape}
    with writing(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for part in parts:
            file.write(np.ascontiguousarray(part).data)
