"""`make bench-sound`: isthmus against MP3, Ogg Vorbis, Opus and FLAC on recordings that its models never saw.

python benchmarks/sound.py                everything, results to benchmarks/results, a picture to docs/pictures
python benchmarks/sound.py --only speech  one of speech and music
python benchmarks/sound.py --quick        does it run? Two seconds of one recording, results to the screen
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import results
import soundfile
from rates import bd_rate
from results import OURS, Page, Section
from runner import ROOT, Bench, MissingSourceError, main
from sounds import FORMATS, coded, si_sdr, spectral_distance

from isthmus.errors import FileError
from isthmus.files import writing
from isthmus.tasks.signals import compress_signal, decompress_signal

LEVELS = {
    "MP3": (0.95, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.05),
    "Vorbis": (1.0, 0.95, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2),
    "Opus": (0.985, 0.97, 0.95, 0.92, 0.9, 0.85, 0.75, 0.65),
}
ERROR, EAR = "SI-SDR (dB)", "A-weighted spectral distance (dB)"


@dataclass(frozen=True)
class Recording:
    """Samples (n, channels) as 16-bit whole numbers, at a rate."""

    name: str
    samples: npt.NDArray[np.int32]
    rate: int


@dataclass(frozen=True)
class Settings:
    """How much is measured."""

    seed: int = 0
    recordings: int = 99
    seconds: float = 10.0
    qualities: Sequence[float] = (1, 2, 3, 4, 5, 6, 7, 8)


QUICK = Settings(recordings=1, seconds=2.0, qualities=(2, 4, 6))


@dataclass(frozen=True)
class Source:
    """Recordings, and what is expected of isthmus on them."""

    name: str
    title: str
    load: Callable[[Path], list[Recording]]
    goals: Mapping[str, str] = field(default_factory=dict)


def held_out(parts: Mapping[str, float], folder: Path) -> list[Recording]:
    """Read recordings of `speech_music` by their names, from a second on: those that train_signals.py leaves out."""
    found = []
    for name, start in parts.items():
        path = folder / "speech_music" / name
        if not path.is_file():
            raise MissingSourceError(f"there is no file {path}: name its data folder with --data or ISTHMUS_DATA")
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
        found.append(Recording(path.stem[:20], samples[int(start * rate) :].astype(np.int32), int(rate)))
    return found


@dataclass(frozen=True)
class Point:
    """Kilobits a second, decibels of signal to distortion, and decibels between spectra."""

    kilobits: float
    sdr: float
    distance: float


Curves = dict[str, list[Point]]


def measure(source: Source, recordings: list[Recording], settings: Settings) -> list[Section]:
    """Measure every coder on every recording."""
    del source
    some = [
        Recording(each.name, each.samples[: int(settings.seconds * each.rate)], each.rate)
        for each in recordings[: settings.recordings]
    ]
    curves = [_curves(each, settings) for each in some]
    return [
        _saved("least error", "at equal SI-SDR", f"{OURS}, error", some, curves, lambda point: point.sdr),
        _saved(
            "for the ear", "at equal spectral distance", f"{OURS}, ear", some, curves, lambda point: -point.distance
        ),
        _means(curves),
        _exact(some),
    ]


def _curves(recording: Recording, settings: Settings) -> Curves:
    samples = recording.samples / 32768.0
    found: Curves = {}
    for model, perceptual in (("error", False), ("ear", True)):
        found[f"{OURS}, {model}"] = [_ours(samples, recording.rate, q, perceptual) for q in settings.qualities]
    for name in FORMATS:
        pairs = [coded(samples, recording.rate, name, level) for level in LEVELS[name]]
        found[name] = [_point(size, back, samples, recording.rate) for size, back in pairs]
    return found


def _ours(samples: npt.NDArray[np.float64], rate: int, quality: float, perceptual: bool) -> Point:
    facts, blocks = compress_signal(samples.astype(np.float32), rate, quality, perceptual)
    size = sum(map(len, blocks)) + len(str(facts))
    return _point(size, decompress_signal(facts, blocks).astype(np.float64), samples, rate)


def _point(size: int, back: npt.NDArray[np.float64], samples: npt.NDArray[np.float64], rate: int) -> Point:
    kilobits = size * 8 / 1000 / (len(samples) / rate)
    return Point(kilobits, si_sdr(samples, back), spectral_distance(samples, back, rate))


def _saved(
    title: str, where: str, ours: str, some: list[Recording], curves: list[Curves], quality: Callable[[Point], float]
) -> Section:
    """Compare bits: those of each coder where quality is equal, isthmus' being 100."""
    note = "Bits that a coder takes where isthmus takes 100, over the qualities that both reach (Bjontegaard 2001)."
    section = Section(title, note)
    ratios: dict[str, list[float]] = {}
    for recording, curve in zip(some, curves, strict=True):
        points = {name: [(p.kilobits, quality(p)) for p in each] for name, each in curve.items()}
        values = {name: 100 + bd_rate(points[name], points[ours]) for name in FORMATS}
        values = {name: value for name, value in values.items() if np.isfinite(value)}  # where they share any quality
        section.add(f"{recording.name}: bits {where}", {OURS: 100.0} | values, digits=0)
        for name, value in values.items():
            ratios.setdefault(name, []).append(value)
    mean = {name: float(np.exp(np.mean(np.log(values)))) for name, values in ratios.items()}
    section.add(f"bits {where}", {OURS: 100.0} | mean, digits=0, headline=True)
    return section


