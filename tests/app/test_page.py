"""The page in a real browser: every panel does its job at both widths, with no fault in the console."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="the page's tests need playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if CHROMIUM is None:
    pytest.skip("the page's tests need Chromium: make browser", allow_module_level=True)

from axe_playwright_python.sync_playwright import Axe  # noqa: E402

FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
]
WIDTHS = {"wide": (1280, 900), "narrow": (390, 844)}
IN_THE_BAR = """(() => {
  const [bar, link] = ["nav", "nav [aria-current]"].map((one) => document.querySelector(one).getBoundingClientRect());
  return link.left >= bar.left - 1 && link.right <= bar.right + 1;
})()"""
SERIOUS = {"serious", "critical"}
WAIT = 60_000
"""Milliseconds that a slow machine is given for what takes well under a second."""


@pytest.fixture(scope="module")
def shots() -> Path:
    """A folder for pictures of the page, kept after the tests."""
    folder = Path(os.environ.get("ISTHMUS_SCREENSHOTS", "build/screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator["sync_api.Browser"]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def address(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app as its user starts it, with nothing open."""
    folder = shutil.copytree(shelf, tmp_path_factory.mktemp("page") / "shelf")
    words = [sys.executable, "-m", "isthmus", "open", "--folder", str(folder), "--no-browser"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = re.search(r"http://\S+", process.stderr.readline())
    assert found is not None
    yield found[0]
    process.send_signal(signal.SIGINT)
    process.wait(60)


class Page:
    """The page at one width, with what went wrong in it."""

    def __init__(self, page: "sync_api.Page", address: str, width: str, shots: Path) -> None:
        self.page, self.width, self.shots = page, width, shots
        self.root = address.split("?", maxsplit=1)[0]
        self.faults: list[str] = []
        page.set_default_timeout(WAIT)
        page.on("console", lambda said: said.type in {"error", "warning"} and self.faults.append(said.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.goto(address)

    def open(self, model: str, data: str) -> None:
        """Open a model with data from the library, as a user does."""
        self.go("library")
        self.page.get_by_label("Model", exact=True).select_option(model)
        self.page.get_by_label("Data", exact=True).select_option(data)
        self.page.get_by_role("button", name="Open", exact=True).click()
        self.page.get_by_role("heading", name="Training").wait_for()

    def go(self, panel: str) -> "sync_api.Locator":
        """Go to a panel by its link."""
        self.page.locator(f"nav a[href='#{panel}']").click()
        found = self.page.locator(f"section.panel.{panel}")
        found.wait_for()
        return found

    def until(self, holds: str, *arguments: str) -> None:
        """Wait until an expression holds; playwright's own way evaluates text, which the page's rules forbid."""
        end = time.monotonic() + WAIT / 1000
        while not self.page.evaluate(holds, *arguments):
            assert time.monotonic() < end, holds
            self.page.wait_for_timeout(50)

    def wait(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, the page going on meanwhile."""
        end = time.monotonic() + WAIT / 1000
        while not holds():
            assert time.monotonic() < end
            self.page.wait_for_timeout(50)

    def check(self, name: str) -> None:
        """Keep a picture; nothing runs over the page's edge, and axe finds nothing serious."""
        self.page.screenshot(path=self.shots / f"{name}-{self.width}.png")
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"{name} is wider than the page"
        )
        assert self.page.evaluate(IN_THE_BAR), f"the link to {name} is out of the bar's sight"
        assert self.page.locator(".fault").count() == 0, self.page.locator(".fault").all_inner_texts()
        found = Axe().run(self.page).response["violations"]
        serious = [
            f"{each['id']}: {each['nodes'][0]['html'][:200]}"
            for each in found
            if each["impact"] in {"serious", "critical"}
        ]
        assert not serious, f"{name}: {serious}"


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, browser: "sync_api.Browser", address: str, shots: Path) -> Iterator[Page]:
    wide, tall = WIDTHS[request.param]
    context = browser.new_context(viewport={"width": wide, "height": tall}, accept_downloads=True)
    opened = Page(context.new_page(), address, request.param, shots)
    yield opened
    context.close()
    assert opened.faults == []


def test_every_panel_of_a_table(page, tmp_path):
    page.open("houses.isthmus", "houses.csv")
    view = page.page
    view.get_by_role("region", name="What survives").get_by_text("price").wait_for()
    page.check("overview")

    shown = page.go("map")
    shown.get_by_label("Colour by").select_option("zone")
    shown.get_by_role("button", name="hill").wait_for()
    page.until("globalThis.isthmusMap.whole() && globalThis.isthmusMap.frames() > 0")
    box = shown.locator("canvas[role=application]").bounding_box()
    shown.get_by_role("button", name="Lasso").click()
    edges = [(0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98), (0.02, 0.02)]
    for i, (across, down) in enumerate(edges):
        view.mouse.move(box["x"] + across * box["width"], box["y"] + down * box["height"], steps=4)
        if i == 0:
            view.mouse.down()
    view.mouse.up()
    shown.get_by_role("heading", name="160 of 160 rows chosen").wait_for()
    shown.get_by_role("button", name="Lasso").click()
    at = view.evaluate("globalThis.isthmusMap.place(7)")
    view.mouse.move(box["x"] + at[0], box["y"] + at[1])
    shown.locator(".hover:not([hidden])").get_by_text("zone").wait_for()
    shown.get_by_label("Colour by").select_option("price")
    shown.get_by_role("img", name="scale of colours").wait_for()
    page.check("map")

    shown = page.go("sliders")
    first = shown.get_by_role("slider").first
    shown.get_by_text("as the decoder rebuilds it").wait_for()
    first.focus()
    for _ in range(40):
        view.keyboard.press("ArrowRight")
    shown.get_by_text(re.compile("shown in [0-9]+ ms")).wait_for()
    shown.locator(".cells .differs").first.wait_for()
    shown.get_by_role("button", name="Walk").click()
    shown.get_by_text("columns change on the way").wait_for()
    page.check("sliders")

    shown = page.go("outliers")
    shown.get_by_text("the whole row").first.click()
    shown.locator("td.odd").first.wait_for()
    page.check("outliers")

    shown = page.go("fill")
    shown.get_by_label("area", exact=True).fill("240")
    shown.get_by_label("zone", exact=True).select_option("hill")
    shown.get_by_text("2 cells given, 4 filled in from them").wait_for()
    shown.get_by_role("progressbar", name="probability of Y").wait_for()
    page.check("fill")

    shown = page.go("generate")
    shown.get_by_label("pool", exact=True).select_option("Y")
    shown.get_by_label("price at most").fill("400000")
    shown.get_by_role("button", name="Make").click()
    table = shown.get_by_role("region", name="Rows made up")
    table.wait_for()
    assert table.locator("tbody tr").count() == 20
    assert set(table.locator("tbody td:first-child").all_inner_texts()) == {"Y"}
    with view.expect_download() as waited:
        shown.get_by_role("button", name="Download as CSV").click()
    waited.value.save_as(tmp_path / "made.csv")
    assert len((tmp_path / "made.csv").read_text().splitlines()) == 21
    page.check("generate")

    shown = page.go("search")
    shown.get_by_role("region", name="Nearest rows").wait_for()
    shown.get_by_text("By what is known").click()
    shown.get_by_label("area", exact=True).first.fill("100")
    shown.get_by_role("button", name="Find rows like these cells").click()
    shown.get_by_text("What they are like").wait_for()
    page.check("search")


def test_every_panel_of_pictures(page, shelf):
    page.open("digits.isthmus", "digits")
    view = page.page
    shown = page.go("map")
    shown.get_by_role("button", name="3").wait_for()
    at = view.evaluate("globalThis.isthmusMap.place(7)")
    box = shown.locator("canvas[role=application]").bounding_box()
    view.mouse.click(box["x"] + at[0], box["y"] + at[1])
    shown.get_by_role("heading", name="1 of 120 pictures chosen").wait_for()
    page.check("map-of-pictures")

    shown = page.go("sliders")
    before = shown.get_by_role("img", name="decoded").get_attribute("src")
    shown.get_by_role("slider").first.focus()
    for _ in range(60):
        view.keyboard.press("ArrowLeft")
    page.until("before => document.querySelector(\"img[alt='decoded']\").src !== before", before)
    shown.get_by_role("button", name="Walk").click()
    shown.get_by_role("img", name="between").first.wait_for()
    page.check("sliders-of-pictures")

    page.go("outliers").get_by_role("img", name="rebuilt").first.wait_for()
    page.check("outliers-of-pictures")
    shown = page.go("generate")
    shown.get_by_label("Of", exact=True).select_option("3")
    shown.get_by_role("button", name="Make").click()
    shown.get_by_role("img", name="made up, 3").first.wait_for()
    page.check("generate-pictures")
    shown = page.go("search")
    shown.get_by_role("heading", name="Nearest").wait_for()
    own = sorted((shelf / "digits" / "3").iterdir())[0]
    shown.get_by_label("A picture of your own").set_input_files(own)
    shown.get_by_role("button", name=f"Find pictures like {own.name}").wait_for()
    shown.get_by_text(f"3/{own.name}, label 3, 0", exact=True).wait_for()
    page.check("search-of-pictures")


def test_sounds_are_listened_to(page, shelf):
    page.open("notes.isthmus", "notes")
    view = page.page
    asked: list[str] = []
    view.on("response", lambda answer: "/sound" in answer.url and asked.append(f"{answer.url} {answer.status}"))
    page.go("search").get_by_role("button", name="Listen to high/02.wav").first.click()
    page.wait(lambda: any("/api/rows/0/sound 20" in each for each in asked))
    shown = page.go("search")
    shown.get_by_label("A sound of your own").set_input_files(shelf / "notes" / "high" / "02.wav")
    shown.get_by_role("button", name="Listen to 02.wav", exact=True).click()
    page.check("search-of-sounds")
    page.go("sliders").get_by_role("button", name="Listen to what the code says").click()
    page.wait(lambda: any("/api/sliders/sound 200" in each for each in asked))
    page.check("sliders-of-sounds")
    shown = page.go("map")
    shown.get_by_role("button", name="high").wait_for()
    at = view.evaluate("globalThis.isthmusMap.place(7)")
    box = shown.locator("canvas[role=application]").bounding_box()
    asked.clear()
    view.mouse.move(box["x"] + at[0], box["y"] + at[1])
    page.wait(lambda: any("/sound" in each for each in asked))
    view.mouse.click(box["x"] + at[0], box["y"] + at[1])
    shown.get_by_role("heading", name="1 of 36 sounds chosen").wait_for()
    page.check("map-of-sounds")


def test_a_picture_is_compressed_and_denoised(page, tmp_path):
    from PIL import Image
    from sklearn.datasets import load_sample_image

    Image.fromarray(load_sample_image("flower.jpg")[100:228, 200:360]).save(tmp_path / "flower.png")
    page.open("digits.isthmus", "digits")
    shown = page.go("compress")
    shown.get_by_text("Open a model of a table with its data").wait_for()
    shown.get_by_label("Picture to compress").set_input_files(tmp_path / "flower.png")
    shown.get_by_text("JPEG of as many bytes").wait_for()
    shown.get_by_label("Quality").press("ArrowRight")
    page.check("compress-a-picture")
    shown = page.go("denoise")
    shown.get_by_label("Noise to add first").fill("25")
    shown.get_by_label("Noisy picture or sound").set_input_files(tmp_path / "flower.png")
    shown.get_by_text("PSNR after").wait_for()
    shown.get_by_role("slider", name="Border between before and after").fill("20")
    page.check("denoise")


def test_a_voice_is_denoised_and_listened_to(page, spoken):
    page.open("voices.isthmus", "")
    shown, view = page.go("denoise"), page.page
    shown.get_by_text("learnt by voices.isthmus").wait_for(state="attached")
    shown.get_by_label("Noise to add first").fill("5")
    shown.get_by_label("Noisy picture or sound").set_input_files(spoken)
    shown.get_by_text("signal to noise after").wait_for()
    shown.get_by_role("slider", name="Border between before and after").fill("30")
    page.until("[...document.querySelectorAll('audio')].map((one) => one.duration).join() === '2,2'")
    view.evaluate("document.querySelector('audio').play()")
    page.until("document.querySelector('audio').currentTime > 0.05")
    view.evaluate("document.querySelectorAll('audio')[1].play()")
    page.until("document.querySelectorAll('audio')[1].currentTime > 0.05")
    page.until("document.querySelector('audio').paused")
    with view.expect_download() as waited:
        shown.get_by_role("button", name="Save as WAV").click()
    assert waited.value.suggested_filename == "clean.wav"
    page.check("denoise-a-voice")


def test_features_of_a_sparse_code(page):
    page.open("sparse.isthmus", "houses.csv")
    shown = page.go("features")
    page.page.frame_locator("iframe").get_by_text("16 features of 160 rows").wait_for()
    assert shown.locator("iframe").count() == 1
    page.check("features")


def test_the_curve_of_a_table(browser, address, shots):
    page = Page(browser.new_page(viewport={"width": 1280, "height": 900}), address, "wide", shots)
    page.open("houses.isthmus", "houses.csv")
    shown = page.go("compress")
    shown.get_by_role("button", name="Draw the curve").click()
    shown.get_by_label("Tolerance").wait_for()
    page.check("compress-a-table")
    page.page.close()
    assert page.faults == []


def test_a_fit_is_watched_and_cancelled_and_a_finished_one_opened(browser, address, shots):
    page = Page(browser.new_page(viewport={"width": 390, "height": 844}), address, "narrow", shots)
    shown = page.go("library")
    shown.get_by_label("Data to fit").select_option("houses.csv")
    shown.get_by_label("Name of the model").fill("long")
    shown.get_by_label("Minutes").fill("30")
    shown.get_by_role("button", name="Fit", exact=True).click()
    shown.get_by_role("progressbar", name="Fitting long.isthmus").wait_for()
    page.check("fit")
    shown.get_by_role("button", name="Cancel").click()
    shown.get_by_text("Cancelled: nothing was kept").wait_for()
    shown.get_by_label("Name of the model").fill("short")
    shown.get_by_label("Minutes").fill("0.05")
    shown.get_by_role("button", name="Fit", exact=True).click()
    shown.get_by_role("button", name="Open it").click()
    page.page.get_by_role("heading", name="Training").wait_for()
    page.page.close()
    assert page.faults == []


def test_keys_lead_everywhere_and_the_dark_page_can_be_read(browser, address, shots):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page = Page(context.new_page(), address, "dark", shots)
    view = page.page
    page.open("houses.isthmus", "houses.csv")
    assert view.evaluate("document.documentElement.dataset.theme") == "dark"
    page.check("overview")
    view.keyboard.press("Alt+5")
    view.get_by_role("heading", name="Outliers").wait_for()
    assert view.evaluate("document.activeElement.id") == "main"
    view.get_by_text("the whole row").first.wait_for()
    page.check("outliers")
    view.get_by_role("button", name="Light").click()
    view.reload()
    view.get_by_role("heading", name="Outliers").wait_for()
    assert view.evaluate("document.documentElement.dataset.theme") == "light"
    view.goto(page.root)
    view.get_by_role("heading", name="Training").wait_for()
    view.keyboard.press("Tab")
    assert view.evaluate("document.activeElement.textContent") == "Skip to the panel"
    context.close()
    assert page.faults == []


def test_what_is_missing_is_said_on_the_page(browser, address, shots):
    page = Page(browser.new_page(viewport={"width": 1280, "height": 900}), address, "wide", shots)
    page.open("houses.isthmus", "houses.csv")
    page.go("features").get_by_text("Open a model with a sparse code").wait_for()
    page.check("nothing-to-show")
    page.go("library")
    page.page.get_by_label("Model", exact=True).select_option("digits.isthmus")
    page.page.get_by_role("button", name="Open", exact=True).click()
    page.page.locator(".fault").wait_for()
    assert "houses.csv" in page.page.locator(".fault").inner_text()
    page.page.close()
    assert all("400" in fault for fault in page.faults)
