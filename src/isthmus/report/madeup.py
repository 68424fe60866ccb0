"""The last parts of the tour: houses that were never built, and what none of this can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.report import charts
from isthmus.report.html import h, table
from isthmus.report.measures import shape
from isthmus.report.tour import Part, Picture, Tour, lines

__all__ = ["fireplaces", "limits", "pools"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

POOLS = 20
_POOL_COLUMNS = [
    *("Pool_Area", "Pool_QC", "Sale_Price", "Gr_Liv_Area", "Lot_Area"),
    *("Year_Built", "House_Style", "Neighborhood"),
]
WANTED = {"Central_Air": "Y", "Fireplaces": 2, "Sale_Price": (None, 250_000)}
COMPARED = ("Sale_Price", "Gr_Liv_Area", "Year_Built", "Garage_Cars", "House_Style", "Foundation")
SPLITS = 20


def pools(tour: Tour) -> Part:
    """Make up houses with a pool, beside the few real ones."""
    has_pool = tour.column("Pool_Area") > 0
    qualities = sorted(set(tour.rows(has_pool & ~tour.held_out)["Pool_QC"].to_pylist()) - {"No_Pool"})
    area: Mapping[str, Any] = {"Pool_Area": (1, None)}
    quality: Mapping[str, Any] = {"Pool_QC": qualities}
    made = tour.model.sample(POOLS, given={**area, **quality}, seed=tour.seed)
    by_area = tour.model.sample(POOLS, given=area, seed=tour.seed)["Pool_QC"].to_pylist()
    by_quality = tour.model.sample(POOLS, given=quality, seed=tour.seed)["Pool_Area"].to_pylist()
    agree = (sum(word != "No_Pool" for word in by_area), sum(number > 0 for number in by_quality))
    real, seen = int(has_pool.sum()), int((has_pool & ~tour.held_out).sum())
    words = (
        f"Of {tour.table.num_rows:,} houses {real} have a pool, {seen} of them among those it learnt from. "
        "Nobody trained a model for pools: the condition was said when the houses were asked for, as "
        "Pool_Area over 0 and Pool_QC any quality."
    )
    honest = (
        f"{real} real houses are too few to judge by, and {seen} too few to learn much from. A check: asked "
        f"for Pool_Area over 0 alone, {agree[0]} of {POOLS} made-up houses also have a Pool_QC; asked for a "
        f"Pool_QC alone, {agree[1]} of {POOLS} also have an area. In real houses the two always agree; here "
        "both were asked for. Pool areas can only be those seen in training, or lie between them."
    )
    return Part(
        [
            h("p", words),
            table(_POOL_COLUMNS, lines(made, _POOL_COLUMNS), f"{POOLS} made-up houses with a pool."),
            table(_POOL_COLUMNS, lines(tour.rows(has_pool), _POOL_COLUMNS), f"The {real} real ones."),
            h("p", honest, class_="note"),
        ],
        tables={"houses-with-a-pool.csv": made},
    )


def fireplaces(tour: Tour) -> Part:
    """Make up houses of a kind that there are enough real ones of, and measure how alike they are."""
    wanted = _wanted(tour)
    real = tour.x[wanted]
    made = tour.model.sample(2 * len(real), given=WANTED, seed=tour.seed)
    x = tour.values(made)
    scores = _scores(tour, real, x, tour.x[~wanted])
    names = tour.names
    rows = [[name, *(f"{score[names.index(name)]:.3f}" for score in scores.values())] for name in COMPARED]
    free = [j for j, name in enumerate(names) if name not in WANTED]
    mean = [
        f"mean of the {len(free)} columns not asked for",
        *(f"{score[free].mean():.3f}" for score in scores.values()),
    ]
    copies = len({tuple(row) for row in x} & {tuple(row) for row in tour.x})
    words = (
        f"{len(real)} of the real houses have central air and two fireplaces and cost at most 250,000. As "
        "many again, twice over, were made up with exactly these three wishes:"
    )
    told = (
        "The score is that of SDMetrics' column shapes: one minus the Kolmogorov-Smirnov distance of "
        "numbers, one minus the total variation distance of categories; 1 is the same distribution. All "
        f"three compare {len(real) // 2} rows with {len(real) // 2} real ones, means of {SPLITS} random "
        "splits: another half of the real ones is as near as chance allows, and houses drawn without the "
        "wishes show what ignoring them would score. Most of the real ones were seen in training. Exact "
        f"copies of a real house among the made-up ones: {copies}."
    )
    chart = f"{len(real)} real houses of this kind (grey) and {len(x)} made up (blue)."
    places = tour.places(COMPARED)
    return Part(
        [
            h("p", words),
            h("pre", f"model.sample({len(x)}, given={WANTED})"),
            Picture(
                "made-up",
                charts.pairs([tour.variables[j] for j in places], real[:, places], x[:, places]),
                chart,
            ),
            table(["column", *scores], [*rows, mean]),
            h("p", told),
        ],
        tables={"houses-with-two-fireplaces.csv": made},
    )


def _wanted(tour: Tour) -> Flags:
    """Which real houses are of the kind that is asked for."""
    air = np.asarray(tour.table["Central_Air"].to_pylist()) == "Y"
    wanted: Flags = air & (tour.column("Fireplaces") == 2) & (tour.column("Sale_Price") <= 250_000)
    return wanted


def _scores(tour: Tour, real: Floats, made: Floats, others: Floats) -> dict[str, Floats]:
    """Shapes (columns,) of halves of the real rows against made-up rows, other halves, other kinds."""
    rng = np.random.default_rng(tour.seed + 2)
    half = len(real) // 2
    found: dict[str, list[list[float]]] = {
        "made up": [],
        "real, the other half": [],
        "real, not of this kind": [],
    }
    for _ in range(SPLITS):
        order = rng.permutation(len(real))
        rivals = (rng.permutation(made)[:half], real[order[half : 2 * half]], rng.permutation(others)[:half])
        for scores, rows in zip(found.values(), rivals, strict=True):
            scores.append(
                [
                    shape(real[order[:half], j], rows[:, j], numeric=variable.size is None)
                    for j, variable in enumerate(tour.variables)
                ]
            )
    return {name: np.mean(scores, axis=0) for name, scores in found.items()}


def limits(tour: Tour) -> Part:
    """Say plainly what none of this is."""
    survival = tour.model.inspect()["survival"]
    lost = [each["column"] for each in survival if each["measure"] == "accuracy" and each["value"] < 0.9]
    worst = f"Here fewer than nine in ten cells came back exactly in {len(lost)} columns" + (
        f", among them {', '.join(lost[:4])}." if lost else "."
    )
    points = (
        (
            "A code loses things.",
            f"Rare values go first, exact numbers next. {worst} isthmus inspect says it for every column.",
        ),
        (
            "Codes differ between runs.",
            "Another seed, another number of threads or another version learns other axes: compare codes "
            "of one model only.",
        ),
        (
            "A code is no encryption.",
            "Whoever has the decoder, or enough codes with their rows, can read most of a row back.",
        ),
        (
            "Made-up rows are not anonymous.",
            "They can repeat values, and in small groups nearly whole rows, of the people or houses learnt "
            "from. Nothing here is a guarantee of privacy.",
        ),
        (
            "Oddness is no error.",
            "An odd row can be right, and a wrong one can look usual. Read the reasons.",
        ),
        (
            "Small tables stay small.",
            f"{int((~tour.held_out).sum()):,} rows teach what is common among them. What occurs ten times "
            "is remembered more than understood.",
        ),
    )
    return Part([h("ul", *(h("li", h("b", head), " ", words) for head, words in points))])
