"""What sparse autoencoders learn from: activations on disk or arrays, some rows set apart to measure and judge by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus.data.activations import Activations
from isthmus.data.beside import Beside
from isthmus.data.npys import unbroken
from isthmus.data.shuffled import ShuffledBlocks
from isthmus.errors import DataError
from isthmus.training.sources import Read, Rows

Floats = npt.NDArray[np.float32]

SAMPLE = 32_768
"""Rows that scales, thresholds and densities are measured on."""

HELD = 0.05
"""Share of the passages, or rows, that no step learns from; at most 16,384 rows judge."""


@dataclass(frozen=True)
class Vectors:
    """What there is to learn from: batches, some rows to measure by, some to judge by, and where they come from."""

    source: Rows | Read
    batch_size: int
    sample: Tensor
    held_out: Tensor
    width: int
    target: int | None
    facts: dict[str, Any]
    identity: str


def open_vectors(X: Any, target: Any = None, *, seed: int = 0, batch_size: int | None = None) -> Vectors:
    """Open activations, or an array, and set apart what judges.

    Parameters
    ----------
    X, target
        As `SparseAutoencoder.fit` takes them.
    seed
        Of what is set apart, and of the order of the rows.
    batch_size
        Rows a step; by default 2,048, or fewer where a pass would have under 32 steps.
    """
    if isinstance(X, str | PathLike) and Path(fspath(X)).suffix.lower() == ".npy":
        X = _load(X)
    if isinstance(X, str | PathLike):
        X = Activations.open(X)
    if isinstance(X, Activations):
        return _of_store(X, target, seed, batch_size)
    rows = matrix_of(X, "activations")
    width, beside = rows.shape[1], None
    if target is not None:
        other = matrix_of(_load(target) if isinstance(target, str | PathLike) else target, "target")
        if len(other) != len(rows):
            raise DataError(
                f"target has {len(other):,} rows, the activations {len(rows):,}: they must be the same tokens'"
            )
        rows, beside = np.concatenate([rows, other], axis=1), other.shape[1]
    order = np.random.default_rng(seed).permutation(len(rows))
    held = order[: min(16_384, max(1, round(HELD * len(rows))))]
    learn = torch.from_numpy(np.delete(rows, held, axis=0) if len(rows) > 1 else rows)
    identity = hashlib.sha256(rows.tobytes()).hexdigest()[:16]
    some = learn[torch.from_numpy(np.random.default_rng(seed).permutation(len(learn))[:SAMPLE])]
    batch = _batch(batch_size, len(learn))
    return Vectors(Rows(learn, batch, seed), batch, some, torch.from_numpy(rows[held]), width, beside, {}, identity)


def _of_store(acts: Activations, target: Any, seed: int, batch_size: int | None) -> Vectors:
    """Read a store by blocks, without ever holding it whole."""
    other = None
    if target is not None:
        other = target if isinstance(target, Activations) else Activations.open(target)
    both = Beside.of(acts, other)
    learn, held = both.split(HELD, seed)
    rng = np.random.default_rng(seed)
    sample = np.sort(rng.permutation(learn)[:SAMPLE])
    held = np.sort(rng.permutation(held if len(held) else learn)[:16_384])
    batch = _batch(batch_size, len(learn))
    blocks = ShuffledBlocks(both, batch, seed, rows=learn)
    names = ("lm", "lm_sha", "layer", "site")
    facts = {name: acts.facts.get(name) for name in names} | {"sink_norm": acts.sink_norm}
    if other is not None:
        facts["target"] = {name: other.facts.get(name) for name in names}
    return Vectors(
        Read(len(learn), blocks.batch),
        batch,
        torch.from_numpy(both.values(sample)),
        torch.from_numpy(both.values(held)),
        acts.width,
        None if other is None else other.width,
        facts,
        f"{acts.facts.get('lm_sha')}:{acts.rows}:{float(acts.norms().sum(dtype=np.float64))!r}",
    )


def _batch(asked: int | None, rows: int) -> int:
    return min(asked or min(2048, max(1, rows // 32)), rows)


def _load(path: str | PathLike[str]) -> npt.NDArray[Any]:
    try:
        with unbroken():
            return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError) as error:
        raise DataError(f"'{fspath(path)}' cannot be read as an array ({str(error)[:80]})") from None


def matrix_of(X: npt.ArrayLike, what: str) -> Floats:
    """Give a matrix of finite float32 numbers."""
    try:
        rows = np.ascontiguousarray(X, dtype=np.float32)
    except (TypeError, ValueError):
        raise DataError(f"{what} are numbers only: a cell of these is none") from None
    if rows.ndim != 2 or not rows.size:
        raise DataError(f"{what} of shape {rows.shape}: give rows of numbers, (rows, width)")
    if not np.isfinite(rows).all():
        raise DataError(f"{what} are finite numbers: {int((~np.isfinite(rows)).sum()):,} of these are not")
    return rows
