"""Every example in the README and the docs runs, page by page, in an empty folder."""

import re
import shlex
from pathlib import Path

import pytest

from isthmus.cli.main import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")

# The tour trains for a minute; tests/report runs it on fewer rows.
NOT_RUN = ("isthmus demo",)


def commands(block: str) -> list[list[str]]:
    """Return the words of the lines of a shell block that call isthmus."""
    lines = block.replace("\\\n", " ").splitlines()
    return [
        shlex.split(line, comments=True)[1:] for line in lines if line.startswith("isthmus ") and line not in NOT_RUN
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_examples_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names: dict[str, object] = {"__name__": "__main__"}
    for language, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(block, page.name, "exec"), names)
        elif language == "sh":
            for words in commands(block):
                assert main(words) == 0, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_of_a_page_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_architecture_page_names_files_that_exist():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "src" / "isthmus"
    house = re.findall(r"^      (\S+) ", text, re.MULTILINE)
    named = [name for name in house if "/" in name or name.endswith(".py")] + re.findall(r"`(\w+/\w+\.py)`", text)
    assert len(named) > 15
    assert [name for name in named if not (package / name).exists()] == []
