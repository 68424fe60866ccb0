"""The charts of a report: curves, dots by column, rebuilt against real, real beside made up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from isthmus.data.variables import Variable
from isthmus.report.labels import short
from isthmus.report.measures import Fidelity
from isthmus.report.pictures import BASE, INK, MODEL, PEER, WIDTH, drawing

__all__ = ["curves", "distances", "dots", "heat", "pairs", "rebuilt"]

Floats = npt.NDArray[np.float64]
_ACROSS = 3
_WORST = 1.5  # larger errors are drawn at the edge


def curves(history: Sequence[Mapping[str, Any]], best_step: int) -> Figure:
    """Draw each named loss over the steps, in training and on held-out rows, and where the best model was."""
    names = sorted({name for check in history for name in check["held_out"]}, key=lambda name: (name != "total", name))
    with drawing():
        figure, axes = _grid(len(names), 1.9)
        for name, panel in zip(names, axes, strict=True):
            for kind, colour, words in (("train", BASE, "training"), ("held_out", MODEL, "held out")):
                known = [check for check in history if name in check[kind]]
                steps, losses = [check["step"] for check in known], [check[kind][name] for check in known]
                panel.plot(steps, losses, color=colour, linewidth=1.6, label=words)
            panel.axvline(best_step, color=PEER, linewidth=1, linestyle=(0, (3, 3)), label="kept")
            panel.set_title(name.replace("_", " "))
            panel.set_xlabel("step")
            panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        _legend(figure, max(axes, key=lambda panel: len(panel.lines)))
    return figure


def dots(series: Mapping[str, Sequence[Fidelity]]) -> Figure:
    """Draw how well each column came back: categories on the left, numbers on the right, a dot a method.

    The first method is the model; columns are in the order of its result, best on top.
    """
    first = next(iter(series.values()))
    sides = [
        sorted((j for j, found in enumerate(first) if found.numeric is numeric), key=lambda j: _badness(first[j]))
        for numeric in (False, True)
    ]
    with drawing():
        figure = Figure(figsize=(WIDTH, 0.9 + 0.185 * max(map(len, sides))))
        panels = figure.subplots(1, 2)
        for panel, columns, words in zip(
            panels, sides, ("accuracy: more is better", "NRMSE: less is better"), strict=True
        ):
            places = np.arange(len(columns))
            for order, (colour, found) in enumerate(zip((MODEL, PEER, BASE), series.values(), strict=False)):
                values = [min(found[j].value, _WORST) for j in columns]
                panel.scatter(values, places, s=16 + 14 * order, color=colour, zorder=5 - order, linewidths=0)
            panel.set_yticks(places, [short(first[j].column, 24) for j in columns], fontsize=7.5)
            panel.set_ylim(max(map(len, sides)) - 0.3, -0.7)
            panel.set_title(words)
            panel.tick_params(axis="y", length=0, labelcolor=INK)
            panel.spines["left"].set_visible(False)
        panels[0].set_xlim(right=1.02)
        panels[1].set_xlim(-0.04, _WORST + 0.04)
        handles = panels[0].collections[: len(series)]
        figure.legend(handles, list(series), loc="outside upper left", ncols=len(series))
    return figure


def _badness(found: Fidelity) -> float:
    return found.value if found.numeric else -found.value


def rebuilt(names: Sequence[str], truth: Floats, back: Floats) -> Figure:
    """Draw numbers (rows, names) as they came back against what they were; on the line nothing is lost."""
    with drawing():
        figure = Figure(figsize=(WIDTH, 2.5))
        for j, (name, panel) in enumerate(zip(names, np.ravel(figure.subplots(1, len(names))), strict=True)):
            low, high = np.nanmin(truth[:, j]), np.nanmax(truth[:, j])
            panel.plot([low, high], [low, high], color=BASE, linewidth=1)
            panel.scatter(truth[:, j], back[:, j], s=7, color=MODEL, alpha=0.5, linewidths=0, rasterized=True)
            panel.set_title(short(name, 22))
            panel.set_xlabel("was")
            _thousands(panel, "both")
        figure.axes[0].set_ylabel("came back as")
    return figure


def pairs(variables: Sequence[Variable], real: Floats, made: Floats) -> Figure:
    """Draw the shares of values of columns (rows, variables), real beside made up."""
    with drawing():
        figure, axes = _grid(len(variables), 2.1)
        for j, (variable, panel) in enumerate(zip(variables, axes, strict=True)):
            draw = _histogram if variable.size is None else _bars
            draw(panel, variable, real[:, j], made[:, j])
            panel.set_title(short(variable.name, 26))
        _legend(figure, axes[0])
    return figure


def heat(names: Sequence[str], scores: Floats) -> Figure:
    """Draw a score from 0 to 1 of every pair of columns (names, names): the darker, the worse."""
    size = min(max(2.2 + 0.22 * len(names), 4.0), WIDTH)
    low = min(float(np.nanmin(scores, initial=1.0)), 0.9)
    with drawing():
        figure = Figure(figsize=(size, size * 0.92))
        panel = figure.subplots()
        image = panel.imshow(
            scores, cmap=LinearSegmentedColormap.from_list("", [PEER, MODEL, "#dce9f4"]), vmin=low, vmax=1
        )
        labels, places = [short(name, 14) for name in names], np.arange(len(names))
        panel.set_xticks(places, labels, fontsize=7, rotation=90)
        panel.set_yticks(places, labels, fontsize=7)
        panel.grid(visible=False)
        panel.tick_params(length=0)
        figure.colorbar(image, ax=panel, shrink=0.6, label="pair trends")
        figure.set_layout_engine("constrained", h_pad=0.2, w_pad=0.1)  # pages set names wider than matplotlib thinks
    return figure


def distances(series: Mapping[str, Floats]) -> Figure:
    """Draw how far rows lie from the closest real one, as shares of rows nearer than that: a curve for each kind."""
    with drawing():
        figure = Figure(figsize=(WIDTH * 0.7, 2.6))
        panel = figure.subplots()
        for colour, (name, far) in zip((MODEL, BASE, PEER), series.items(), strict=False):
            panel.plot(np.sort(far), np.linspace(0, 100, len(far)), color=colour, linewidth=1.6, label=name)
        panel.set_xlim(0, float(np.quantile(np.concatenate(list(series.values())), 0.99)) or 1.0)
        panel.set_xlabel("distance to the closest real row, in standard deviations")
        panel.set_ylabel("% of rows nearer")
        _legend(figure, panel)
    return figure


def _histogram(panel: Axes, variable: Variable, real: Floats, made: Floats) -> None:
    both = np.concatenate([real, made])
    values = np.unique(both[~np.isnan(both)])
    bins = np.append(values, values[-1] + 1) - 0.5 if len(values) <= 15 else np.histogram_bin_edges(values, 20)
    for column, colour, words, style in (
        (real, BASE, "real", "stepfilled"),
        (made, MODEL, "made up", "step"),
    ):
        weights = np.full(len(column), 100 / max(len(column), 1))
        panel.hist(column, bins, weights=weights, histtype=style, color=colour, linewidth=1.6, label=words)  # type: ignore[arg-type]
    panel.set_ylabel("% of rows", fontsize=8)
    panel.grid(axis="x", visible=False)
    _thousands(panel, "x")
    if len(values) <= 15:
        panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def _bars(panel: Axes, variable: Variable, real: Floats, made: Floats) -> None:
    values = getattr(variable, "values", ())
    shares = np.stack([(column[:, None] == np.arange(len(values))).mean(0) for column in (real, made)]) * 100
    top = np.argsort(-shares[0], kind="stable")[:6]
    for share, colour, words, shift in ((shares[0], BASE, "real", -0.2), (shares[1], MODEL, "made up", 0.2)):
        panel.barh(np.arange(len(top)) + shift, share[top], 0.38, color=colour, label=words)
    panel.set_yticks(np.arange(len(top)), [short(values[i], 14) for i in top], fontsize=7.5)
    panel.invert_yaxis()
    panel.grid(axis="y", visible=False)
    panel.set_xlabel("% of rows", fontsize=8)
    panel.tick_params(axis="y", length=0)


def _grid(panels: int, height: float) -> tuple[Figure, list[Axes]]:
    down = -(-panels // _ACROSS)
    figure = Figure(figsize=(WIDTH, height * down + 0.3))
    axes = figure.subplots(down, _ACROSS, squeeze=False).ravel()
    for empty in axes[panels:]:
        empty.set_visible(False)
    return figure, list(axes[:panels])


def _legend(figure: Figure, panel: Axes) -> None:
    handles, names = panel.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=len(names))


def _thousands(panel: Axes, which: str) -> None:
    """Write 250,000 as 250k: there is little room under a small picture."""
    for name, axis in (("x", panel.xaxis), ("y", panel.yaxis)):
        if which in (name, "both"):
            axis.set_major_locator(MaxNLocator(4))
            axis.set_major_formatter(
                FuncFormatter(lambda value, _: f"{value / 1000:g}k" if abs(value) >= 10_000 else f"{value:g}")
            )
