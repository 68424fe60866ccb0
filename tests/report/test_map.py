"""The page of a map in a real browser: it draws, tells rows, hides, marks, and loads nothing."""

import re
import shutil

import numpy as np
import pytest

from isthmus.report.map import write_map

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("needs Chromium", allow_module_level=True)

FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
]
WIDTH, HEIGHT = 1000, 700
RED, GREEN = "#2f7ab8", "#e0812f"  # of the first and the second group


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def open_map(browser, tmp_path):
    """Write a map and open it; what the console says and what is asked of the network ends up in two lists."""
    pages = []

    def opened(places, *args, **kwargs):
        write_map(tmp_path / "map.html", places, *args, **kwargs)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.set_default_timeout(60_000)
        page.faults, page.asked = [], []
        page.on("console", lambda message: page.faults.append(message.text))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto((tmp_path / "map.html").as_uri())
        page.wait_for_selector("body[data-ready=yes]")
        pages.append(page)
        return page

    yield opened
    for page in pages:
        assert page.faults == []
        assert [url for url in page.asked if not url.startswith("file:")] == []
        page.close()


def _seen(page):
    """Colours that cover more than a few pixels of the map, as a set of #rrggbb."""
    page.wait_for_timeout(300)
    pixels = page.evaluate(
        """() => {
          const canvas = document.getElementById("map"), flat = document.createElement("canvas");
          Object.assign(flat, { width: canvas.width, height: canvas.height });
          const context = flat.getContext("2d");
          context.drawImage(canvas, 0, 0);
          const { data } = context.getImageData(0, 0, flat.width, flat.height), counts = {};
          for (let j = 0; j < data.length; j += 4) {
            if (data[j + 3] < 200) continue;
            const name = [0, 1, 2].map((k) => Math.round(data[j + k] / 8)).join();
            counts[name] = (counts[name] || 0) + 1;
          }
          return counts;
        }"""
    )
    return {name for name, count in pixels.items() if count > 20}


def _rounded(colour):
    return ",".join(str(int(int(colour[at : at + 2], 16) / 8 + 0.5)) for at in (1, 3, 5))


def _told(page):
    """Move the pointer along a line of points until one of them tells its row."""
    box, told = page.locator("#map").bounding_box(), page.locator("#told")
    for share in np.linspace(0.1, 0.9, 120):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.434)
        page.wait_for_timeout(40)
        if told.is_visible():
            break
    return told


GRID = np.stack(np.meshgrid(np.arange(8.0), np.arange(8.0)), -1).reshape(-1, 2)
KINDS = np.where(GRID[:, 0] < 3.5, "left", "right")


def test_groups_have_their_colours_and_can_be_hidden(open_map):
    page = open_map(GRID, ["left", *KINDS[1:-1], "left"], "side")
    assert _seen(page) >= {_rounded(RED), _rounded(GREEN)}
    page.click("#legend button:first-child")
    assert _rounded(RED) not in _seen(page)
    assert _rounded(GREEN) in _seen(page)
    page.click("#legend button:first-child")
    assert _rounded(RED) in _seen(page)


@pytest.mark.parametrize("dim", [2, 3])
def test_a_point_tells_the_cells_of_its_row(open_map, dim):
    places = np.concatenate([GRID, np.zeros((64, 1))], 1)[:, :dim]
    words = ["<b>bold</b>" if kind == "left" else "plain" for kind in KINDS]
    page = open_map(places, None, "grid", columns={"word": words, "size": np.arange(64) / 2})
    told = _told(page)
    text = told.inner_text()
    row = int(re.search(r"row (\d+)", text)[1])
    assert words[row] in text
    assert f"{row / 2:.6g}" in text


def test_rows_are_marked_with_a_lasso_and_unmarked_by_escape(open_map):
    page = open_map(GRID, KINDS, "side")
    box = page.locator("#map").bounding_box()
    middle, top, bottom = box["x"] + box["width"] / 2, box["y"] + 2, box["y"] + box["height"] - 2
    page.keyboard.down("Shift")
    page.mouse.move(middle, top)
    page.mouse.down()
    for x, y in [(box["x"] + 2, top), (box["x"] + 2, bottom), (middle, bottom)]:
        page.mouse.move(x, y, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    assert page.locator("#count").inner_text() == "32 of 64 points marked"
    with page.expect_download() as download:
        page.click("#rows")
    lines = download.value.path().read_text().splitlines()
    assert lines[0] == "row,map0,map1,side"
    assert len(lines) == 33
    assert {line.rsplit(",", 1)[1] for line in lines[1:]} == {"left"}
    page.keyboard.press("Escape")
    assert page.locator("#count").inner_text() == "64 points"


def test_any_column_colours_the_points_and_missing_cells_are_grey(open_map):
    sizes = np.arange(64.0)
    sizes[::2] = np.nan
    page = open_map(GRID, KINDS, "side", columns={"size": sizes})
    page.select_option("#colour", label="size")
    page.wait_for_selector("#legend .bar")
    assert _until(page, lambda seen: _rounded("#98a3b0") in seen and len(seen) > 4)
    assert page.locator("#legend .ticks span").count() > 1


def test_a_point_shows_its_picture(open_map):
    pictures = np.zeros((64, 5, 5), np.uint8)
    page = open_map(GRID, None, "pictures", pictures=pictures)
    assert _told(page).locator("canvas").count() == 1


def test_many_points_are_all_drawn_and_keys_move_them(open_map):
    rng = np.random.default_rng(0)
    page = open_map(rng.normal(size=(200_000, 2)), None, "many")
    assert _until(page, bool)
    page.focus("#map")
    for _ in range(60):
        page.keyboard.press("ArrowLeft")
    assert _until(page, lambda seen: not seen)
    page.keyboard.press("0")
    assert _until(page, bool)


def _until(page, holds):
    """Look again until what is seen is as it should be: a slow machine draws many points bit by bit."""
    return any(holds(_seen(page)) for _ in range(60))


def test_points_without_a_place_are_left_out(open_map):
    places = GRID.copy()
    places[5] = np.nan
    page = open_map(places, KINDS, "side")
    assert _seen(page) >= {_rounded(RED)}
