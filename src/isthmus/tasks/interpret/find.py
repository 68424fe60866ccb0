"""Find: the features that best tell one text from another, each by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from scipy.stats import rankdata

from isthmus.data.passages import Passage
from isthmus.errors import DataError
from isthmus.nets.dictionaries import Dictionary
from isthmus.tasks.interpret.placed import Placed

__all__ = ["Scores", "auroc", "find", "score"]

Floats = npt.NDArray[np.float64]

ROWS = 1024
"""Tokens encoded at a time."""


@dataclass(frozen=True)
class Scores:
    """What every feature does in every passage, where it does anything: matrices (passages, features).

    `mean` is its mean over the tokens of a passage, `most` its highest value there.
    """

    mean: sparse.csr_array
    most: sparse.csr_array


def find(placed: Placed, text: Iterable[Passage], against: Iterable[Passage], n: int = 10) -> list[dict[str, Any]]:
    """Rank features by how well each alone tells passages of one text from those of another.

    A passage's score is the feature's mean over its tokens: of the mean and the highest value, the one that told
    languages and code apart better.

    Parameters
    ----------
    placed
        The language model with its dictionary.
    text, against
        Passages that have what is looked for, and others.
    n
        How many features to give.

    Returns
    -------
    list of dict
        Best first: `feature`; `auroc`, the probability that a passage of the text has a higher score than one of the
        other, ties counted half; `mean` and `against`, the mean scores; `strength`, the mean over the passages of the
        text of its highest value there, which is what to clamp it to.

    Raises
    ------
    DataError
        One of the two holds no token that the dictionary reads.
    """
    has, others = (score(placed, passages, name) for passages, name in ((text, "text"), (against, "against")))
    told = auroc(has.mean, others.mean)
    mean, other, strength = (_mean(matrix) for matrix in (has.mean, others.mean, has.most))
    best = np.lexsort((-(mean - other), -told))[:n]
    return [
        {
            "feature": int(feature),
            "auroc": float(told[feature]),
            "mean": float(mean[feature]),
            "against": float(other[feature]),
            "strength": float(strength[feature]),
        }
        for feature in best
    ]


def score(placed: Placed, passages: Iterable[Passage], name: str = "text") -> Scores:
    """Score all features in passages; only what is active is kept."""
    parts: list[tuple[npt.NDArray[np.int64], Floats, Floats]] = []
    lengths: list[npt.NDArray[np.int64]] = []
    done = 0
    for values, of in placed.read(passages):
        numbers, own = np.unique(of, return_inverse=True)
        entries, total, most = _pooled(placed.net, values, own + done)
        parts.append((entries, total, most))
        lengths.append(np.bincount(own))
        done += len(numbers)
    if not done:
        raise DataError(f"{name} holds no token that the autoencoder reads: give more of it")
    entries, total, most = (np.concatenate(column) for column in zip(*parts, strict=True))
    rows, columns = np.divmod(entries, placed.net.size)
    mean = total / np.concatenate(lengths)[rows]
    shape = (done, placed.net.size)
    return Scores(*(sparse.csr_array((values, (rows, columns)), shape=shape) for values in (mean, most)))


def auroc(has: sparse.csr_array, others: sparse.csr_array) -> Floats:
    """Give the area under the ROC curve of every column, ties counted half (Mann and Whitney 1947).

    Parameters
    ----------
    has, others
        (n, columns) and (m, columns), scores of what should and should not be high: 0 or more, which is what lets the
        many zeros be ranked without being written out.

    Examples
    --------
    >>> has, others = (sparse.csr_array(np.array(rows)) for rows in ([[2.0, 0], [1, 1]], [[1.0, 0], [0, 0]]))
    >>> auroc(has, others).tolist()  # of four pairs, three right and a tie; two right and two ties
    [0.875, 0.75]
    """
    n, m = has.shape[0], others.shape[0]
    joined = sparse.csc_array(sparse.vstack([has, others]))
    joined.eliminate_zeros()
    counts = np.diff(joined.indptr)
    column = np.repeat(np.arange(len(counts)), counts)
    zeros = n + m - counts
    # Ranks within all entries, ordered by column first; what comes before each column is taken off again.
    _, level = np.unique(joined.data, return_inverse=True)
    within = rankdata(column * (level.max(initial=0) + 1) + level) - joined.indptr[:-1][column]
    positive = joined.indices < n
    ranks = np.bincount(column[positive], weights=(within + zeros[column])[positive], minlength=len(counts))
    silent = n - np.bincount(column[positive], minlength=len(counts))
    ranks += silent * (zeros + 1) / 2
    area: Floats = (ranks - n * (n + 1) / 2) / (n * m)
    return area


@torch.no_grad()
def _pooled(
    net: Dictionary, values: npt.NDArray[np.float32], passages: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Give, for every pair of passage and feature that is active in it, its number, sum and highest value."""
    keys, found = [], []
    for start in range(0, len(values), ROWS):
        code = net.encode(torch.from_numpy(values[start : start + ROWS]).to(net.offset.device)).cpu().numpy()
        row, feature = np.nonzero(code)
        keys.append(passages[start + row] * net.size + feature)
        found.append(code[row, feature])
    key, value = np.concatenate(keys or [np.zeros(0, np.int64)]), np.concatenate(found or [np.zeros(0)])
    order = np.argsort(key, kind="stable")
    key, value = key[order], value[order].astype(np.float64)
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    if not len(starts):
        return key, value, value
    return key[starts], np.add.reduceat(value, starts), np.maximum.reduceat(value, starts)


def _mean(matrix: sparse.csr_array) -> Floats:
    mean: Floats = np.asarray(matrix.sum(axis=0)).ravel() / matrix.shape[0]
    return mean
