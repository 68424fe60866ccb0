"""The documentation is built as a site: whole, without a warning, and without anything from elsewhere."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import isthmus

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BUILT = all(importlib.util.find_spec(name) for name in ("mkdocs", "material", "mkdocstrings"))
needs_mkdocs = pytest.mark.skipif(not BUILT, reason="mkdocs is not installed: pip install 'isthmus[docs]'")
LOADED = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=[\"']?(?:https?:)?//[^\"'> ]+")
STYLED = re.compile(r"<link\b(?![^>]*rel=[\"']?canonical)[^>]*\bhref=[\"']?(?:https?:)?//[^\"'> ]+")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@needs_mkdocs
def test_every_page_is_built_and_found_in_the_navigation(site):
    home = (site / "index.html").read_text("utf-8")
    for page in DOCS.rglob("*.md"):
        built = page.relative_to(DOCS).with_suffix(".html").as_posix()
        assert (site / built).exists(), built
        assert f'href="{built}"' in home or built == "index.html", built


@needs_mkdocs
def test_pages_load_nothing_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert LOADED.findall(text) + STYLED.findall(text) == [], page.name


@needs_mkdocs
def test_search_knows_the_pages(site):
    found = json.loads((site / "search" / "search_index.json").read_text("utf-8"))["docs"]
    assert {"impute.html", "api/tables.html", "measured.html"} <= {entry["location"] for entry in found}


@needs_mkdocs
def test_every_file_of_results_has_a_page_that_tells_its_figures(site):
    for result in (ROOT / "benchmarks" / "results").glob("*.json"):
        assert "<table>" in (site / "measured" / f"{result.stem}.html").read_text("utf-8")


def test_every_public_name_is_in_the_reference():
    text = "\n".join(page.read_text("utf-8") for page in (DOCS / "api").glob("*.md"))
    shown = {name.rpartition(".")[2] for name in re.findall(r"^::: (\S+)$", text, re.MULTILINE)}
    assert set(isthmus.__all__) - {"__version__"} - shown == set()
    assert "__version__" in text
