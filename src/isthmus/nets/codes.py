"""The code in the middle of the hourglass: narrow and dense, random, sparse and wide, or whole numbers.

A code is one frozen dataclass without weights. The encoder ends in `projected` numbers a row, the "pre-code"; the code
says what the decoder reads of them (`forward`), what the outside gets (`encode`) and how that is taken back (`decode`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus.errors import UsageError

Losses = dict[str, Tensor]


@dataclass(frozen=True)
class Code:
    """What all codes share: `size`, how many numbers a row becomes; None lets the table decide."""

    size: int | None = None

    name: ClassVar[str] = ""
    generative: ClassVar[bool] = False
    """Whether rows can be drawn from the code's own prior."""
    signed: ClassVar[bool] = True
    """Whether a number of the code can be negative."""

    def __post_init__(self) -> None:
        if self.size is not None and (not isinstance(self.size, int) or self.size < 1):
            raise UsageError(f"code {self.name}: size is {self.size!r}; give a whole number of 1 or more")

    @property
    def projected(self) -> int:
        """Numbers that the encoder computes for a row."""
        assert self.size is not None
        return self.size

    def forward(self, pre: Tensor, rng: torch.Generator) -> tuple[Tensor, Losses]:
        """Pre-code (rows, projected) to what the decoder reads in training (rows, size), and losses of its own."""
        return self.decode(self.encode(pre)), {}

    def encode(self, pre: Tensor) -> Tensor:
        """Give the code (rows, size) without any randomness."""
        return pre

    def decode(self, code: Tensor) -> Tensor:
        """Turn a given code into what the decoder reads."""
        return code

    def prior(self, rows: int, rng: torch.Generator) -> Tensor:
        """Draw codes (rows, size) from the code's own prior, where it has one."""
        raise UsageError(
            f"code {self}: has no prior to draw from; fit with corruption mask, prior learnt or a gaussian code"
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the code's facts as JSON can hold them."""
        return {"name": self.name, **asdict(self)}

    def __str__(self) -> str:
        """Give the same words that `code=` and `--code` take."""
        extras = [f"{f.name}={getattr(self, f.name):g}" for f in fields(self)[1:]]
        return ":".join([self.name, *([] if self.size is None else [str(self.size)]), *extras])


@dataclass(frozen=True)
class Dense(Code):
    """A plain code of `size` real numbers.

    Examples
    --------
    >>> str(Dense(16))
    'dense:16'
    """

    name = "dense"


@dataclass(frozen=True)
class Gaussian(Code):
    """A variational code (Kingma and Welling 2014): a normal distribution a number, pulled to the standard normal.

    Parameters
    ----------
    size
        Numbers in the code.
    beta
        Weight of the pull (Higgins et al. 2017), 1 for the bound of the likelihood; warmed up over the first part of a
        run so that the code does not collapse.
    free_bits
        Bits a number may carry without being pulled (Kingma et al. 2016, "Improved variational inference with inverse
        autoregressive flow", eq. 15).

    Examples
    --------
    >>> str(Gaussian(8, beta=0.5))
    'gaussian:8:beta=0.5:free_bits=0'
    """

    beta: float = 0.5
    free_bits: float = 0.0

    name = "gaussian"
    generative = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.beta > 0 or not self.free_bits >= 0:
            raise UsageError(f"code {self}: beta must be above 0 and free_bits 0 or more")

    @property
    def projected(self) -> int:
        """A mean and a log variance each."""
        return 2 * super().projected

    def forward(self, pre: Tensor, rng: torch.Generator) -> tuple[Tensor, Losses]:
        """Draw the code; the loss `kl` is in nats a row, each number's share no less than `free_bits`."""
        mean, log_variance = pre.chunk(2, dim=1)
        log_variance = log_variance.clamp(-12.0, 8.0)
        noise = torch.randn(mean.shape, generator=rng, device=mean.device)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean(0)
        kl = divergence.clamp(min=self.free_bits * math.log(2)).sum()
        return mean + noise * (0.5 * log_variance).exp(), {"kl": kl}

    def encode(self, pre: Tensor) -> Tensor:
        """Give the means."""
        return pre.chunk(2, dim=1)[0]

    def prior(self, rows: int, rng: torch.Generator) -> Tensor:
        """Draw from the standard normal."""
        assert self.size is not None
        return even_normal(rows, self.size, rng)


@dataclass(frozen=True)
class Sparse(Code):
    """An overcomplete code of which only the `k` largest numbers of a row are not zero (Makhzani and Frey 2014).

    Examples
    --------
    >>> str(Sparse(256, k=16))
    'sparse:256:k=16'
    """

    k: int = 16

    name = "sparse"
    signed = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.k, int) or self.k < 1 or (self.size is not None and self.k > self.size):
            raise UsageError(f"code {self.name}: k is {self.k!r}; give a whole number from 1 to the size {self.size}")

    def encode(self, pre: Tensor) -> Tensor:
        """Keep the k largest positive numbers of a row; all others are exactly zero."""
        kept = F.relu(pre).topk(self.k, dim=1)
        return torch.zeros_like(pre).scatter(1, kept.indices, kept.values)


