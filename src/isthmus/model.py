"""The estimator: what it is told, how it is fitted, its codes, its file. The jobs are in `jobs.py`."""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields, replace
from os import PathLike
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from isthmus.data.drawn import Drawn
from isthmus.data.parts import Parts
from isthmus.data.schema import Schema
from isthmus.data.sources import Table
from isthmus.engine import Engine
from isthmus.errors import IsthmusWarning
from isthmus.halves import Decoder, Encoder
from isthmus.jobs import Jobs
from isthmus.mapping import Maps
from isthmus.mixed import MixedTables
from isthmus.nets.codes import Code
from isthmus.nets.corruptions import Corruption
from isthmus.nets.priors import Prior
from isthmus.private import check_private, domains, warn_of_what_rows_told
from isthmus.settings import places, read_settings
from isthmus.streamed import streaming
from isthmus.tasks import inspect, outliers, reconstruct
from isthmus.tasks.batches import Codes, Floats
from isthmus.tasks.fit import fit
from isthmus.tasks.fit_private import fit_private
from isthmus.tasks.plan import Settings
from isthmus.tasks.uncertainty import Calibration
from isthmus.training.logs import told
from isthmus.training.plan import History

_Half = TypeVar("_Half", Encoder, Decoder)


class Autoencoder(Jobs, MixedTables, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """One autoencoder of a table, fitted once, for every job.

    Parameters
    ----------
    code
        What a row becomes: a size, words such as "gaussian:16", or an `isthmus.Dense`, `Gaussian`, `Sparse`,
        `Quantized`. By default a dense code of three numbers a column.
    corruption
        What is hidden or spoilt in training: "mask", "noise:0.1-0.5", "none", objects, or several. "auto"
        masks, except for a code with a prior of its own or where one is learnt.
    prior
        What codes are drawn from to make up rows, in a model without masks: "normal", that of a `Gaussian` code,
        or "learnt", fitted to the codes after training, for any code. By default the code's own.
    condition
        Columns that the decoder reads as well, so that the code need not carry them.
    columns, drop
        Columns to keep, columns to leave out.
    schema
        A `Schema`, or kinds by column name, such as `{"zip": "category"}`, where guessing would go wrong.
    missing
        Values that mean "missing" beside the usual ones.
    width, blocks
        Width of the hidden states and number of residual blocks on either side of the code.
    epochs, budget
        Passes over the data, or time to take ("90s", "2min", seconds), kept within a tenth.
    batch_size, learning_rate
        Rows a step, and the highest rate of the schedule.
    seed
        The same data, seed, threads and version give the same model, bit for bit, on one machine.
    device
        "auto", "cpu", "cuda" or "mps".
    checkpoint, resume
        A file to save the state of training in, and whether to go on from it.
    engine
        Where the training is done: an `isthmus.Ray`; by default this process.
    dp_epsilon, dp_delta
        Differential privacy of the model file: no row that is left out or added makes any file more than e^epsilon
        times as likely, but for a probability of delta, by default at most a tenth of one over the rows. The `schema`
        counts as public and has to be given; the fit is not repeatable, since its noise must not be.
    verbose
        Whether to show progress on stderr.

    Attributes
    ----------
    schema_
        The typed variables.
    n_features_in_, feature_names_in_
        Columns in the training data, and their names where they have any.
    history_
        Losses at each check, with notes.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> flowers = load_iris(as_frame=True).frame
    >>> model = Autoencoder(code=2, epochs=50).fit(flowers)
    >>> model.encode(flowers).shape
    (150, 2)
    >>> list(model.sample(3).columns) == list(flowers.columns)
    True
    """

    kind = "autoencoder"

    def __init__(
        self,
        code: int | str | Code | None = None,
        *,
        corruption: str | Corruption | Sequence[Corruption] | None = "auto",
        condition: Sequence[str] = (),
        prior: str | None = None,
        columns: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        schema: Schema | Mapping[str, str] | None = None,
        missing: Collection[object] = (),
        width: int = 192,
        blocks: int = 2,
        epochs: float | None = None,
        budget: float | str | None = None,
        batch_size: int = 256,
        learning_rate: float = 3e-3,
        seed: int = 0,
        device: str = "auto",
        checkpoint: str | PathLike[str] | None = None,
        resume: bool = False,
        engine: Engine | None = None,
        dp_epsilon: float | None = None,
        dp_delta: float | None = None,
        verbose: bool = False,
    ) -> None:
        self.code = code
        self.corruption = corruption
        self.condition = condition
        self.prior = prior
        self.columns = columns
        self.drop = drop
        self.schema = schema
        self.missing = missing
        self.width = width
        self.blocks = blocks
        self.epochs = epochs
        self.budget = budget
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.seed = seed
        self.device = device
        self.checkpoint = checkpoint
        self.resume = resume
        self.engine = engine
        self.dp_epsilon = dp_epsilon
        self.dp_delta = dp_delta
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from a table; `y` is ignored.

        Parameters
        ----------
        X
            A path (.csv, .csv.gz, .parquet, ...), a pandas, polars or pyarrow frame, or a 2-D array; or
            `isthmus.Parts`, a table larger than memory: a budget then counts from when its rows are read and encoded.

        Raises
        ------
        DataError, UsageError
            In one line: what is wrong with the data or the settings, where, and what to do.
        """
        return self.learn(X, read_settings(self))

    def learn(self, X: Any, settings: Settings) -> Self:
        """Learn from a table under settings that say more than an estimator's parameters may; else as `fit`."""
        if settings.private is not None:
            return self._learn_privately(X, settings)
        started, engine = time.monotonic(), self.engine or Engine()
        drawn = None
        if isinstance(X, Parts):
            drawn = Drawn.of(X.read_as(self.missing), self.seed, self.drop, engine.each)
        table = self._open(X) if drawn is None else drawn.table
        if isinstance(self.schema, Schema):
            self.schema_ = self.schema
        else:
            witnesses = None if drawn is None else drawn.witnesses
            self.schema_ = Schema.learn(table, self.schema, self.drop, self.columns, witnesses=witnesses)
        self.flavour_ = table.flavour
        x = self.codec_.encode(table)
        names = [variable.name for variable in self.schema_.coded]
        batch = settings.batch_size * engine.shards
        settings = replace(settings, condition=places(self.condition, names), batch_size=batch)
        for note in self.schema_.notes:
            warnings.warn(note, IsthmusWarning, stacklevel=3)
        with streaming(drawn, self.codec_, self.seed, engine) as stream:
            trained = fit(
                x,
                [variable.size for variable in self.schema_.coded],
                settings,
                started=started if stream is None else time.monotonic(),
                progress=told(self.verbose),
                stream=stream,
                train=engine.train,
            )
        self.net_, self.prior_, self.history_ = trained.net, trained.prior, trained.history
        self._learn_names(table)
        rows = len(x) if drawn is None else drawn.parts.rows
        self._finish(x, trained.held_out, {"rows": rows, "seconds": time.monotonic() - started})
        if (learning := trained.learning) is not None:
            facts = {"steps": learning.steps, "seconds": learning.seconds, "nats": learning.best_loss}
            self.fitted_["prior"] = facts | {"notes": learning.notes}
        return self

    def _learn_privately(self, X: Any, settings: Settings) -> Self:
        """Learn with differential privacy: beside the schema, all that is kept is what `fit_private` tells."""
        self.schema_ = check_private(self, settings, X)
        table = self._open(X)
        # types of cells follow from the rows, too: one missing cell makes a column of whole numbers one of fractions
        self.flavour_ = replace(table.flavour.without_rows(), types={}, nan=frozenset())
        x = self.codec_.encode(table)
        warn_of_what_rows_told(self.schema_, x)
        trained = fit_private(x, domains(self.schema_), settings, progress=told(self.verbose))
        self.net_, self.prior_, self.history_ = trained.net, None, trained.history
        self._learn_names(table)
        self._finish(trained.made, trained.held_out, {"rows": trained.rows, "seconds": None, "privacy": trained.facts})
        return self

    def _finish(self, x: Floats, held: npt.NDArray[np.bool_], facts: dict[str, Any]) -> None:
        """Learn what the jobs compare with: survival, how sure is sure, and what is usual."""
        training = x[~held] if (~held).any() else x
        self._n_features_out = int(self.net_.code.size or 0)
        self.survival_ = inspect.survival(self.net_, x[held], training)
        self.calibration_ = Calibration.learn(self.net_, x[held], self.seed)
        self.reference_ = outliers.Reference.learn(self.net_, training, self.seed)
        self.maps_ = Maps(self.reference_.codes, self.seed)
        self.fitted_ = facts | {"seed": self.seed, "prior": None}

    def encode(self, X: Any) -> Codes:
        """Turn rows into codes (rows, size)."""
        table = self._check(X)
        return reconstruct.encode(self.net_, self.codec_.encode(table))

    def decode(self, codes: npt.ArrayLike, given: Any = None) -> Any:
        """Turn codes (rows, size) into rows, of the kind of table the model was fitted on.

        `given` holds condition columns: `{"column": value}` for all rows, or a table of one row a code.
        """
        check_is_fitted(self, "net_")
        return self._decode(codes, given)

    def reconstruct(self, X: Any) -> Any:
        """Send rows through the code and back; what comes out is what the code keeps of them."""
        table = self._check(X)
        values = reconstruct.reconstruct(self.net_, self.codec_.encode(table))
        return table.give(self.codec_.decode(values, table.columns))

    def transform(self, X: Any) -> Codes:
        """Encode, under scikit-learn's name."""
        return self.encode(X)

    def inverse_transform(self, X: npt.ArrayLike) -> Any:
        """Decode, under scikit-learn's name."""
        return self.decode(X)

    def score_samples(self, X: Any) -> Floats:
        """Log-likelihood (rows,) in nats of each row under what its own code says of it."""
        table = self._check(X)
        nats = reconstruct.log_likelihood(self.net_, self.codec_.encode(table))
        return np.asarray(nats.sum(1), dtype=np.float64)

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples`: higher is better, so that searches over settings can compare."""
        return float(self.score_samples(X).mean())

    def inspect(self) -> dict[str, Any]:
        """Give the facts of the model: schema, code, sizes, training curve, what survives by column."""
        check_is_fitted(self, "net_")
        learnt = [] if self.prior_ is None else list(self.prior_.parameters())
        weights = sum(p.numel() for p in [*self.net_.parameters(), *learnt])
        stored = sum(
            t.numel() * t.element_size() for t in [*self.net_.state_dict().values(), *self._tensors().values()]
        )
        columns = [{"column": v.name, "kind": v.kind} for v in self.schema_.coded]
        return {
            "schema": self.schema_.describe(),
            "code": self.net_.code.to_dict(),
            "weights": weights,
            "bytes": stored,
            **self.fitted_,
            "history": self.history_.checks,
            "best_step": self.history_.best_step,
            "notes": [*self.schema_.notes, *self.history_.notes],
            "survival": [column | row for column, row in zip(columns, self.survival_, strict=True)],
        }

    @property
    def encoder(self) -> Encoder:
        """The first half, which can be saved and used alone."""
        return self._half(Encoder)

    @property
    def decoder(self) -> Decoder:
        """The second half, which can be saved and used alone."""
        return self._half(Decoder)

    def _half(self, half: type[_Half]) -> _Half:
        check_is_fitted(self, "net_")
        part = half.__new__(half)
        part.schema_, part.flavour_, part.net_ = self.schema_, self.flavour_, self.net_
        return part

    def _learn_names(self, table: Table) -> None:
        self.n_features_in_ = table.columns.num_columns
        if table.flavour.named:
            self.feature_names_in_ = np.asarray(table.columns.column_names, dtype=object)

    def _facts(self) -> dict[str, Any]:
        return super()._facts() | {
            "fitted": self.fitted_,
            "prior": None if self.prior_ is None else self.prior_.config(),
            "history": asdict(self.history_),
            "survival": self.survival_,
            "missing": list(self.missing),
            "names": list(self.feature_names_in_) if hasattr(self, "feature_names_in_") else None,
            "features": self.n_features_in_,
        }

    def _tensors(self) -> dict[str, Tensor]:
        held = {f"reference.{field.name}": getattr(self.reference_, field.name) for field in fields(self.reference_)}
        held |= {"calibration.levels": self.calibration_.levels}
        tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in held.items()}
        learnt = {} if self.prior_ is None else self.prior_.state_dict()
        return tensors | self.maps_.tensors() | {f"prior.{name}": tensor for name, tensor in learnt.items()}

    @classmethod
    def from_file(cls, facts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> Self:
        """Make a model from what a file holds."""
        self = super().from_file(facts, tensors, device)
        self.prior_ = None
        if facts["prior"] is not None:
            self.prior_ = Prior.from_config(self.net_.code, facts["prior"])
            weights = {name[6:]: tensor for name, tensor in tensors.items() if name.startswith("prior.")}
            self.prior_.load_state_dict(weights)
            self.prior_.to(device).eval()
        promised = facts["fitted"].get("privacy") or {}
        cls.__init__(
            self,
            self.net_.code,
            corruption=self.net_.corruption,
            condition=[self.schema_.coded[j].name for j in self.net_.condition],
            prior=None if self.prior_ is None else "learnt",
            schema=self.schema_,
            missing=facts["missing"],
            width=self.net_.width,
            blocks=self.net_.depth,
            seed=facts["fitted"]["seed"],
            device=str(device),
            dp_epsilon=promised.get("asked"),
            dp_delta=promised.get("delta"),
        )
        arrays = {name: tensor.numpy() for name, tensor in tensors.items() if not name.startswith(("net.", "prior."))}
        self.reference_ = outliers.Reference(
            **{field.name: arrays[f"reference.{field.name}"] for field in fields(outliers.Reference)}
        )
        self.maps_ = Maps.from_tensors(self.reference_.codes, tensors, self.seed)
        self.calibration_ = Calibration(arrays["calibration.levels"])
        self.fitted_, self.survival_ = facts["fitted"], facts["survival"]
        self.history_ = History(**facts["history"])
        self._n_features_out = int(self.net_.code.size or 0)
        self.n_features_in_ = facts["features"]
        if facts["names"] is not None:
            self.feature_names_in_ = np.asarray(facts["names"], dtype=object)
        return self


KINDS: dict[str, type[Autoencoder | Encoder | Decoder]] = {part.kind: part for part in (Autoencoder, Encoder, Decoder)}
