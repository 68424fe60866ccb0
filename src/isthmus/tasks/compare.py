"""How far two runs agree: where rows lie, which lie near each other, what is said of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.neighbors import NearestNeighbors

from isthmus.tasks.batches import Codes, Flags, Floats

NEIGHBOURS = 10
_TIE = 1e-5
"""Relative difference in distance that float32 codes cannot tell."""


def cka(one: Codes, other: Codes) -> float:
    """Give the linear centred kernel alignment of two codes (rows, size) of the same rows: 1 where one is the other
    turned, moved and scaled, near 0 where they have nothing in common.

    Kornblith et al. 2019, "Similarity of neural network representations revisited", eq. 3 with linear kernels.
    """  # noqa: D205
    a, b = _centred(one), _centred(other)
    within = np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b)
    return float(np.linalg.norm(a.T @ b) ** 2 / within) if within > 0 else 0.0


def procrustes(one: Codes, other: Codes) -> float:
    """Give the share of `other`'s variance that is left when `one` is moved, scaled and turned onto it: 0 is a fit.

    The narrower of two codes of different sizes gets columns of zeros (Schönemann 1966, "A generalized solution of
    the orthogonal Procrustes problem").
    """
    a, b = _centred(one), _centred(other)
    sizes = np.linalg.norm(a) * np.linalg.norm(b)
    overlap = np.linalg.svd(a.T @ b, compute_uv=False).sum()
    return float(1 - (overlap / sizes) ** 2) if sizes > 0 else 1.0


def _centred(codes: Codes) -> Floats:
    exact = codes.astype(np.float64)
    return np.asarray(exact - exact.mean(0))


def same_neighbours(queries: Codes, among: Codes, truth: Codes, k: int = NEIGHBOURS) -> float:
    """Give the share of the `k` rows nearest to each row by `truth` that a search finds.

    Parameters
    ----------
    queries
        What is searched for (rows, size).
    among
        What is searched (rows, size), the same rows in the same order; a row does not find itself.
    truth
        Codes (rows, any size) whose neighbours count as right; all that are as near as the k-th count.
    """
    k = min(k, len(truth) - 1)
    if k < 1:
        return 1.0
    exact = truth.astype(np.float64)
    furthest = _distances(exact, nearest(truth, truth, k)).max(1, keepdims=True)
    found = _distances(exact, nearest(queries, among, k))
    return float((found <= furthest * (1 + _TIE) + np.finfo(np.float32).tiny).mean())


def nearest(queries: Codes, among: Codes, k: int) -> npt.NDArray[np.int64]:
    """Find the `k` of `among` (rows, size) nearest to each query (rows, size), the row of the same number left out."""
    search = NearestNeighbors(n_neighbors=min(k + 1, len(among)), algorithm="brute").fit(among)
    found = search.kneighbors(queries, return_distance=False)
    own = found == np.arange(len(queries))[:, None]
    own[~own.any(1), -1] = True  # among many at the same place a row may not be its own nearest
    return np.asarray(found[~own].reshape(len(queries), -1), dtype=np.int64)


def _distances(codes: Floats, found: npt.NDArray[np.int64]) -> Floats:
    return np.stack([np.linalg.norm(codes[column] - codes, axis=1) for column in found.T], 1)


def finds_itself(queries: Codes, among: Codes) -> float:
    """Give the share of rows whose code (rows, size) is nearest to the code of the same row."""
    found = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(among).kneighbors(queries, return_distance=False)
    gap = np.linalg.norm(queries - among, axis=1)
    best = np.linalg.norm(queries - among[found[:, 0]], axis=1)
    return float((gap <= best * (1 + _TIE)).mean())


def same_values(one: Floats, other: Floats, numeric: Flags, cells: Flags) -> tuple[float | None, float | None]:
    """Give the share of categories that are equal, and the mean correlation of numbers, among chosen cells.

    Parameters
    ----------
    one, other
        Values (rows, columns): categories as indices, NaN where missing.
    numeric
        Which columns (columns,) are numbers. One whose values do not vary in both counts only where they are equal.
    cells
        Which cells (rows, columns) count.

    Returns
    -------
    tuple
        None for a kind that no chosen cell has.
    """
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    categories = cells & ~numeric
    shares = same[categories]
    both = cells & ~np.isnan(one) & ~np.isnan(other)
    pairs = [(one[both[:, j], j], other[both[:, j], j]) for j in np.flatnonzero(numeric)]
    ties = [_correlation(*pair) for pair in pairs if len(pair[0]) > 1]
    return float(shares.mean()) if len(shares) else None, float(np.mean(ties)) if ties else None


def _correlation(one: Floats, other: Floats) -> float:
    spread = float(one.std() * other.std())
    if spread == 0:
        return float(np.array_equal(one, other))
    return float(((one - one.mean()) * (other - other.mean())).mean() / spread)


def same_order(one: Floats, other: Floats) -> float:
    """Give Spearman's correlation of the ranks of two scores (rows,)."""
    from scipy.stats import rankdata

    return _correlation(rankdata(one), rankdata(other))


def same_top(one: Floats, other: Floats, share: float = 0.01) -> float:
    """Give the part of the highest `share` of one score (rows,) that is among that of the other."""
    count = max(1, round(share * len(one)))
    tops = [set(np.argsort(-scores, kind="stable")[:count].tolist()) for scores in (one, other)]
    return len(tops[0] & tops[1]) / count
