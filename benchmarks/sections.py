"""What is measured on a table: time, rebuilt rows, codes, made-up rows, rows asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from baselines import Coder, Components, Perceptron, Rebuilder, Scale, bootstrap, fit_tvae, independent
from measures import Elapsed, Flags, probe, quality, rebuilt, timed, transfer_auc, two_sample_auc
from results import OURS, Section
from sources import Outcome, Source, split

from isthmus import Autoencoder

TVAE = "TVAE"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Settings:
    """How much is done; the defaults are the benchmark, all else is for trying it out.

    Parameters
    ----------
    code, sizes, probes
        Numbers in the code that makes up rows, in those that rebuild rows, in those that a classifier reads.
    fit
        Further options of isthmus; the benchmark has none.
    tvae_epochs
        Epochs of TVAE; None for its default.
    mlp_epochs
        Epochs of scikit-learn's autoencoder, which take about as long as a fit of isthmus.
    draws
        How many times rows are asked for under a condition.
    rows
        Training rows to use; None for all.
    seed
        Of the split and of everything drawn.
    """

    code: int = 48
    sizes: tuple[int, ...] = (2, 8, 16, 32, 48)
    probes: tuple[int, ...] = (2, 8, 32)
    fit: Mapping[str, Any] = field(default_factory=dict)
    tvae_epochs: int | None = None
    mlp_epochs: int = 150
    draws: int = 10
    rows: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.code not in self.sizes:
            raise ValueError(f"sizes {self.sizes} must hold the code of {self.code} that makes up rows")


QUICK = Settings(
    code=8,
    sizes=(2, 8),
    probes=(2,),
    fit={"epochs": 3, "width": 32, "blocks": 1},
    tvae_epochs=5,
    mlp_epochs=5,
    draws=2,
    rows=600,
)


def measure(source: Source, frame: pd.DataFrame, settings: Settings) -> list[Section]:
    """Measure isthmus and its peers on a table."""
    warm_up(frame, settings)
    if source.given:
        return [_asked(source, frame, settings)]
    train, test = split(frame, settings.seed)
    train = train.iloc[: settings.rows]
    outcome = Outcome.learn(source, train)
    pair = _Pair.fit(train, settings)
    return [
        pair.times(),
        _made_up(pair.made, train, test, outcome, settings),
        _rebuilt(pair, train, test, settings),
        _probed(outcome, train, test, settings),
    ]


def warm_up(frame: pd.DataFrame, settings: Settings) -> None:
    """Load and set up what first fits need, so that it is on nobody's clock."""
    few = frame.sample(100, replace=True, random_state=settings.seed)
    Autoencoder(2, width=16, blocks=1, epochs=1, device="cpu").fit(few)
    fit_tvae(few, settings.seed, epochs=1)


def _fit(train: pd.DataFrame, code: int | None, settings: Settings) -> Autoencoder:
    model = Autoencoder(code, seed=settings.seed, device="cpu", **settings.fit).fit(train)
    if model.schema_.carried:  # it would come back unchanged without having been in the code
        raise ValueError(f"isthmus leaves columns out of its code: {[v.name for v in model.schema_.carried]}")
    return model


