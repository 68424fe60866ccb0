"""Pictures made out of noise: an estimator that learns to denoise at every level, and denoises again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
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
from isthmus.data.gallery import open_pictures
from isthmus.errors import DataError, UsageError
from isthmus.nets.diffusion import DiffusionNet
from isthmus.nets.unet import UNet
from isthmus.settings import check_training, parse_duration
from isthmus.tasks.diffuse import diffuse
from isthmus.tasks.fit import pick_device
from isthmus.tasks.pictures import as_bytes, check_size, kinds_of, labels_of, train_on
from isthmus.training.logs import told
from isthmus.training.plan import History

Bytes = npt.NDArray[np.uint8]

LARGEST = 64
"""Rows and columns of the largest pictures that are made."""
TOLD = 64
SAMPLERS = ("heun", "ddim")
TOGETHER = 64
"""Pictures that are made at once."""


class Diffusion(BaseEstimator):  # type: ignore[misc]
    """A denoiser of small pictures for all levels of noise, which makes new ones by denoising again and again.

    Parameters
    ----------
    widths, depths
        Channels and residual blocks at each size of the U-Net.
    steps, budget
        Batches of 128 pictures to learn from, or time to take ("90s", "20min", seconds).
    learning_rate
        The highest rate of the schedule.
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
    labels_
        What pictures can be asked to show; none where that was not told.

    Examples
    --------
    >>> rows, columns = np.mgrid[:16, :16]
    >>> stripes = np.stack([rows % 4 < 2, columns % 4 < 2] * 40).astype(np.uint8) * 255
    >>> model = Diffusion(widths=(16, 16), depths=(1, 1), steps=30).fit(stripes, ["across", "down"] * 40)
    >>> model.sample(3, given="down", steps=4).shape
    (3, 16, 16)
    """

    kind = "diffusion"
    net: DiffusionNet

    def __init__(
        self,
        *,
        widths: Sequence[int] = (64, 96, 128),
        depths: Sequence[int] = (1, 1, 2),
        steps: int = 6000,
        budget: float | str | None = None,
        learning_rate: float = 1e-3,
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

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from pictures of one size, of at most 64 x 64 pixels.

        Parameters
        ----------
        X
            A folder, whose folders say what their pictures show; an array (pictures, rows, columns[, 1 or 3]) of bytes
            or of numbers between 0 and 1, or the path of one (.npy, .npz); or a list of pictures.
        y
            What each shows, in their order.
        """
        check_training(self)
        pictures = open_pictures(X, y)
        n, channels, rows, columns = pictures.planes.shape
        check_size(pictures.planes, LARGEST)
        self.labels_ = labels_of(pictures.labels)
        torch.manual_seed(self.seed)
        unet = UNet(channels, channels, widths=tuple(self.widths), depths=tuple(self.depths), told=TOLD)
        net = DiffusionNet(channels, len(self.labels_), unet).to(pick_device(self.device))
        kinds = [self.labels_.index(label) for label in pictures.labels] if pictures.labels else [0] * n
        history, _ = train_on(
            net,
            pictures.planes,
            np.array(kinds, np.uint8),
            steps=int(self.steps),
            learning_rate=self.learning_rate,
            patience=30,
            seed=self.seed,
            budget=parse_duration(self.budget),
            progress=told(self.verbose),
            checkpoint=None if self.checkpoint is None else Path(self.checkpoint),
            resume=self.resume,
            identity={"labels": self.labels_, "net": unet.settings},
        )
        facts = {"pictures": n, "channels": channels, "size": [rows, columns], "labels": self.labels_}
        self._learnt(net, facts | {"steps": history.steps, "seconds": history.seconds, "seed": self.seed}, history)
        return self

    def sample(
        self,
        n: int,
        given: str | int | Sequence[str | int] | None = None,
        *,
        steps: int = 18,
        sampler: str = "heun",
        guidance: float = 1.0,
        churn: float = 0.0,
        seed: int = 0,
    ) -> Bytes:
        """Make pictures (n, rows, columns) or (n, rows, columns, 3) of bytes out of noise.

        Parameters
        ----------
        n
            How many.
        given
            What they are to show, or what each is to show.
        steps
            Levels of noise that are gone through; more are slower and, up to some 50, better.
        sampler
            "heun", of second order, or "ddim", of first.
        guidance
            More than 1 makes them plainer examples of their kind, and more alike; 1 draws them as they are.
        churn
            Noise added again at each step, as a share of the level; at 0 only the first noise is left to chance.
        seed
            The same seed, the same pictures.
        """
        return self._made(n, given, steps, sampler, guidance, churn, seed)

    def watch(self, n: int, given: str | int | None = None, *, steps: int = 18, seed: int = 0) -> Bytes:
        """Make pictures and give what is there at every step, noise first (steps + 1, n, rows, columns[, 3])."""
        frames: list[Tensor] = []
        self._made(n, given, steps, "heun", 1.0, 0.0, seed, frames)
        return np.stack([_bytes(frame) for frame in frames])

    def inpaint(
        self,
        X: npt.ArrayLike,
        hidden: npt.ArrayLike,
        given: str | int | None = None,
        *,
        steps: int = 18,
        seed: int = 0,
    ) -> Bytes:
        """Make anew what is hidden (rows, columns) of pictures (n, rows, columns[, 3]), and keep the rest of them."""
        self._fitted()
        pictures = open_pictures(np.asarray(X)).planes
        rows, columns = self.facts_["size"]
        marks = np.asarray(hidden, np.bool_)
        if pictures.shape[1:] != (self.net.channels, rows, columns) or marks.shape != (rows, columns):
            raise DataError(f"pictures and what is hidden must be of {columns} x {rows} pixels, as those learnt from")
        known = torch.from_numpy(pictures).float() / 127.5 - 1
        mask = torch.from_numpy(marks).expand(len(pictures), 1, rows, columns)
        return self._made(len(pictures), given, steps, "heun", 1.0, 0.0, seed, None, known, mask)

    def _made(
        self,
        n: int,
        given: Any,
        steps: int,
        sampler: str,
        guidance: float,
        churn: float,
        seed: int,
        frames: list[Tensor] | None = None,
        known: Tensor | None = None,
        hidden: Tensor | None = None,
    ) -> Bytes:
        net = self._fitted()
        for name, value, least in (("n", n, 1), ("steps", steps, 2), ("guidance", guidance, 0), ("churn", churn, 0)):
            if not least <= value < float("inf"):
                raise UsageError(f"{name} is {value!r}; give {least} or more")
        if sampler not in SAMPLERS:
            raise UsageError(f"sampler is {sampler!r}; give {' or '.join(SAMPLERS)}")
        kinds, rng, made = kinds_of(given, n, self.labels_), torch.Generator().manual_seed(seed), []
        for start in range(0, n, TOGETHER):
            some = slice(start, min(start + TOGETHER, n))
            seen: list[Tensor] = []
            made.append(
                diffuse(
                    net,
                    some.stop - start,
                    tuple(self.facts_["size"]),
                    kind=None if kinds is None else kinds[some].to(net.frequencies.device),
                    steps=steps,
                    sampler=sampler,
                    guidance=guidance,
                    churn=churn,
                    known=None if known is None else known[some].to(net.frequencies.device),
                    hidden=None if hidden is None else hidden[some].to(net.frequencies.device),
                    rng=rng,
                    watch=None if frames is None else seen.append,
                )
            )
            if frames is not None:
                frames[:] = [torch.cat(pair) for pair in zip(frames, seen, strict=True)] if frames else seen
        return _bytes(torch.cat(made))

    def inspect(self) -> dict[str, Any]:
        """Give the facts: sizes, what it was learnt from, and the training curve."""
        net = self._fitted()
        weights = sum(weight.numel() for weight in net.parameters())
        told = {"net": net.net.settings, "weights": weights, **self.facts_}
        return told | {"history": self.history_.checks, "notes": self.history_.notes}

    def save(self, path: str | PathLike[str]) -> None:
        """Write to one safetensors file, from which `isthmus.load` makes the same again."""
        net = self._fitted()
        facts = {"net": net.net.settings, "fitted": self.facts_, "history": asdict(self.history_)}
        store.write(path, self.kind, facts, net.state_dict())

    @classmethod
    def from_file(cls, facts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> Self:
        """Make one from what a file holds."""
        fitted = dict(facts["fitted"])
        net = DiffusionNet(fitted["channels"], len(fitted["labels"]), UNet.from_settings(facts["net"]))
        net.load_state_dict(tensors)
        self = cls(seed=int(fitted["seed"]), widths=tuple(facts["net"]["widths"]), depths=tuple(facts["net"]["depths"]))
        self._learnt(net.to(device), fitted, History(**facts["history"]))
        return self

    def _learnt(self, net: DiffusionNet, facts: dict[str, Any], history: History) -> None:
        self.net, self.facts_, self.history_ = net.requires_grad_(False).eval(), facts, history
        self.labels_ = list(facts["labels"])

    def _fitted(self) -> DiffusionNet:
        if not hasattr(self, "net"):
            raise NotFittedError("this Diffusion is not fitted yet: call fit first")
        return self.net


def _bytes(planes: Tensor) -> Bytes:
    """Turn planes between -1 and 1 into bytes."""
    return as_bytes((planes + 1) / 2)
