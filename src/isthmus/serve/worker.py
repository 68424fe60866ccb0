"""Answers requests of one job together: what each asked is read, joined, done once, and taken apart again."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.as_json import to_json
from isthmus.errors import IsthmusWarning
from isthmus.serve.jobs import Job, Result, to_table
from isthmus.serve.rows import to_records, to_stream
from isthmus.tasks.batches import FEW, pieces

Answered = bytes | Exception
Span = tuple[int, int] | None
"""From which row to which a request's part goes; None where it is all, which need not be rows."""


@dataclass(frozen=True)
class Asked:
    """One request: its job, options and body, whether the body is Arrow, and whether the answer is to be."""

    job: Job
    options: Any
    body: bytes
    arrow: bool
    answer_arrow: bool

    @property
    def key(self) -> Any:
        """What requests share that may be joined; None where none may."""
        if not self.job.joins(self.options):
            return None
        return self.job.name, self.options.model_dump_json(), self.arrow


def answer(asked: Sequence[Asked]) -> list[Answered]:
    """Answer requests of one key; a fault of one is no fault of the others."""
    answers: list[Answered] = [b""] * len(asked)
    sound: list[tuple[int, Any]] = []
    for i, each in enumerate(asked):
        try:
            sound.append((i, each.job.read(each.body, each.arrow, each.options)))
        except Exception as error:  # whatever it is, it is this request's alone
            answers[i] = error
    if sound:
        for (i, _), told in zip(sound, _together([asked[i] for i, _ in sound], [own for _, own in sound]), strict=True):
            answers[i] = told
    return answers


def _together(asked: Sequence[Asked], sent: Sequence[Any]) -> list[Answered]:
    """Answer requests by one call of the library; if that fails, by one each."""
    try:
        result, spans, notes = _run(asked[0].job, asked[0].options, sent)
        plain = {} if all(each.answer_arrow for each in asked) else _records(result)
        answers = zip(asked, spans, notes, strict=True)
        return [_render(each, result if each.answer_arrow else plain, span, own) for each, span, own in answers]
    except Exception as error:
        if len(asked) == 1:
            return [error]
        return [_together([each], [own])[0] for each, own in zip(asked, sent, strict=True)]


def _run(job: Job, options: Any, sent: Sequence[Any]) -> tuple[Result, list[Span], list[list[str]]]:
    """Do a job on what several requests sent; give for each also where its part is, and what its owner should know."""
    given = job.join(sent)
    with pieces(FEW), warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", IsthmusWarning)
        result = job.run(given, options)
    if len(sent) == 1:
        return result, [None], [list(dict.fromkeys(str(each.message) for each in caught))]
    ends = list(accumulate(map(len, sent)))
    spans: list[Any] = list(zip([0, *ends], ends, strict=False))
    return result, spans, [job.notes(given, start, end) for start, end in spans]


def _records(told: Result) -> Result:
    """Write tables as records, of all requests in one go."""
    return {name: to_records(each) if isinstance(each, pa.Table) else each for name, each in told.items()}


def _part(told: Any, start: int, end: int) -> Any:
    if isinstance(told, dict):
        return {name: _part(each, start, end) for name, each in told.items()}
    return told.slice(start, end - start) if isinstance(told, pa.Table) else told[start:end]


def _render(asked: Asked, whole: Result, span: Span, notes: list[str]) -> bytes:
    told = whole if span is None else _part(whole, *span)
    if asked.answer_arrow:
        table = to_table(told)
        return to_stream(table.replace_schema_metadata({"notes": json.dumps(notes)}))
    return to_json(told | {"notes": notes}).encode()
