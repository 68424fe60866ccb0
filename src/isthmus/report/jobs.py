"""The first parts of the tour: the model, the map, what comes back, what is filled in, what is odd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.report import baselines, charts
from isthmus.report.html import Html, h, table
from isthmus.report.measures import Fidelity, fidelity
from isthmus.report.pictures import map_figure
from isthmus.report.tour import Part, Picture, Tour, lines, written

__all__ = ["impute", "map_", "model", "outliers", "reconstruct"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

SHOWN = ("Sale_Price", "Gr_Liv_Area", "Year_Built", "Lot_Area")
HIDDEN = 0.3
_PLURALS = {
    "boolean": "yes-or-no",
    "category": "category",
    "count": "count",
    "number": "number",
    "moment": "date",
}


def model(tour: Tour) -> Part:
    """Say what was learnt, and how it went."""
    facts = tour.model.inspect()
    kinds = Counter(_PLURALS[variable.kind] for variable in tour.variables)
    found = ", ".join(f"{count} {kind} columns" for kind, count in kinds.most_common())
    words = (
        f"It found out by itself what the columns are: {found}. Whatever it says of a cell is a "
        "distribution that suits the column, never one squared error for all. In training, cells of each "
        "house are hidden at random, and it learns to tell them from the rest: that is why one model can "
        "fill gaps, find oddities and make up houses."
    )
    curve = (
        "Losses during training: on the rows it learns from, and on a tenth of them that it does not learn "
        f"from. The dashed line is the step whose weights were kept, {facts['best_step']:,}."
    )
    return Part([h("p", words), Picture("training", charts.curves(facts["history"], facts["best_step"]), curve)])


def map_(tour: Tour) -> Part:
    """Place all houses on a plane, coloured by price, and say how much of the price the place tells."""
    places, price = tour.model.map(tour.table).astype(np.float64), tour.column("Sale_Price")
    plain = baselines.pca_map(tour.features, tour.training, tour.x)
    own, peer = (baselines.locality(each, price, ~tour.held_out) for each in (places, plain))
    link = h("a", "map.html", href="map.html")
    words = (
        "Each point is a house; houses with similar codes lie close together. The position of a held-out "
        f"house tells {own:.0%} of the variance of its price (from the ten nearest on the map); on the "
        "plane of the two first principal components it tells "
        f"{peer:.0%}{'' if own > peer else ', so here PCA draws the better map'}. Price is one of the "
        f"{len(tour.names)} columns that go in: this shows what the map keeps, and predicts nothing."
    )
    caption = "All sales, those with similar codes close together; the colour is the price in dollars."
    return Part(
        [
            h("p", words),
            Picture("map", map_figure(places, price, "Sale_Price"), caption),
            h("p", "The same map to move, zoom and ask for each house's row: ", link, "."),
        ],
        tables={},
        maps={"map.html": (places, price, "Sale_Price")},
    )


def reconstruct(tour: Tour) -> Part:
    """Send held-out houses through the code and back, beside PCA with as many numbers and a constant."""
    held_out = tour.rows(tour.held_out)
    rebuilt = tour.model.reconstruct(held_out)
    back, size = tour.values(rebuilt), int(tour.model.inspect()["code"]["size"])
    width = tour.features.slices[-1].stop
    series = _series(
        tour,
        {
            "isthmus": back,
            "PCA": baselines.through_pca(tour.features, tour.training, tour.test, size),
            "mode or mean": np.broadcast_to(
                baselines.usual(tour.variables, tour.training, middle="mean", missing=True), back.shape
            ),
        },
    )
    words = (
        f"The held-out houses, squeezed into {size} numbers each and opened again. Beside it: principal "
        f"components with as many numbers ({min(size, width)} of {width}, categories one-hot, numbers "
        "scaled), and the column's most frequent value or mean."
    )
    wide = (
        "A code this wide leaves PCA little to lose: its linear numbers nearly are the table. The model's "
        "code has to serve rows with any cells hidden as well."
    )
    places = tour.places(SHOWN)
    cloud = "Held-out houses: the number that came back against what it was. On the line, nothing is lost."
    dots = (
        "Each column of the held-out houses. Accuracy is the share of categories that come back exactly; "
        "NRMSE is the error of numbers in standard deviations of the column, 0 is perfect; what is beyond "
        "1.5 is drawn there."
    )
    return Part(
        [
            h("p", words),
            _summary(series),
            h("p", _verdict(series), *([" ", wide] if 2 * size > width else [])),
            Picture("rebuilt", charts.rebuilt(SHOWN, tour.test[:, places], back[:, places]), cloud),
            _side_by_side(held_out, rebuilt, [*SHOWN, "Neighborhood", "House_Style", "Garage_Area"]),
            Picture("survival", charts.dots(series), dots),
        ],
        tables={"held-out.csv": held_out, "reconstructed.csv": rebuilt},
    )


def impute(tour: Tour) -> Part:
    """Hide cells of held-out houses and fill them in again, beside neighbours and beside a constant."""
    held_out = tour.rows(tour.held_out)
    hidden = np.random.default_rng(tour.seed + 1).random(tour.test.shape) < HIDDEN
    hidden &= ~np.isnan(tour.test)  # what is missing already cannot be judged
    gaps = _without(held_out, tour.names, hidden)
    full = tour.model.impute(gaps, method="mean")
    x = np.where(hidden, np.nan, tour.test)
    constant = baselines.usual(tour.variables, tour.training, middle="median", missing=False)
    series = _series(
        tour,
        {
            "isthmus": tour.values(full),
            "k-NN": baselines.neighbours(tour.features, tour.training, x),
            "mode or median": np.broadcast_to(constant, x.shape),
        },
        hidden,
    )
    words = (
        f"In each held-out house {HIDDEN:.0%} of the cells, chosen at random, were hidden "
        f"({int(hidden.sum()):,} in all), and filled in from what was left. Beside it: the ten training "
        "houses most alike in what is known (k-NN), and the column's most frequent value or median."
    )
    dots = (
        "Hidden cells only, column by column: accuracy of categories, NRMSE of numbers (1 is as far off as "
        "the mean; what is beyond 1.5 is drawn there)."
    )
    return Part(
        [
            h("p", words),
            _summary(series),
            h("p", _verdict(series)),
            _cells(tour, held_out, full, hidden, constant),
            Picture("imputed", charts.dots(series), dots),
        ],
        tables={"gaps.csv": gaps, "imputed.csv": full},
    )


def outliers(tour: Tour) -> Part:
    """Rank all sales by how odd they are, say why, and check against those the data's author warns of."""
    found = tour.model.outliers(tour.table)
    why = found.explain(top=50, cells=3)
    ranks = _ranks(found.scores)
    forest = _ranks(baselines.oddness(tour.features, tour.x, tour.seed))
    area, price = tour.column("Gr_Liv_Area"), tour.column("Sale_Price")
    large = np.flatnonzero(area > 4000)
    known = [
        [
            int(row),
            f"{area[row]:,.0f}",
            f"{price[row]:,.0f}",
            "no" if tour.held_out[row] else "yes",
            ranks[row],
            forest[row],
        ]
        for row in large[np.argsort(ranks[large])]
    ]
    head = ["row", "living area", "price", "seen in training", "rank here", "rank by isolation forest"]
    check = (
        "Dean De Cock, who published these data (Journal of Statistics Education 19:3, 2011), advises to "
        "remove the houses of more than 4,000 square feet as outliers. Nobody told the model. Where they "
        f"stand among {len(ranks):,}:"
    )
    words = (
        "Every sale is scored by how badly each cell fits the rest of its row, how far out it lies, and "
        "how far its code is from others. A score of 10 means that about one house in 2¹⁰ is as odd. Rows "
        "count from 0 in houses.csv."
    )
    told = [h("p", check), table(head, known)] if len(large) else []
    return Part([h("p", words), _reasons(why, 8), *told], tables={"outliers.csv": why})


