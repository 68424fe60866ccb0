"""Pages of one file each: no network, no script, readable on a telephone, in the dark and on paper.

Everything that is not `Html` already is escaped, so data can be put on a page as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from isthmus import __version__

__all__ = ["Html", "facts", "figure", "h", "page", "section", "table"]

_VOID = {"br", "input", "meta"}


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def h(tag: str, *inside: Any, **attributes: Any) -> Html:
    """Make an element; what is inside is escaped unless it is `Html`.

    Attributes that are Python's words end in an underscore, and those that are None are left out.

    Examples
    --------
    >>> h("p", "2 < ", h("b", 3), class_="note")
    '<p class="note">2 &lt; <b>3</b></p>'
    """
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items() if value is not None}
    words = "".join(f' {name}="{escape(str(value))}"' for name, value in named.items())
    if tag in _VOID:
        return Html(f"<{tag}{words}>")
    return Html(f"<{tag}{words}>{''.join(map(_escaped, inside))}</{tag}>")


def _escaped(inside: Any) -> str:
    return inside if isinstance(inside, Html) else escape(str(inside))


def section(title: str, *inside: Html) -> Html:
    """Make a part of a page, which a link can point to by its title."""
    return h("section", h("h2", title), *inside, id="-".join(title.lower().split()))


def figure(picture: Html, caption: Any) -> Html:
    """Make a picture with words under it."""
    return h("figure", h("div", picture, class_="picture"), h("figcaption", caption))


def facts(values: Sequence[tuple[str, Any]]) -> Html:
    """Make a strip of numbers, each with what it counts: `[("rows", "2,344"), ...]`."""
    return h("dl", *(h("div", h("dt", name), h("dd", value)) for name, value in values), class_="facts")


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], caption: Any = None) -> Html:
    """Make a table; columns of numbers are set to the right, and a wide one scrolls by itself.

    Examples
    --------
    >>> table(["zone", "houses"], [["hill", 3]])
    '<div class="table"><table><thead><tr><th>zone</th><th class="number">houses</th></tr></thead>...'
    """
    numeric = [all(_is_number(row[j]) for row in rows) for j in range(len(head))]
    classes = ["number" if number else None for number in numeric]
    top = h("tr", *(h("th", name, class_=kind) for name, kind in zip(head, classes, strict=True)))
    body = [h("tr", *(h("td", cell, class_=kind) for cell, kind in zip(row, classes, strict=True))) for row in rows]
    words = () if caption is None else (h("caption", caption),)
    return h("div", h("table", *words, h("thead", top), h("tbody", *body)), class_="table")


def _is_number(cell: Any) -> bool:
    text = str(cell).strip().lstrip("-").replace(",", "").rstrip(" %")
    return isinstance(cell, int | float) or (not isinstance(cell, Html) and text.replace(".", "", 1).isdigit())


def page(title: str, lead: Any, *inside: Html) -> Html:
    """Make a whole page, with a list of its sections."""
    head = h(
        "head",
        h("meta", charset="utf-8"),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("meta", name="color-scheme", content="light dark"),
        h("title", title),
        h("style", Html(_STYLE)),
    )
    foot = h("footer", f"Written by isthmus {__version__}. This page loads nothing from anywhere.")
    body = h("body", h("main", h("header", h("h1", title), h("p", lead, class_="lead")), *inside, foot))
    return Html(f"<!DOCTYPE html>\n{h('html', head, body, lang='en')}\n")


# The names of the colours are those that isthmus.report.pictures draws with.
_STYLE = """
:root {
  --paper: #ffffff; --ink: #1b2330; --muted: #5d6878; --line: #dfe4ea; --soft: #f4f6f8;
  --model: #1f6fb2; --peer: #d1701f; --base: #98a3b0;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #12161c; --ink: #e4e8ed; --muted: #9aa6b4; --line: #2c3540; --soft: #1a2028;
    --model: #5aaced; --peer: #f0994e; --base: #6d7987;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 60rem; margin: 0 auto; padding: 3.5rem 1.25rem 4rem; }
h1 { font-size: clamp(1.8rem, 5vw, 2.6rem); line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 .8rem; }
h2 { font-size: 1.45rem; line-height: 1.25; letter-spacing: -0.01em; margin: 0 0 .9rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
section { margin-top: 3.75rem; padding-top: 1.75rem; border-top: 1px solid var(--line); }
p, ul, ol { margin: 0 0 1rem; max-width: 42rem; }
li { margin-bottom: .45rem; }
.lead { font-size: 1.18rem; color: var(--muted); }
.note { border-left: 3px solid var(--model); padding-left: .9rem; }
a { color: var(--model); }
code, pre { font: .87em/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--soft); border-radius: 6px; padding: .9rem 1.1rem; overflow-x: auto;
  margin: 0 0 1rem; }
.facts { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 1.5rem 0; }
.facts div { display: flex; flex-direction: column-reverse; }
.facts dt { color: var(--muted); font-size: .85rem; }
.facts dd { margin: 0; font-size: 1.55rem; font-weight: 600; line-height: 1.2;
  font-variant-numeric: tabular-nums; }
figure { margin: 1.75rem 0; }
.picture { overflow-x: auto; }
.picture svg { display: block; width: 100%; height: auto; min-width: 30rem; }
figcaption, caption { color: var(--muted); font-size: .88rem; line-height: 1.45; text-align: left; }
figcaption { margin-top: .6rem; max-width: 46rem; }
caption { padding-bottom: .5rem; }
.table { overflow-x: auto; margin: 1.25rem 0 1.5rem; }
table { border-collapse: collapse; font-size: .88rem; line-height: 1.35; min-width: 60%; }
th, td { padding: .36rem .9rem .36rem 0; text-align: left; vertical-align: baseline;
  border-bottom: 1px solid var(--line); }
th { color: var(--muted); font-weight: 600; vertical-align: bottom; }
thead th { border-bottom-color: var(--base); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td:first-child { white-space: nowrap; }
b.off { color: var(--peer); font-weight: 600; }
b.won { color: var(--model); font-weight: 600; }
details { margin: 1rem 0 1.5rem; }
summary { cursor: pointer; color: var(--model); }
footer { margin-top: 4rem; color: var(--muted); font-size: .85rem; }
@media print {
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  section { margin-top: 2rem; }
  figure, tr, .facts { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .table, .picture, pre { overflow: visible; }
  .picture svg { min-width: 0; }
}
"""
