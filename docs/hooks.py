"""What mkdocs does besides: benchmarks' results become pages, and links to them lead there."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
# Pages link to results where they lie in the repository, so that those links also work there.
LINK = re.compile(r"\]\((?:\.\./)+benchmarks/results/([\w-]+)\.md(#[\w-]+)?\)")


def names() -> list[str]:
    """Name every file of results, in the order of the alphabet."""
    return sorted(path.stem for path in RESULTS.glob("*.json") if path.with_suffix(".md").exists())


def on_config(config: Any) -> Any:
    """Put a page for each file of results below Measured: a new file needs no step by hand."""
    for entry in config.nav:
        if "Measured" in entry:
            entry["Measured"] = ["measured.md", *(f"measured/{name}.md" for name in names())]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add a page for each file of results."""
    for name in names():
        text = (RESULTS / f"{name}.md").read_text("utf-8")
        files.append(File.generated(config, f"measured/{name}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to results to their pages, and list the headlines of all where every figure is told."""
    uri = page.file.src_uri
    up = "../" * uri.count("/")
    markdown = LINK.sub(lambda found: f"]({up}measured/{found[1]}.md{found[2] or ''})", markdown)
    return markdown + "\n\n" + headlines() if uri == "measured.md" else markdown


def headlines() -> str:
    """Tell the headlines of every file of results, a table each."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from results import read, summary
    finally:
        sys.path.pop(0)
    parts = []
    for name in names():
        title = (RESULTS / f"{name}.md").read_text("utf-8").partition("\n")[0].removeprefix("# ")
        table = summary(read(RESULTS / f"{name}.json"))
        parts.append(f"## {title}\n\n[All its figures](measured/{name}.md); `make bench-{name}`.\n\n{table}")
    return "\n\n".join(parts)
