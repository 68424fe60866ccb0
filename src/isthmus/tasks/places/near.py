"""Who is near whom, and how much so: the graph that a map is to keep."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]

NEAR, PERPLEXITY = 36, 12.0
"""Neighbours of each row that count, and how many of them do in effect."""

PIECE = 1024
"""Rows that are compared with all others at once."""
_HALVINGS = 20


def nearest(rows: Floats, others: Floats, k: int, *, itself: bool = False) -> tuple[Numbers, Floats]:
    """Find the `k` nearest of `others` (n, size) to each of `rows` (rows, size), nearest first, by comparing with all.

    With `itself` the rows are the others, and none is its own neighbour.

    Returns
    -------
    numbers, squares
        Which they are, and their squared distances (rows, k).
    """
    squares = np.square(others).sum(1)
    numbers = np.empty((len(rows), k), np.int64)
    far = np.empty((len(rows), k), np.float32)
    for start in range(0, len(rows), PIECE):
        part = rows[start : start + PIECE]
        square = squares - 2 * (part @ others.T)  # less what all of a row's have in common
        if itself:
            square[np.arange(len(part)), np.arange(start, start + len(part))] = np.inf
        found = np.argpartition(square, min(k, len(others) - 1), axis=1)[:, :k]
        exact = np.square(part[:, None] - others[found]).sum(2)
        order = np.lexsort((found, exact), axis=1)
        numbers[start : start + PIECE] = np.take_along_axis(found, order, 1)
        far[start : start + PIECE] = np.take_along_axis(exact, order, 1)
    return numbers, far


def affinities(squares: Floats, perplexity: float) -> Floats:
    """Turn squared distances (rows, k), ascending, into shares (rows, k) of a row's attention that sum to one.

    Each row has a normal kernel of its own, as wide as makes `perplexity` neighbours count (van der Maaten and Hinton
    2008, "Visualizing data using t-SNE", section 2).
    """
    gap = squares - squares[:, :1]
    gap /= np.maximum(gap.mean(1, keepdims=True), np.float32(1e-30))
    wanted = np.float32(np.log(min(perplexity, squares.shape[1])))
    low, high = np.zeros(len(gap), np.float32), np.full(len(gap), np.inf, np.float32)
    steep = np.ones(len(gap), np.float32)
    for _ in range(_HALVINGS):
        weight = np.exp(-gap * steep[:, None])
        total = weight.sum(1)
        entropy = np.log(total) + steep * np.einsum("rk,rk->r", gap, weight) / total
        wide = entropy > wanted
        low, high = np.where(wide, steep, low), np.where(wide, high, steep)
        steep = np.where(np.isinf(high), 2 * steep, (low + high) / 2)
    weight = np.exp(-gap * steep[:, None])
    return np.asarray(weight / weight.sum(1, keepdims=True), np.float32)


def graph(numbers: Numbers, shares: Floats) -> csr_matrix:
    """Join neighbours both ways: a sparse matrix (rows, rows) that sums to one, of `numbers` and `shares` (rows, k)."""
    n, k = numbers.shape
    one_way = csr_matrix((shares.ravel(), numbers.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    both = (one_way + one_way.T).tocsr()
    both.sort_indices()
    return csr_matrix(both * np.float32(1 / both.sum()))
