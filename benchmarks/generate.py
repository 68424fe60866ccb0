"""`make bench-generate`: digits made out of noise, judged by a network that knows real ones, beside a VAE's.

python benchmarks/generate.py           in about an hour and three quarters on two cores
python benchmarks/generate.py --quick   does it run? Results to the screen
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from digits import Judge, Vae, frechet
from PIL import Image
from results import OURS, Page, Section
from runner import ROOT, Bench, MissingSourceError, main
from sklearn.neighbors import NearestNeighbors

from isthmus import Diffusion
from isthmus.report.sheets import save_sheet
from isthmus.tasks.grid import from_codes, to_codes
from isthmus.tasks.pictures import as_bytes

Bytes = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """How much is measured."""

    seed: int = 0
    minutes: float = 28.0
    pictures: int = 10_000
    made: int = 2_000
    judge_epochs: int = 12
    vae_minutes: float = 6.0
    steps: tuple[int, ...] = (5, 10, 20, 50)


@dataclass(frozen=True)
class Digits:
    """Pictures to learn from and others to judge by, and what they show."""

    learn: Bytes
    labels: Labels
    real: Bytes
    real_labels: Labels


@dataclass(frozen=True)
class Source:
    """A set of pictures, how many times as large as they are they are made, and what is expected."""

    name: str
    title: str
    load: Callable[[Path], Digits]
    goals: Mapping[str, str] = field(default_factory=dict)
    larger: int = 1


def mnist(folder: Path) -> Digits:
    """Read handwritten digits: 1,000 of each to learn from, 200 of each others."""
    path = folder / "mnist"
    files = sorted(path.glob("*.npz"))
    if not files:
        raise MissingSourceError(f"there is no .npz file in {path}: name the shared data with --data")
    with np.load(files[0], allow_pickle=False) as found:
        return Digits(*(np.asarray(found[name]) for name in ("x_train", "y_train", "x_test", "y_test")))


def measure(source: Source, digits: Digits, settings: Settings) -> list[Section]:
    """Learn, make as many as are judged, and compare; larger pictures are judged at the size that the judge knows."""
    rng = np.random.default_rng(settings.seed)
    some = rng.permutation(len(digits.learn))[: settings.pictures]
    learn, labels = digits.learn[some], digits.labels[some]
    judge = Judge(learn, labels, settings.judge_epochs, settings.seed)
    real = judge.sees(digits.real)
    large = enlarged(learn, source.larger)
    model = Diffusion(budget=60 * settings.minutes, seed=settings.seed, verbose=True).fit(large, labels)

    def sample(asked: Labels, **how: Any) -> Bytes:
        return reduced(model.sample(len(asked), asked.tolist(), **how), source.larger)

    asked = np.arange(settings.made) % 10
    started = time.perf_counter()
    hundred = model.sample(100, asked[:100].tolist(), steps=50, sampler="ddim")
    seconds = time.perf_counter() - started
    made = {OURS: sample(asked, seed=1), "guidance 1.5": sample(asked, seed=1, guidance=1.5)}
    steps = _steps(partial(sample, asked, seed=1), lambda pictures: frechet(judge.sees(pictures), real), settings)
    vae = Vae(learn, labels, 60 * settings.vae_minutes, settings.seed)
    made["VAE"] = vae.sample(asked, settings.seed)
    right = {name: float((judge.says(pictures) == asked).mean() * 100) for name, pictures in made.items()}
    right["real ones"] = float((judge.says(digits.real) == digits.real_labels).mean() * 100)
    far = {name: frechet(judge.sees(pictures), real) for name, pictures in made.items()}
    far["others that are real"] = frechet(judge.sees(learn[: settings.made]), real)
    if model.grid is not None:
        planes = enlarged(digits.real, source.larger)[:, None]
        codes = torch.from_numpy(to_codes(model.grid, planes)).float() / 127.5 - 1
        again = as_bytes(from_codes(model.grid, codes, planes.shape[2:]))
        far["real ones through the code"] = frechet(judge.sees(reduced(again, source.larger)), real)
    if settings.made == Settings().made:
        _draw(model, hundred, source)
    side = 28 * source.larger
    section = Section(
        "digits on demand",
        f"{settings.made:,} digits of {side} x {side} pixels, as many of each, judged at 28 x 28 by a network that was "
        "trained on the pictures learnt from. The Frechet distance is between what that network sees in made-up and in "
        "real digits (its last hidden layer).",
    )
    section.add("seen as what was asked for (%)", right, digits=1, headline=True)
    section.add("Frechet distance", far, digits=2, headline=True)
    section.add("Frechet distance / the VAE's", {OURS: far[OURS] / far["VAE"]}, digits=2, headline=True)
    section.add("Frechet distance, guided / the VAE's", {OURS: far["guidance 1.5"] / far["VAE"]}, digits=2)
    times = Section("time", "Minutes to train and seconds for 100 digits in 50 deterministic steps.")
    times.add("minutes to train", {OURS: model.facts_["seconds"] / 60, "VAE": settings.vae_minutes}, digits=1)
    times.add("seconds for 100 digits", {OURS: seconds}, digits=1, headline=True)
    times.add("steps of training", {OURS: float(model.facts_["steps"]), "VAE": float(vae.steps)}, digits=0)
    return [section, _copied(made | {"others that are real": digits.real}, learn), steps, times]


def _steps(sample: Callable[..., Bytes], far: Callable[[Bytes], float], settings: Settings) -> Section:
    """Judge what is made in few steps and in many; one of Heun's asks the network twice."""
    section = Section("steps", "Frechet distance by levels of noise gone through.")
    for steps in settings.steps:
        values = {sampler: far(sample(steps=steps, sampler=sampler)) for sampler in ("heun", "ddim")}
        section.add(f"{steps} steps", values, digits=2)
    return section


