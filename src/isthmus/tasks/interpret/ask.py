"""A label written by a chat model behind a URL that the user names; nothing is sent anywhere else."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from isthmus.errors import DataError, UsageError
from isthmus.tasks.interpret.aspects import Example

__all__ = ["KEY", "ask", "question"]

KEY = "ISTHMUS_ENDPOINT_KEY"
"""The environment's variable with the endpoint's key, where it asks for one."""
MODEL = "ISTHMUS_ENDPOINT_MODEL"
_SECONDS = 60
_LONGEST = 80
_TASK = (
    "You are shown places in texts where one feature of a neural network fires; the token that it fires on stands"
    " between <<< and >>>. Say in at most eight words what these places have in common. Answer with those words alone."
)


def ask(endpoint: str, examples: Sequence[Example]) -> str:
    """Ask a chat model for a label.

    Parameters
    ----------
    endpoint
        A URL that answers as OpenAI's /v1/chat/completions does.
    examples
        Places where the feature fires.

    Raises
    ------
    UsageError
        The URL is none of http or https.
    DataError
        It cannot be reached, refuses, or answers with something else.
    """
    if urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).netloc:
        raise UsageError(f"endpoint {endpoint!r}: give a URL such as http://localhost:8080/v1/chat/completions")
    headers = {"Content-Type": "application/json"}
    if os.environ.get(KEY):
        headers["Authorization"] = f"Bearer {os.environ[KEY]}"
    body = {
        "model": os.environ.get(MODEL, "default"),
        "messages": [{"role": "system", "content": _TASK}, {"role": "user", "content": question(examples)}],
        "temperature": 0,
        "max_tokens": 40,
    }
    request = Request(endpoint, json.dumps(body).encode(), headers)
    try:
        with urlopen(request, timeout=_SECONDS) as answer:
            told = json.loads(answer.read(1 << 20))
        return _cleaned(told["choices"][0]["message"]["content"])
    except HTTPError as error:
        raise DataError(f"endpoint {endpoint}: it answered {error.code} {error.reason}") from None
    except (URLError, OSError) as error:
        raise DataError(f"endpoint {endpoint}: cannot be reached: {getattr(error, 'reason', error)}") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise DataError(f"endpoint {endpoint}: its answer is not a chat completion") from None


def question(examples: Sequence[Example]) -> str:
    r"""Write the examples out, each on a line, the token in question marked.

    Examples
    --------
    >>> question([Example(["the", " cat", "\n"], 1)])
    'the<<< cat>>> '
    """
    lines = []
    for example in examples:
        marked = [f"<<<{token}>>>" if place == example.peak else token for place, token in enumerate(example.tokens)]
        lines.append("".join(marked).replace("\n", " "))
    return "\n".join(lines)


def _cleaned(answer: Any) -> str:
    r"""Take the first line of an answer, without quotes, cut where it is long.

    >>> _cleaned('  "French articles."\n\nThey are ...')
    'French articles'
    """
    lines = [line.strip() for line in answer.strip().splitlines() if line.strip()]
    text = lines[0].strip("\"'“”*").rstrip(".") if lines else ""
    return text[:_LONGEST] or "no answer"
