"""`make bench-private`: what differential privacy costs rows that are made up, on two tables.

python benchmarks/private.py           everything, results to benchmarks/results
python benchmarks/private.py --quick   does it run? Small fits of few rows, results to the screen
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from baselines import independent
from madeup import dcr_share, exact_copies
from measures import quality, timed, transfer_auc, two_sample_auc
from results import OURS, Page, Section
from runner import Bench, MissingSourceError, main
from sources import SOURCES, Outcome, Source, numeric, split, tidy

from isthmus import Autoencoder, Schema
from isthmus.tasks.evaluate import membership

ATTACKED = 4000
"""Rows of either kind that are attacked."""

RANGES = {
    "adult": {
        "age": (0, 120),
        "fnlwgt": (0, 2_000_000),
        "education-num": (1, 16),
        "capital-gain": (0, 100_000),
        "capital-loss": (0, 10_000),
        "hours-per-week": (0, 100),
    },
    "stroke": {"age": (0, 120), "avg_glucose_level": (0, 500), "bmi": (0, 150)},
}
"""What anyone may know of the numbers, set down without looking at the rows; of categories the code book."""


@dataclass(frozen=True)
class Settings:
    """How much is done; the defaults are the benchmark, all else is for trying it out.

    Parameters
    ----------
    epsilons
        Privacy to be measured, beside none.
    fit
        Options of all fits, with privacy and without: half the usual width, since fewer weights take less noise.
    rows
        Training rows to use; None for all.
    seed
        Of the split and of what is drawn; a private fit's noise follows from no seed.
    """

    epsilons: tuple[float, ...] = (1.0, 3.0, 10.0)
    fit: Mapping[str, Any] = field(default_factory=lambda: {"width": 96})
    rows: int | None = None
    seed: int = 0


QUICK = Settings((10.0,), {"epochs": 1, "width": 32, "blocks": 1}, rows=1500)


def measure(source: Source, frame: pd.DataFrame, settings: Settings) -> list[Section]:
    """Fit with ever less privacy, and measure what is made up, and what attacks find."""
    train, test = split(frame, settings.seed)
    train, schema = train.iloc[: settings.rows], public(source.name, frame)
    outcome, rows, seed = Outcome.learn(source, train), len(train), settings.seed
    say("fitting without privacy")
    free, took = timed(lambda: _fit(train, schema, None, settings))
    plain = {"no privacy": free.sample(rows, seed=seed), "independent columns": independent(train, rows, seed)}
    peers = {name: _judged(made, train, test, outcome, seed) for name, made in plain.items()}
    peers["no privacy"] |= _attacked(free, plain["no privacy"], train, test)
    peers["real rows"] = {"AUC, trained on them": transfer_auc(train, test, outcome, seed)}
    section = Section(
        "Made-up rows",
        "Quality: SDMetrics' report against the training rows. AUC, told from real rows: boosted trees in five folds, "
        f"0.5 where they cannot tell. AUC, trained on them: boosted trees that predict {outcome.column} on held-out "
        "rows. Independent columns are those of the real rows, without noise. Attacks: AUC at which the model's own "
        "likelihood, and the distance to the nearest made-up row, tell training rows from held-out ones, 0.5 for a "
        "stranger. Ranges of numbers and values of categories are taken as public.",
    )
    spent = Section("Privacy and time", f"{rows:,} rows to train on, a row more or less. Seconds on the wall.")
    for epsilon in settings.epsilons:
        say(f"fitting with epsilon {epsilon:g}")
        model, taken = timed(lambda epsilon=epsilon: _fit(train, schema, epsilon, settings))
        made = model.sample(rows, seed=seed)
        found = _judged(made, train, test, outcome, seed) | _attacked(model, made, train, test)
        for figure, value in found.items():
            values = {OURS: value, **{name: each[figure] for name, each in peers.items() if figure in each}}
            headline = "quality, overall" in figure or figure.startswith("AUC")
            section.add(f"epsilon {epsilon:g}: {figure}", values, digits=2 if "%" in figure else 3, headline=headline)
        facts = model.inspect()["privacy"]
        spent.add(f"epsilon {epsilon:g}: epsilon of the file", {OURS: facts["epsilon"]})
        spent.add(f"epsilon {epsilon:g}: epsilon of counts alone", {OURS: facts["spent"]["counts"]})
        spent.add(f"epsilon {epsilon:g}: epsilon of gradients alone", {OURS: facts["spent"]["gradients"]})
        spent.add(f"epsilon {epsilon:g}: delta, in millionths", {OURS: facts["delta"] * 1e6}, digits=1)
        spent.add(f"epsilon {epsilon:g}: noise of gradients", {OURS: facts["noise multipliers"]["gradients"]})
        spent.add(f"epsilon {epsilon:g}: fit (s)", {OURS: taken.wall, "no privacy": took.wall}, digits=1)
    return [section, spent]


def public(name: str, frame: pd.DataFrame) -> Schema:
    """Write down what is known without rows: kinds and values of columns as in the code book, ranges by hand."""
    from isthmus.data.sources import open_table

    ranges = RANGES[name]
    kinds = {column: "number" if column in ranges else "category" for column in frame}
    words = Schema.learn(open_table(frame), kinds).to_dict()
    for entry in words["variables"]:
        if entry["name"] in ranges:
            entry["low"], entry["high"] = map(float, ranges[entry["name"]])
    return Schema.from_dict(words)


def _fit(train: pd.DataFrame, schema: Schema, epsilon: float | None, settings: Settings) -> Autoencoder:
    return Autoencoder(schema=schema, dp_epsilon=epsilon, seed=settings.seed, device="cpu", **settings.fit).fit(train)


def _judged(
    made: pd.DataFrame, train: pd.DataFrame, test: pd.DataFrame, outcome: Outcome, seed: int
) -> dict[str, float]:
    """Give every figure of made-up rows by name."""
    found = quality(train, made)
    return {
        "quality, overall (%)": found.overall,
        "quality, column shapes (%)": found.shapes,
        "quality, pair trends (%)": found.pairs,
        "AUC, told from real rows": two_sample_auc(train, made, seed),
        "AUC, trained on them": transfer_auc(made, test, outcome, seed),
    }


def _attacked(model: Autoencoder, made: pd.DataFrame, train: pd.DataFrame, test: pd.DataFrame) -> dict[str, float]:
    """Attack as many training rows as held-out ones."""
    rows = min(ATTACKED, len(train), len(test))
    members, strangers = train.iloc[:rows], test.iloc[:rows]
    said = [model.score_samples(each) for each in (members, strangers)]
    return {
        "membership by likelihood, AUC": membership(*said),
        "nearer to training than to held-out rows (%)": dcr_share(made.iloc[:rows], members, strangers),
        "copies of training rows (%)": exact_copies(made, train),
    }


def _stroke(folder: Path) -> pd.DataFrame:
    path = folder.joinpath("stroke", "stroke_43k.csv.gz")
    if not path.is_file():
        raise MissingSourceError(f"there is no file {path}: name its data folder with --data or ISTHMUS_DATA")
    frame = tidy(pd.read_csv(path).drop(columns="id").dropna(subset=["bmi"]))
    codes = [name for name in numeric(frame) if name not in RANGES["stroke"]]  # yes and no, written 1 and 0
    return frame.assign(**{name: np.where(frame[name] == 1, "yes", "no").astype(object) for name in codes})


TABLES = {
    "adult": dataclasses.replace(SOURCES["adult"], goals={}),
    "stroke": Source(
        "stroke",
        "Patients, 1.7 % of whom had a stroke: 11 columns, rows without a body mass index left out",
        _stroke,
        target="stroke",
        positive="yes",
    ),
}


def say(words: str) -> None:
    """Tell how far it is."""
    print(f"  {words}", file=sys.stderr, flush=True)


BENCH = Bench(
    Page(
        "private",
        "Benchmark of differential privacy",
        "The same table fitted with epsilon 1, 3 and 10, and without privacy, in the same process. Noise of a private "
        "fit follows from no seed: another run gives other figures.",
    ),
    TABLES,
    measure,
    Settings(),
    QUICK,
    packages=("pandas", "sdmetrics", "opacus"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
