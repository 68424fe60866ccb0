"""What is hidden or spoilt before encoding; the decoder is always asked for what was there before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from isthmus.errors import UsageError
from isthmus.nets.columns import Columns


class Spoilt(NamedTuple):
    """A batch after corruption: `values` (rows, columns), `hidden` cells, and each row's noise `level`."""

    values: Tensor
    hidden: Tensor
    level: Tensor


COPIED = 0.5
"""Share of rows whose hidden cells are copied from what is missing in others, as far as others lack anything."""


@dataclass(frozen=True)
class Corruption:
    """What all corruptions share."""

    name: ClassVar[str] = ""

    def __call__(self, batch: Spoilt, columns: Columns, rng: torch.Generator) -> Spoilt:
        """Spoil a batch a little more."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Give the corruption's facts as JSON can hold them."""
        return {"name": self.name, **asdict(self)}


@dataclass(frozen=True)
class Mask(Corruption):
    """Hides cells: in each row a share drawn from U(0, 1), evenly spread over the rows of a batch.

    Shares from none to all make one model of every conditional distribution (Uria et al. 2014, "A deep and tractable
    density estimator"): what imputes one cell also makes whole rows.

    Where cells are missing, they are so in a pattern that chance does not draw: half of the rows have hidden what they
    and another row lack, and nothing else (Gorla et al. 2025, "CACTI", section 3.1, copied masks).

    Examples
    --------
    >>> Mask().to_dict()
    {'name': 'mask'}
    """

    name = "mask"

    def __call__(self, batch: Spoilt, columns: Columns, rng: torch.Generator) -> Spoilt:
        """Hide cells."""
        rows, device = len(batch.values), batch.values.device
        place = torch.randperm(rows, generator=rng, device=device)
        share = (place + torch.rand(rows, generator=rng, device=device)) / rows
        hidden = torch.rand(batch.values.shape, generator=rng, device=device) < share[:, None]
        missing = batch.values.isnan()
        # a GPU is not asked whether this batch lacks any, for its answer would be waited for; it changes nothing
        if missing.any() if device.type == "cpu" else columns.loses:
            other = missing[torch.randperm(rows, generator=rng, device=device)]
            telling = (other & ~missing).any(1, keepdim=True)
            copied = telling & (torch.rand((rows, 1), generator=rng, device=device) < COPIED)
            hidden = torch.where(copied, missing | other, hidden)
        return batch._replace(hidden=batch.hidden | hidden)


@dataclass(frozen=True)
class Noise(Corruption):
    """Adds normal noise of a level drawn from `low`..`high` standard deviations; a category is swapped as often.

    The level of each row is told to the encoder. A tenth of the rows stay clean, so that clean data is known too.

    Examples
    --------
    >>> Noise(0.1, 0.5).to_dict()
    {'name': 'noise', 'low': 0.1, 'high': 0.5}
    """

    low: float = 0.1
    high: float = 0.5

    name = "noise"

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise UsageError(f"corruption noise: levels {self.low!r}-{self.high!r}; give 0 <= low <= high")

    def __call__(self, batch: Spoilt, columns: Columns, rng: torch.Generator) -> Spoilt:
        """Add noise to numbers, and swap categories with those of other rows."""
        x, device = batch.values, batch.values.device
        drawn = torch.rand((len(x), 2), generator=rng, device=device, dtype=x.dtype)
        level = (self.low + (self.high - self.low) * drawn[:, :1]) * (drawn[:, 1:] > 0.1)
        spoilt = x.clone()
        swap = torch.rand(x.shape, generator=rng, device=device) < level / (1 + level)
        other = x[torch.randperm(len(x), generator=rng, device=device)]
        spoilt = torch.where(swap, other, spoilt)
        if (bins := columns.bins(columns.numeric)) is not None:
            numbers = x[:, columns.places]
            noise = torch.randn(numbers.shape, generator=rng, device=device, dtype=x.dtype)
            spoilt[:, columns.places] = numbers + level * bins.spread * noise
        return batch._replace(values=spoilt, level=level.float())


CORRUPTIONS: dict[str, type[Corruption]] = {kind.name: kind for kind in (Mask, Noise)}


def parse_corruption(given: object) -> tuple[Corruption, ...]:
    """Read corruptions from words such as `mask`, `noise:0.1-0.5`, `mask+noise`, `none`, or from objects.

    Examples
    --------
    >>> parse_corruption("mask+noise:0.1-0.3")
    (Mask(), Noise(low=0.1, high=0.3))
    >>> parse_corruption("none")
    ()
    """
    if given is None or given == "none":
        return ()
    if isinstance(given, Corruption):
        return (given,)
    if isinstance(given, Sequence) and not isinstance(given, str):
        return tuple(corruption for each in given for corruption in parse_corruption(each))
    if not isinstance(given, str):
        raise UsageError(f"corruption {given!r} is no corruption; give 'none', 'mask' or 'noise:0.1-0.5'")
    return tuple(_parse_one(part, given) for part in given.split("+"))


def _parse_one(text: str, whole: str) -> Corruption:
    name, _, rest = text.strip().partition(":")
    try:
        kind = CORRUPTIONS[name]
        numbers = [float(number) for number in rest.split("-")] if rest else []
        if kind is Noise and len(numbers) == 1:
            numbers = numbers * 2
        return kind(**dict(zip([field.name for field in fields(kind)], numbers, strict=False)))
    except (KeyError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"corruption {whole!r} is not understood; give none, mask or noise:0.1-0.5") from None