@dataclass(frozen=True)
class _Pair:
    """The two fits whose times are compared, and as many made-up rows of each as there were to train on."""

    model: Autoencoder
    fitting: dict[str, Elapsed]
    sampling: dict[str, Elapsed]
    made: dict[str, pd.DataFrame]

    @classmethod
    def fit(cls, train: pd.DataFrame, settings: Settings) -> _Pair:
        """Fit one right after the other, then sample one right after the other."""
        rows, seed = len(train), settings.seed
        say(f"fitting isthmus and TVAE to {rows:,} rows")
        model, ours = timed(lambda: _fit(train, settings.code, settings))
        tvae, theirs = timed(lambda: fit_tvae(train, seed, settings.tvae_epochs))
        say(f"isthmus {ours.wall:.1f} s, TVAE {theirs.wall:.1f} s")
        mine, our_sampling = timed(lambda: model.sample(rows, seed=seed))
        other, their_sampling = timed(lambda: tvae.sample(rows))
        return cls(
            model,
            {OURS: ours, TVAE: theirs},
            {OURS: our_sampling, TVAE: their_sampling},
            {OURS: mine, TVAE: other},
        )

    def times(self) -> Section:
        """Tell the times, ratios first: the seconds are of this machine and of what else it did meanwhile."""
        rows = len(self.made[OURS])
        section = Section("Time", f"A code of {self.model.code}; {rows:,} rows to train on, {rows:,} made up.")
        for work, taken in (("fit", self.fitting), ("sampling", self.sampling)):
            for clock in ("wall", "processor"):
                seconds = {name: getattr(elapsed, clock) for name, elapsed in taken.items()}
                ratios = {name: value / max(seconds[TVAE], 1e-9) for name, value in seconds.items()}
                first = (work, clock) == ("fit", "wall")
                section.add(f"{work}, {clock} time / TVAE's", ratios, digits=2, headline=first)
                section.add(f"{work}, {clock} time (s)", seconds, digits=1)
        return section


def _made_up(
    made: Mapping[str, pd.DataFrame],
    train: pd.DataFrame,
    test: pd.DataFrame,
    outcome: Outcome,
    settings: Settings,
) -> Section:
    """Compare made-up rows with training rows, beside the best and the plainest that one could do."""
    others = {
        **made,
        "bootstrap": bootstrap(train, len(train), settings.seed),
        "independent columns": independent(train, len(train), settings.seed),
        "held-out rows": test,
    }
    say("judging made-up rows")
    scores = {name: quality(train, rows) for name, rows in others.items()}
    told = {name: two_sample_auc(train, rows, settings.seed) for name, rows in others.items()}
    # The classifiers are tested on the held-out rows: in their place, the training rows are the bar.
    trained = {**others, "training rows": train}
    del trained["held-out rows"]
    transfer = {name: transfer_auc(rows, test, outcome, settings.seed) for name, rows in trained.items()}
    section = Section(
        "Made-up rows",
        "Quality: SDMetrics' report against the training rows. AUC, told from real rows: boosted trees in "
        "five folds, 0.5 where they cannot tell; the bootstrap's copies of training rows bring it below. "
        f"AUC, trained on them: boosted trees that predict {outcome.column} on held-out rows.",
    )
    section.add("quality, overall (%)", _each(scores, lambda s: s.overall), digits=2, headline=True)
    section.add("quality, column shapes (%)", _each(scores, lambda s: s.shapes), digits=2)
    section.add("quality, pair trends (%)", _each(scores, lambda s: s.pairs), digits=2)
    section.add("AUC, told from real rows", told, headline=True)
    section.add("AUC, trained on them", transfer)
    return section


def _rebuilt(pair: _Pair, train: pd.DataFrame, test: pd.DataFrame, settings: Settings) -> Section:
    """Send held-out rows through codes of several sizes and back."""
    section = Section(
        "Rebuilding held-out rows",
        "Categories right: share of cells. NRMSE: root mean square error / standard deviation in training, "
        "mean over numeric columns. PCA: one-hot and standardised columns, numbers scaled back, the category "
        "with the largest entry. MLP: scikit-learn's MLPRegressor on the same columns: 256 units, the code, "
        f"256 units, {settings.mlp_epochs} epochs.",
    )
    for size in settings.sizes:
        say(f"rebuilding rows through {size} numbers")
        fits: dict[str, Callable[[], Rebuilder]] = {
            OURS: partial(_fit, train, size, settings),
            "PCA": partial(Components, train, size, settings.seed),
            "MLP": partial(Perceptron, train, size, settings.seed, settings.mlp_epochs),
        }
        # The fit that made up rows is not done twice.
        known = {OURS: (pair.model, pair.fitting[OURS])} if size == settings.code else {}
        done = {name: known[name] if name in known else timed(fit) for name, fit in fits.items()}
        kept = {name: rebuilt(test, coder.reconstruct(test), train) for name, (coder, _) in done.items()}
        right, error = _each(kept, lambda k: k.right), _each(kept, lambda k: k.error)
        section.add(f"{size} numbers: categories right (%)", right, digits=2, headline=size in (2, 8))
        section.add(f"{size} numbers: error of numbers (NRMSE)", error, headline=size in (2, 8))
        section.add(f"{size} numbers: fit (s)", _each(done, lambda d: d[1].wall), digits=1)
    return section


