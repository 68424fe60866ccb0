"""The command ``isthmus``: its verbs, and how every ending becomes one line and an exit code."""

import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from isthmus import __version__
from isthmus.cli import (
    app,
    clean,
    cluster,
    codes,
    compare,
    compress,
    demo,
    denoise,
    doctor,
    evaluate,
    export,
    features,
    fit,
    interpolate,
    jobs,
    lm,
    look,
    make,
    search,
    serve,
)
from isthmus.cli.terminal import say
from isthmus.cli.words import Group, Parser, add_verbs
from isthmus.errors import IsthmusError, IsthmusWarning

DONE, DATA_FAULT, INTERRUPTED = 0, 1, 130

# In the order of `isthmus --help`, which is the order in which a newcomer needs them.
VERBS: dict[str, Callable[..., None] | Group] = {
    "demo": demo.demo,
    "open": app.open_,
    "schema": fit.schema,
    "fit": fit.fit,
    "inspect": look.inspect,
    "map": look.map_,
    "cluster": cluster.cluster,
    "encode": codes.encode,
    "decode": codes.decode,
    "reconstruct": codes.reconstruct,
    "impute": jobs.impute,
    "outliers": jobs.outliers,
    "clean": clean.clean,
    "denoise": denoise.denoise,
    "sample": make.sample,
    "amplify": make.amplify,
    "interpolate": interpolate.interpolate,
    "index": search.index,
    "search": search.search,
    "serve": serve.serve,
    "compress": compress.compress,
    "decompress": compress.decompress,
    "evaluate": evaluate.evaluate,
    "compare": compare.compare,
    "align": compare.align,
    "features": features.features,
    "export": export.export,
    "doctor": doctor.doctor,
    "lm": lm.GROUP,
}

ABOUT = "One autoencoder, fitted once to a table, for every job on it."
ENDING = """
isthmus VERB --help says more of each. For example:

  isthmus demo
  isthmus fit houses.csv -o houses.isthmus
  isthmus outliers houses.isthmus houses.csv -o odd.csv --explain

Exit codes: 0 done; 1 the data or a file is at fault; 2 usage; 130 interrupted.
"""


def parser() -> Parser:
    """Build the parser of the whole command line."""
    root = Parser(prog="isthmus", description=ABOUT)
    root.add_argument("--version", action="version", version=f"isthmus {__version__}")
    add_verbs(root, VERBS, ENDING)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Parameters
    ----------
    arguments
        The words after ``isthmus``; by default those of the process.

    Examples
    --------
    >>> main(["--version"])
    isthmus ...
    0
    """
    code = DATA_FAULT
    try:
        with _warnings_as_lines():
            _run(arguments)
        code = DONE
    except IsthmusError as error:
        code = error.exit_code
        _fault(str(error))
    except KeyboardInterrupt:
        code = INTERRUPTED
        say("isthmus: interrupted; no output was written")
    except BrokenPipeError:
        raise
    except MemoryError:
        _fault("not enough memory; try fewer rows at a time, or a smaller code")
    except Exception as error:
        _fault(f"unexpected {type(error).__name__}: {error} (set ISTHMUS_DEBUG=1 for the traceback)")
    return code


def _run(arguments: Sequence[str] | None) -> None:
    """Parse the words and call their verb; ``--help`` and ``--version`` are done when parsed."""
    root = parser()
    try:
        words = vars(root.parse_args(arguments))
    except SystemExit:
        return
    verb = words.pop("verb", None)
    if verb is None:
        root.print_help()
    else:
        verb(**words)


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Print isthmus's own warnings as one line each; other libraries' are for developers only."""
    told: set[str] = set()

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        # A table in parts gives cause for the same warning again and again, with other counts.
        words = re.sub(r"\b[\d,]+ values?\b|(?<=' )[\d,]+", "", str(message))
        if words not in told:
            told.add(words)
            say(f"isthmus: warning: {message}")

    if os.environ.get("ISTHMUS_DEBUG"):
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", IsthmusWarning)
        warnings.showwarning = show
        yield


def _fault(message: str) -> None:
    """Say what went wrong, on one line whatever a file or a library put into the message."""
    if os.environ.get("ISTHMUS_DEBUG"):
        traceback.print_exc()
    say("isthmus: " + " ".join(message.split()))


def run() -> None:
    """Run the command line of this process and leave with its exit code."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has gone (`isthmus inspect M | head`): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = DATA_FAULT
    sys.exit(code)
