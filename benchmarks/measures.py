"""How good is it? Measures of rebuilt rows, of codes, of made-up rows and of time."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sources import Outcome, numeric

Flags = npt.NDArray[np.bool_]
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Elapsed:
    """Seconds on the wall, and seconds that processors were at work."""

    wall: float
    processor: float


def timed(work: Callable[[], _Result]) -> tuple[_Result, Elapsed]:
    """Do some work and take its time; processor seconds count worker processes as well.

    Examples
    --------
    >>> result, elapsed = timed(lambda: sum(range(10)))
    >>> result, elapsed.wall > 0
    (45, True)
    """
    before, started = os.times(), time.perf_counter()
    result = work()
    wall = time.perf_counter() - started
    _end_workers()
    processor = sum(os.times()[:4]) - sum(before[:4])
    return result, Elapsed(wall, processor)


def _end_workers() -> None:
    """End joblib's idle workers: the system counts a process's seconds only when it has ended."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


@dataclass(frozen=True)
class Rebuilt:
    """What survives of rows: categories right, in per cent, and the error of numbers (NRMSE)."""

    right: float
    error: float


def rebuilt(rows: pd.DataFrame, copies: pd.DataFrame, train: pd.DataFrame) -> Rebuilt:
    """Compare rows with what came back: share of categories, and root mean square error / training deviation.

    The error is the mean over the numeric columns, without those that are constant in training.

    Examples
    --------
    >>> rows = pd.DataFrame({"size": [1.0, 3.0], "zone": ["hill", "centre"]})
    >>> rebuilt(rows, rows.assign(size=2.0, zone="hill"), rows)
    Rebuilt(right=50.0, error=1.0)
    """
    right, errors = [], []
    for name in rows:
        if name not in numeric(rows):
            right.append(np.mean(rows[name].to_numpy() == copies[name].to_numpy(object)))
        elif (deviation := float(train[name].std(ddof=0))) > 0:
            gap = rows[name].to_numpy(float) - copies[name].to_numpy(float)
            errors.append(np.sqrt(np.mean(gap**2)) / deviation)
    return Rebuilt(100 * float(np.mean(right)), float(np.mean(errors)))


def probe(codes: npt.NDArray[Any], yes: Flags, test_codes: npt.NDArray[Any], test_yes: Flags) -> float:
    """Give the AUC on test rows of a logistic regression trained on codes (rows, size)."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)).fit(codes, yes)
    return float(roc_auc_score(test_yes, model.predict_proba(test_codes)[:, 1]))


@dataclass(frozen=True)
class Quality:
    """SDMetrics' report in per cent: the columns' shapes, the trends of pairs of columns, and their mean."""

    overall: float
    shapes: float
    pairs: float


def quality(real: pd.DataFrame, other: pd.DataFrame) -> Quality:
    """Compare tables by SDMetrics' QualityReport, told which columns are numbers and which categories."""
    from sdmetrics.reports import QualityReport

    numbers = numeric(real)
    kinds = {name: {"sdtype": "numerical" if name in numbers else "categorical"} for name in real}
    report = QualityReport()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="ks_2samp: Exact calculation unsuccessful")  # of a p-value
        report.generate({"t": real}, {"t": other[list(real)]}, {"tables": {"t": {"columns": kinds}}}, verbose=False)
    scores = report.get_properties().set_index("Property")["Score"]
    return Quality(
        *(100 * float(x) for x in (report.get_score(), scores["Column Shapes"], scores["Column Pair Trends"]))
    )


def two_sample_auc(real: pd.DataFrame, other: pd.DataFrame, seed: int) -> float:
    """Give the AUC at which boosted trees tell as many rows of one table from another: 0.5 means not at all.

    Each row is judged by trees grown without it, in five folds (Lopez-Paz and Oquab 2017, "Revisiting
    classifier two-sample tests").
    """
    rows = min(len(real), len(other))
    both = pd.concat([real.iloc[:rows], other.iloc[:rows][list(real)]], ignore_index=True)
    answers = np.repeat([0, 1], rows)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    said = cross_val_predict(_trees(seed), _categories(both, both), answers, cv=folds, method="predict_proba")
    return float(roc_auc_score(answers, said[:, 1]))


def transfer_auc(made: pd.DataFrame, test: pd.DataFrame, outcome: Outcome, seed: int) -> float:
    """Give the AUC on real test rows of boosted trees trained on other rows; 0.5 where these all agree."""
    yes = outcome.of(made)
    if yes.all() or not yes.any():
        return 0.5
    inputs = made.drop(columns=outcome.column)
    trees = _trees(seed).fit(_categories(inputs, inputs), yes)
    said = trees.predict_proba(_categories(test[list(inputs)], inputs))[:, 1]
    return float(roc_auc_score(outcome.of(test), said))


def _trees(seed: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=seed)


def _categories(frame: pd.DataFrame, training: pd.DataFrame) -> pd.DataFrame:
    """Mark text as categories, with the levels that training has; trees read any other as missing."""
    numbers = numeric(training)
    levels = {name: sorted(training[name].unique()) for name in training if name not in numbers}
    return frame.assign(**{name: pd.Categorical(frame[name], seen) for name, seen in levels.items()})
