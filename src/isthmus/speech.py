"""Noise out of recordings of speech: an estimator of its own, and the model that comes with isthmus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from torch import Tensor

from isthmus import store
from isthmus.data.signals import open_signal
from isthmus.endings import SOUND, kind_of, media_in
from isthmus.errors import DataError, FileError, UsageError
from isthmus.nets.speech import SpeechNet
from isthmus.nets.unet import UNet
from isthmus.settings import check_training, parse_duration
from isthmus.tasks.denoise.speech import LEAST_RATE, RATE, Settings, Sound, denoise_speech, train_speech
from isthmus.tasks.fit import pick_device
from isthmus.training.logs import told
from isthmus.training.plan import History

HEARD = 0.05
"""A recording of which less of the power is a voice is not one of speech."""
_WEIGHTS = Path(__file__).parent / "weights"
_LEAST_SECONDS = 0.1


class SpeechDenoiser(BaseEstimator):  # type: ignore[misc]
    """A denoising autoencoder of speech, learnt from clean recordings and from noise; one for all rates and levels.

    Parameters
    ----------
    widths, depths
        Channels and residual blocks at each size of the U-Net.
    steps, budget
        Batches of eight clips of two seconds to learn from, or time to take ("90s", "2min", seconds).
    learning_rate
        The highest rate of the schedule.
    seed
        The same recordings, seed, threads and version give the same weights.
    device
        "auto", "cpu", "cuda" or "mps".
    checkpoint, resume
        A file to save the state of training in, and whether to go on from it.
    verbose
        Whether to show progress on stderr.

    Attributes
    ----------
    facts_
        What was learnt from: recordings, noises, seconds.

    Examples
    --------
    >>> time = np.arange(16000) / 8000
    >>> voices = [(np.sin(700 * i * time) * np.sin(9 * time) ** 2, 8000) for i in (1, 2, 3)]
    >>> denoiser = SpeechDenoiser(widths=(4, 8), depths=(1, 1), steps=5).fit(voices)
    >>> denoiser.denoise(voices[0][0], 8000).shape
    (16000,)
    """

    kind = "speech"
    net: SpeechNet

    def __init__(
        self,
        *,
        widths: Sequence[int] = (32, 48, 64, 80),
        depths: Sequence[int] = (1, 1, 1, 1),
        steps: int = 3000,
        budget: float | str | None = None,
        learning_rate: float = RATE,
        seed: int = 0,
        device: str = "auto",
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
        verbose: bool = False,
    ) -> None:
        self.widths = widths
        self.depths = depths
        self.steps = steps
        self.budget = budget
        self.learning_rate = learning_rate
        self.seed = seed
        self.device = device
        self.checkpoint = checkpoint
        self.resume = resume
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, *, noises: Any = None) -> Self:
        """Learn from clean speech; `y` is ignored.

        Parameters
        ----------
        X
            A folder of sounds, or pairs of samples (n[, channels]) and their rate; of 8,000 a second or more.
        noises
            The same of noise, which is mixed in; without it all noise is made: white, coloured, humming.

        Raises
        ------
        DataError, FileError, UsageError
            In one line: what is wrong with the recordings or the settings, where, and what to do.
        """
        check_training(self)
        if len(self.widths) != len(self.depths) or not self.widths or min(*self.widths, *self.depths) < 1:
            raise UsageError(
                f"widths {tuple(self.widths)} and depths {tuple(self.depths)}: give as many of each, above 0"
            )
        speech, noise = _sounds(X), [] if noises is None else _sounds(noises)
        settings = Settings(
            widths=tuple(self.widths),
            depths=tuple(self.depths),
            steps=int(self.steps),
            budget=parse_duration(self.budget),
            learning_rate=self.learning_rate,
            seed=self.seed,
            checkpoint=None if self.checkpoint is None else Path(self.checkpoint),
            resume=self.resume,
        )
        net, history = train_speech(speech, noise, settings, pick_device(self.device), told(self.verbose))
        facts = {"recordings": len(speech), "noises": len(noise), "steps": history.steps}
        self._learnt(net, facts | {"seconds": history.seconds, "seed": self.seed}, history)
        return self

    def denoise(
        self, X: npt.ArrayLike, rate: int, tell: Callable[[float], None] | None = None
    ) -> npt.NDArray[np.float32]:
        """Give the voice in samples, and leave the noise.

        Parameters
        ----------
        X
            (n,) or (n, channels), each channel by itself.
        rate
            Samples a second, from 4,000; what lies above 8 kHz follows what lies just below.
        tell
            Is called with the share that is done.
        """
        net, samples = self._fitted(), np.asarray(X)
        if samples.ndim not in (1, 2) or not samples.size or samples.dtype.kind not in "fiu":
            raise DataError(f"{samples.dtype} of shape {samples.shape} is no sound: (n,) or (n, channels) is expected")
        if not np.isfinite(samples).all():
            raise DataError("the samples hold NaN or infinity: fill gaps first, or leave such stretches out")
        if rate < LEAST_RATE:
            raise UsageError(f"rate is {rate!r}: speech needs {LEAST_RATE:,} samples a second or more")
        columns, made = samples.reshape(len(samples), -1).T, []
        for number, column in enumerate(columns):

            def said(share: float, done: int = number) -> None:
                if tell is not None:
                    tell((done + share) / len(columns))

            made.append(denoise_speech(column, rate, net, said))
        return np.stack(made, 1).reshape(samples.shape)

    def inspect(self) -> dict[str, Any]:
        """Give the facts: sizes, what it was learnt from, and the training curve."""
        net = self._fitted()
        return {
            "net": net.net.settings,
            "weights": sum(weight.numel() for weight in net.parameters()),
            **self.facts_,
            "history": self.history_.checks,
            "notes": self.history_.notes,
        }

    def save(self, path: str | PathLike[str], *, half: bool = False) -> None:
        """Write to one safetensors file, from which `isthmus.load` makes the same again; `half` in half precision."""
        net = self._fitted()
        facts = {"net": net.net.settings, "fitted": self.facts_, "history": asdict(self.history_)}
        tensors = {name: tensor.half() if half else tensor for name, tensor in net.state_dict().items()}
        store.write(path, self.kind, facts, tensors)

    @classmethod
    def from_file(cls, facts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> Self:
        """Make one from what a file holds."""
        store.check_depth(sum(facts["net"]["depths"]), tensors)
        net = SpeechNet(UNet.from_settings(facts["net"]))
        net.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        kept = facts["net"]
        self = cls(seed=int(facts["fitted"]["seed"]), widths=tuple(kept["widths"]), depths=tuple(kept["depths"]))
        history = History(**facts["history"])
        self._learnt(net.to(device).requires_grad_(False).eval(), dict(facts["fitted"]), history)
        return self

    def _learnt(self, net: SpeechNet, facts: dict[str, Any], history: History) -> None:
        self.net, self.facts_, self.history_ = net, facts, history

    def _fitted(self) -> SpeechNet:
        if not hasattr(self, "net"):
            raise NotFittedError("this SpeechDenoiser is not fitted yet: call fit first")
        return self.net


@cache
def speech() -> SpeechDenoiser:
    """Give the denoiser of speech that comes with isthmus."""
    found = store.load(_WEIGHTS / "denoiser-speech.safetensors")
    if not isinstance(found, SpeechDenoiser):
        raise DataError("the denoiser that comes with isthmus is damaged: install isthmus again")
    return found


def is_speech(before: npt.NDArray[Any], voice: npt.NDArray[Any]) -> bool:
    """Tell whether a voice was heard, by how much of the power it has.

    >>> is_speech(np.ones(9), np.full(9, 0.1)), is_speech(np.ones(9), np.full(9, 0.5))
    (False, True)
    """
    return float(np.square(voice, dtype=np.float64).sum()) >= HEARD * float(np.square(before, dtype=np.float64).sum())


def _sounds(source: Any) -> list[Sound]:
    """Read a folder of sounds, or pairs of samples and rate, as single channels."""
    if isinstance(source, str | PathLike):
        folder = Path(fspath(source))
        if not folder.is_dir():
            raise FileError(f"there is no folder '{folder}'")
        paths = [path for path in sorted(media_in(folder)) if kind_of(path) == SOUND]
        if not paths:
            raise FileError(f"'{folder}' holds no sounds")
        found = [(str(path), open_signal(path)) for path in paths]
        given: list[tuple[str, Any, int]] = [(name, sound.samples, sound.rate) for name, sound in found]
    else:
        given = [(f"sound {number}", *pair) for number, pair in enumerate(source)]
    if not given:
        raise DataError("there are no sounds to learn from")
    sounds: list[Sound] = []
    for name, samples, rate in given:
        mono = np.asarray(samples, np.float32).reshape(len(samples), -1).mean(1)
        if rate < 8000 or len(mono) < _LEAST_SECONDS * rate or not np.isfinite(mono).all():
            raise DataError(f"'{name}': {len(mono):,} samples at {rate:,} a second; 0.1 s at 8,000 or more is needed")
        sounds.append((mono, int(rate)))
    return sounds
