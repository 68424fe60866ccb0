"""Which group each row belongs to, how many groups there are, and how sure each of them is to come again.

A code's numbers have no scale of their own, and another training gives them another. So codes are told apart by what
they decode to: `places` puts each row where its code says that its cells are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus.errors import UsageError
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks.batches import Codes, Floats, through

Labels = npt.NDArray[np.int64]

MOST = 12
"""Groups that are tried where their number is not given."""
JUDGED = 2_000
"""Rows whose silhouettes choose the number of groups: every pair of them is looked at."""
LEARNT = 20_000
"""Rows that centres are learnt from; all others go to the nearest."""
DENSE = 5_000
"""Rows among which shapes are looked for; any other row goes with the nearest of them."""
AGAIN = 8
"""Times that groups are looked for once more, in halves of the rows and from other seeds."""
NOISE = -1
NEAR = 0.1
"""Of the gain of the best number of groups, what may be lost for fewer of them."""
CLEAR = 0.02
"""Two draws of the same cloud differ by up to about so much of a mean silhouette."""


@dataclass(frozen=True)
class Groups:
    """Rows in groups, the largest first.

    Attributes
    ----------
    labels
        The group (rows,) of each row, counted from 0; -1 for rows in none.
    agreement
        Mean adjusted Rand index between these groups and those found again: 1 for the same, 0 for chance.
    stability
        Of each group (groups,), the mean Jaccard index with the group found again that is most like it.
    silhouettes
        Where the number of groups was chosen: by number, the mean silhouette of rows, and that of rows without groups.
    """

    labels: Labels
    agreement: float
    stability: Floats
    silhouettes: dict[int, tuple[float, float]]

    @property
    def clear(self) -> bool | None:
        """Whether rows lie closer together than they would in one cloud; None where that was not asked."""
        if not self.silhouettes:
            return None
        return any(found - cloud > CLEAR for found, cloud in self.silhouettes.values())


def places(net: Hourglass, x: Floats) -> Codes:
    """Turn values (rows, columns) into what their codes say: numbers in standard deviations, and probabilities.

    Distances between them (rows, numbers and values of categories) are those of codes, each measured by what it means.
    """

    def look(rows: Tensor) -> Tensor:
        said = net(net.columns.tokenize(rows))
        words = [said.probabilities(j) for j in range(len(net.columns.sizes)) if j not in net.columns.numeric]
        return torch.cat([said.numbers, *words], 1)

    return through(net, look, x)


def cluster(codes: Codes, k: int | None = None, seed: int = 0) -> Groups:
    """Part codes (rows, size) into `k` groups around centres (k-means), or as many as stand out most.

    The number is that whose mean silhouette (Rousseeuw 1987, J. Comput. Appl. Math. 20) lies farthest above that of as
    many points drawn from one normal distribution of the same covariance, parted in the same way: a reference without
    groups, as in the gap statistic (Tibshirani et al. 2001, J. R. Stat. Soc. B 63). Where fewer groups come within a
    tenth of that, so many are made: rows of categories come in ever smaller groups.

    Raises
    ------
    UsageError
        For more groups than there are different rows.
    """
    codes = np.asarray(codes, dtype=np.float64)
    rng = np.random.default_rng(seed)
    different = _different(codes)
    silhouettes: dict[int, tuple[float, float]] = {}
    if k is None and different > 2:
        silhouettes = _silhouettes(_some(codes, JUDGED, rng), min(MOST, different - 1), rng)
        gains = {each: found - cloud for each, (found, cloud) in silhouettes.items()}
        k = min(each for each, gain in gains.items() if gain >= max(gains.values()) - NEAR * abs(max(gains.values())))
    k = different if k is None else k
    if k > different:
        raise UsageError(f"k is {k}: the rows have only {different} different codes; give that or less")
    labels = _ordered(_nearest(codes, _centres(_some(codes, LEARNT, rng), k, rng)))
    again = []
    for _ in range(AGAIN):
        half = _some(codes, min(LEARNT, max(k, len(codes) // 2)), rng)
        again.append(_nearest(codes, _centres(half, min(k, _different(half)), rng)))
    return Groups(labels, *_stability(labels, [(np.arange(len(codes)), other) for other in again]), silhouettes)


def shapes(codes: Codes, seed: int = 0, smallest: int | None = None) -> Groups:
    """Find groups of any shape where codes (rows, size) lie dense, and leave the rest out as noise.

    By HDBSCAN (Campello et al. 2013, PAKDD) with groups of at least `smallest` rows, by default a fiftieth of them and
    no fewer than ten. What is found again is found among halves of the rows.
    """
    codes = np.asarray(codes, dtype=np.float64)
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(codes))[:DENSE]
    smallest = max(10, len(chosen) // 50) if smallest is None else smallest
    found = _dense(codes[chosen], smallest)
    labels = _ordered(found[_closest(codes, codes[chosen])] if len(chosen) < len(codes) else _put(found, chosen))
    again = []
    for _ in range(AGAIN):
        half = rng.permutation(len(codes))[: min(DENSE, max(2, len(codes) // 2))]
        again.append((half, _dense(codes[half], max(5, smallest * len(half) // len(chosen)))))
    return Groups(labels, *_stability(labels, again), {})


def _silhouettes(codes: Floats | Codes, most: int, rng: np.random.Generator) -> dict[int, tuple[float, float]]:
    """Give the mean silhouettes by number of groups, of codes (rows, size) and of a cloud of the same covariance."""
    from sklearn.metrics import pairwise_distances, silhouette_score

    mean = codes.mean(0)
    _, spread, axes = np.linalg.svd(codes - mean, full_matrices=False)
    cloud = rng.normal(size=(len(codes), len(spread))) * spread / np.sqrt(len(codes)) @ axes + mean
    both = [(points, pairwise_distances(points)) for points in (codes, cloud)]
    found = {}
    for k in range(2, min(most, len(codes) - 1) + 1):
        of_k = []
        for points, far in both:
            labels = _nearest(points, _centres(points, min(k, _different(points)), rng))
            one = len(np.unique(labels)) < 2
            of_k.append(-1.0 if one else float(silhouette_score(far, labels, metric="precomputed")))
        found[k] = (of_k[0], of_k[1])
    return found


def _centres(codes: Floats | Codes, k: int, rng: np.random.Generator) -> Floats:
    """Find `k` centres (k, size) of codes (rows, size): Lloyd's, from four starts by k-means++."""
    from sklearn.cluster import KMeans

    centres: Floats = KMeans(k, n_init=4, random_state=int(rng.integers(2**31))).fit(codes).cluster_centers_
    return centres


