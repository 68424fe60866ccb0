"""A browser of features in one file: a list to search and sort, and a page for each feature; no network.

What is shown lies in the page as gzipped JSON and is unpacked when it is looked at, so that ten thousand features stay
quick. Texts reach the page as text only: the script makes elements and never reads HTML.
"""

from __future__ import annotations

import gzip
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from os import PathLike
from typing import Any

from isthmus import __version__
from isthmus.files import writing
from isthmus.report.html import Html, h

__all__ = ["Browser", "unpack", "write_browser"]

PART = 128
"""Features that are unpacked together."""
_SCRIPTS = ("store.js", "pictures.js", "list.js", "examples.js", "feature.js", "page.js")
_ORDERS = {
    "often": "most frequent",
    "rare": "rarest",
    "strong": "strongest",
    "clear": "clearest label",
    "label": "by label",
    "number": "by number",
}


@dataclass(frozen=True)
class Browser:
    """What a page of features shows.

    Parameters
    ----------
    kind
        What examples are: "tokens", "rows" of a table, or "patches" of pictures or sounds.
    title, lead
        What stands on top, and paragraphs on the first page.
    unit
        What features fire on, in the plural.
    moves
        A sentence on what is told of a feature's effect.
    facts
        Pairs of words and values for the first page.
    index
        Lists over all features: `label`, `density`, `peak`, `clear` (how well the label holds, 0 to 1), `words` (more
        to find it by), and `atoms` of patches.
    features
        What is told of each feature, in order.
    more
        What all features share, as JSON can hold it: `tokens` and `pieces`.
    start
        Features to begin with, each with a remark.
    extra
        More that the script needs to know: `columns` and `numeric` of a table, `patch` sizes, `octave` of histograms.
    """

    kind: str
    title: str
    unit: str
    moves: str
    index: Mapping[str, Sequence[Any]]
    features: Iterable[Mapping[str, Any]]
    lead: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    more: Mapping[str, Any] = field(default_factory=dict)
    start: Sequence[tuple[int, str]] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def write_browser(path: str | PathLike[str], browser: Browser) -> int:
    """Write the page and give its size in bytes.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> index = {"label": ["cats"], "density": [0.1], "peak": [3.0], "clear": [0.9], "words": [""]}
    >>> feature = {"examples": [], "drawn": [], "near": [], "histogram": {"first": 0, "counts": []}}
    >>> path = Path(tempfile.mkdtemp()) / "features.html"
    >>> write_browser(path, Browser("tokens", "One feature", "tokens", "", index, [feature])) == path.stat().st_size
    True
    >>> unpack(path.read_text(encoding="utf-8"), "index")["label"]
    ['cats']
    """
    with writing(path) as temporary:
        temporary.write_text(_page(browser), encoding="utf-8")
        return temporary.stat().st_size


def unpack(page: str, name: str) -> Any:
    """Read what a page carries under a name: `about`, `index`, `tokens`, `pieces`, or `part-0` and so on.

    Raises `KeyError` where it carries no such thing.
    """
    _, found, rest = page.partition(f' id="{name}">')
    if not found:
        raise KeyError(name)
    text = rest.partition("</script>")[0]
    return json.loads(text if name == "about" else gzip.decompress(b64decode(text, validate=True)))


def _page(browser: Browser) -> str:
    folder = files("isthmus.report.browser")
    style = folder.joinpath("browser.css").read_text(encoding="utf-8")
    scripts = "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in _SCRIPTS)
    script = f'"use strict";\n(() => {{\n{scripts}\n}})();\n'
    head = h(
        "head",
        h("meta", charset="utf-8"),
        _policy(script),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("meta", name="color-scheme", content="light dark"),
        h("title", browser.title),
        h("style", Html(style)),
    )
    body = h("body", _top(browser), _side(), h("main"), *_carried(browser), h("script", Html(script)))
    return f"<!DOCTYPE html>\n{h('html', head, body, lang='en')}\n"


def _policy(script: str) -> Html:
    """Let the browser run this script and nothing else, and load nothing from anywhere."""
    known = b64encode(sha256(script.encode()).digest()).decode()
    rules = f"default-src 'none'; script-src 'sha256-{known}'; style-src 'unsafe-inline'; base-uri 'none'"
    return h("meta", http_equiv="Content-Security-Policy", content=rules)


def _top(browser: Browser) -> Html:
    keys = h("span", h("kbd", "/"), " search, ", h("kbd", "↑"), " ", h("kbd", "↓"), " next, ", h("kbd", "Esc"), " back")
    return h("header", h("h1", h("a", browser.title, href="#about")), h("span", keys, class_="hint"))


def _side() -> Html:
    orders = [h("option", words, value=name) for name, words in _ORDERS.items()]
    search = h("input", id="search", type="search", placeholder="Search labels and words", aria_label="search")
    tools = h("div", search, h("select", *orders, id="order", aria_label="order"), id="tools")
    nothing = h("noscript", h("p", "This page needs its script to unpack what it shows.", class_="muted"))
    found = h("p", id="found", class_="hint", aria_live="polite")
    rows = h("nav", h("div", id="rows"), id="list", aria_label="features", tabindex="-1")
    return h("div", tools, nothing, found, rows, id="side")


def _carried(browser: Browser) -> list[Html]:
    about = {
        **{name: getattr(browser, name) for name in ("kind", "title", "unit", "moves", "lead", "facts", "start")},
        **browser.extra,
        "part": PART,
        "version": __version__,
    }
    parts = [_script("about", json.dumps(about, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"))]
    parts += [_script(name, _pack(value)) for name, value in {"index": browser.index, **browser.more}.items()]
    held: list[Mapping[str, Any]] = []
    count = 0
    for feature in browser.features:
        held.append(feature)
        if len(held) == PART:
            parts.append(_script(f"part-{count}", _pack(held)))
            held, count = [], count + 1
    if held:
        parts.append(_script(f"part-{count}", _pack(held)))
    return parts


def _pack(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()


def _script(name: str, text: str) -> Html:
    return h("script", Html(text), type="application/json" if name == "about" else "text/plain", id=name)
