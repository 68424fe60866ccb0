"""How good made-up rows are: whether they are told from real ones, serve as well, and give anybody away.

All on values (rows, columns): categories as indices, NaN where missing. `sizes` says for each column how many values
a category has, None for a number.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.neighbors import NearestNeighbors

from isthmus.tasks.batches import Floats

Sizes = Sequence[int | None]

_LEVELS = 255
"""Values of a category that boosted trees take; columns of more are read as numbers."""


def told_apart(real: Floats, made: Floats, sizes: Sizes, seed: int) -> float:
    """Give the AUC at which boosted trees tell as many rows of one table from another: 0.5 means not at all.

    Each row is judged by trees grown without it, in five folds (Lopez-Paz and Oquab 2017, "Revisiting classifier
    two-sample tests").
    """
    rows = min(len(real), len(made))
    both, answers = np.concatenate([real[:rows], made[:rows]]), np.repeat([0, 1], rows)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    trees = HistGradientBoostingClassifier(categorical_features=_categories(sizes), random_state=seed)
    said = cross_val_predict(trees, both, answers, cv=folds, method="predict_proba")
    return float(roc_auc_score(answers, said[:, 1]))


def usefulness(training: Floats, test: Floats, sizes: Sizes, target: int, seed: int) -> float | None:
    """Say how well boosted trees trained on some rows predict the target of real test rows.

    Returns
    -------
    float or None
        R2 of a number, AUC of a category of two values, accuracy of one of more; None where the rows to train on or
        the test rows do not vary in it.
    """
    training, test = (rows[rows[:, target] >= 0] if sizes[target] else rows for rows in (training, test))
    training, test = (rows[~np.isnan(rows[:, target])] for rows in (training, test))
    if any(len(np.unique(rows[:, target])) < 2 for rows in (training, test)):
        return None
    inputs = [j for j in range(len(sizes)) if j != target]
    kinds = _categories([sizes[j] for j in inputs])
    if sizes[target] is None:
        regressor = HistGradientBoostingRegressor(categorical_features=kinds, random_state=seed)
        regressor.fit(training[:, inputs], training[:, target])
        return float(regressor.score(test[:, inputs], test[:, target]))
    classifier = HistGradientBoostingClassifier(categorical_features=kinds, random_state=seed)
    classifier.fit(training[:, inputs], training[:, target])
    if sizes[target] == 2:
        return float(roc_auc_score(test[:, target], classifier.predict_proba(test[:, inputs])[:, 1]))
    return float(classifier.score(test[:, inputs], test[:, target]))


def _categories(sizes: Sizes) -> list[bool]:
    return [size is not None and size <= _LEVELS for size in sizes]


def closest(rows: Floats, among: Floats) -> Floats:
    """Give the distance (rows,) from each row of features (rows, width) to the closest record among others."""
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(among)
    found = search.kneighbors(rows, return_distance=False)[:, 0]
    return np.asarray(np.linalg.norm(rows - among[found], axis=1), dtype=np.float64)  # exactly 0 for a copy


def share_nearer(made: Floats, training: Floats, held_out: Floats) -> float:
    """Give the share of made-up rows of features that are nearer to a training row than to a held-out one.

    Of both as many are looked at, so that half is what rows that give nobody away have; ties count half.
    """
    rows = min(len(training), len(held_out))
    near, far = closest(made, training[:rows]), closest(made, held_out[:rows])
    same = np.isclose(near, far, rtol=1e-9, atol=1e-12)
    return float(np.where(same, 0.5, near < far).mean())


def copies(rows: Floats, among: Floats) -> float:
    """Give the share of rows that are exact copies of others."""
    known = {row.tobytes() for row in among + 0.0}
    return float(np.mean([row.tobytes() in known for row in rows + 0.0]))


def membership(members: Floats, strangers: Floats) -> float:
    """Give the AUC at which a score (rows,), high for members, tells training rows from held-out ones."""
    answers = np.repeat([1, 0], [len(members), len(strangers)])
    return float(roc_auc_score(answers, np.concatenate([members, strangers])))


def dependencies(real: Floats, sizes: Sizes, at_least: int = 5) -> list[tuple[int, int]]:
    """Find pairs (one, other) of which each repeated value of the one goes with a single value of the other.

    Values that occur fewer than `at_least` times on average determine anything, and are not counted.
    """
    found = []
    for one in range(len(sizes)):
        values, place = np.unique(real[:, one], return_inverse=True, equal_nan=True)
        if len(values) < 2 or len(real) < at_least * len(values):
            continue
        for other in range(len(sizes)):
            if other == one:
                continue
            kinds, kind = np.unique(real[:, other], return_inverse=True, equal_nan=True)
            if len(kinds) > 1 and len(np.unique(place * len(kinds) + kind)) == len(values):
                found.append((one, other))
    return found


def broken(real: Floats, made: Floats, pairs: Sequence[tuple[int, int]]) -> float:
    """Give the share of made-up rows that break a dependency; a value that real rows lack breaks none."""
    wrong = np.zeros(len(made), dtype=bool)
    for one, other in pairs:
        known = {_key(a): _key(b) for a, b in real[:, [one, other]]}
        said = [(_key(a), _key(b)) for a, b in made[:, [one, other]]]
        wrong |= np.asarray([a in known and known[a] != b for a, b in said], dtype=bool)
    return float(wrong.mean())


def _key(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def same_gaps(real: Floats, made: Floats) -> float:
    """Give the overlap, from 0 to 1, of how frequent each pattern of missing cells is in real and made-up rows."""
    counts: list[dict[bytes, float]] = []
    for rows in (real, made):
        patterns, count = np.unique(np.isnan(rows), axis=0, return_counts=True)
        counts.append({row.tobytes(): n / len(rows) for row, n in zip(patterns, count, strict=True)})
    return float(sum(min(share, counts[1].get(key, 0.0)) for key, share in counts[0].items()))
