"""Noise out of whatever holds it: pictures, folders of them, sounds, and columns of tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from isthmus.data.arrays import to_floats
from isthmus.data.images import open_picture, save_picture
from isthmus.data.signals import Signal, open_signal, write_signal
from isthmus.data.sources import Table, open_table, write_table
from isthmus.denoiser import Denoiser, on_array, photos
from isthmus.diffusion import Diffusion
from isthmus.endings import PICTURE, SOUND, kind_of, media_in
from isthmus.errors import DataError, FileError, UsageError
from isthmus.speech import SpeechDenoiser, is_speech, speech
from isthmus.store import load
from isthmus.tasks.denoise import alone
from isthmus.tasks.denoise.gaps import fill_gaps
from isthmus.tasks.denoise.level import noise_level
from isthmus.tasks.denoise.pictures import KINDS
from isthmus.tasks.denoise.speech import LEAST_RATE
from isthmus.training.logs import told
from isthmus.training.progress import Progress

SELF = "self"
_SHORT = 16
"""Samples that a signal must have for parts of it to be like each other."""


@dataclass
class Noise:
    """What was found in one picture, sound or column: its name, level, and the share that was missing.

    Levels are standard deviations: of pixels in 255ths of the range, of other things in their own units. Of a sound,
    `by` says what cleaned it: "speech", what was learnt of it, or "self", nothing but the sound.
    """

    name: str
    level: float
    missing: float = 0.0
    by: str = ""


def denoise(
    source: Any,
    out: str | PathLike[str] | None = None,
    *,
    model: str | PathLike[str] | Denoiser | SpeechDenoiser | Diffusion | None = None,
    level: float | None = None,
    noise: str = "gaussian",
    hidden: Any = None,
    columns: Sequence[str] | None = None,
    thorough: bool = False,
    verbose: bool = False,
) -> Any:
    """Take noise out of a picture, a sound, or numbers in order, and fill what is missing.

    Pictures are cleaned by what was learnt of photographs, files of sound by what was learnt of speech. Other signals,
    sounds in which no speech is heard, and with `model="self"` anything are cleaned by nothing but themselves: every
    small part is rebuilt from those most like it (see docs/denoise.md).

    Parameters
    ----------
    source
        The path of a picture, a sound, a table, or a folder of pictures; a picture as an array (rows, columns[, 1 or
        3]); numbers in order, as an array (n,) or as numeric columns of a frame, where gaps (NaN) are filled.
    out
        Where to write; a folder, where `source` is one. Without it the result is given back.
    model
        A `Denoiser`, of sounds a `SpeechDenoiser`, or its file, or "self"; by default those for photographs and for
        speech that come with isthmus. A `Diffusion` makes what is hidden anew.
    level
        Standard deviation of the noise, of pictures in 255ths of the range; estimated where not given. A sound of which
        it is given is cleaned by itself.
    noise
        Of pictures: "gaussian", "poisson" (stronger where it is brighter), "salt" (single pixels black or white).
    hidden
        Of pictures: an array (rows, columns), or the path of a picture, true or white where a pixel is missing.
    columns
        Of a table: the columns to clean; by default all of numbers.
    thorough
        Of pictures: whether to use both what was learnt and the picture itself, better and some twenty times slower.
    verbose
        Whether to show progress on stderr.

    Returns
    -------
    Without `out` the same kind of thing without its noise; with it a list of `Noise`, what was found in each.

    Examples
    --------
    >>> clean = np.sin(np.arange(2000) / 15)
    >>> noisy = clean + np.random.default_rng(0).normal(0, 0.3, 2000)
    >>> found = denoise(noisy)
    >>> bool(np.square(found - clean).mean() < 0.1 * np.square(noisy - clean).mean())
    True
    """
    if noise not in KINDS:
        raise UsageError(f"noise is {noise!r}; give {', '.join(KINDS)}")
    job = _Job(model, level, noise, hidden, columns, thorough, told(verbose, "denoise", "part"))
    if not isinstance(source, str | PathLike):
        result, found = job.of_value(source)
        return result if out is None else _saved(result, Path(fspath(out)), found)
    path = Path(fspath(source))
    if path.is_dir():
        if out is None:
            raise UsageError(f"'{path}' is a folder: name one to write to")
        return job.of_folder(path, Path(fspath(out)))
    result, found = job.of_file(path)
    return result if out is None else _saved(result, Path(fspath(out)), found)


def on_sound(sound: Signal, model: SpeechDenoiser | str | None = None) -> tuple[Signal, list[Noise]]:
    """Take noise out of a sound that is in memory, as `denoise` does of a file; gives the noise of each channel.

    Examples
    --------
    >>> tone = np.sin(np.arange(3000, dtype=np.float32) / 9)[:, None]
    >>> cleaned, found = on_sound(Signal(tone, 1000))
    >>> cleaned.samples.shape, found[0].by
    ((3000, 1), 'self')
    """
    job = _Job(model, None, KINDS[0], None, None, False, told(False, "denoise", "part"))
    return job.of_sound(sound, "the sound")


class _Job:
    """What was asked for, and how each kind of source is cleaned."""

    def __init__(
        self,
        model: Any,
        level: float | None,
        noise: str,
        hidden: Any,
        columns: Sequence[str] | None,
        thorough: bool,
        lines: Progress,
    ) -> None:
        self.model, self.level, self.noise, self.columns, self.lines = model, level, noise, columns, lines
        self.thorough = thorough
        self.hidden = _marks(hidden)
        if level is not None and not 0 <= level < float("inf"):
            raise UsageError(f"level is {level!r}; give the noise's standard deviation, 0 or more")

    def maker(self) -> Denoiser | Diffusion | None:
        """Give what was learnt: None where nothing but the data itself is to be used."""
        if self.model is None:
            return photos()
        if self.model == SELF:
            return None
        found = self.loaded()
        if not isinstance(found, Denoiser | Diffusion):
            name = "the model" if found is self.model else f"'{fspath(self.model)}'"
            raise FileError(f"{name} is no denoiser of pictures: `isthmus fit FOLDER --corrupt gaussian` makes one")
        return found

    def loaded(self) -> Any:
        """Give the model that was named, read where it is a file."""
        return load(self.model) if isinstance(self.model, str | PathLike) else self.model

    def of_file(self, path: Path) -> tuple[Any, list[Noise]]:
        """Clean a file."""
        kind = kind_of(path)
        if kind == PICTURE:
            return self.of_picture(open_picture(path), path.name)
        if kind == SOUND:
            return self.of_sound(open_signal(path), path.name)
        return self.of_table(open_table(path))

    def of_sound(self, sound: Signal, name: str) -> tuple[Signal, list[Noise]]:
        """Clean a sound by what was learnt of speech, or, where that is asked for or nobody speaks, by itself."""
        model = SELF if self.level is not None and self.model is None else self.model
        if model is None and sound.rate < LEAST_RATE:
            model = SELF
        if model != SELF and self.hidden is None and self.noise == "gaussian":
            learnt = speech() if model is None else self.loaded()
            if not isinstance(learnt, SpeechDenoiser):
                raise UsageError(
                    f"'{name}' is a sound, which no {type(learnt).__name__} cleans: name no model, or self"
                )
            with _Told(self.lines) as tell:
                voice = learnt.denoise(sound.samples, sound.rate, tell)
            if model is not None or is_speech(sound.samples, voice):
                noises = (sound.samples - voice).std(0)
                found = [Noise(name, float(level), by="speech") for level in noises]
                return replace(sound, samples=voice), found
        samples, found = self.of_signals(sound.samples.T, [name] * sound.samples.shape[1])
        cleaned = np.ascontiguousarray(samples.T, np.float32)
        return replace(sound, samples=cleaned), [replace(each, by=SELF) for each in found]

    def of_value(self, source: Any) -> tuple[Any, list[Noise]]:
        """Clean an array or a frame."""
        if isinstance(source, np.ndarray | list):
            array = np.asarray(source)
            if array.ndim == 1:
                if array.dtype.kind not in "fiu":
                    raise DataError(f"an array of {array.dtype} holds no numbers in order")
                samples, found = self.of_signals(array[None].astype(np.float64), ["the array"])
                return samples[0], found
            return self.of_picture(array, "the picture")
        return self.of_table(open_table(source))

    def of_picture(self, pixels: npt.NDArray[Any], name: str) -> tuple[npt.NDArray[Any], list[Noise]]:
        """Clean a picture."""
        if isinstance(maker := self.maker(), Diffusion):
            return self.made(pixels, maker, name)
        with _Told(self.lines) as tell:
            result, found = on_array(
                pixels,
                maker,
                level=self.level,
                noise=self.noise,
                hidden=self.hidden,
                thorough=self.thorough,
                tell=tell,
            )
        return result, [Noise(name, found.level, found.hidden)]

    def made(self, pixels: npt.NDArray[Any], maker: Diffusion, name: str) -> tuple[npt.NDArray[Any], list[Noise]]:
        """Make what is missing of a picture anew."""
        if self.hidden is None:
            raise UsageError("hidden: a diffusion model makes what is missing; say what is, or name a denoiser")
        result = maker.inpaint(pixels[None], self.hidden)[0].reshape(pixels.shape)
        return np.asarray(result, pixels.dtype), [Noise(name, 0.0, float(self.hidden.mean()))]

    def of_table(self, table: Table) -> tuple[Any, list[Noise]]:
        """Clean the numeric columns of a table, and leave the others as they are."""
        arrow = table.columns
        names = self._chosen(arrow)
        samples = np.stack([to_floats(arrow.column(name)) for name in names])
        cleaned, found = self.of_signals(samples, names)
        for name, before, after in zip(names, samples, cleaned, strict=True):
            if not np.array_equal(before, after, equal_nan=True):
                arrow = arrow.set_column(arrow.column_names.index(name), name, pa.array(after))
        return table.give(arrow), found

    def _chosen(self, arrow: pa.Table) -> list[str]:
        if self.columns:
            for name in self.columns:
                if name not in arrow.column_names:
                    raise UsageError(f"columns {name!r}: no such column; there are {', '.join(arrow.column_names)}")
        names = [
            field.name
            for field in arrow.schema
            if (pa.types.is_floating(field.type) or pa.types.is_integer(field.type))
            and (not self.columns or field.name in self.columns)
        ]
        if not names:
            raise DataError("no column holds numbers in order, which is what can be smoothed")
        return names

    def of_signals(
        self, samples: npt.NDArray[np.floating[Any]], names: Sequence[str]
    ) -> tuple[npt.NDArray[np.float64], list[Noise]]:
        """Clean signals (channels, n), each by itself, and fill its gaps."""
        if self.model not in (None, SELF) or self.hidden is not None or self.noise != "gaussian":
            raise UsageError(
                "signals are cleaned by themselves: noise, hidden and models are for pictures, models for sounds too"
            )
        result, found = np.array(samples, np.float64), []
        with _Told(self.lines) as tell:
            for number, (signal, name) in enumerate(zip(samples, names, strict=True)):

                def said(share: float, done: int = number) -> None:
                    tell((done + share) / len(samples))

                result[number], noise = _smoothed(np.asarray(signal, np.float64), name, self.level, said)
                found.append(noise)
        return result, found

    def of_folder(self, folder: Path, out: Path) -> list[Noise]:
        """Clean all pictures of a folder into another of the same names."""
        paths = sorted(media_in(folder))
        if not paths:
            raise FileError(f"'{folder}' holds no pictures and no sounds")
        if out.exists() and (not out.is_dir() or out.samefile(folder)):
            raise UsageError(f"'{out}': name another folder to write to")
        found = []
        for path in paths:
            to = out / path.relative_to(folder)
            to.parent.mkdir(parents=True, exist_ok=True)
            result, noises = self.of_file(path)
            found += _saved(result, to, noises)
        return found


def _smoothed(
    signal: npt.NDArray[np.float64], name: str, level: float | None, tell: Callable[[float], None]
) -> tuple[npt.NDArray[np.float64], Noise]:
    """Clean numbers in order, with NaN where one is missing."""
    gaps = np.isnan(signal)
    known = signal[~gaps]
    if len(known) < _SHORT:
        raise DataError(f"'{name}' has {len(known)} numbers: {_SHORT} at least are needed to tell noise from signal")
    middle, scale = float(known.mean()), float(known.std()) or 1.0
    planes = torch.from_numpy((fill_gaps(signal, gaps) - middle) / scale).float()[None, :, None]
    hidden = torch.from_numpy(gaps)[:, None]
    sigma = noise_level(planes, hidden) if level is None else level / scale
    search = alone.signal_search(len(signal))
    found = alone.denoise_alone(planes, sigma, search, None, tell)[0, :, 0].double().numpy() * scale + middle
    return found if sigma > 0 else np.where(gaps, found, signal), Noise(name, sigma * scale, float(gaps.mean()))


def _marks(hidden: Any) -> npt.NDArray[np.bool_] | None:
    """Read what is missing of a picture."""
    if isinstance(hidden, str | PathLike):
        return np.asarray(open_picture(hidden).mean(2) >= 128, np.bool_)
    return None if hidden is None else np.asarray(hidden, np.bool_)


def _saved(result: Any, path: Path, found: list[Noise]) -> list[Noise]:
    """Write what was cleaned as the ending says."""
    if isinstance(result, Signal):
        write_signal(path, result)
    elif isinstance(result, np.ndarray) and result.dtype == np.uint8 and result.ndim > 1:
        save_picture(path, result if result.ndim == 3 else result[..., None])
    else:
        write_table(result[:, None] if isinstance(result, np.ndarray) and result.ndim == 1 else result, path)
    return found


class _Told:
    """Progress in hundredths, from shares; how long it takes is known once the first is done."""

    def __init__(self, lines: Progress) -> None:
        self.lines, self.entered, self.began = lines, time.monotonic(), False

    def __enter__(self) -> Callable[[float], None]:
        return self.tell

    def tell(self, share: float) -> None:
        """Say that a share is done."""
        if share > 0:
            if not self.began:
                self.lines.start(100, (time.monotonic() - self.entered) / share, 0)
                self.began = True
            self.lines.step(round(100 * share))

    def __exit__(self, *_: object) -> None:
        if self.began:
            self.lines.stop()
