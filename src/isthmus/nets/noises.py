"""What spoils pictures: noise of several kinds, told to the network as a level for every pixel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from isthmus.errors import UsageError


class Noisy(NamedTuple):
    """What is left of planes (n, c, rows, columns), and the standard deviation of each pixel, `level` (n, 1, ...)."""

    values: Tensor
    level: Tensor


@dataclass(frozen=True)
class PixelNoise:
    """What all of them share."""

    name: ClassVar[str] = ""

    def __call__(self, clean: Noisy, rng: torch.Generator) -> Noisy:
        """Spoil a batch a little more."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Give the facts as JSON can hold them."""
        return {"name": self.name, **asdict(self)}


@dataclass(frozen=True)
class Gaussian(PixelNoise):
    """Adds normal noise, of a level drawn anew for every picture from `low`..`high`, in 255ths of the whole range.

    Examples
    --------
    >>> Gaussian(5, 50).to_dict()
    {'name': 'gaussian', 'low': 5, 'high': 50}
    """

    low: float = 0.0
    high: float = 75.0

    name = "gaussian"

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 255:
            raise UsageError(f"noise of levels {self.low:g}-{self.high:g}: give 0 <= low <= high <= 255")

    def __call__(self, clean: Noisy, rng: torch.Generator) -> Noisy:
        """Add noise."""
        level = self.low + (self.high - self.low) * _uniform(clean.values, rng)
        return _add(clean, (level / 255).expand_as(clean.level), rng)


@dataclass(frozen=True)
class Poisson(PixelNoise):
    """Adds noise as counting light does: its variance grows with brightness, to `high` 255ths at the brightest.

    A share of it does not depend on brightness, as the noise of reading a camera does not.

    Examples
    --------
    >>> Poisson(40).to_dict()
    {'name': 'poisson', 'high': 40}
    """

    high: float = 60.0

    name = "poisson"

    def __call__(self, clean: Noisy, rng: torch.Generator) -> Noisy:
        """Add noise."""
        brightest, share = (_uniform(clean.values, rng) for _ in range(2))
        bright = clean.values.mean(1, keepdim=True).clamp(0, 1)
        level = self.high / 255 * brightest * (0.3 * share + (1 - 0.3 * share) * bright).sqrt()
        return _add(clean, level, rng)


NOISES: dict[str, type[PixelNoise]] = {kind.name: kind for kind in (Gaussian, Poisson)}


def parse_noise(given: str) -> tuple[PixelNoise, ...]:
    """Read noises from words such as `gaussian:5-50`, `poisson:40`, or several joined by `+`.

    >>> parse_noise("gaussian:5-50+poisson")
    (Gaussian(low=5.0, high=50.0), Poisson(high=60.0))
    """
    return tuple(_parse_one(part, given) for part in given.split("+"))


def noises_from(given: Sequence[dict[str, Any]]) -> tuple[PixelNoise, ...]:
    """Make noises from what their `to_dict` gave."""
    return tuple(NOISES[facts["name"]](**{key: facts[key] for key in facts if key != "name"}) for facts in given)


def _parse_one(text: str, whole: str) -> PixelNoise:
    name, _, rest = text.strip().partition(":")
    try:
        kind = NOISES["gaussian" if name == "noise" else name]
        numbers = [float(number) for number in rest.split("-")] if rest else []
        if kind is Gaussian and len(numbers) == 1:
            numbers = numbers * 2
        return kind(**dict(zip([field.name for field in fields(kind)], numbers, strict=False)))
    except (KeyError, ValueError):
        raise UsageError(
            f"noise {whole!r} is not understood; give gaussian:5-50 or poisson:40, or both joined by +"
        ) from None


def _uniform(values: Tensor, rng: torch.Generator) -> Tensor:
    """Draw a number between 0 and 1 for every picture, spread evenly over a batch."""
    place = torch.randperm(len(values), generator=rng, device=values.device)
    drawn = torch.rand(len(values), generator=rng, device=values.device)
    return ((place + drawn) / len(values)).to(values.dtype)[:, None, None, None]


def _add(clean: Noisy, level: Tensor, rng: torch.Generator) -> Noisy:
    noise = torch.randn(clean.values.shape, generator=rng, device=clean.values.device, dtype=clean.values.dtype)
    return Noisy(clean.values + level * noise, (clean.level.square() + level.square()).sqrt())
