"""Options of verbs that show progress: as JSON, or written down in a file."""

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from isthmus.cli import options
from isthmus.cli.words import switch, word
from isthmus.errors import UsageError
from isthmus.training.logs import LOGS, telling

_AS_JSON = inspect.Parameter(
    "log_json",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[bool, switch("--log-json", help="show progress as lines of JSON on stderr, for programs")],
)
_LOG = inspect.Parameter(
    "log",
    inspect.Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        Path | None, word("--log", metavar="FILE", type=Path, help="write losses down as it trains: .csv or .jsonl")
    ],
)


def shows_progress(*, trains: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a verb the option `--log-json`, and one that trains `--log` too."""

    def give(verb: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(verb)
        def telling_verb(*, log_json: bool = False, log: Path | None = None, **words: Any) -> None:
            if log is not None:
                options.check_out(log, LOGS, inputs=[words["data"], words["out"]])
                if log.resolve() == words["out"].resolve():
                    raise UsageError(f"'{log}' is to be the model: choose another name for --log")
            with telling(as_json=log_json, log=log):
                verb(**words)

        own = inspect.signature(verb)
        more = [_LOG, _AS_JSON] if trains else [_AS_JSON]
        telling_verb.__signature__ = own.replace(parameters=[*own.parameters.values(), *more])  # type: ignore[attr-defined]
        return telling_verb

    return give
