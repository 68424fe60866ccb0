"""Sparse autoencoders of activations: an estimator of its own, for rows that are vectors and not cells of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from torch import Tensor

from isthmus import store
from isthmus.errors import DataError, UsageError
from isthmus.nets.dictionaries import Dictionary
from isthmus.nets.sparsity import Sparsity, parse_sparsity
from isthmus.settings import parse_duration
from isthmus.tasks import dictionary
from isthmus.tasks.fit import pick_device
from isthmus.training.logs import told
from isthmus.training.plan import History
from isthmus.vectors import matrix_of, open_vectors

Floats = npt.NDArray[np.float32]


class SparseAutoencoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A wide code of which few numbers a row are not zero: activations as sums of few features.

    Parameters
    ----------
    code
        Kind, size and sparsity, such as "sparse:16x:k=32" (BatchTopK, sixteen features a number of the width, 32 active
        on average); kinds are sparse, topk, matryoshka, relu, jumprelu and gated.
    epochs, budget
        Passes over the data, or time to take ("90s", "2min", seconds); by default as many passes as pay.
    batch_size, learning_rate
        Rows a step, by default 2,048 or what makes 32 steps a pass, and the highest rate of the schedule.
    seed
        Of the first weights and the order of the rows: the same seed, data, threads and version give the same weights.
    device
        "auto", "cpu", "cuda" or "mps".
    checkpoint, resume
        A file to save the state of training in, and whether to go on from it.
    verbose
        Whether to show progress on stderr.

    Attributes
    ----------
    facts_
        What was learnt from, and how it went: rows, `explained` (share of the held-out variance), `l0` (features active
        a row), `dead` (share of features idle for the last 100,000 rows of training); of a language model's activations
        also its name, the layer, the site, and the norm beyond which a token is left as it is.
    density_
        Share of rows (features,) that each feature is active in.

    Examples
    --------
    >>> rows = np.random.default_rng(0).laplace(size=(400, 8)).astype("float32")
    >>> sae = SparseAutoencoder("topk:4x:k=3", epochs=2).fit(rows)
    >>> codes = sae.encode(rows)
    >>> codes.shape, int((codes > 0).sum(1).max())
    ((400, 32), 3)
    >>> sae.decode(codes).shape
    (400, 8)
    """

    kind = "dictionary"
    net: Dictionary

    def __init__(
        self,
        code: str | Sparsity = "sparse:16x:k=32",
        *,
        epochs: float | None = None,
        budget: float | str | None = None,
        batch_size: int | None = None,
        learning_rate: float = 4e-3,
        seed: int = 0,
        device: str = "auto",
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
        verbose: bool = False,
    ) -> None:
        self.code = code
        self.epochs = epochs
        self.budget = budget
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.seed = seed
        self.device = device
        self.checkpoint = checkpoint
        self.resume = resume
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, *, target: Any = None) -> Self:
        """Learn from activations; `y` is ignored.

        Parameters
        ----------
        X
            A folder that `isthmus lm harvest` wrote, or an array (rows, width) or the path of one (.npy).
        target
            Another layer's activations of the same tokens, of the same kind as `X`: what is then learnt is to predict
            these (a transcoder).

        Raises
        ------
        DataError, UsageError
            In one line: what is wrong with the data or the settings, where, and what to do.
        """
        fit_together([self], X, target=target)
        return self

    def encode(self, X: npt.ArrayLike) -> Floats:
        """Turn activations (rows, width) into codes (rows, features)."""
        return self._apply(self._checked(X, self.net.width, "activations"), self.net.encode)

    def encode_feature(self, X: npt.ArrayLike, features: Sequence[int]) -> Floats:
        """Compute some features' codes (rows, len(features)) without the others."""
        features = check_features(features, self.net.size)
        rows = self._checked(X, self.net.width, "activations")
        return self._apply(rows, partial(self.net.encode_feature, features=features))

    def decode(self, codes: npt.ArrayLike) -> Floats:
        """Turn codes (rows, features) into activations (rows, width)."""
        return self._apply(self._checked(codes, self.net.size, "codes"), self.net.decode)

    def reconstruct(self, X: npt.ArrayLike) -> Floats:
        """Send activations through the code and back."""
        rows = self._checked(X, self.net.width, "activations")
        return self._apply(rows, lambda part: self.net.decode(self.net.encode(part)))

    def transform(self, X: npt.ArrayLike) -> Floats:
        """Encode, under scikit-learn's name."""
        return self.encode(X)

    def inverse_transform(self, X: npt.ArrayLike) -> Floats:
        """Decode, under scikit-learn's name."""
        return self.decode(X)

    @property
    def directions(self) -> Floats:
        """What one unit of each feature adds to the activations (features, width)."""
        return np.asarray(self._fitted().directions().cpu().numpy(), np.float32)

    def inspect(self) -> dict[str, Any]:
        """Give the facts: kind, sizes, what it was learnt from, how well it rebuilds, and the training curve."""
        net = self._fitted()
        weights = sum(weight.numel() for weight in net.parameters())
        return {
            "code": str(net.kind),
            "width": net.width,
            "features": net.size,
            "weights": weights,
            "optimizer_bytes": 8 * weights,
            **self.facts_,
            "history": self.history_.checks,
            "notes": self.history_.notes,
        }

    def save(self, path: str | PathLike[str]) -> None:
        """Write to one safetensors file, from which `isthmus.load` makes the same again."""
        net = self._fitted()
        tensors = {f"net.{name}": tensor for name, tensor in net.state_dict().items()}
        facts = {"net": net.config(), "fitted": self.facts_, "history": asdict(self.history_)}
        store.write(path, self.kind, facts, tensors | {"density": torch.from_numpy(self.density_)})

    @classmethod
    def from_file(cls, facts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> Self:
        """Make one from what a file holds."""
        net = Dictionary.from_config(facts["net"])
        net.load_state_dict({name[4:]: tensor for name, tensor in tensors.items() if name.startswith("net.")})
        return cls.of(net.to(device), facts["fitted"], tensors["density"].numpy(), History(**facts["history"]))

    @classmethod
    def of(
        cls,
        net: Dictionary,
        facts: dict[str, Any],
        density: npt.NDArray[np.float32] | None = None,
        history: History | None = None,
    ) -> Self:
        """Make a fitted one of a dictionary that comes from elsewhere."""
        self = cls(str(net.kind), seed=int(facts.get("seed") or 0))
        unknown = np.full(net.size, np.nan, np.float32)
        self._learnt(net.eval(), facts, unknown if density is None else density, history or History())
        return self

    def _learnt(self, net: Dictionary, facts: dict[str, Any], density: npt.NDArray[Any], history: History) -> None:
        self.net, self.facts_, self.history_ = net.requires_grad_(False), facts, history
        self.density_ = np.asarray(density, np.float32)
        self.n_features_in_ = net.width

    def _fitted(self) -> Dictionary:
        if not hasattr(self, "net"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit first")
        return self.net

    def _checked(self, X: npt.ArrayLike, width: int, what: str) -> Tensor:
        self._fitted()
        rows = matrix_of(X, what)
        if rows.shape[1] != width:
            raise DataError(f"{what} of {rows.shape[1]:,} numbers a row: this autoencoder's have {width:,}")
        return torch.from_numpy(rows)

    @torch.no_grad()
    def _apply(self, rows: Tensor, function: Any) -> Floats:
        device = self.net.offset.device
        parts = [function(part.to(device)).cpu() for part in torch.split(rows, 2048)]
        return np.asarray(torch.cat(parts).numpy(), np.float32)


def fit_together(saes: Sequence[SparseAutoencoder], X: Any, *, target: Any = None) -> list[SparseAutoencoder]:
    """Fit several sparse autoencoders on one pass over the data, each to the very weights that it would get alone.

    Batches, passes, rate and budget are the first one's; kinds, sizes and seeds of first weights are each one's own.

    Examples
    --------
    >>> rows = np.random.default_rng(0).laplace(size=(300, 8)).astype("float32")
    >>> narrow, wide = fit_together([SparseAutoencoder(f"topk:16:k={k}", epochs=2) for k in (2, 4)], rows)
    >>> narrow.facts_["l0"] < wide.facts_["l0"]
    True
    """
    if not saes:
        raise UsageError("fit_together takes at least one SparseAutoencoder")
    first = saes[0]
    _check(saes)
    data = open_vectors(X, target, seed=first.seed, batch_size=first.batch_size)
    plan = dictionary.plan_of(
        len(data.source),
        batch_size=data.batch_size,
        epochs=first.epochs,
        learning_rate=first.learning_rate,
        seed=first.seed,
        budget=parse_duration(first.budget),
    )
    trained = dictionary.fit(
        [(parse_sparsity(sae.code).of(data.width), sae.seed) for sae in saes],
        data.source,
        data.sample,
        data.held_out,
        plan,
        width=data.width,
        target=data.target,
        device=pick_device(first.device),
        progress=told(first.verbose),
        checkpoint=None if first.checkpoint is None else Path(first.checkpoint),
        resume=first.resume,
        identity={"code": str(first.code), "data": data.identity},
    )
    for sae, (net, history) in zip(saes, trained, strict=True):
        judged = dictionary.judge(net, data.held_out)
        facts = data.facts | {
            "rows": len(data.source),
            "explained": judged.explained,
            "l0": judged.l0,
            "dead": judged.dead,
            "seconds": history.seconds,
            "seed": sae.seed,
        }
        density = dictionary.judge(net, data.sample).density
        sae._learnt(net, facts, density.numpy(), history)
    return list(saes)


def _check(saes: Sequence[SparseAutoencoder]) -> None:
    """Refuse settings that cannot be, naming the first."""
    for sae in saes:
        parse_sparsity(sae.code)
        if sae.batch_size is not None and (not isinstance(sae.batch_size, int) or sae.batch_size < 1):
            raise UsageError(f"batch_size is {sae.batch_size!r}; give a whole number of 1 or more")
        for name in ("epochs", "learning_rate"):
            value = getattr(sae, name)
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"{name} is {value!r}; give a number above 0")
        if not isinstance(sae.seed, int) or sae.seed < 0:
            raise UsageError(f"seed is {sae.seed!r}; give a whole number of 0 or more")
    if saes[0].resume and saes[0].checkpoint is None:
        raise UsageError("resume needs checkpoint, the file to go on from")
    if len(saes) > 1 and saes[0].checkpoint is not None:
        raise UsageError("checkpoint is for one autoencoder; fit several without it, or one after the other")


def check_features(features: Sequence[int], size: int) -> list[int]:
    """Check that these are numbers of features, counted from 0."""
    chosen = [int(feature) for feature in features]
    wrong = [feature for feature in chosen if not 0 <= feature < size]
    if wrong:
        raise UsageError(f"there is no feature {wrong[0]}: this autoencoder has features 0 to {size - 1:,}")
    return chosen
