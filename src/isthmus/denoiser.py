"""A denoiser of pictures: an estimator of its own, for data in which neighbours matter and not columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from torch import Tensor

from isthmus import store
from isthmus.data.gallery import open_gallery
from isthmus.errors import DataError, UsageError
from isthmus.nets.denoisers import DenoisingNet
from isthmus.nets.noises import noises_from, parse_noise
from isthmus.nets.unet import UNet
from isthmus.settings import check_training, parse_duration
from isthmus.tasks.denoise.fit import RATE, Settings, train_denoiser
from isthmus.tasks.denoise.pictures import Found, denoise_picture
from isthmus.tasks.fit import pick_device
from isthmus.training.logs import told
from isthmus.training.plan import History

NOISE = "gaussian:0-75"
_WEIGHTS = Path(__file__).parent / "weights"


class Denoiser(BaseEstimator):  # type: ignore[misc]
    """A denoising autoencoder of pictures, learnt from clean ones; one for all levels of noise.

    Parameters
    ----------
    noise
        What is put on clean pictures to learn to take it away: "gaussian:0-75" (levels in 255ths of the range),
        "poisson:60" (up to that level where it is brightest), or both joined by +; the first is drawn most often.
    start
        "photos", to go on from what comes with isthmus where the kind of picture is the same, or None, to start anew.
    widths, depths
        Channels and residual blocks at each size of the U-Net, where nothing is gone on from.
    steps, budget
        Batches of 65,536 pixels to learn from, or time to take ("90s", "2min", seconds).
    learning_rate
        The highest rate of the schedule, in runs of up to 4,000 steps; longer ones take lower ones.
    seed
        The same pictures, seed, threads and version give the same weights.
    device
        "auto", "cpu", "cuda" or "mps".
    checkpoint, resume
        A file to save the state of training in, and whether to go on from it.
    verbose
        Whether to show progress on stderr.

    Attributes
    ----------
    facts_
        What was learnt from: pictures, channels, seconds, the error on held-out pictures.

    Examples
    --------
    >>> rows, columns = np.mgrid[:32, :32]
    >>> waves = np.uint8([128 + 100 * np.sin((rows * i + columns * 5) / 25) for i in range(8)])
    >>> denoiser = Denoiser(start=None, widths=(8, 8), depths=(1, 1), steps=20).fit(waves)
    >>> denoiser.denoise(waves[0]).shape
    (32, 32)
    """

    kind = "denoiser"
    net: DenoisingNet

    def __init__(
        self,
        noise: str = NOISE,
        *,
        start: str | None = "photos",
        widths: Sequence[int] = (64, 96, 112),
        depths: Sequence[int] = (2, 1, 2),
        steps: int = 3000,
        budget: float | str | None = None,
        learning_rate: float = RATE,
        seed: int = 0,
        device: str = "auto",
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
        verbose: bool = False,
    ) -> None:
        self.noise = noise
        self.start = start
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

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from clean pictures; `y` is ignored.

        Parameters
        ----------
        X
            A folder of pictures, an array (pictures, rows, columns[, 1 or 3]) of bytes or of numbers between 0 and 1,
            or the path of one (.npy, .npz), or a list of pictures.

        Raises
        ------
        DataError, UsageError
            In one line: what is wrong with the pictures or the settings, where, and what to do.
        """
        settings = self._settings()
        gallery = open_gallery(X)
        shipped = photos() if self.start == "photos" and gallery.channels == 1 else None
        if shipped is not None:
            kept = shipped.net.net.settings
            settings = replace(settings, widths=kept["widths"], depths=kept["depths"], start=shipped.net)
        net, history = train_denoiser(
            gallery.squares,
            gallery.picture,
            settings,
            pick_device(self.device),
            told(self.verbose),
        )
        facts = {
            "pictures": len(gallery.names),
            "channels": gallery.channels,
            "steps": history.steps,
            "seconds": history.seconds,
            "seed": self.seed,
            "start": self.start if shipped is not None else None,
        }
        self._learnt(net, facts, history)
        return self

    def denoise(
        self,
        X: npt.ArrayLike,
        *,
        level: float | None = None,
        noise: str = "gaussian",
        hidden: npt.ArrayLike | None = None,
        thorough: bool = False,
    ) -> npt.NDArray[Any]:
        """Take the noise off one picture; see `isthmus.denoise`, which also takes files.

        Parameters
        ----------
        X
            (rows, columns) or (rows, columns, 1 or 3): bytes, 16-bit numbers, or numbers between 0 and 1.
        level
            Standard deviation of the noise in 255ths of the range; estimated where not given.
        noise
            "gaussian", alike everywhere, "poisson", stronger where it is brighter, or "salt", single pixels spoilt.
        hidden
            (rows, columns), true where a pixel is missing and is to be filled.
        thorough
            Whether to look for parts like each other in the picture too: better, and some twenty times slower.
        """
        self._fitted()
        return on_array(X, self, level=level, noise=noise, hidden=hidden, thorough=thorough)[0]

    def transform(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Take the noise off pictures (pictures, rows, columns[, 1 or 3]), each of a level of its own."""
        return np.stack([self.denoise(picture) for picture in np.asarray(X)])

    def inspect(self) -> dict[str, Any]:
        """Give the facts: sizes, what it was learnt from, and the training curve."""
        net = self._fitted()
        weights = sum(weight.numel() for weight in net.parameters())
        return {
            "noises": [noise.to_dict() for noise in net.noises],
            "net": net.net.settings,
            "weights": weights,
            **self.facts_,
            "history": self.history_.checks,
            "notes": self.history_.notes,
        }

    def save(self, path: str | PathLike[str], *, half: bool = False) -> None:
        """Write to one safetensors file, from which `isthmus.load` makes the same again; `half` in half precision."""
        net = self._fitted()
        facts = {
            "channels": net.channels,
            "noises": [noise.to_dict() for noise in net.noises],
            "net": net.net.settings,
            "side": list(net.side),
            "fitted": self.facts_,
            "history": asdict(self.history_),
        }
        tensors = {name: tensor.half() if half else tensor for name, tensor in net.state_dict().items()}
        store.write(path, self.kind, facts, tensors)

    @classmethod
    def from_file(cls, facts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> Self:
        """Make one from what a file holds."""
        store.check_depth(sum(facts["net"]["depths"]), tensors)
        net = DenoisingNet(
            facts["channels"], noises_from(facts["noises"]), UNet.from_settings(facts["net"]), tuple(facts["side"])
        )
        net.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
        self = cls(
            seed=int(facts["fitted"]["seed"]),
            widths=tuple(facts["net"]["widths"]),
            depths=tuple(facts["net"]["depths"]),
        )
        self._learnt(
            net.to(device).requires_grad_(False).eval(),
            dict(facts["fitted"]),
            History(**facts["history"]),
        )
        return self

    def _settings(self) -> Settings:
        """Read the settings; `UsageError` names the first that cannot be."""
        if self.start not in (None, "photos"):
            raise UsageError(f"start is {self.start!r}; give 'photos' or None")
        check_training(self)
        if len(self.widths) != len(self.depths) or not self.widths or min(*self.widths, *self.depths) < 1:
            raise UsageError(
                f"widths {tuple(self.widths)} and depths {tuple(self.depths)}: give as many of each, above 0"
            )
        return Settings(
            noises=parse_noise(self.noise),
            widths=tuple(self.widths),
            depths=tuple(self.depths),
            steps=int(self.steps),
            budget=parse_duration(self.budget),
            learning_rate=self.learning_rate,
            seed=self.seed,
            checkpoint=None if self.checkpoint is None else Path(self.checkpoint),
            resume=self.resume,
        )

    def _learnt(self, net: DenoisingNet, facts: dict[str, Any], history: History) -> None:
        self.net, self.facts_, self.history_ = net, facts, history

    def _fitted(self) -> DenoisingNet:
        if not hasattr(self, "net"):
            raise NotFittedError("this Denoiser is not fitted yet: call fit first")
        return self.net


@cache
def photos() -> Denoiser:
    """Give the denoiser of photographs that comes with isthmus; it was learnt from grey ones."""
    found = store.load(_WEIGHTS / "denoiser-photos.safetensors")
    if not isinstance(found, Denoiser):
        raise DataError("the denoiser that comes with isthmus is damaged: install isthmus again")
    return found


def on_array(
    X: npt.ArrayLike,
    denoiser: Denoiser | None,
    *,
    level: float | None = None,
    noise: str = "gaussian",
    hidden: npt.ArrayLike | None = None,
    thorough: bool = False,
    tell: Callable[[float], None] | None = None,
) -> tuple[npt.NDArray[Any], Found]:
    """Take the noise off an array that is a picture; give an array like it, and what was found.

    >>> on_array(np.full((16, 16), 7, np.uint8), None)[0].dtype
    dtype('uint8')
    """
    picture = np.asarray(X)
    pixels = picture[..., None] if picture.ndim == 2 else picture
    if pixels.ndim != 3 or pixels.shape[2] not in {1, 3} or not pixels.size:
        raise DataError(f"an array of shape {picture.shape} is no picture: (rows, columns[, 1 or 3]) is expected")
    most = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}.get(picture.dtype, 1.0)
    if most == 1.0 and (picture.dtype.kind != "f" or not np.isfinite(picture).all()):
        raise DataError(f"{picture.dtype} is no kind of pixel: bytes, 16-bit numbers, or finite numbers near 0 to 1")
    if level is not None and not 0 <= level <= 255:
        raise UsageError(f"level is {level:g}; give the noise's standard deviation, from 0 to 255 where white is 255")
    marks = None if hidden is None else np.asarray(hidden, np.bool_)
    if marks is not None and marks.shape != pixels.shape[:2]:
        raise DataError(f"hidden of shape {marks.shape} marks no pixels of a picture of shape {pixels.shape[:2]}")
    net = None if denoiser is None else denoiser.net
    if net is not None and net.channels > pixels.shape[2]:
        raise DataError(f"this denoiser is of {net.channels} planes, and the picture has {pixels.shape[2]}: convert it")
    found = denoise_picture(
        np.asarray(pixels / most, np.float32), net, level=level, noise=noise, hidden=marks, thorough=thorough, tell=tell
    )
    values = found.pixels if most == 1.0 else (found.pixels.clip(0, 1) * most).round()
    return values.astype(picture.dtype).reshape(picture.shape), found
