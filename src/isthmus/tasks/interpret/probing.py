"""Do few features tell a concept? Sparse probes, features split into several, and positives that others absorb.

A concept is given by passages that have it and others that do not; a passage's code is the mean over its tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

from isthmus.errors import DataError
from isthmus.nets.language import Language
from isthmus.tasks.interpret.measure import Coder
from isthmus.tasks.interpret.replaced import Place

__all__ = ["Passages", "Probe", "passages", "probes", "splitting"]

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Wholes = npt.NDArray[np.int64]

KS = (1, 2, 5, 10)
GAIN = 0.03
"""By how much a further feature has to raise F1 to count as part of a split one (Chanin et al. 2024)."""


@dataclass(frozen=True)
class Passages:
    """Mean codes (n, features) and mean activations (n, width) of passages."""

    codes: Floats
    activations: Floats


@torch.no_grad()
def passages(
    language: Language, coder: Coder, ids: Sequence[Sequence[int]], place: Place, sink_norm: float
) -> Passages:
    """Read passages, given as tokens, and average over those tokens of each that are no sinks."""
    codes, means = [], []
    for row in ids:
        found = language.activations(*language.batch([row]), place.layer, place.site)[0]
        some = found[found.norm(dim=1) <= sink_norm]
        if not len(some):
            some = found[-1:]
        codes.append(coder.encode(some).mean(0).cpu().numpy())
        means.append(some.mean(0).float().cpu().numpy())
    return Passages(np.stack(codes), np.stack(means))


@dataclass(frozen=True)
class Probe:
    """How well few columns tell a concept on passages held out: which they are, AUROC, accuracy and F1."""

    columns: list[int]
    auroc: float
    accuracy: float
    f1: float


def probes(found: Passages, has: Flags, ks: Sequence[int] = KS, seed: int = 0) -> dict[str, Any]:
    """Tell a concept by k features, by k single numbers of the activations, and by all of those.

    On one half of the passages the k columns are those whose means differ most, in standard deviations, and a logistic
    regression learns to join them; what is told is of the other half (Gurnee et al. 2023).

    Parameters
    ----------
    found
        The passages.
    has
        (n,) which of them have it.
    ks
        How many columns.
    seed
        Of the halves.

    Returns
    -------
    dict
        `features`, by k; `numbers`, the same of the activations, which is what features are to beat; `all`, what can be
        had from all numbers together.
    """
    train, test = halves(has, seed)
    features, numbers = (
        {k: asdict(_probe(columns, has, train, test, ranked(columns[train], has[train])[:k])) for k in ks}
        for columns in (found.codes, found.activations)
    )
    every = np.arange(found.activations.shape[1])
    whole = asdict(_probe(found.activations, has, train, test, every))
    del whole["columns"]
    return {"features": features, "numbers": numbers, "all": whole}


def splitting(found: Passages, has: Flags, seed: int = 0, among: int = 10) -> dict[str, Any]:
    """Tell into how many features a concept is split, and what the main one misses that others catch.

    The concept counts as split into k features as long as the k-th raises F1 by more than `GAIN` (Chanin et al. 2024).
    Missed are positives below the threshold at which the main feature, the best for its size, has its highest F1;
    absorbed are those of them on which one of the next `among` features is above a threshold that nine tenths of what
    lies above it, among passages learnt from, deserve.

    Returns
    -------
    dict
        `split`, `main`, `missed`, a share of the positives held out, and `absorbed`, a share of the missed.

    Examples
    --------
    >>> codes = np.zeros((40, 3), np.float32)
    >>> codes[:14, 0], codes[14:20, 1], codes[20:, 2] = 1, 1, 0.1  # of 20 positives the first feature misses 6
    >>> found = splitting(Passages(codes, codes), np.arange(40) < 20)
    >>> found["main"], found["absorbed"]
    (0, 1.0)
    """
    train, test = halves(has, seed)
    order = ranked(found.codes[train], has[train])
    split, best = 1, _probe(found.codes, has, train, test, order[:1]).f1
    for k in range(2, among + 1):
        f1 = _probe(found.codes, has, train, test, order[:k]).f1
        if f1 - best <= GAIN:
            break
        split, best = k, f1
    positive = test[has[test]]
    codes = found.codes
    missed = positive[codes[positive, order[0]] <= _best_f1(codes[train, order[0]], has[train])]
    caught = np.zeros(len(missed), dtype=bool)
    for other in order[1 : among + 1]:
        caught |= codes[missed, other] > _sure(codes[train, other], has[train])
    return {
        "split": split,
        "main": int(order[0]),
        "missed": len(missed) / max(len(positive), 1),
        "absorbed": float(caught.mean()) if len(missed) else 0.0,
    }


def ranked(columns: Floats, has: Flags) -> Wholes:
    """Order columns (n, m) by how far their means lie apart, higher where the concept is, in standard deviations."""
    apart = columns[has].mean(0) - columns[~has].mean(0)
    order: Wholes = np.argsort(-apart / (columns.std(0) + 1e-6), kind="stable")
    return order


def halves(has: Flags, seed: int) -> tuple[Wholes, Wholes]:
    """Split passages in two halves with as many positives each."""
    if min(has.sum(), (~has).sum()) < 4:
        raise DataError(f"{has.sum()} passages have the concept and {(~has).sum()} have not: give four or more of each")
    rng = np.random.default_rng(seed)
    parts = [rng.permutation(np.flatnonzero(group)) for group in (has, ~has)]
    train, test = (np.concatenate([part[half::2] for part in parts]) for half in (0, 1))
    return train, test


def _probe(columns: Floats, has: Flags, train: Wholes, test: Wholes, chosen: Wholes) -> Probe:
    scaler = StandardScaler().fit(columns[train][:, chosen])
    seen, new = (scaler.transform(columns[rows][:, chosen]) for rows in (train, test))
    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit(seen, has[train])
    said = model.predict(new)
    auroc = roc_auc_score(has[test], model.decision_function(new))
    right = float((said == has[test]).mean())
    return Probe(chosen.tolist(), float(auroc), right, float(f1_score(has[test], said)))


def _above(values: Floats, has: Flags) -> tuple[Floats, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Give, for each value as a threshold that it passes itself: precision and recall of what does."""
    order = np.argsort(-values, kind="stable")
    right = has[order].cumsum()
    last = np.append(np.diff(values[order]) != 0, True)  # equal values pass together
    return values[order][last], (right / np.arange(1, len(values) + 1))[last], (right / max(has.sum(), 1))[last]


def _best_f1(values: Floats, has: Flags) -> float:
    """Give the threshold above which F1 is highest."""
    at, precision, recall = _above(values, has)
    best = int(np.argmax(2 * precision * recall / np.maximum(precision + recall, 1e-12)))
    return _below(at, best)


def _sure(values: Floats, has: Flags, precision: float = 0.9) -> float:
    """Give the lowest threshold above nought with enough precision above it; infinity where there is none."""
    at, found, _ = _above(values, has)
    enough = np.flatnonzero((found >= precision) & (at > 0))
    return _below(at, int(enough[-1])) if len(enough) else float("inf")


def _below(at: Floats, place: int) -> float:
    """Give a number between a value and the next lower one, but no less than nought."""
    lower = float(at[place + 1]) if place + 1 < len(at) else 0.0
    return max(0.0, (float(at[place]) + lower) / 2)