@dataclass(frozen=True)
class Quantized(Code):
    """A code of whole numbers, `levels` values each: finite scalar quantization (Mentzer et al. 2024, section 3.1).

    Examples
    --------
    >>> str(Quantized(8, levels=8))
    'quantized:8:levels=8'
    """

    levels: int = 8

    name = "quantized"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.levels, int) or not 2 <= self.levels <= 65536:
            raise UsageError(f"code {self.name}: levels is {self.levels!r}; give a whole number from 2 to 65536")

    def _bounded(self, pre: Tensor) -> Tensor:
        return (torch.tanh(pre) + 1) * 0.5 * (self.levels - 1)

    def forward(self, pre: Tensor, rng: torch.Generator) -> tuple[Tensor, Losses]:
        """Round, letting the gradient pass as if nothing had been rounded."""
        bounded = self._bounded(pre)
        return self.decode(bounded + (bounded.round() - bounded).detach()), {}

    def encode(self, pre: Tensor) -> Tensor:
        """Give the whole numbers 0..levels-1."""
        return self._bounded(pre).round()

    def decode(self, code: Tensor) -> Tensor:
        """Bring the levels to -1..1, which is what the decoder reads."""
        return code.clamp(0, self.levels - 1) * (2 / (self.levels - 1)) - 1


def even_normal(rows: int, size: int, rng: torch.Generator) -> Tensor:
    """Draw standard normal numbers (rows, size), those of each column spread evenly.

    Each row on its own is what independent draws would give, but shares of rows vary less from their expectation: a
    Latin hypercube (McKay et al. 1979, "A comparison of three methods for selecting values of input variables").
    """
    place = torch.rand((rows, size), generator=rng, device=rng.device).argsort(0)
    u = (place + torch.rand((rows, size), generator=rng, device=rng.device, dtype=torch.float64)) / max(rows, 1)
    normal: Tensor = torch.special.ndtri(u.clamp(1e-12, 1 - 1e-12)).float()
    return normal


CODES: dict[str, type[Code]] = {code.name: code for code in (Dense, Gaussian, Sparse, Quantized)}


def parse_code(text: object) -> Code:
    """Read a code from a size, from words such as `gaussian:16:beta=0.5`, or give it back if it is one.

    Raises
    ------
    UsageError
        For an unknown name, an unknown option or a value out of range, naming it.

    Examples
    --------
    >>> parse_code("gaussian:16"), parse_code(8), parse_code(None)
    (Gaussian(size=16, beta=0.5, free_bits=0.0), Dense(size=8), Dense(size=None))
    """
    if isinstance(text, Code):
        return text
    if text is None:
        return Dense()
    if isinstance(text, int) and not isinstance(text, bool):
        return Dense(text)
    if not isinstance(text, str):
        raise UsageError(f"code {text!r} is no code; give a size, words such as 'gaussian:16', or isthmus.Dense(16)")
    name, *rest = text.strip().split(":")
    if name not in CODES:
        raise UsageError(f"code {text!r} is unknown; codes are {', '.join(CODES)}, e.g. dense:16")
    return CODES[name](**read_options(text, CODES[name], rest, int))


def read_options(text: str, kind: type[Any], parts: Sequence[str], size: Callable[[str], Any]) -> dict[str, Any]:
    """Read what follows a kind's name in `text`: a size, and options by their names, typed like their defaults.

    Raises
    ------
    UsageError
        For a part that is none of these, naming it.
    """
    options: dict[str, Any] = {f.name: type(f.default) for f in fields(kind)[1:]}
    values: dict[str, Any] = {}
    for part in parts:
        key, found, value = part.partition("=")
        key, value = (key, value) if found else ("size", key)
        try:
            values[key] = size(value) if key == "size" else options[key](value)
        except (KeyError, ValueError):
            known = ", ".join(f"{k}=" for k in options) or "a size only"
            raise UsageError(
                f"code {text!r}: {part!r} is not understood; {kind.name} takes a size and {known}"
            ) from None
    return values
