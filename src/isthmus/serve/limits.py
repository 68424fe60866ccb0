"""How much one request may be, how long it may take, and how many may wait."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request

from isthmus.errors import DataError
from isthmus.serve.faults import RefusedError

DIGITS = 18
"""Digits of a whole number: all of 64 bits have so many."""


@dataclass(frozen=True)
class Limits:
    """What a service takes.

    Attributes
    ----------
    rows
        Rows of one request, sent or asked for.
    most_bytes
        Bytes of its body.
    seconds
        From its first byte until it is answered.
    waiting
        Requests that wait for those before them.
    """

    rows: int = 10_000
    most_bytes: int = 16 << 20
    seconds: float = 30.0
    waiting: int = 256

    def check_rows(self, rows: int) -> None:
        """Refuse more than the limit."""
        if rows > self.rows:
            raise RefusedError(413, f"{rows:,} rows are too many for one request: {self.rows:,} at most")

    def check_bytes(self, size: int) -> None:
        """Refuse what takes more than the limit when it is unpacked."""
        if size > self.most_bytes:
            raise RefusedError(413, f"unpacked, the body takes {size:,} bytes: {self.most_bytes:,} at most")

    async def body(self, request: Request) -> bytes:
        """Read a request's body, and no more of it than the limit."""
        if self._announced(request) > self.most_bytes:
            raise self._too_long()
        parts, read = [], 0
        try:
            async for part in request.stream():
                read += len(part)
                if read > self.most_bytes:
                    raise self._too_long()
                parts.append(part)
        except ClientDisconnect:
            raise RefusedError(400, "the request ended before its body did") from None
        return b"".join(parts)

    def _announced(self, request: Request) -> int:
        length = request.headers.get("content-length", "0")
        return int(length) if length.isdecimal() else 0

    def _too_long(self) -> RefusedError:
        return RefusedError(413, f"more than {self.most_bytes:,} bytes are too many for one request: send fewer rows")


def strict_json(body: bytes) -> Any:
    r"""Read JSON that holds nothing which later steps would have to fear.

    Raises
    ------
    DataError
        No JSON, or bad UTF-8, NaN or infinities, numbers beyond 64 bits, deep nesting, half a surrogate pair.

    Examples
    --------
    >>> strict_json(b'[{"area": 61.5}]')
    [{'area': 61.5}]
    >>> strict_json(b'[1e999]')
    Traceback (most recent call last):
    isthmus.errors.DataError: the body: 1e999 is beyond what 64 bits hold
    """
    try:
        text = body.decode("utf-8")
        value = json.loads(text, parse_constant=_constant, parse_int=_whole, parse_float=_fraction)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise DataError("the body: JSON within JSON, too deep to be read") from None
    except UnicodeDecodeError as error:
        raise DataError(f"the body: no UTF-8 at byte {error.start}") from None
    except UnicodeEncodeError:
        raise DataError("the body: half a surrogate pair is no character") from None
    except json.JSONDecodeError as error:
        raise DataError(f"the body: no JSON: {error}") from None
    return value


def _constant(word: str) -> Any:
    raise DataError(f"the body: {word} is no number of JSON: write null where a cell is missing")


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > DIGITS:
        raise _beyond(digits)
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise _beyond(digits)
    return number


def _beyond(digits: str) -> DataError:
    shown = digits if len(digits) <= 24 else f"{digits[:20]}..."
    return DataError(f"the body: {shown} is beyond what 64 bits hold")
