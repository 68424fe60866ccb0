"""An evaluation as a page: what was compared with what, every figure beside its baselines, the columns' shapes."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from isthmus.files import writing
from isthmus.report import charts
from isthmus.report.evaluation import FIGURES, Evaluation
from isthmus.report.html import Html, figure, h, page, section, table
from isthmus.report.pictures import svg

__all__ = ["write"]

_SHOWN = 12
_PAIRS = 40
_TRENDS = (
    "SDMetrics' score of pairs of columns, 1 where what they say of each other is the same as in real rows; blank "
    "where they say next to nothing of each other."
)
_FAR = "Rows that lie nearer to real rows than held-out ones do may repeat somebody."


def write(found: Evaluation, path: str | PathLike[str]) -> None:
    """Write one page."""
    kinds = list(dict.fromkeys(kind for each in found.figures.values() for kind in each))
    rows = [[name, *(_number(found.figures[name].get(kind)) for kind in kinds), says] for name, says in FIGURES.items()]
    compared = h("ul", *(h("li", h("b", f"{name}: "), value) for name, value in found.about.items()))
    honest = (
        "A bootstrap of the real rows is as good as made-up rows can look, and gives everybody away. Each column alone "
        "has every column right and nothing between them."
    )
    attack = (
        "The model itself was not attacked: that needs held-out rows."
        if found.membership is None
        else f"The model's own likelihood tells rows of DATA from held-out rows at an AUC of {found.membership:.3f}."
    )
    variables, real, made = (found.columns[name] for name in ("variables", "real", "made"))
    shown = [j for j in range(len(variables)) if np.isfinite(real[:, j]).any() and np.isfinite(made[:, j]).any()]
    picture = charts.pairs([variables[j] for j in shown[:_SHOWN]], real[:, shown[:_SHOWN]], made[:, shown[:_SHOWN]])
    scored = [j for j in range(len(variables)) if np.isfinite(found.columns["pairs"][j]).any()][:_PAIRS]
    far = charts.distances(found.columns["distances"])
    words = f"Shares of values of the first {len(shown[:_SHOWN])} columns, real (grey) and made up (blue)."
    text = page(
        "Made-up rows beside real ones",
        "Fidelity, usefulness and privacy, each measured in the same way of honest baselines.",
        section("What was compared", compared),
        section("Figures", table(["figure", *kinds, "what it is"], rows), h("p", honest), h("p", attack)),
        section("Columns", figure(svg(picture, "columns of real and made-up rows"), words)),
        *([section("Pairs of columns", figure(_pairs(found, scored), _TRENDS))] if len(scored) > 1 else []),
        section("Distance to real rows", figure(svg(far, "distances to the closest real row"), _FAR)),
    )
    with writing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def _pairs(found: Evaluation, scored: list[int]) -> Html:
    names = [found.columns["variables"][j].name for j in scored]
    return svg(charts.heat(names, found.columns["pairs"][np.ix_(scored, scored)]), "pair trends")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
