"""Strict JSON of anything that the jobs give back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["to_json"]

_SAME = (str, int, bool)


def to_json(value: Any) -> str:
    """Write one line of strict JSON: numbers that JSON lacks (NaN, infinities) become null.

    Examples
    --------
    >>> to_json({"loss": float("nan"), "rows": 3})
    '{"loss": null, "rows": 3}'
    """
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    """Turn arrays, tuples, paths and numpy scalars into what JSON has."""
    if value is None or type(value) in _SAME:  # most are: to ask whether they are mappings takes longer
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)