def _dense(codes: Floats | Codes, smallest: int) -> Labels:
    """Give the dense group (rows,) of codes (rows, size), -1 for none."""
    from sklearn.cluster import HDBSCAN

    if len(codes) < 2 * smallest:
        return np.full(len(codes), NOISE, np.int64)
    # Many small groups of rows are near each other in a code as they are in a table: a few neighbours suffice.
    found: Labels = HDBSCAN(min_cluster_size=smallest, min_samples=5, copy=True).fit_predict(codes)
    return found.astype(np.int64)


def _nearest(codes: Floats | Codes, centres: Floats) -> Labels:
    """Give the nearest centre (rows,) of each code."""
    from sklearn.metrics import pairwise_distances_argmin

    found: Labels = pairwise_distances_argmin(codes, centres)
    return found.astype(np.int64)


def _closest(codes: Floats | Codes, others: Floats | Codes) -> Labels:
    """Give the closest of other codes (rows,), a few rows at a time."""
    from sklearn.neighbors import NearestNeighbors

    found: Labels = NearestNeighbors(n_neighbors=1).fit(others).kneighbors(codes, return_distance=False)[:, 0]
    return found


def _put(labels: Labels, places: Labels) -> Labels:
    """Put labels at their places."""
    put = np.empty_like(labels)
    put[places] = labels
    return put


def _ordered(labels: Labels) -> Labels:
    """Give groups new numbers from 0, the largest first; -1 stays."""
    names, counts = np.unique(labels[labels != NOISE], return_counts=True)
    rank = {int(name): place for place, name in enumerate(names[np.argsort(-counts, kind="stable")])}
    return np.array([rank.get(int(label), NOISE) for label in labels], dtype=np.int64)


def _stability(labels: Labels, again: list[tuple[Labels, Labels]]) -> tuple[float, Floats]:
    """Compare labels (rows,) with those found again of some rows: adjusted Rand index, and Jaccard's of each group.

    The Jaccard index with the most similar group is Hennig's (2007, Comput. Stat. Data Anal. 52): below .6 a group is
    not to be trusted, from .75 on it is.
    """
    from sklearn.metrics import adjusted_rand_score

    groups = int(labels.max(initial=NOISE)) + 1
    agreement = [float(adjusted_rand_score(labels[rows], other)) for rows, other in again]
    alike = np.zeros((len(again), groups))
    for line, (rows, other) in zip(alike, again, strict=True):
        table = np.zeros((groups + 1, int(other.max(initial=NOISE)) + 2))
        np.add.at(table, (labels[rows], other), 1)  # the last line and column are the noise's
        union = table.sum(1, keepdims=True) + table.sum(0) - table
        line[:] = (table / np.maximum(union, 1))[:-1, :-1].max(1, initial=0.0)
    return float(np.mean(agreement)), alike.mean(0)


def _some(codes: Floats | Codes, most: int, rng: np.random.Generator) -> Floats | Codes:
    """Draw at most so many of the codes."""
    return codes if len(codes) <= most else codes[rng.permutation(len(codes))[:most]]


def _different(codes: Floats | Codes) -> int:
    """Count codes that differ, as far as it matters."""
    return len(np.unique(codes[:JUDGED], axis=0)) if len(codes) > JUDGED else len(np.unique(codes, axis=0))
