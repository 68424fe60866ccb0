"""Options, bodies and answers of every job, as types: what is checked, and what the OpenAPI description tells."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, create_model

from isthmus.serve.rows import json_types

Seed = Annotated[int, Field(ge=0, lt=2**32, description="Same seed, same rows.")]
Cell = StrictBool | StrictInt | StrictFloat | StrictStr


class Words(BaseModel):
    """What may be said, and nothing besides."""

    model_config = ConfigDict(extra="forbid")


class NoOptions(Words):
    """A job that is always done the same way."""


class Imputing(Words):
    """How missing cells are filled."""

    method: Literal["mode", "mean", "sample"] | None = Field(None, description="By default the mode, or draws.")
    draws: int = Field(1, ge=1, le=1000, description="With more than one, so many tables below each other.")
    seed: Seed = 0
    uncertainty: bool = Field(False, description="Add columns that say which cells were filled, and how surely.")
    interval: float = Field(0.9, gt=0, lt=1, description="How often a number lies from its _low to its _high.")
    probabilities: bool = Field(False, description="Add the probability of every value of Booleans and categories.")


class Scoring(Words):
    """What is told of odd rows."""

    false_alarms: float | None = Field(None, gt=0, lt=1, description="Flag rows, but of usual rows only this share.")
    explain: int = Field(0, ge=0, le=1000, description="Of so many of the oddest rows, say which cells make them odd.")


class Searching(Words):
    """What is found for each row."""

    n: int = Field(10, ge=1, description="How many rows to find, of each.")
    where: str | None = Field(None, description="An SQL condition on the columns.")
    exact: bool = Field(False, description="Compare with every code, however many there are.")


class Range(Words):
    """From `low` to `high`, both included; either may be left open."""

    low: Cell | None = None
    high: Cell | None = None


class Sampling(Words):
    """Rows to be made up."""

    n: StrictInt = Field(1, ge=1, description="How many.")
    given: dict[str, Cell | list[Cell] | Range] = Field(
        default_factory=dict, description="What holds in all of them: a value, a range or a list of values a column."
    )
    seed: Annotated[StrictInt, Field(ge=0, lt=2**32)] = 0
    prior: Literal["learnt", "normal"] | None = None


class Decoding(Words):
    """Codes to be decoded, and what is given of all of them."""

    codes: list[list[StrictFloat | StrictInt]] = Field(min_length=1)
    given: dict[str, Cell] = Field(default_factory=dict, description="Values of condition columns.")


class Fault(BaseModel):
    """What is wrong, in one line."""

    error: str


class Answer(BaseModel):
    """What every job tells besides."""

    notes: list[str] = Field(description="What was done to the data that its owner should know.")


class Coded(Answer):
    """Codes, a row each."""

    codes: list[list[float]]


class Odd(Answer):
    """How odd rows are, in bits; which are flagged, and which cells make the oddest so."""

    scores: list[float | None]
    outlier: list[bool] = Field(default=[], description="With false_alarms.")
    explained: list[dict[str, Any]] = Field(default=[], description="With explain.")


class Found(Answer):
    """Rows of the index, nearest first."""

    rows: list[dict[str, Any]]


class Health(BaseModel):
    """Whether the service lives, and takes requests."""

    live: bool
    ready: bool


class Told(BaseModel):
    """The model that is served."""

    isthmus: str
    code: int = Field(description="Numbers of a code.")
    variables: list[dict[str, Any]] = Field(description="Columns, as in a schema's file.")
    limits: dict[str, float]


def row_types(kinds: dict[str, pa.DataType]) -> tuple[type[BaseModel], type[BaseModel], type[BaseModel]]:
    """Make the types of a row that is sent, of rows that are answered, and of rows that were filled.

    In answers, a mean of whole numbers need not be whole, and columns may be added.
    """
    sent: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for i, (name, kind) in enumerate(kinds.items()):
        more: dict[str, Any] = {"format": "date"} if pa.types.is_date(kind) else {}
        field = Field(default=None, alias=name, json_schema_extra=more)
        python = bool if bool in json_types(kind) else str if str in json_types(kind) else float
        whole = pa.types.is_integer(kind) or pa.types.is_duration(kind)
        sent[f"c{i}"] = ((int if whole else python) | None, field)
        told[f"c{i}"] = (python | None, field)
    row = create_model("Row", __config__=ConfigDict(extra="forbid"), **sent)
    answered = create_model("AnsweredRow", __config__=ConfigDict(extra="allow"), **told)
    rows = create_model("Rows", __base__=Answer, rows=(list[answered], ...))  # type: ignore[valid-type]
    filled = create_model(
        "Filled",
        __base__=rows,
        probabilities=(dict[str, list[list[float]]], Field(default={}, description="A column.")),
    )
    return row, rows, filled
