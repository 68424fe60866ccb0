"""Made-up rows beside real ones: fidelity, usefulness and privacy, each with its honest baselines."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.data.sources import Table, open_table
from isthmus.errors import DataError, IsthmusWarning, UsageError
from isthmus.model import Autoencoder
from isthmus.report.baselines import Features
from isthmus.tasks import evaluate as measures
from isthmus.tasks.reconstruct import log_likelihood

__all__ = ["Evaluation", "evaluate"]

Floats = npt.NDArray[np.float64]

ROWS = 5000
"""Rows of each table that are looked at; more are drawn from."""

FIGURES = {
    "quality": "SDMetrics quality: mean of shapes and pairs",
    "shapes": "SDMetrics column shapes",
    "pairs": "SDMetrics column pair trends",
    "told apart": "AUC of boosted trees that tell them from real rows, 0.5 is best",
    "usefulness": "boosted trees trained on them, tested on real rows",
    "dependencies broken": "share of rows that break what holds in all real rows",
    "missing patterns": "overlap of the patterns of missing cells",
    "copies": "share that are exact copies of rows of DATA",
    "distance to closest record": "median distance to the closest row of DATA, in standard deviations",
    "nearer to DATA": "share nearer to a row of DATA than to a held-out row, 0.5 gives nobody away",
    "membership by distance": "AUC at which their distance tells rows of DATA from held-out rows, 0.5 is best",
}


@dataclass(frozen=True)
class Evaluation:
    """What was measured of made-up rows and, in the same way, of honest baselines.

    Attributes
    ----------
    about
        What was compared with what.
    figures
        By figure (see `FIGURES`) and kind of rows: "synthetic", "bootstrap" of the real rows, "each column alone",
        "held-out rows". None where it could not be measured.
    membership
        AUC at which the model's own likelihood tells rows of DATA from held-out ones; None without held-out rows.
    columns
        For pictures: variables, values (rows, columns) of real and made-up rows, SDMetrics' pair trends (columns,
        columns), and distances to the closest row of DATA (rows,) by kind of rows.
    """

    about: dict[str, Any]
    figures: dict[str, dict[str, float | None]]
    membership: float | None
    columns: dict[str, Any] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Give everything but the rows, for JSON."""
        return {**self.about, "figures": self.figures, "membership by the model's likelihood": self.membership}


