"""An evaluation as a page: what was compared with what, every figure beside its baselines, the columns' shapes."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from isthmus.files import writing
from isthmus.report import charts
from isthmus.report.evaluation import FIGURES, Evaluation
from isthmus.report.html import figure, h, page, section, table
from isthmus.report.pictures import svg

__all__ = ["write"]

_SHOWN = 12


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
    words = f"Shares of values of the first {len(shown[:_SHOWN])} columns, real (grey) and made up (blue)."
    text = page(
        "Made-up rows beside real ones",
        "Fidelity, usefulness and privacy, each measured in the same way of honest baselines.",
        section("What was compared", compared),
        section("Figures", table(["figure", *kinds, "what it is"], rows), h("p", honest), h("p", attack)),
        section("Columns", figure(svg(picture, "columns of real and made-up rows"), words)),
    )
    with writing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
