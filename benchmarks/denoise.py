"""`make bench-denoise`: noise out of pictures and signals, against what people use for it.

python benchmarks/denoise.py                everything, results to benchmarks/results
python benchmarks/denoise.py --only bsd68   one set
python benchmarks/denoise.py --quick        does it run? Results to the screen
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from results import OURS, Page, Section
from runner import ROOT, Bench, MissingSourceError, main
from sklearn.datasets import load_sample_images
from smoothers import smoothers
from speech import GOALS, voices
from speech import measure as spoken

import isthmus as im
from isthmus.data.images import open_picture
from isthmus.denoiser import photos
from isthmus.tasks.denoise.tiles import TILE

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """How much is measured."""

    seed: int = 0
    pictures: int = 99
    samples: int = 20_000
    utterances: int = 60
    side: tuple[int, int] = (3000, 4000)


@dataclass(frozen=True)
class Source:
    """A set of pictures or signals, how it is measured, and what is expected."""

    name: str
    title: str
    load: Callable[[Path], Any]
    measure: Callable[[Any, Settings], list[Section]]
    goals: Mapping[str, str] = field(default_factory=dict)


def pictures(name: str, folder: Path) -> list[Floats]:
    """Read the pictures of a folder, between 0 and 1."""
    paths = sorted((folder / "images" / name).glob("*.png"))
    if not paths:
        raise MissingSourceError(f"there are no pictures in {folder / 'images' / name}: name its folder with --data")
    return [(open_picture(path) / np.float32(255)).astype(np.float32) for path in paths]


def beats(folder: Path) -> npt.NDArray[np.float64]:
    """Read an electrocardiogram of two leads in millivolts (samples, 2)."""
    path = folder / "mitbih_100" / "mitbih_100.npz"
    if not path.exists():
        raise MissingSourceError(f"there is no {path}: name the shared data with --data")
    with np.load(path, allow_pickle=False) as found:
        return np.asarray((found["signal_adc"] - found["baseline"]) / found["adc_gain"], np.float64)


PUBLISHED = (
    "Published for BSD68: DnCNN 31.73, 29.23, 26.23 (one network a level), FFDNet 31.63, 29.19, 26.29 and DRUNet "
    "31.91, 29.48, 26.59 (one for all levels), BM3D 31.08, 28.57, 25.60 (tables of DPIR and SwinIR); at 25 by noisy "
    "pictures alone Noise2Void 27.71 (Krull et al. 2019), which learns from many of them, 'by itself' from each alone."
)


def learnt(found: list[Floats], settings: Settings) -> list[Section]:
    """Known levels of white noise, by what was learnt of photos, beside the same with no level told, and peers."""
    grey = found[0].shape[2] == 1
    section = Section(
        "white noise",
        "Mean PSNR in decibels over pictures of what is made of them with noise of 15, 25 and 50 of 255 that is not "
        "clipped, the level told to everyone but to 'estimated' and 'by itself'. " + PUBLISHED * grey,
    )
    some, spent = found[: settings.pictures], dict[str, list[float]]()
    for level in (15, 25, 50):
        values: dict[str, list[float]] = {}
        for number, clean in enumerate(some):
            noisy = _noisy(clean, level, settings.seed + number)
            ways = {OURS: partial(_ours, level=level), "estimated": _ours}
            ways["thorough"] = partial(_ours, level=level, thorough=True)
            if level == 25:
                ways["by itself"] = partial(_ours, model="self")
            ways |= _peers(clean.shape[2], level)
            for name, way in ways.items():
                started = time.perf_counter()
                values.setdefault(name, []).append(_psnr(way(noisy), clean))
                spent.setdefault(name, []).append((time.perf_counter() - started) / clean[..., 0].size * 65536)
        means = {name: float(np.mean(each)) for name, each in values.items()}
        section.add(f"PSNR at {level}", means, digits=2, headline=True)
    seconds = {name: float(np.mean(each)) for name, each in spent.items()}
    times = Section("time", "Seconds for 256 x 256 pixels.")
    if (slow := seconds.get("BM3D")) is not None:
        times.add("BM3D's time / isthmus's", {OURS: slow / seconds[OURS]}, digits=1, headline=True)
    times.add("seconds", seconds, digits=3)
    return [section, times]


def alone(found: list[Floats], settings: Settings) -> list[Section]:
    """Noise of a level that nobody is told, by the picture itself."""
    section = Section(
        "one noisy picture, unknown level",
        "Mean PSNR in decibels at noise of 25 of 255. Non-local means and BM3D are told the level, which isthmus "
        "estimates. Seconds are those of the pictures of 256 x 256.",
    )
    values: dict[str, list[float]] = {}
    spent: dict[str, list[float]] = {}
    for number, clean in enumerate(found[: settings.pictures]):
        noisy = _noisy(clean, 25, settings.seed + number)
        ways = {OURS: partial(_ours, model="self"), "of photos": _ours, "both": partial(_ours, thorough=True)}
        ways |= _peers(1, 25)
        for name, way in ways.items():
            started = time.perf_counter()
            values.setdefault(name, []).append(_psnr(way(noisy), clean))
            if clean.shape[0] == 256:
                spent.setdefault(name, []).append(time.perf_counter() - started)
    means = {name: float(np.mean(each)) for name, each in values.items()}
    section.add("PSNR", means, digits=2)
    section.add("PSNR above non-local means'", {OURS: means[OURS] - means["non-local means"]}, digits=2, headline=True)
    if spent:
        section.add("seconds for 256 x 256", {name: float(np.mean(s)) for name, s in spent.items()}, headline=True)
    return [section]


def signals(found: npt.NDArray[np.float64], settings: Settings) -> list[Section]:
    """White noise on an electrocardiogram, and gaps in it."""
    clean = found[20_000 : 20_000 + settings.samples]
    rng = np.random.default_rng(settings.seed)
    section = Section(
        "electrocardiogram",
        "Signal to noise in decibels, mean of two leads, of what is made of a noisy one. isthmus estimates the level. "
        "The others are told it, and of all their settings the one is taken that is best for the truth.",
    )
    for wanted in (0, 5, 10, 15, 20):
        values: dict[str, list[float]] = {}
        for lead in clean.T:
            level = lead.std() * 10 ** (-wanted / 20)
            noisy = lead + rng.normal(0, level, len(lead))
            values.setdefault(OURS, []).append(_snr(im.denoise(noisy), lead))
            best: dict[str, float] = {}
            for name, smooth in smoothers(level):
                best[name] = max(best.get(name, -np.inf), _snr(smooth(noisy), lead))
            for name, value in best.items():
                values.setdefault(name, []).append(value)
        means = {name: float(np.mean(each)) for name, each in values.items()}
        section.add(f"at {wanted} dB", means, digits=2)
        gain = means[OURS] - max(value for name, value in means.items() if name != OURS)
        section.add(f"at {wanted} dB, above the best of them", {OURS: gain}, digits=2, headline=True)
    return [section, _gaps(clean, rng)]


def _gaps(clean: npt.NDArray[np.float64], rng: np.random.Generator) -> Section:
    """Hide stretches of an electrocardiogram, and fill them."""
    section = Section(
        "gaps",
        "Root mean squared error in the gaps over the standard deviation of the lead, without noise: a tenth of all "
        "samples is missing, in gaps of one length.",
    )
    for length in (10, 36, 90):
        errors: dict[str, list[float]] = {}
        for lead in clean.T:
            hidden = np.zeros(len(lead), bool)
            for start in rng.integers(0, len(lead) - length, len(lead) // (10 * length)):
                hidden[start : start + length] = True
            at = np.arange(len(lead))
            filled = {OURS: im.denoise(np.where(hidden, np.nan, lead))}
            filled["straight lines"] = np.interp(at, at[~hidden], lead[~hidden])
            for name, each in filled.items():
                errors.setdefault(name, []).append(float(_rms(each[hidden] - lead[hidden]) / lead.std()))
        section.add(f"of {length} samples", {name: float(np.mean(each)) for name, each in errors.items()})
    return section


def large(found: list[Floats], settings: Settings) -> list[Section]:
    """Measure memory, time and seams on a photo of twelve million pixels, put together of Kodak's."""
    rows, columns = settings.side
    brightness = [picture.mean(2) for picture in found]
    lines = [
        np.concatenate([brightness[(5 * down + right) % len(brightness)] for right in range(columns // 500 + 1)], 1)
        for down in range(rows // 500 + 1)
    ]
    clean = np.concatenate(lines)[:rows, :columns]
    noisy = _noisy(clean, 25, settings.seed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    started = time.perf_counter()
    made = im.denoise(noisy, level=25)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    section = Section(
        "a large photo",
        f"{columns:,} x {rows:,} pixels, grey, with noise of 25 of 255, in tiles of {TILE}. The seam is the squared "
        "error of 16 rows and columns at borders of tiles over that of the same pixels with the borders elsewhere.",
    )
    section.add("squared error at borders of tiles / away from them", {OURS: _seam(clean, noisy, made)}, headline=True)
    section.add("peak memory (GiB)", {OURS: peak, "before": before}, digits=2, headline=True)
    section.add("seconds", {OURS: seconds}, digits=1)
    return [section]


def _seam(clean: Floats, noisy: Floats, made: Floats) -> float:
    """Compare errors at borders of tiles with those of the same pixels where a tile begins half a tile earlier."""
    half = TILE // 2
    moved = im.denoise(noisy[half:, half:], level=25)
    inside = np.zeros(moved.shape, bool)
    for size, axis in ((moved.shape[0], 0), (moved.shape[1], 1)):
        for border in range(half, size, TILE):
            inside.swapaxes(0, axis)[border - 8 : border + 8] = True
    errors = [_rms((each - clean[half:, half:])[inside]) ** 2 for each in (made[half:, half:], moved)]
    return errors[0] / errors[1]


def _ours(noisy: Floats, *, level: float | None = None, model: Any = None, thorough: bool = False) -> Floats:
    found: Floats = im.denoise(noisy, level=level, model=model, thorough=thorough)
    return found


def _peers(channels: int, level: float) -> dict[str, Callable[[Floats], Floats]]:
    """Give the peers for grey or coloured pictures, told the level."""
    from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

    sigma = level / 255
    axis = None if channels == 1 else -1

    def squeezed(way: Callable[..., Any], **settings: Any) -> Callable[[Floats], Floats]:
        def run(noisy: Floats) -> Floats:
            plane = noisy[..., 0] if channels == 1 else noisy
            return np.asarray(way(plane, **settings), np.float32).reshape(noisy.shape)

        return run

    means = {"h": 0.8 * sigma, "sigma": sigma, "fast_mode": True, "patch_size": 5, "patch_distance": 6}
    waves = {"sigma": sigma, "method": "BayesShrink", "mode": "soft", "rescale_sigma": True}
    found = {
        "non-local means": squeezed(denoise_nl_means, channel_axis=axis, **means),
        "wavelets": squeezed(denoise_wavelet, channel_axis=axis, **waves),
        # On eight pictures of train400 the best weights were .6, .7 and .8 standard deviations at 15, 25 and 50.
        "total variation": squeezed(denoise_tv_chambolle, channel_axis=axis, weight=0.75 * sigma),
    }
    try:
        from bm3d import bm3d, bm3d_rgb
    except ImportError:
        return found
    return found | {"BM3D": squeezed(bm3d if channels == 1 else bm3d_rgb, sigma_psd=sigma)}


def _noisy(clean: Floats, level: float, seed: int) -> Floats:
    noise = np.random.default_rng(seed).normal(0, level / 255, clean.shape)
    return np.asarray(clean + noise, np.float32)


def _psnr(made: Floats, clean: Floats) -> float:
    return float(-20 * np.log10(_rms(made - clean)))


def _snr(made: npt.NDArray[np.float64], clean: npt.NDArray[np.float64]) -> float:
    return float(20 * np.log10(clean.std() / _rms(made - clean)))


def _rms(error: npt.NDArray[Any]) -> float:
    return float(np.sqrt(np.square(error, dtype=np.float64).mean()))


GREY = {
    "PSNR at 15": "≥ 31.55",
    "PSNR at 25": "≥ 29.05",
    "PSNR at 50": "≥ 26.05",
    "BM3D's time / isthmus's": "≥ 12",
}
BEATS = {f"at {level} dB, above the best of them": "≥ 2" for level in (0, 5, 10, 15, 20)}

SOURCES = {
    source.name: source
    for source in (
        Source("bsd68", "Berkeley's 68, grey", partial(pictures, "bsd68"), learnt, GREY),
        Source("kodak24", "Kodak's 24, colour, 500 x 500", partial(pictures, "kodak24"), learnt),
        Source(
            "set12",
            "Twelve classics, grey, by themselves",
            partial(pictures, "set12"),
            alone,
            {"PSNR above non-local means'": "≥ 0.7", "seconds for 256 x 256": "< 60"},
        ),
        Source("ecg", "Record 100 of MIT-BIH, 360 samples a second", beats, signals, BEATS),
        Source(
            "speech",
            "Spoken digits and sentences of voices that were never heard",
            voices,
            lambda found, settings: spoken(found, settings.utterances, settings.seed),
            GOALS,
        ),
        Source(
            "large",
            "Twelve million pixels",
            partial(pictures, "kodak24"),
            large,
            {"squared error at borders of tiles / away from them": "1", "peak memory (GiB)": "≤ 4"},
        ),
    )
}


def measure(source: Source, found: Any, settings: Settings) -> list[Section]:
    """Measure as the source says; the network is read beforehand."""
    photos()
    if source.name == "kodak24" and settings == Settings(settings.seed):
        from drawn import denoised

        denoised(np.asarray(load_sample_images().images[1]), ROOT / "docs" / "pictures" / "denoised.png")
    return source.measure(found, settings)


BENCH = Bench(
    Page(
        "denoise",
        "Benchmark of denoising",
        "No picture, voice or recorded noise measured here was learnt from. Noise is added once, from a seed, and not "
        "clipped.",
    ),
    SOURCES,
    measure,
    Settings(),
    Settings(pictures=1, samples=3000, utterances=2, side=(900, 1100)),
    packages=("scikit-image", "bm3d", "PyWavelets", "noisereduce", "pystoi"),
)

if __name__ == "__main__":
    sys.exit(main(BENCH))
