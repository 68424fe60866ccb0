"""Results as they are kept (JSON), read (Markdown), and quoted (a block of the README)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from isthmus.files import writing

OURS = "isthmus"


@dataclass(frozen=True)
class Page:
    """What a benchmark's results are called, NAME.json, NAME.md and `make bench-NAME`, and what is said above them."""

    name: str
    title: str
    intro: str


@dataclass
class Row:
    """One figure, of isthmus and of its peers, with the goal where one is set."""

    figure: str
    values: dict[str, float]
    digits: int = 3
    goal: str = ""


@dataclass
class Section:
    """Figures that have the same peers."""

    title: str
    note: str
    rows: list[Row] = field(default_factory=list)
    headlines: list[str] = field(default_factory=list)

    def add(self, figure: str, values: Mapping[str, float], *, digits: int = 3, headline: bool = False) -> None:
        """Add a figure; a headline is quoted in the README."""
        self.rows.append(Row(figure, dict(values), digits))
        if headline:
            self.headlines.append(figure)


@dataclass
class Result:
    """Everything that was measured on one table in one run."""

    name: str
    title: str
    about: dict[str, Any]
    sections: list[Section]

    def set_goals(self, goals: Mapping[str, str]) -> None:
        """Put goals beside their figures."""
        for section in self.sections:
            for row in section.rows:
                row.goal = goals.get(row.figure, "")


def read(path: Path) -> dict[str, Result]:
    """Read the results of earlier runs; none where there is no file."""
    if not path.exists():
        return {}
    return {name: _result(found) for name, found in json.loads(path.read_text("utf-8")).items()}


def _result(found: dict[str, Any]) -> Result:
    sections = [Section(**section | {"rows": [Row(**row) for row in section["rows"]]}) for section in found["sections"]]
    return Result(**found | {"sections": sections})


def save(results: Mapping[str, Result], folder: Path, page: Page) -> None:
    """Write NAME.json and NAME.md, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with writing(folder / f"{page.name}.json") as path:
        kept = {name: asdict(result) for name, result in results.items()}
        path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    with writing(folder / f"{page.name}.md") as path:
        path.write_text(markdown(results, page), "utf-8")


def markdown(results: Mapping[str, Result], page: Page) -> str:
    """Tell the results as a page of Markdown."""
    parts = [f"# {page.title}", f"Written by `make bench-{page.name}`. {page.intro}"]
    for result in results.values():
        parts += [f"## {result.title}", _about(result.about)]
        for section in result.sections:
            parts += [f"### {section.title}", section.note, _table(section)]
    return "\n\n".join(parts) + "\n"


def _about(about: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} {value}" for name, value in about.items()) + "."


def _table(section: Section) -> str:
    """Lay out a section: a figure a line, isthmus first, then its goal, then the peers."""
    peers = list(dict.fromkeys(name for row in section.rows for name in row.values if name != OURS))
    goals = any(row.goal for row in section.rows)
    head = ["", OURS, *(["goal"] if goals else []), *peers]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for row in section.rows:
        lines.append(
            [
                row.figure,
                _number(row, OURS),
                *([row.goal] if goals else []),
                *(_number(row, p) for p in peers),
            ]
        )
    return _lines(lines)


def _number(row: Row, name: str) -> str:
    return f"{row.values[name]:.{row.digits}f}" if name in row.values else ""


def _lines(cells: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)


def summary(results: Mapping[str, Result]) -> str:
    """Tell the headlines of all tables in one."""
    lines = [["table", "", OURS, "goal", "peers"], ["---", "---", "---:", "---:", "---"]]
    for result in results.values():
        rows = [row for section in result.sections for row in section.rows if row.figure in section.headlines]
        for row in rows:
            peers = ", ".join(f"{name} {_number(row, name)}" for name in row.values if name != OURS)
            lines.append([result.name, row.figure, _number(row, OURS), row.goal, peers])
    return _lines(lines)


def quote(results: Mapping[str, Result], readme: Path, page: Page) -> bool:
    """Refresh the README between the page's two markers; say whether it has them."""
    opening, closing = f"<!-- bench-{page.name} -->", f"<!-- /bench-{page.name} -->"
    text = readme.read_text("utf-8") if readme.exists() else ""
    before, found, rest = text.partition(opening)
    _, end, after = rest.partition(closing)
    if not (found and end):
        return False
    with writing(readme) as path:
        path.write_text(f"{before}{opening}\n{summary(results)}\n{closing}{after}", "utf-8")
    return True