def _copied(made: Mapping[str, Bytes], learn: Bytes) -> Section:
    """Compare how near pictures are to those learnt from with how near other real ones are."""
    near = {name: _nearest(pictures, learn) for name, pictures in made.items()}
    usual = near["others that are real"]
    section = Section(
        "copies",
        "Root mean squared difference, of 255, from the nearest picture learnt from. A model that copies makes "
        "pictures nearer than other real ones are: a hundredth of those is nearer than their nearest hundredth.",
    )
    section.add("median", {name: float(np.median(each)) for name, each in near.items()}, digits=1)
    closest = np.quantile(usual, 0.01)
    section.add(
        "nearer than the nearest hundredth of real ones (%)",
        {name: float((each < closest).mean() * 100) for name, each in near.items()},
        digits=1,
        headline=True,
    )
    return section


def _nearest(pictures: Bytes, learn: Bytes) -> npt.NDArray[np.float64]:
    """Give each picture's root mean squared difference from the nearest learnt from (n,)."""
    known = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(learn.reshape(len(learn), -1).astype(np.float32))
    distances, _ = known.kneighbors(pictures.reshape(len(pictures), -1).astype(np.float32))
    return np.asarray(distances[:, 0] / np.sqrt(learn[0].size), np.float64)


def enlarged(pictures: Bytes, times: int) -> Bytes:
    """Draw pictures (n, rows, columns) so many times as large, smoothly."""
    if times == 1:
        return pictures
    size = (times * pictures.shape[2], times * pictures.shape[1])
    return np.stack([np.asarray(Image.fromarray(each).resize(size, Image.Resampling.BICUBIC)) for each in pictures])


def reduced(pictures: Bytes, times: int) -> Bytes:
    """Take the means of blocks, so many pixels to the side."""
    n, rows, columns = pictures.shape
    blocks = pictures.reshape(n, rows // times, times, columns // times, times)
    return blocks.mean((2, 4)).round().astype(np.uint8)


def _draw(model: Any, hundred: Bytes, source: Source) -> None:
    """Draw a hundred digits, and noise turning into ten."""
    folder, large = ROOT / "docs" / "pictures", "-large" if source.larger > 1 else ""
    save_sheet(folder / f"digits{large}.png", hundred[:50] if not large else hundred[:20], columns=10)
    frames = np.concatenate([model.watch(1, str(digit), steps=24, seed=digit)[::3] for digit in (3, 5, 8)], 1)
    each = frames.swapaxes(0, 1).reshape(-1, *frames.shape[2:])
    save_sheet(folder / f"noise-to-digits{large}.png", each, columns=len(frames))


BENCH = Bench(
    Page(
        "generate",
        "Benchmark of pictures made out of noise",
        "The VAE is a plain convolutional one in PyTorch with 16 numbers, told the digit, its noise of one size in all "
        "pixels. Its samples are means, as is usual.",
    ),
    {
        "mnist": Source(
            "mnist",
            "Handwritten digits, 28 x 28",
            mnist,
            {
                "seen as what was asked for (%)": "≥ 95",
                "Frechet distance / the VAE's": "≤ 0.5",
                "seconds for 100 digits": "< 30",
                "minutes to train": "≤ 30",
            },
        ),
        "mnist_large": Source(
            "mnist_large",
            "The same drawn four times as large, 112 x 112: made through a code of 4 x 14 x 14",
            mnist,
            {
                "seen as what was asked for (%)": "≥ 95",
                "Frechet distance / the VAE's": "≤ 0.5",
                "seconds for 100 digits": "< 30",
                "minutes to train": "≤ 30",
            },
            larger=4,
        ),
    },
    measure,
    Settings(),
    Settings(minutes=0.5, pictures=600, made=100, judge_epochs=2, vae_minutes=0.2, steps=(5,)),
)

if __name__ == "__main__":
    torch.set_num_threads(2)
    sys.exit(main(BENCH))
