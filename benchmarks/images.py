"""`make bench-images`: isthmus' two models of pictures against JPEG, WebP, JPEG 2000 and AVIF as Pillow writes them.

python benchmarks/images.py                 everything, results to benchmarks/results, pictures to docs/pictures
python benchmarks/images.py --only kodak24  one set of pictures
python benchmarks/images.py --quick         does it run? One picture, results to the screen
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from pictures import PEERS, Pixels, Point, ours, peer
from PIL import features
from rates import bd_rate
from results import OURS, Page, Section
from runner import ROOT, Bench, MissingSourceError, main
from sklearn.datasets import load_sample_images

from isthmus.data.images import open_picture

PERCEPTUAL = "isthmus, perceptual"
Curves = dict[str, list[list[Point]]]
"""By who wrote them: for every picture, its points."""


@dataclass(frozen=True)
class Settings:
    """How much is measured."""

    seed: int = 0
    pictures: int = 99
    qualities: tuple[float, ...] = (1, 2, 3, 4, 5, 6, 7, 8)


@dataclass(frozen=True)
class Source:
    """A set of pictures, and what is expected of isthmus on them."""

    name: str
    title: str
    load: Callable[[Path], list[Pixels]]
    goals: Mapping[str, str] = field(default_factory=dict)


def pictures(name: str, each: int, folder: Path) -> list[Pixels]:
    """Read every so-manieth picture of a folder."""
    paths = sorted((folder / "images" / name).glob("*.png"))[::each]
    if not paths:
        raise MissingSourceError(f"there are no pictures in {folder / 'images' / name}: name its folder with --data")
    return [open_picture(path) for path in paths]


def measure(source: Source, found: list[Pixels], settings: Settings) -> list[Section]:
    """Write every picture in every way, and compare bits at equal quality, and times."""
    some = found[: settings.pictures]
    curves: Curves = {
        OURS: [[ours(pixels, q, False) for q in settings.qualities] for pixels in some],
        PERCEPTUAL: [[ours(pixels, q, True) for q in settings.qualities] for pixels in some],
    }
    for name, (kind, options) in PEERS.items():
        if (kind == "AVIF" and not features.check("avif")) or (name == "JPEG 4:4:4" and some[0].shape[2] == 1):
            continue
        curves[name] = [[peer(pixels, kind, each)[0] for each in options] for pixels in some]
    if len(found) == len(some):
        _draw(source, curves)
    return [
        _rates(curves, "PSNR", OURS, lambda point: point.psnr),
        _rates(curves, "MS-SSIM", PERCEPTUAL, lambda point: point.likeness),
        _curve(curves, settings.qualities),
        _seconds(curves),
    ]


def _rates(curves: Curves, figure: str, who: str, of: Callable[[Point], float]) -> Section:
    """Bits at equal quality less those of each peer, in per cent: mean over pictures."""
    section = Section(
        f"bits at equal {figure}",
        f"Bjontegaard's mean difference of bits in per cent of the peer's, less is better, of {who}.",
    )
    for name in curves:
        if name not in {OURS, PERCEPTUAL}:
            rates = [
                bd_rate([(p.bits, of(p)) for p in one], [(p.bits, of(p)) for p in other])
                for one, other in zip(curves[who], curves[name], strict=True)
            ]
            section.add(
                f"{figure}: bits / those of {name} (%)", {OURS: float(np.nanmean(rates))}, digits=1, headline=True
            )
    return section


def _curve(curves: Curves, qualities: Sequence[float]) -> Section:
    """Tell what every quality gives."""
    section = Section("by quality", "Bits a pixel, PSNR and MS-SSIM in decibels, means over pictures.")
    for number, quality in enumerate(qualities):
        for title, of in (("bits a pixel", "bits"), ("PSNR", "psnr"), ("MS-SSIM (dB)", "likeness")):
            values = {
                who: float(np.mean([getattr(points[number], of) for points in curves[who]]))
                for who in (OURS, PERCEPTUAL)
            }
            section.add(f"quality {quality:g}: {title}", values)
    return section


def _seconds(curves: Curves) -> Section:
    """Seconds a picture, as ratios to JPEG's."""
    section = Section("time", "Seconds a picture over those of JPEG, mean over pictures and qualities.")
    for title, of in (("to write", "writing"), ("to read", "reading")):
        means = {who: np.mean([getattr(p, of) for points in found for p in points]) for who, found in curves.items()}
        section.add(
            f"time {title} / JPEG's", {who: float(mean / means["JPEG"]) for who, mean in means.items()}, digits=1
        )
        section.add(f"seconds {title}", {who: float(mean) for who, mean in means.items()}, digits=4)
    return section


def _draw(source: Source, curves: Curves) -> None:
    """Draw the curves of `kodak24`, and a picture that comes with scikit-learn at equal size."""
    if source.name == "kodak24":
        from drawn import curves_of, side_by_side

        folder = ROOT / "docs" / "pictures"
        curves_of(curves, folder / "rate-distortion.png")
        side_by_side(np.asarray(load_sample_images().images[1]), folder / "compressed.png")


PSNR = {"PSNR: bits / those of JPEG (%)": "≤ -20"}
LIKENESS = {"MS-SSIM: bits / those of WebP (%)": "< 0"}

SOURCES = {
    source.name: source
    for source in (
        Source(
            "kodak24", "Every sixth of Kodak's 24, colour, 500 x 500", partial(pictures, "kodak24", 6), PSNR | LIKENESS
        ),
        Source("set12", "Every third of twelve classics, grey", partial(pictures, "set12", 3), PSNR | LIKENESS),
        Source("bsd68", "Every twelfth of Berkeley's 68, grey", partial(pictures, "bsd68", 12), PSNR | LIKENESS),
    )
}

BENCH = Bench(
    Page(
        "images",
        "Benchmark on pictures",
        "No picture measured here was learnt from. PSNR is that of all bytes of red, green and blue, MS-SSIM the mean "
        "of the three, in decibels: -10 log10(1 - MS-SSIM). JPEG is written with optimised tables, colours at half "
        "(4:2:0) and at full size (4:4:4), WebP with its slowest method, AVIF at speed 6. All headers of peers' files "
        "are counted; of isthmus the blocks and 100 bytes for their container.",
    ),
    SOURCES,
    measure,
    Settings(),
    Settings(pictures=1, qualities=(1, 4, 8)),
    packages=("pillow",),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
