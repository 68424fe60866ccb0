"""Figures that pages quote from the benchmarks agree with what was measured.

The README's tables are held to it between their markers. In a page of docs/, a figure followed by
``<!-- = RESULTS TABLE / FIGURE / WHO -->`` is compared with benchmarks/results/RESULTS.json, to the digits that it is
written with.
"""

import re
from pathlib import Path

import pytest
from results import read, summary

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
BLOCK = re.compile(r"<!-- bench-([\w-]+) -->\n(.*?)\n<!-- /bench-\1 -->", re.DOTALL)
QUOTED = re.compile(r"(-?[\d,]*\.?\d+)\W{0,4}<!-- = (\S+) (\S+) / (.+?) / (.+?) -->")
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]


def measured(name: str, table: str, figure: str, who: str) -> set[float]:
    """Return the values of a figure, which may be told in several sections."""
    rows = [row for section in read(RESULTS / f"{name}.json")[table].sections for row in section.rows]
    return {row.values[who] for row in rows if row.figure == figure and who in row.values}


def agrees(written: str, values: set[float]) -> bool:
    """Tell whether a figure, as written, is one of the values rounded."""
    digits = len(written.partition(".")[2])
    return float(written.replace(",", "")) in {round(value, digits) for value in values}


@pytest.mark.parametrize("name, block", BLOCK.findall((ROOT / "README.md").read_text("utf-8")), ids=lambda x: x[:12])
def test_the_tables_of_the_readme_are_those_of_the_results(name, block):
    assert block == summary(read(RESULTS / f"{name}.json"))


def test_figures_with_a_marker_are_those_of_the_results():
    wrong, seen = [], 0
    for page in PAGES:
        for written, *where in QUOTED.findall(page.read_text("utf-8")):
            seen += 1
            if not agrees(written, measured(*where)):
                wrong.append((page.name, written, where))
    assert seen > 0
    assert wrong == []


def test_a_wrong_figure_is_told_from_a_right_one():
    values = {0.8864}
    assert agrees("0.886", values)
    assert agrees(".89", values)
    assert not agrees("0.887", values)
