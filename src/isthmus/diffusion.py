"""Pictures made out of noise: an estimator that learns to denoise at every level, and denoises again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
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
from isthmus.nets.grids import BLOCK, GridAutoencoder
from isthmus.nets.unet import UNet
from isthmus.settings import check_training, parse_duration
from isthmus.tasks.diffuse import diffuse
from isthmus.tasks.fit import pick_device
from isthmus.tasks.grid import forget_grid, from_codes, hidden_places, learn_grid, to_codes
from isthmus.tasks.pictures import Training, as_bytes, check_size, kinds_of, labels_of, train_on
from isthmus.training.logs import told
from isthmus.training.plan import History

Bytes = npt.NDArray[np.uint8]

LARGEST, WHOLE = 256, 64
"""Rows and columns of the largest pictures that are made, and of the largest that are made pixel by pixel."""
PLANES, MOST = 4, 64
"""Of the code through which larger ones are made, where none are asked for, and the most that can be."""
SHARE = 0.35
"""Of a budget, and of as many steps again, that learning the code takes."""
TOLD = 64
SAMPLERS = ("heun", "ddim")
TOGETHER = 64
"""Pictures that are made at once."""


class Diffusion(BaseEstimator):  # type: ignore[misc]
    """A denoiser of pictures for all levels of noise, which makes new ones by denoising again and again.

    Pictures of more than 64 x 64 pixels go through a code, an eighth as high and as wide: it is learnt first, noise
    turns into codes, and codes are decoded (Rombach et al. 2022, "High-resolution image synthesis with latent
    diffusion models").

    Parameters
    ----------
    code
        Planes of such a code; given, it is used whatever the size of pictures. By default 4, where pictures are large.
    widths, depths
        Channels and residual blocks at each size of the U-Net; what makes codes starts with half as many channels.
    steps, budget
        Batches of 128 pictures to learn from, or time to take in all ("90s", "20min", seconds).
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
    grid: GridAutoencoder | None

    def __init__(
        self,
        code: int | None = None,
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
        self.code = code
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
        """Learn from pictures of one size, of at most 256 x 256 pixels.

        Parameters
        ----------
        X
            A folder, whose folders say what their pictures show; an array (pictures, rows, columns[, 1 or 3]) of bytes
            or of numbers between 0 and 1, or the path of one (.npy, .npz); or a list of pictures.
        y
            What each shows, in their order.
        """
        check_training(self)
        if self.code is not None and not (isinstance(self.code, int) and 1 <= self.code <= MOST):
            raise UsageError(f"code is {self.code!r}; give 1 to {MOST} planes")
        pictures = open_pictures(X, y)
        n, channels, rows, columns = pictures.planes.shape
        check_size(pictures.planes, LARGEST)
        self.labels_ = labels_of(pictures.labels)
        kinds = [self.labels_.index(label) for label in pictures.labels] if pictures.labels else [0] * n
        training = Training(
            steps=int(self.steps),
            learning_rate=self.learning_rate,
            patience=30,
            seed=self.seed,
            budget=parse_duration(self.budget),
            progress=told(self.verbose),
            checkpoint=None if self.checkpoint is None else Path(self.checkpoint),
            resume=self.resume,
        )
        grid, planes, taken = None, pictures.planes, {"seconds": 0.0}
        device = pick_device(self.device)
        if self.code is not None or max(rows, columns) > WHOLE:
            share = replace(
                training,
                steps=max(1, round(SHARE * training.steps)),
                budget=training.budget and SHARE * training.budget,
            )
            grid, taken = learn_grid(planes, self.code or PLANES, max(1, self.widths[0] // 2), share, device)
            planes = to_codes(grid, planes)
        torch.manual_seed(self.seed)
        shown = planes.shape[1]
        unet = UNet(shown, shown, widths=tuple(self.widths), depths=tuple(self.depths), told=TOLD)
        net = DiffusionNet(shown, len(self.labels_), unet).to(device)
        identity = {"labels": self.labels_, "net": unet.settings, "code": None if grid is None else grid.config()}
        left = training.budget and max(1.0, training.budget - taken["seconds"])
        history, _ = train_on(net, planes, np.array(kinds, np.uint8), replace(training, budget=left, identity=identity))
        forget_grid(training)
        facts = {"pictures": n, "channels": channels, "size": [rows, columns], "labels": self.labels_}
        facts |= {"steps": history.steps, "seconds": taken["seconds"] + history.seconds, "seed": self.seed}
        facts |= {} if grid is None else {"code": {"planes": grid.planes, **taken}}
        self._learnt(net, grid, facts, history)
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
        return np.stack([self._pixels(frame) for frame in frames])

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
        if pictures.shape[1:] != (self.facts_["channels"], rows, columns) or marks.shape != (rows, columns):
            raise DataError(f"pictures and what is hidden must be of {columns} x {rows} pixels, as those learnt from")
        planes, places = (
            (pictures, marks) if self.grid is None else (to_codes(self.grid, pictures), hidden_places(marks))
        )
        known = torch.from_numpy(planes).float() / 127.5 - 1
        mask = torch.from_numpy(places).expand(len(pictures), 1, *places.shape)
        made = self._made(len(pictures), given, steps, "heun", 1.0, 0.0, seed, None, known, mask)
        shown = pictures.transpose(0, 2, 3, 1)
        return np.where(marks[..., None], made.reshape(shown.shape), shown).reshape(made.shape)

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
                    self.shape(),
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
        return self._pixels(torch.cat(made))

    def inspect(self) -> dict[str, Any]:
        """Give the facts: sizes, what it was learnt from, and the training curve."""
        net = self._fitted()
        weights = sum(weight.numel() for weight in net.parameters())
        if self.grid is not None:
            weights += sum(weight.numel() for weight in self.grid.parameters())
        told = {"net": net.net.settings, "weights": weights, **self.facts_}
        return told | {"history": self.history_.checks, "notes": self.history_.notes}

    def save(self, path: str | PathLike[str]) -> None:
        """Write to one safetensors file, from which `isthmus.load` makes the same again."""
        net = self._fitted()
        facts = {"net": net.net.settings, "fitted": self.facts_, "history": asdict(self.history_)}
        tensors = dict(net.state_dict())
        if self.grid is not None:
            facts["grid"] = self.grid.config()
            tensors |= {f"grid.{name}": tensor for name, tensor in self.grid.state_dict().items()}
        store.write(path, self.kind, facts, tensors)

    @classmethod
    def from_file(cls, facts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> Self:
        """Make one from what a file holds."""
        fitted, grid = dict(facts["fitted"]), None
        own = {name: tensor for name, tensor in tensors.items() if not name.startswith("grid.")}
        if facts.get("grid") is not None:
            store.check_depth(facts["grid"]["depth"], tensors)
            grid = GridAutoencoder(**facts["grid"])
            grid.load_state_dict({name[5:]: tensor for name, tensor in tensors.items() if name not in own})
            grid.to(device)
        store.check_depth(sum(facts["net"]["depths"]), own)
        unet = UNet.from_settings(facts["net"])
        net = DiffusionNet(facts["net"]["outputs"], len(fitted["labels"]), unet)
        net.load_state_dict(own)
        widths, depths = (tuple(facts["net"][name]) for name in ("widths", "depths"))
        self = cls(None if grid is None else grid.planes, seed=int(fitted["seed"]), widths=widths, depths=depths)
        self._learnt(net.to(device), grid, fitted, History(**facts["history"]))
        return self

    def _learnt(self, net: DiffusionNet, grid: GridAutoencoder | None, facts: dict[str, Any], history: History) -> None:
        self.net, self.facts_, self.history_ = net.requires_grad_(False).eval(), facts, history
        self.grid = None if grid is None else grid.requires_grad_(False).eval()
        self.labels_ = list(facts["labels"])

    def shape(self) -> tuple[int, int]:
        """Rows and columns of what noise is turned into: of pictures, or of their codes."""
        rows, columns = self.facts_["size"]
        return (rows, columns) if self.grid is None else (-(-rows // BLOCK), -(-columns // BLOCK))

    def _pixels(self, planes: Tensor) -> Bytes:
        """Turn what noise was turned into, between -1 and 1, into pictures."""
        if self.grid is None:
            return as_bytes((planes + 1) / 2)
        return as_bytes(from_codes(self.grid, planes, tuple(self.facts_["size"])))

    def _fitted(self) -> DiffusionNet:
        if not hasattr(self, "net"):
            raise NotFittedError("this Diffusion is not fitted yet: call fit first")
        return self.net