def evaluate(
    model: Autoencoder,
    data: Any,
    synthetic: Any = None,
    *,
    held_out: Any = None,
    target: str | None = None,
    rows: int = ROWS,
    seed: int = 0,
) -> Evaluation:
    """Measure how good made-up rows are, beside a bootstrap of the real ones, each column alone and held-out rows.

    Parameters
    ----------
    model
        A fitted model, which says what the columns are.
    data
        The real rows that the made-up ones were made from.
    synthetic
        Made-up rows, from anywhere; by default as many as `data` has are sampled from the model.
    held_out
        Real rows that nothing was fitted to. Without them privacy cannot be judged, and is left out; usefulness is
        then judged on a fifth of `data`.
    target
        The column to predict; by default the last one.
    rows, seed
        How many rows of each table are looked at, at most, and which.

    Raises
    ------
    UsageError
        For an unknown target, or where the package sdmetrics is not there.
    """
    _sdmetrics()
    names = [variable.name for variable in model.schema_.coded]
    if target is not None and target not in names:
        raise UsageError(f"target {target!r}: no such column in the model; it has {', '.join(names)}")
    rng = np.random.default_rng(seed)
    real = _values(model, data, "real")
    test = None if held_out is None else _some(rng, _values(model, held_out, "held-out"), rows)
    made = _values(model, model.sample(min(len(real), rows), seed=seed) if synthetic is None else synthetic, "made-up")
    made, seen = _some(rng, made, rows), _some(rng, real, rows)
    learn, judge = (seen, test) if test is not None else (seen[len(seen) // 5 :], seen[: len(seen) // 5])
    rivals: dict[str, Floats | None] = {
        "synthetic": made,
        "bootstrap": learn[rng.integers(len(learn), size=len(made))],
        "each column alone": np.stack([rng.choice(column, len(made)) for column in learn.T], 1),
        "held-out rows": test,
    }
    bench = _Bench(model, real, learn, judge, names.index(target) if target else len(names) - 1, test, seed)
    about = {
        "rows of DATA": len(real),
        "rows looked at": len(seen),
        "made-up rows": f"{len(made)} " + ("sampled from the model" if synthetic is None else "given"),
        "held-out rows": "a fifth of DATA, for usefulness only" if test is None else len(test),
        "target": names[bench.target],
    }
    figures: dict[str, dict[str, float | None]] = {name: {} for name in FIGURES}
    for kind, rival in rivals.items():
        if rival is not None:
            for name, value in bench.measure(rival, kind).items():
                figures[name][kind] = value
    columns = {"variables": model.schema_.coded, "real": seen, "made": made}
    columns |= {"pairs": bench.pairs(made), "distances": bench.distances(rivals)}
    return Evaluation(about, figures, bench.membership(), columns)


@dataclass(frozen=True)
class _Bench:
    """What every kind of rows is held against."""

    model: Autoencoder
    real: Floats
    learn: Floats
    judge: Floats
    target: int
    test: Floats | None
    seed: int

    def measure(self, made: Floats, kind: str) -> dict[str, float | None]:
        """Measure one kind of rows in every way."""
        sizes = [variable.size for variable in self.model.schema_.coded]
        quality, shapes, pairs = _scores(_report(self.model, self.learn, made))
        rules = measures.dependencies(self.real, sizes)
        own = kind == "held-out rows"  # held-out rows are what the others are tested on
        found = {
            "quality": quality,
            "shapes": shapes,
            "pairs": pairs,
            "told apart": measures.told_apart(self.learn, made, sizes, self.seed),
            "usefulness": None if own else measures.usefulness(made, self.judge, sizes, self.target, self.seed),
            "dependencies broken": measures.broken(self.real, made, rules) if rules else None,
            "missing patterns": measures.same_gaps(self.real, made),
            "copies": measures.copies(made, self.real),
        }
        return found | self._privacy(made, own)

    def pairs(self, made: Floats) -> Floats:
        """Give SDMetrics' score of every pair of columns (columns, columns), NaN where it has none."""
        scores = np.full((made.shape[1], made.shape[1]), np.nan)
        if made.shape[1] > 1:
            details = _report(self.model, self.learn, made).get_details("Column Pair Trends")
            for one, other, score in zip(details["Column 1"], details["Column 2"], details["Score"], strict=True):
                scores[int(one), int(other)] = scores[int(other), int(one)] = score
        return scores

    def distances(self, rivals: dict[str, Floats | None]) -> dict[str, Floats]:
        """Give the distances (rows,) of made-up rows and, where there are any, held-out ones to the closest of DATA."""
        features = Features(self.model.schema_.coded, self.learn)
        near = features(self.learn)
        shown = {kind: rivals[kind] for kind in ("synthetic", "held-out rows")}
        return {kind: measures.closest(features(x), near) for kind, x in shown.items() if x is not None}

    def _privacy(self, made: Floats, own: bool) -> dict[str, float | None]:
        features = Features(self.model.schema_.coded, self.learn)
        here, near = features(made), features(self.learn)
        found: dict[str, float | None] = {"distance to closest record": float(np.median(measures.closest(here, near)))}
        if self.test is None or own:
            return found | {"nearer to DATA": None, "membership by distance": None}
        far = features(self.test)
        rows = min(len(near), len(far))
        scores = [-measures.closest(each[:rows], here) for each in (near, far)]
        return found | {
            "nearer to DATA": measures.share_nearer(here, near, far),
            "membership by distance": measures.membership(*scores),
        }

    def membership(self) -> float | None:
        """Attack the model itself: it may find rows that it was fitted to likelier than others."""
        if self.test is None:
            return None
        rows = min(len(self.learn), len(self.test))
        scores = [log_likelihood(self.model.net_, x[:rows]).sum(1) for x in (self.learn, self.test)]
        return measures.membership(*scores)


def _values(model: Autoencoder, source: Any, what: str) -> Floats:
    table: Table = open_table(source, missing=model.missing)
    if table.rows < 10:
        raise DataError(f"{table.rows} {what} rows are too few to judge by: give 10 or more")
    with warnings.catch_warnings():
        warnings.simplefilter("once", IsthmusWarning)
        return model.codec_.encode(table, clip=False)


def _some(rng: np.random.Generator, x: Floats, rows: int) -> Floats:
    """Draw at most so many rows, in a random order."""
    return x[rng.permutation(len(x))[:rows]]


def _sdmetrics() -> Any:
    try:
        from sdmetrics.reports import QualityReport
    except ImportError:
        raise UsageError("evaluate needs the package sdmetrics: pip install 'isthmus[evaluate]'") from None
    return QualityReport()


def _report(model: Autoencoder, real: Floats, made: Floats) -> Any:
    """Compare made-up rows with real ones by SDMetrics' report on quality."""
    import pandas as pd

    kinds, frames = {}, []
    for j, variable in enumerate(model.schema_.coded):
        kinds[str(j)] = {"sdtype": "numerical" if variable.size is None else "categorical"}
    for x in (real, made):
        frame = pd.DataFrame(x, columns=list(kinds))
        for name in (name for name, kind in kinds.items() if kind["sdtype"] == "categorical"):
            frame[name] = frame[name].map("{:.0f}".format).astype(object)  # a missing cell is a value like any other
        frames.append(frame)
    report = _sdmetrics()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report.generate({"t": frames[0]}, {"t": frames[1]}, {"tables": {"t": {"columns": kinds}}}, verbose=False)
    return report


def _scores(report: Any) -> tuple[float | None, ...]:
    """Give SDMetrics' overall quality, column shapes and pair trends, from 0 to 1; None where there are no pairs."""
    scores = report.get_properties().set_index("Property")["Score"]
    return tuple(
        None if np.isnan(value) else float(value)
        for value in (report.get_score(), scores["Column Shapes"], scores["Column Pair Trends"])
    )