def _series(tour: Tour, guesses: Mapping[str, Floats], cells: Flags | None = None) -> dict[str, list[Fidelity]]:
    spread = tour.features.spread
    return {name: fidelity(tour.variables, tour.test, guess, spread, cells) for name, guess in guesses.items()}


def _summary(series: Mapping[str, Sequence[Fidelity]]) -> Html:
    rows = []
    for name, found in series.items():
        right = [each.value for each in found if not each.numeric]
        error = [each.value for each in found if each.numeric]
        rows.append([name, f"{np.mean(right):.1%}", f"{np.mean(error):.3f}", _wins(series, name)])
    return table(["", "categories right", "numbers: NRMSE", "columns where best"], rows)


def _wins(series: Mapping[str, Sequence[Fidelity]], name: str) -> int:
    """Count the columns in which no other method is better."""
    return sum(not any(other[j].beats(own) for other in series.values()) for j, own in enumerate(series[name]))


def _verdict(series: Mapping[str, Sequence[Fidelity]]) -> str:
    """Say where another method is better than the model, which comes first."""
    (_, own), *others = series.items()
    said = []
    for name, found in others:
        better = [mine.column for mine, theirs in zip(own, found, strict=True) if theirs.beats(mine)]
        listed = f": {', '.join(better[:8])}{' and others' if len(better) > 8 else ''}" if better else ""
        said.append(f"Where {name} beats isthmus: {len(better)} of {len(own)} columns{listed}.")
    return " ".join(said)


