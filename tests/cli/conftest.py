"""A way to run the command line inside the tests' own process."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from isthmus.cli.main import main


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


@pytest.fixture
def isthmus(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run ``isthmus WORDS ...`` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ISTHMUS_DEBUG", raising=False)

    def run(*words: object) -> Ended:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return Ended(code, *capsys.readouterr())

    return run
