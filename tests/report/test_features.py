"""The page that features are looked at on: what it carries, and that hostile text stays text."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from isthmus.report.browser import PART, Browser, unpack, write_browser

NASTY = "</script><img src=x onerror=alert(1)><!--"


def feature(j):
    example = {"at": 0, "length": 2, "peak": 1, "value": 2.0, "levels": [1, 255], "source": NASTY}
    return {
        "count": j,
        "peak": 2.0,
        "told": NASTY,
        "histogram": {"first": 0, "counts": [j]},
        "examples": [example],
        "drawn": [],
        "up": [[NASTY, 1.0]],
        "down": [],
        "near": [[0, 0.5]],
        "where": [[NASTY, 0.1]],
    }


def browser(count=3):
    index = {
        "label": [NASTY] * count,
        "density": [0.1] * count,
        "peak": [2.0] * count,
        "clear": [0.5] * count,
        "words": [NASTY] * count,
    }
    more = {"pieces": [NASTY, " cat"], "tokens": [0, 1]}
    features = (feature(j) for j in range(count))
    return Browser(
        "tokens",
        NASTY,
        "tokens",
        NASTY,
        index,
        features,
        lead=[NASTY],
        facts=[(NASTY, NASTY)],
        more=more,
        start=[(0, NASTY)],
    )


class Elements(HTMLParser):
    """Every element that a browser would make, and the text of scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.scripts, self.policy = [], [], None
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attributes = dict(attrs)
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        if tag == "script":
            self.scripts.append([attributes, ""])
            self._inside = True

    def handle_endtag(self, tag):
        self._inside = self._inside and tag != "script"

    def handle_data(self, data):
        if self._inside:
            self.scripts[-1][1] += data


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.html"
    assert write_browser(path, browser()) == path.stat().st_size
    return path.read_text(encoding="utf-8")


def test_the_page_carries_what_it_was_given(page):
    assert unpack(page, "about")["title"] == NASTY
    assert unpack(page, "index")["label"] == [NASTY] * 3
    assert unpack(page, "pieces") == [NASTY, " cat"]
    assert unpack(page, "part-0") == [json.loads(json.dumps(feature(j))) for j in range(3)]
    with pytest.raises(KeyError):
        unpack(page, "part-1")


def test_features_are_cut_into_parts_in_order(tmp_path):
    write_browser(tmp_path / "page.html", browser(PART + 2))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    counts = [each["count"] for name in ("part-0", "part-1") for each in unpack(page, name)]
    assert counts == list(range(PART + 2))


def test_hostile_text_makes_no_element_anywhere(page):
    found = Elements(page)
    assert "img" not in found.tags
    assert "<img" not in page
    assert len(found.scripts) == 6  # about, index, pieces, tokens, part-0 and the one that runs
    assert [attributes for attributes, _ in found.scripts if "type" not in attributes] == [{}]


def test_only_its_own_script_may_run_and_nothing_is_loaded(page):
    from base64 import b64encode
    from hashlib import sha256

    found = Elements(page)
    script = next(text for attributes, text in found.scripts if "type" not in attributes)
    assert f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in found.policy
    assert found.policy.startswith("default-src 'none'")
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", script)


def test_the_same_page_is_written_twice(tmp_path, page):
    write_browser(tmp_path / "again.html", browser())
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page


def test_the_script_reads_what_was_packed(tmp_path, page):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    store = files("isthmus.report.browser").joinpath("store.js").read_text(encoding="utf-8")
    held = {attributes["id"]: text for attributes, text in Elements(page).scripts if "id" in attributes}
    script = (
        f"const held = {json.dumps(held)};\n"
        "globalThis.document = { getElementById: (id) => ({ textContent: held[id] }) };\n"
        f"{store}\n"
        "Promise.all([featureOf(2), unpacked('pieces')])"
        ".then((all) => console.log(JSON.stringify([about.title, ...all])));\n"
    )
    (tmp_path / "try.js").write_text(script, encoding="utf-8")
    told = subprocess.run([node, tmp_path / "try.js"], capture_output=True, text=True, timeout=60)
    if "DecompressionStream is not defined" in told.stderr:
        pytest.skip("needs node 18 or newer")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == [NASTY, json.loads(json.dumps(feature(2))), [NASTY, " cat"]]