def _probed(outcome: Outcome, train: pd.DataFrame, test: pd.DataFrame, settings: Settings) -> Section:
    """Let a logistic regression predict the outcome from codes of all other columns."""
    section = Section(
        "What a classifier finds in the codes",
        f"AUC on held-out rows of a logistic regression that predicts {outcome.column} from codes of all "
        "other columns; the models were fitted without it.",
    )
    rows, test_rows = (frame.drop(columns=outcome.column) for frame in (train, test))
    yes, test_yes = outcome.of(train), outcome.of(test)
    every = Scale.learn(rows)
    for size in settings.probes:
        say(f"classifying by {size} numbers")
        coders: dict[str, Coder] = {
            OURS: _fit(rows, size, settings),
            "PCA": Components(rows, size, settings.seed),
            "all columns, one-hot": every,
        }
        aucs = _each(coders, lambda c: probe(c.encode(rows), yes, c.encode(test_rows), test_yes))
        section.add(f"AUC from {size} numbers", aucs, headline=size == 8)
    return section


def _asked(source: Source, frame: pd.DataFrame, settings: Settings) -> Section:
    """Ask for rows under a condition, and compare them with the real rows that meet it."""
    meets = _meets(source, frame)
    real = frame[meets].reset_index(drop=True)
    say(f"fitting isthmus and TVAE to {len(frame):,} rows")
    model = _fit(frame, None, settings)
    tvae = fit_tvae(frame, settings.seed, settings.tvae_epochs).sample(20_000)
    pools = {
        "TVAE, rows that happen to": tvae[_meets(source, tvae)],
        "bootstrap of them": real,
        "real rows that do not": frame[~meets],
    }
    seeds = range(settings.seed, settings.seed + settings.draws)
    drawn = {OURS: [model.sample(len(real), given=source.given, seed=seed) for seed in seeds]}
    for name, pool in pools.items():
        if len(pool):
            drawn[name] = [bootstrap(pool, len(real), seed) for seed in seeds]
    section = Section(
        "Rows asked for: " + ", ".join(f"{name}={value}" for name, value in source.given.items()),
        f"{len(real):,} of {len(frame):,} rows meet it. The fit, to all rows, knew nothing of it. As many "
        "rows as meet it are asked for and compared with those, on all other columns, by SDMetrics; mean of "
        f"{settings.draws} draws.",
    )
    others = real.drop(columns=list(source.given))
    scores = {name: [quality(others, rows) for rows in tables] for name, tables in drawn.items()}
    met = _each(drawn, lambda tables: 100 * _mean(_meets(source, rows).mean() for rows in tables))
    section.add("rows that meet it (%)", met, digits=1)
    shapes = _each(scores, lambda draws: _mean(score.shapes for score in draws))
    section.add("column shapes (%)", shapes, digits=2, headline=True)
    section.add("pair trends (%)", _each(scores, lambda draws: _mean(score.pairs for score in draws)), digits=2)
    return section


def _meets(source: Source, frame: pd.DataFrame) -> Flags:
    """Tell which rows (rows,) meet the source's condition."""
    met = [frame[name].to_numpy() == value for name, value in source.given.items()]
    return np.asarray(np.all(met, axis=0))


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _each(found: Mapping[str, _T], measure: Callable[[_T], float]) -> dict[str, float]:
    return {name: measure(one) for name, one in found.items()}


def say(words: str) -> None:
    """Tell how far it is."""
    print(f"  {words}", file=sys.stderr, flush=True)
