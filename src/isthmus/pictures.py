"""Pictures through a code: an estimator of its own, for data in which neighbours matter and not columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import NotFittedError
from torch import Tensor

from isthmus import store
from isthmus.data.gallery import open_pictures
from isthmus.errors import DataError, UsageError
from isthmus.mapping import Maps
from isthmus.nets.codes import CODES, Code, parse_code
from isthmus.nets.noises import noises_from, parse_noise
from isthmus.nets.pictures import PictureHourglass
from isthmus.settings import check_training, parse_duration
from isthmus.tasks.fit import pick_device
from isthmus.tasks.mixture import Mixture
from isthmus.tasks.pictures import Training, as_bytes, check_size, kinds_of, labels_of, train_on
from isthmus.training.logs import told
from isthmus.training.plan import History
from isthmus.training.seeds import generator

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

LARGEST = 128
"""Rows and columns of the largest pictures."""
NUMBERS = 32
"""Size of a code that is not given one."""
TOGETHER = 256
"""Pictures that go through at once."""
MAPPED = 5000
"""Codes of pictures learnt from that are kept, to lay out a map when one is asked for."""
REACH = 2.0
"""Standard deviations on either side that a manifold shows."""


class PictureAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """One autoencoder of small pictures of one size: codes, pictures from codes, new pictures, odd ones.

    Parameters
    ----------
    code
        What a picture becomes: a size, words such as "gaussian:16" (a variational autoencoder), or an `isthmus.Dense`,
        `Gaussian`, `Sparse`, `Quantized`; 32 numbers where no size is said.
    noise
        What is put on pictures before they are encoded, such as "gaussian:0-100": the code is then that of the clean
        one. None for nothing.
    condition
        Whether the decoder is told what a picture shows: the code need not say it, and it can be asked for.
    width, depth
        Channels of the first size, and residual blocks at each.
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
    >>> waves = np.uint8([128 + 100 * np.sin((rows + shift) / 3) for shift in range(60)])
    >>> model = PictureAutoencoder("gaussian:2", width=8, steps=20).fit(waves)
    >>> model.encode(waves).shape, model.sample(3).shape, model.manifold(4).shape
    ((60, 2), (3, 16, 16), (16, 16, 16))
    """

    kind = "pictures"
    net: PictureHourglass

    def __init__(
        self,
        code: int | str | Code | None = None,
        *,
        noise: str | None = None,
        condition: bool = False,
        width: int = 32,
        depth: int = 1,
        steps: int = 3000,
        budget: float | str | None = None,
        learning_rate: float = 2e-3,
        seed: int = 0,
        device: str = "auto",
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
        verbose: bool = False,
    ) -> None:
        self.code = code
        self.noise = noise
        self.condition = condition
        self.width = width
        self.depth = depth
        self.steps = steps
        self.budget = budget
        self.learning_rate = learning_rate
        self.seed = seed
        self.device = device
        self.checkpoint = checkpoint
        self.resume = resume
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from pictures of one size, of at most 128 x 128 pixels, or from sounds.

        Parameters
        ----------
        X
            A folder, whose folders say what their pictures show; an array (pictures, rows, columns[, 1 or 3]) of bytes
            or of numbers between 0 and 1, or the path of one (.npy, .npz); or a list of pictures. A folder of sounds
            becomes pictures of their pitches from beginning to end: see `isthmus.data.spectrograms`.
        y
            What each shows, in their order; looked at with `condition` only.
        """
        check_training(self, ("width", "depth", "steps", "learning_rate"))
        code = parse_code(self.code)
        code = code if code.size is not None else replace(code, size=NUMBERS)
        noises = () if self.noise is None else parse_noise(self.noise)
        pictures = open_pictures(X, y)
        n, channels, rows, columns = pictures.planes.shape
        check_size(pictures.planes, LARGEST)
        if self.condition and pictures.labels is None:
            raise DataError("condition: nothing says what the pictures show; give labels, or a folder for each")
        labels = labels_of(pictures.labels) if self.condition else []
        torch.manual_seed(self.seed)
        net = PictureHourglass(
            channels, (rows, columns), code, kinds=len(labels), noises=noises, width=self.width, depth=self.depth
        ).to(pick_device(self.device))
        kinds = [labels.index(label) for label in pictures.labels or ()] if labels else [0] * n
        training = Training(
            steps=int(self.steps),
            learning_rate=self.learning_rate,
            patience=10,
            seed=self.seed,
            budget=parse_duration(self.budget),
            progress=told(self.verbose),
            checkpoint=None if self.checkpoint is None else Path(self.checkpoint),
            resume=self.resume,
            identity={"labels": labels, "net": net.config()},
        )
        history, held = train_on(net, pictures.planes, np.array(kinds, np.uint8), training)
        facts = {"pictures": n, "labels": labels, "steps": history.steps, "seconds": history.seconds, "seed": self.seed}
        facts |= {"sounds": pictures.seconds} if pictures.seconds else {}
        self._learnt(net, facts, history)
        learnt_from = ~held if n > 1 else held
        self.facts_ |= self._survives(pictures.planes[held], pictures.planes[learnt_from])
        self.mixture_ = None
        codes = self.encode(pictures.planes[learnt_from].transpose(0, 2, 3, 1))
        drawn = np.random.default_rng(self.seed).permutation(len(codes))[:MAPPED]
        self.maps_ = Maps(codes[drawn], self.seed)
        if code.signed:
            own = np.array(kinds, np.int64)[learnt_from]
            self.mixture_ = Mixture.learn(codes, own, max(1, len(labels)), self.seed)
        return self

    def encode(self, X: Any) -> Floats:
        """Turn pictures into codes (pictures, size)."""
        net, planes = self._fitted(), self._opened(X)
        return _through(net.encode, planes, self._device())

    def decode(self, codes: npt.ArrayLike, given: str | int | Sequence[str | int] | None = None) -> Bytes:
        """Turn codes (n, size) into pictures (n, rows, columns[, 3]) of bytes; `given` is what they show."""
        net = self._fitted()
        read = torch.from_numpy(np.asarray(codes, np.float32))
        if read.ndim != 2 or read.shape[1] != net.code.size:
            raise DataError(f"codes of shape {tuple(read.shape)}: (n, {net.code.size}) are expected")
        kinds = kinds_of(given, len(read), self.labels_)
        parts = []
        with torch.no_grad():
            for start in range(0, len(read), TOGETHER):
                some = slice(start, start + TOGETHER)
                kind = None if kinds is None else kinds[some].to(self._device())
                parts.append(net.decode(net.code.decode(read[some].to(self._device())), kind).cpu())
        return as_bytes(torch.cat(parts))

    def reconstruct(self, X: Any, given: str | int | Sequence[str | int] | None = None) -> Bytes:
        """Send pictures through the code and back; what comes out is what the code keeps of them."""
        return self.decode(self.encode(X), given)

    def transform(self, X: Any) -> Floats:
        """Encode, under scikit-learn's name."""
        return self.encode(X)

    def inverse_transform(self, X: npt.ArrayLike) -> Bytes:
        """Decode, under scikit-learn's name."""
        return self.decode(X)

    def sample(
        self,
        n: int,
        given: str | int | Sequence[str | int] | None = None,
        *,
        prior: str | None = None,
        seed: int = 0,
    ) -> Bytes:
        """Make pictures up.

        Parameters
        ----------
        n
            How many.
        given
            What they are to show, or what each is to show, of a model fitted with `condition`.
        prior
            "learnt", where the codes of each kind lie, which is the default, or "normal", that of a variational code.
        seed
            The same seed, the same pictures.
        """
        net = self._fitted()
        if n < 1:
            raise UsageError(f"n is {n!r}; give 1 or more")
        kinds = kinds_of(given, n, self.labels_)
        if prior == "normal":
            codes = net.code.prior(n, generator(torch.device("cpu"), seed)).numpy()
        elif prior not in (None, "learnt"):
            raise UsageError(f"prior is {prior!r}; give 'learnt' or 'normal'")
        elif self.mixture_ is None:
            raise UsageError(f"code {net.code}: its numbers are not drawn; fit a dense, gaussian or quantized one")
        else:
            wanted = np.full(n, -1) if kinds is None else kinds.numpy()
            codes = self.mixture_.draw(wanted, np.random.default_rng(seed))
        return self.decode(codes, given)

    def interpolate(self, X: Any, rows: tuple[int, int] = (0, 1), steps: int = 8) -> Bytes:
        """Go from one picture of `X` to another through the code (steps + 2, rows, columns[, 3])."""
        planes = self._opened(X)
        for row in rows:
            if not 0 <= row < len(planes):
                raise UsageError(f"rows: there is no picture {row}; there are {len(planes):,}, counted from 0")
        if steps < 1:
            raise UsageError(f"steps is {steps!r}; give 1 or more")
        ends = _through(self._fitted().encode, planes[list(rows)], self._device())
        share = np.linspace(0, 1, steps + 2, dtype=np.float32)[:, None]
        return self.decode((1 - share) * ends[0] + share * ends[1])

    def manifold(self, across: int = 20, given: str | int | None = None) -> Bytes:
        """Decode an even grid (across * across, rows, columns[, 3]) of a code of two numbers, row by row.

        Of a variational code the grid is even in probability under its prior; of another it spans the codes of what was
        learnt from.
        """
        net = self._fitted()
        if net.code.size != 2:
            raise UsageError(f"a manifold is drawn of a code of 2 numbers; this one has {net.code.size}")
        if net.code.generative:
            line = torch.special.ndtri((torch.arange(across) + 0.5) / across).numpy()
            down, right = line, line
        else:
            middle, spread = np.array(self.facts_["code_mean"]), np.array(self.facts_["code_std"])
            down, right = (
                np.linspace(m - REACH * s, m + REACH * s, across) for m, s in zip(middle, spread, strict=True)
            )
        grid = np.stack(np.meshgrid(down, right, indexing="ij"), -1).reshape(-1, 2)
        return self.decode(grid, given)

    def map(self, X: Any, dim: int = 2) -> Floats:
        """Place pictures on a map (pictures, dim): those with similar codes lie close together.

        A code of `dim` numbers is its own map. Of a larger one, a map is laid out of codes of pictures learnt from when
        one is first asked for; all pictures land on that one, and it is saved with the model.
        """
        self._fitted()
        return self.maps_(self.encode(X), dim)

    def error_map(self, X: Any) -> Floats:
        """Tell how far each pixel (pictures, rows, columns) is from what the code says; 1 is usual for that pixel."""
        planes = self._opened(X)
        again = self.reconstruct(planes.transpose(0, 2, 3, 1))
        shape = planes.transpose(0, 2, 3, 1).shape
        error = np.square((planes.transpose(0, 2, 3, 1).astype(np.float32) - again.reshape(shape)) / 255).mean(3)
        usual = np.array(self.facts_["usual_error"], np.float32)
        return np.asarray(np.sqrt(error / usual), np.float32)

    def score_samples(self, X: Any) -> npt.NDArray[np.float64]:
        """Give minus `outliers`, under scikit-learn's name: higher is more usual."""
        return -self.outliers(X)

    def outliers(self, X: Any) -> npt.NDArray[np.float64]:
        """Score pictures (pictures,) by how odd they are: the mean of the squared `error_map`, some 1 if usual."""
        return np.asarray(np.square(self.error_map(X), dtype=np.float64).mean((1, 2)))

    def inspect(self) -> dict[str, Any]:
        """Give the facts: sizes, what it was learnt from, what the code keeps, and the training curve."""
        net = self._fitted()
        facts = {name: value for name, value in self.facts_.items() if name not in {"usual_error"}}
        weights = sum(weight.numel() for weight in net.parameters())
        told = {"code": net.code.to_dict(), "size": list(net.size), "channels": net.channels, "weights": weights}
        return told | facts | {"history": self.history_.checks, "notes": self.history_.notes}

    def save(self, path: str | PathLike[str]) -> None:
        """Write to one safetensors file, from which `isthmus.load` makes the same again."""
        net = self._fitted()
        facts = {"net": net.config(), "fitted": self.facts_, "history": asdict(self.history_)}
        mixture = {} if self.mixture_ is None else vars(self.mixture_)
        held = {f"mixture.{name}": torch.from_numpy(array) for name, array in mixture.items()}
        held |= {"codes": torch.from_numpy(self.maps_.codes)} | self.maps_.tensors()
        store.write(path, self.kind, facts, {f"net.{name}": each for name, each in net.state_dict().items()} | held)

    @classmethod
    def from_file(cls, facts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> Self:
        """Make one from what a file holds."""
        kept = dict(facts["net"])
        words = dict(kept.pop("code"))
        code = CODES[words.pop("name")](**words)
        rows, columns = kept.pop("size")
        noises = noises_from(kept.pop("noises"))
        store.check_depth(kept["depth"], tensors)
        net = PictureHourglass(kept.pop("channels"), (rows, columns), code, noises=noises, **kept)
        net.load_state_dict({name[4:]: tensor for name, tensor in tensors.items() if name.startswith("net.")})
        self = cls(code, seed=int(facts["fitted"]["seed"]), width=net.width, depth=net.depth, condition=net.kinds > 0)
        self._learnt(net.to(device), dict(facts["fitted"]), History(**facts["history"]))
        drawn = {name[8:]: each.cpu().numpy() for name, each in tensors.items() if name.startswith("mixture.")}
        self.mixture_ = Mixture(**drawn) if drawn else None
        self.maps_ = Maps.from_tensors(tensors["codes"].cpu().numpy(), tensors, self.seed)
        return self

    def _survives(self, held: Bytes, learnt: Bytes) -> dict[str, Any]:
        """Tell what the code keeps of pictures not learnt from, beside a guess of the mean; and what is usual."""
        codes = _through(self.net.encode, learnt[:2000], self._device())
        again = self._rebuilt(held)
        truth, mean = held.astype(np.float32) / 255, learnt.astype(np.float32).mean(0) / 255
        error, guess = np.square(again - truth), np.square(mean - truth)
        usual = error.mean((0, 1)) + 0.1 * error.mean() + 1e-6
        return {
            "explained": float(1 - error.mean() / max(float(guess.mean()), 1e-12)),
            "usual_error": usual.tolist(),
            "code_mean": codes.mean(0).tolist(),
            "code_std": codes.std(0).tolist(),
        }

    def _rebuilt(self, planes: Bytes) -> Floats:
        """Rebuild planes (n, channels, rows, columns) as numbers between 0 and 1, for whatever kind they may be."""
        return _through(lambda x: self.net.decode(self.net.code.decode(self.net.encode(x))), planes, self._device())

    def _learnt(self, net: PictureHourglass, facts: dict[str, Any], history: History) -> None:
        self.net, self.facts_, self.history_ = net.requires_grad_(False).eval(), facts, history
        self.labels_ = list(facts["labels"])
        self._n_features_out = int(net.code.size or 0)

    def _fitted(self) -> PictureHourglass:
        if not hasattr(self, "net"):
            raise NotFittedError("this PictureAutoencoder is not fitted yet: call fit first")
        return self.net

    def _device(self) -> torch.device:
        return self.net.into.weight.device

    def _opened(self, X: Any) -> Bytes:
        """Open pictures (n, channels, rows, columns) of the size learnt from."""
        net, planes = self._fitted(), open_pictures(X).planes
        if planes.shape[1:] != (net.channels, *net.size):
            rows, columns = planes.shape[2:]
            raise DataError(
                f"pictures of {columns} x {rows} pixels and {planes.shape[1]} planes: this model was fitted to "
                f"{net.size[1]} x {net.size[0]} and {net.channels}"
            )
        return planes


@torch.no_grad()
def _through(function: Any, planes: Bytes, device: torch.device) -> Floats:
    """Apply a function of pixels between 0 and 1 to planes (n, channels, rows, columns), some at a time."""
    parts = torch.split(torch.from_numpy(planes), TOGETHER)
    return np.asarray(torch.cat([function(part.to(device).float() / 255).cpu() for part in parts]).numpy(), np.float32)