def _side_by_side(was: pa.Table, came: pa.Table, names: list[str]) -> Html:
    rows = []
    chosen = np.linspace(0, was.num_rows - 1, 5).astype(int)[1:4]
    for row, one, other in zip(chosen, lines(was.take(chosen), names), lines(came.take(chosen), names), strict=True):
        rows.append([f"row {row}", *one])
        marked = [h("b", b, class_="off") if a != b else b for a, b in zip(one, other, strict=True)]
        rows.append(["came back", *marked])
    return table(["", *names], rows, "Three of the held-out houses (held-out.csv); what changed is in orange.")


def _without(columns: pa.Table, names: Sequence[str], hidden: Flags) -> pa.Table:
    """Take the hidden cells (rows, names) out of a table."""
    for j, name in enumerate(names):
        column = columns[name]
        gone = pc.if_else(pa.array(hidden[:, j]), pa.scalar(None, column.type), column)
        columns = columns.set_column(columns.column_names.index(name), name, gone)
    return columns


def _cells(tour: Tour, was: pa.Table, full: pa.Table, hidden: Flags, constant: Floats) -> Html:
    """Show some hidden cells of the first houses: the truth, the model's word and the constant's."""
    wanted = [*SHOWN, "Neighborhood", "House_Style", "Garage_Cars", "Foundation", "Full_Bath", "Central_Air"]
    guess = tour.model.codec_.decode(constant[None])
    rows = []
    for name in wanted:
        for row in np.flatnonzero(hidden[:, tour.names.index(name)])[:2]:
            truth, said, usual = (
                written(t[name][int(i)].as_py(), name) for t, i in ((was, row), (full, row), (guess, 0))
            )
            rows.append([int(row), name, truth, h("b", said, class_="won") if said == truth else said, usual])
    head = ["row of held-out.csv", "hidden cell", "truth", "isthmus", "mode or median"]
    return table(head, rows, "The first two houses in which each of these was hidden; exactly right is in blue.")


def _ranks(scores: Floats) -> npt.NDArray[np.int64]:
    """Ranks (rows,) from 1, the highest score first."""
    return np.argsort(np.argsort(-scores, kind="stable"), kind="stable") + 1


def _reasons(why: pa.Table, top: int) -> Html:
    rows: dict[int, list[dict[str, object]]] = {}
    for line in why.to_pylist():
        rows.setdefault(line["rank"], []).append(line)
    shown = [
        [
            rank,
            cells[0]["row"],
            f"{cells[0]['score']:.1f}",
            Html(
                ", ".join(
                    h("span", f"{c['column']} ", h("b", c["value"]), f" (expected {c['expected']})") for c in cells
                )
            ),
        ]
        for rank, cells in list(rows.items())[:top]
    ]
    return table(["rank", "row", "score", "the three cells that surprise most"], shown)
