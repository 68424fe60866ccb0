"""Draw the headlines of benchmarks as bars, for the pages of the jobs: python docs/pictures/draw.py."""

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

HERE = Path(__file__).parent
RESULTS = HERE.parents[1] / "benchmarks" / "results"
# Results, table, figure: one picture each, bars-RESULTS.png.
DRAWN = [
    ("outliers", "twelve", "mean AUROC, unsupervised"),
    ("amplify", "all", "mean average precision"),
    ("clean", "ames", "found among the top 1 % (%)"),
    ("compare", "adult", "neighbours aligned"),
    ("vae", "adult", "learnt prior: AUC, told from real rows"),
    ("learning", "mnist", "5-NN, five folds: accuracy"),
    ("cluster", "penguins", "k-means, k known: ARI"),
    ("search", "adult", "recall"),
    ("concepts", "smollm2", "share of words in French"),
    ("sae", "wide", "rows a second"),
]


def draw(name: str, table: str, figure: str) -> None:
    """Draw isthmus and its peers, each with its figure."""
    sections = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))[table]["sections"]
    row = next(row for section in sections for row in section["rows"] if row["figure"] == figure)
    values = row["values"]
    fig, ax = plt.subplots(figsize=(6, 0.6 + 0.32 * len(values)), layout="constrained")
    colours = ["#00796b" if n == "isthmus" else "#b0bec5" for n in values]
    bars = ax.barh(list(values), list(values.values()), color=colours)
    ax.bar_label(bars, fmt=f"%.{row['digits']}f", padding=3)
    ax.invert_yaxis()
    ax.set_xlabel(f"{figure} ({table})")
    ax.margins(x=0.12)
    ax.spines[["top", "right"]].set_visible(False)
    fig.savefig(HERE / f"bars-{name}.png", dpi=90, metadata={"Software": None})
    plt.close(fig)


for drawn in DRAWN:
    draw(*drawn)
