"""What a model and its two halves share, and the halves: an encoder and a decoder that work apart."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import torch
from sklearn.exceptions import NotFittedError
from torch import Tensor

from isthmus import store
from isthmus.data.frames import Flavour
from isthmus.data.schema import Schema
from isthmus.data.sources import open_table
from isthmus.data.tables import TableCodec
from isthmus.errors import DataError, UsageError
from isthmus.given import Given
from isthmus.nets.hourglass import Hourglass
from isthmus.tasks import reconstruct
from isthmus.tasks.batches import Codes, Floats


class Part:
    """What a model and its two halves share: a schema, a network, and a way to and from a file."""

    kind: ClassVar[str] = ""
    schema_: Schema
    flavour_: Flavour
    net_: Hourglass

    @property
    def codec_(self) -> TableCodec:
        """What turns tables into matrices and back."""
        return TableCodec(self.schema_)

    def save(self, path: str | PathLike[str]) -> None:
        """Write to one safetensors file, from which `isthmus.load` makes the same again."""
        facts, tensors = self.to_file()
        store.write(path, self.kind, facts, tensors)

    def to_file(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Give what a file holds: facts, as JSON can, and tensors."""
        if not hasattr(self, "net_"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit before save")
        kept = {name: tensor for name, tensor in self.net_.state_dict().items() if self._keeps(name)}
        return self._facts(), {f"net.{name}": tensor for name, tensor in kept.items()} | self._tensors()

    @classmethod
    def from_file(cls, facts: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device) -> Self:
        """Make one from what a file holds."""
        self = cls.__new__(cls)
        self.schema_ = Schema.from_dict(facts["schema"])
        self.flavour_ = Flavour.from_dict(facts["flavour"])
        store.check_depth(facts["net"]["blocks"], tensors)
        self.net_ = Hourglass.from_config(facts["net"])
        weights = {name[4:]: tensor for name, tensor in tensors.items() if name.startswith("net.")}
        missing, unknown = self.net_.load_state_dict(weights, strict=False)
        missing = [name for name in missing if self._keeps(name)]
        if unknown or missing:
            raise KeyError(f"weights {', '.join([*unknown, *missing][:3])}")
        self.net_.to(device).eval()
        return self

    def _keeps(self, name: str) -> bool:
        return True

    def _facts(self) -> dict[str, Any]:
        return {
            "schema": self.schema_.to_dict(),
            "flavour": self.flavour_.to_dict(),
            "net": self.net_.config(),
        }

    def _tensors(self) -> dict[str, Tensor]:
        return {}

    def _encode(self, X: Any) -> Codes:
        return reconstruct.encode(self.net_, self.codec_.encode(open_table(X)))

    def _decode(self, codes: npt.ArrayLike, given: Any = None) -> Any:
        array = self._codes(codes)
        return self.flavour_.without_rows().give(
            self.codec_.decode(reconstruct.decode(self.net_, array, self._condition(given, len(array))))
        )

    def _codes(self, codes: npt.ArrayLike) -> Codes:
        """Check that these are codes (rows, size) of this model."""
        size = self.net_.code.size
        try:
            array = np.ascontiguousarray(codes, dtype=np.float32)
        except (TypeError, ValueError):
            raise DataError("codes are numbers only: a cell of these is none") from None
        if not np.isfinite(array).all():
            raise DataError(f"codes are finite numbers: {int((~np.isfinite(array)).sum()):,} of these are not")
        if array.ndim != 2 or array.shape[1] != size:
            raise DataError(f"codes of shape {array.shape}: this model's codes have {size} numbers a row")
        return array

    def _condition(self, given: Any, rows: int) -> Floats | None:
        """Condition values (rows, columns): one value for all rows, or a table of one row a code."""
        if given is None:
            return None
        if isinstance(given, Mapping):
            read = Given.read(given, self.schema_, self.net_.columns)
            stray = sorted(set(read.values) - set(self.net_.condition)) + sorted(read.limits)
            if stray:
                name = self.schema_.coded[stray[0]].name
                raise UsageError(f"given {name!r}: only single values of the model's condition columns can be given")
            return read.rows(rows, len(self.schema_.coded))
        x = self.codec_.encode(open_table(given), strict_columns=False)
        if len(x) != rows:
            raise DataError(f"given has {len(x):,} rows, but there are {rows:,} codes")
        return x


class Encoder(Part):
    """The first half of a model alone: rows to codes. It holds no weight of the decoder."""

    kind = "encoder"

    def encode(self, X: Any) -> Codes:
        """Turn rows into codes (rows, size)."""
        return self._encode(X)

    transform = encode

    def _keeps(self, name: str) -> bool:
        return not name.startswith("decoder.")


class Decoder(Part):
    """The second half of a model alone: codes to rows. It holds no weight of the encoder."""

    kind = "decoder"

    def decode(self, codes: npt.ArrayLike, given: Any = None) -> Any:
        """Turn codes (rows, size) into rows; `given` holds condition columns."""
        return self._decode(codes, given)

    inverse_transform = decode

    def _keeps(self, name: str) -> bool:
        return not name.startswith("encoder.")