def _means(curves: list[Curves]) -> Section:
    """Tell the curves, mean over recordings, a quality of each coder a line."""
    section = Section("curves", "Mean over the recordings, from each coder's smallest files to its largest.")
    names = list(curves[0])
    for step in range(max(len(each) for each in curves[0].values())):
        for figure, take in (("kb/s", "kilobits"), (ERROR, "sdr"), (EAR, "distance")):
            values = {
                name: float(np.mean([getattr(curve[name][step], take) for curve in curves]))
                for name in names
                if step < len(curves[0][name])
            }
            section.add(f"{step + 1}: {figure}", values, digits=2)
    return section


def _exact(some: list[Recording]) -> Section:
    """Compare bytes of exact samples with FLAC's at its best."""
    section = Section(
        "exact", "Bytes of exact 16-bit samples beside FLAC's at level 8 (100), and seconds for one of sound."
    )
    ratios = []
    for recording in some:
        file = io.BytesIO()
        whole = recording.samples.astype(np.int16)
        soundfile.write(file, whole, recording.rate, format="FLAC", subtype="PCM_16", compression_level=1.0)
        started = time.perf_counter()
        facts, blocks = compress_signal(recording.samples, recording.rate, None)
        written = time.perf_counter()
        same = np.array_equal(decompress_signal(facts, blocks), recording.samples)
        taken = (written - started, time.perf_counter() - written)
        if not same:
            raise FileError(f"{recording.name}: samples did not come back as they were")
        ratios.append(100 * sum(map(len, blocks)) / len(file.getvalue()))
        section.add(f"{recording.name}: bytes", {OURS: ratios[-1], "FLAC": 100.0}, digits=1)
        length = len(recording.samples) / recording.rate
        for what, seconds in zip(("write", "read"), taken, strict=True):
            section.add(f"{recording.name}: seconds to {what}", {OURS: seconds / length}, digits=2)
    section.add("bytes, exact", {OURS: float(np.mean(ratios)), "FLAC": 100.0}, digits=1, headline=True)
    return section


def draw(found: Mapping[str, results.Result], path: Path) -> None:
    """Draw bits against both measures of quality, a row of pictures a source."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    colours = {"error": "#1b6ca8", "ear": "#c8553d", "MP3": "#888888", "Vorbis": "#3a7d44", "Opus": "#8e5aa8"}
    figure, axes = pyplot.subplots(len(found), 2, figsize=(11, 4.2 * len(found)), squeeze=False, layout="constrained")
    for row, result in zip(axes, found.values(), strict=True):
        lines = {each.figure.split(": ", 1)[1]: [] for each in _rows(result)}
        for each in _rows(result):
            lines[each.figure.split(": ", 1)[1]].append(each.values)
        for axis, measured in zip(row, (ERROR, EAR), strict=True):
            for name in lines["kb/s"][0]:
                here = [(x[name], y[name]) for x, y in zip(lines["kb/s"], lines[measured], strict=True) if name in x]
                ours = name.startswith(OURS)
                x, y = zip(*here, strict=True)
                axis.plot(
                    x,
                    y,
                    "o-" if ours else "s--",
                    ms=4,
                    lw=2 if ours else 1.2,
                    label=name,
                    c=colours[name.split(", ")[-1]],
                )
            axis.set(xscale="log", xlabel="kilobits a second", ylabel=measured, title=result.name)
            axis.grid(alpha=0.3, which="both")
        row[0].legend(frameon=False)
    with writing(path) as temporary:
        figure.savefig(temporary, dpi=110)


def _rows(result: results.Result) -> list[results.Row]:
    return next(section for section in result.sections if section.title == "curves").rows


GOALS = {
    "bits at equal SI-SDR": "< MP3",
    "bits at equal spectral distance": "< MP3",
    "bytes, exact": "≤ 103",
}
SPEECH = {"5703-47212-0000.ogg": 2.0, "speechService.wav": 3.0}
MUSIC = {"Kevin_MacLeod_-_Vibe_Ace.ogg": 20.0, "sorohanro_-_solo-trumpet-06.ogg": 0.0}

SOURCES = {
    source.name: source
    for source in (
        Source("speech", "Speech: two recordings, 16 kHz, one channel", partial(held_out, SPEECH), GOALS),
        Source("music", "Music: jazz and a trumpet, 44.1 kHz, two channels", partial(held_out, MUSIC), GOALS),
    )
}

BENCH = Bench(
    Page(
        "sound",
        "Benchmark on sound",
        "isthmus with its models for least error and for the ear, qualities 1 to 8; MP3, Ogg Vorbis and Opus as "
        "libsndfile writes them, at variable rates; at most ten seconds of each recording. Bytes are of whole files, "
        "isthmus' facts included. Opus is given what it takes: 44.1 kHz are resampled to 48 kHz and back. All but one "
        "of the recordings were Ogg Vorbis files of high quality before, and Vorbis may find its own traces in them. "
        "Coders made for ears do not aim at the first measure; the second favours those that fill with noise what "
        "they do not write, and is no listening test.",
    ),
    SOURCES,
    measure,
    Settings(),
    QUICK,
    packages=("soundfile", "constriction"),
)

if __name__ == "__main__":
    code = main(BENCH)
    known = results.read(ROOT / "benchmarks" / "results" / "sound.json")
    if known and not {"--quick", "--out"} & set(sys.argv):
        draw(known, ROOT / "docs" / "pictures" / "rate-distortion-sound.png")
    sys.exit(code)
