"""How a wide code is kept sparse: what is active, what that costs in training, and what is active later.

A kind is one frozen dataclass without weights. In training it tells which features of a batch are active and how well
they rebuild it; afterwards a fixed threshold a feature does the same, so that one feature can be computed alone.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.errors import UsageError
from isthmus.nets import gathered
from isthmus.nets.codes import read_options

if TYPE_CHECKING:
    from isthmus.nets.dictionaries import Dictionary

Losses = dict[str, Tensor]

WARM = 0.2
"""Share of a run over which penalties of sparsity grow to their weight: what starts too sparse dies."""


@dataclass(frozen=True)
class Sparsity:
    """What all kinds share: `size`, the number of features, or how many times the width, such as "16x"."""

    size: int | str = "16x"

    name: ClassVar[str] = ""
    threshold: ClassVar[str] = "one"
    """What decides after training: "one" threshold for all features, one for "each", or the "rank" within a row."""

    def __post_init__(self) -> None:
        times = isinstance(self.size, str) and self.size.endswith("x") and self.size[:-1].isdigit()
        count = int(self.size[:-1]) if isinstance(self.size, str) and times else self.size
        if not isinstance(count, int) or count < 1:
            raise UsageError(f"code {self.name}: size is {self.size!r}; give a whole number, or a multiple such as 16x")
        for option in fields(self)[1:]:
            if not getattr(self, option.name) > 0:
                raise UsageError(f"code {self.name}: {option.name} is {getattr(self, option.name)!r}; give more than 0")

    def of(self, width: int) -> Sparsity:
        """Count the features out for activations of some width."""
        if isinstance(self.size, int):
            return self
        return replace(self, size=int(self.size[:-1]) * width)

    def extra(self, size: int) -> dict[str, Tensor]:
        """Give the start of weights that this kind has beside encoder and decoder."""
        return {}

    def shrink(self, net: Dictionary, factor: float) -> None:
        """Make all codes of an untrained dictionary so many times as large."""
        net.encoder.mul_(max(factor, 1e-3))

    def losses(self, net: Dictionary, x: Tensor, target: Tensor) -> tuple[Losses, Tensor, Tensor]:
        """Give losses of a batch, what is left of the target (rows, width), and how often each feature was active."""
        raise NotImplementedError

    def weights(self, share: float) -> dict[str, float]:
        """Give the weights of the losses beside `unexplained`, at a share of the run."""
        return {}

    def activate(self, net: Dictionary, pre: Tensor) -> Tensor:
        """Turn pre-activations (rows, features) into codes, as after training."""
        return pre * (pre > net.threshold)

    @torch.no_grad()
    def settle(self, net: Dictionary, rows: Tensor) -> None:
        """Fix `net.threshold` (features,) once training is over, by some raw rows where it takes any."""

    def to_dict(self) -> dict[str, Any]:
        """Give the kind's facts as JSON can hold them."""
        return {"name": self.name, **asdict(self)}

    def __str__(self) -> str:
        """Give the same words that `code=` and `--code` take."""
        return ":".join([self.name, str(self.size), *(f"{f.name}={getattr(self, f.name):g}" for f in fields(self)[1:])])


@dataclass(frozen=True)
class BatchTopK(Sparsity):
    """The largest of a whole batch are active, `k` a row on average (Bussmann et al. 2024, "BatchTopK").

    Examples
    --------
    >>> str(BatchTopK("16x", k=32))
    'sparse:16x:k=32'
    """

    k: int = 32

    name = "sparse"

    def chosen(self, net: Dictionary, x: Tensor) -> tuple[gathered.Active, Tensor]:
        """Find what is active in a batch, and its values (m,)."""
        parts = gathered.product(x, net.encoder, net.offset, bf16=net.bf16)
        active, values, least = gathered.largest(parts, self.k * len(x), net.least)
        net.least = least
        return active, values

    def losses(self, net: Dictionary, x: Tensor, target: Tensor) -> tuple[Losses, Tensor, Tensor]:
        """Rebuild from the k largest."""
        with torch.no_grad():
            active, values = self.chosen(net, x)
        values = gathered.encode(x, net.encoder, net.offset, values, active)
        left = target - net.bias - gathered.decode(values, active, net.decoder)
        return {"unexplained": net.unexplained(left)}, left, active.counts

    @torch.no_grad()
    def settle(self, net: Dictionary, rows: Tensor) -> None:
        """Fix one threshold for all features, at which `k` a row are active on average."""
        found = [
            gathered.above(gathered.product(net.centred(part), net.encoder, net.offset), 0.0)[0]
            for part in torch.split(net.split(rows)[0], 2048)
        ]
        values = torch.cat(found)
        count = min(len(values), self.k * len(rows))
        net.threshold.fill_(values.kthvalue(len(values) - count + 1).values * (1 - 1e-6) if count else 0.0)


@dataclass(frozen=True)
class TopK(BatchTopK):
    """The `k` largest of each row are active (Makhzani and Frey 2014; Gao et al. 2024).

    Examples
    --------
    >>> str(TopK(4096, k=16))
    'topk:4096:k=16'
    """

    name = "topk"
    threshold = "rank"

    def chosen(self, net: Dictionary, x: Tensor) -> tuple[gathered.Active, Tensor]:
        """Find the k largest of each row."""
        parts = gathered.product(x, net.encoder, net.offset, bf16=net.bf16)
        k = min(self.k, net.size)
        best = [part.topk(k, dim=1, sorted=False) for part in parts]
        values, features = (torch.cat([getattr(b, name) for b in best]).flatten() for name in ("values", "indices"))
        rows = torch.arange(len(x), device=x.device).repeat_interleave(k)
        kept = values > 0
        return gathered.Active(rows[kept], features[kept], (len(x), net.size)), values[kept]

    def activate(self, net: Dictionary, pre: Tensor) -> Tensor:
        """Keep the k largest of a row."""
        kept = F.relu(pre).topk(min(self.k, net.size), dim=1)
        return torch.zeros_like(pre).scatter(1, kept.indices, kept.values)

    def settle(self, net: Dictionary, rows: Tensor) -> None:
        """Leave it: the rank in a row decides."""


@dataclass(frozen=True)
class Matryoshka(BatchTopK):
    """BatchTopK of which the first features alone rebuild as well as they can (Bussmann et al. 2025, eq. 3).

    `groups` prefixes, each twice as long as the one before, rebuild by themselves: general features come first and are
    not taken apart into special cases.

    Examples
    --------
    >>> Matryoshka(1024, groups=4).prefixes(1024)
    [128, 256, 512, 1024]
    """

    groups: int = 5

    name = "matryoshka"

    def prefixes(self, size: int) -> list[int]:
        """Where each prefix ends."""
        return [max(1, size >> (self.groups - 1 - i)) for i in range(self.groups)]

    def losses(self, net: Dictionary, x: Tensor, target: Tensor) -> tuple[Losses, Tensor, Tensor]:
        """Rebuild from every prefix; `unexplained` is the mean over prefixes."""
        with torch.no_grad():
            active, values = self.chosen(net, x)
            ends = torch.tensor(self.prefixes(net.size), device=x.device)
            bags, order = (active.rows * self.groups + torch.bucketize(active.features, ends - 1)).sort(stable=True)
            active = gathered.Active(active.rows[order], active.features[order], active.shape)
        values = gathered.encode(x, net.encoder, net.offset, values[order], active)
        parts = gathered.decode(values, active, net.decoder, bags, len(x) * self.groups)
        rebuilt = parts.view(len(x), self.groups, -1).cumsum(1) + net.bias
        left = target.unsqueeze(1) - rebuilt
        return {"unexplained": net.unexplained(left.flatten(0, 1))}, left[:, -1], active.counts


@dataclass(frozen=True)
class ReLU(Sparsity):
    """Every positive number is active, and costs `l1` times its size (Bricken et al. 2023).

    Examples
    --------
    >>> str(ReLU("8x", l1=0.01))
    'relu:8x:l1=0.01'
    """

    l1: float = 0.02

    name = "relu"

    def losses(self, net: Dictionary, x: Tensor, target: Tensor) -> tuple[Losses, Tensor, Tensor]:
        """Rebuild from all that is positive."""
        code = F.relu(F.linear(x, net.encoder, net.offset))
        left = target - net.bias - code @ net.decoder
        size = code.sum(1).mean() / net.variance.sqrt()
        return {"unexplained": net.unexplained(left), "l1": size}, left, (code > 0).sum(0)

    def weights(self, share: float) -> dict[str, float]:
        """Warm the penalty up."""
        return {"l1": self.l1 * min(1.0, share / WARM)}


@dataclass(frozen=True)
class JumpReLU(Sparsity):
    """What is above a feature's own learnt threshold is active, `l0` features a row (Rajamanoharan et al. 2024b).

    The count has no gradient of its own: entries near the threshold stand for it (eq. 11 there), and the squared
    distance of the count to `l0`, relative to it, is what is penalised.

    Examples
    --------
    >>> str(JumpReLU("8x", l0=32))
    'jumprelu:8x:l0=32'
    """

    l0: float = 32.0

    name = "jumprelu"
    threshold = "each"

    START, BAND = 1.0, 0.5
    """In units of a random direction's standard deviation: the first threshold, and the breadth of "near" it."""

    def extra(self, size: int) -> dict[str, Tensor]:
        """Start every threshold alike, as a logarithm."""
        return {"log_threshold": torch.full((size,), self.START).log()}

    def shrink(self, net: Dictionary, factor: float) -> None:
        """Shrink the thresholds as well, so that the same is active."""
        super().shrink(net, factor)
        net.extra["log_threshold"].add_(math.log(max(factor, 1e-3)))

    def losses(self, net: Dictionary, x: Tensor, target: Tensor) -> tuple[Losses, Tensor, Tensor]:
        """Rebuild from what is above its threshold, and count it."""
        pre = F.linear(x, net.encoder, net.offset)
        threshold = net.extra["log_threshold"].exp()
        above, value = _Step.apply(pre, threshold, self.BAND)  # type: ignore[no-untyped-call]
        left = target - net.bias - value @ net.decoder
        count = above.sum(1).mean()
        losses = {"unexplained": net.unexplained(left), "l0": (count / self.l0 - 1).square().clamp(max=1e4)}
        return losses, left, above.detach().sum(0)

    def weights(self, share: float) -> dict[str, float]:
        """Warm the penalty up."""
        return {"l0": min(1.0, share / WARM)}

    @torch.no_grad()
    def settle(self, net: Dictionary, rows: Tensor) -> None:
        """Take the learnt ones."""
        net.threshold.copy_(net.extra["log_threshold"].exp())


class _Step(torch.autograd.Function):
    """A step at a threshold, and what passes it, with gradients by a rectangle around it."""

    @staticmethod
    def forward(ctx: Any, pre: Tensor, threshold: Tensor, band: float) -> tuple[Tensor, Tensor]:
        above = (pre > threshold).to(pre.dtype)
        ctx.save_for_backward(pre, threshold, above)
        ctx.band = band
        return above, pre * above

    @staticmethod
    def backward(ctx: Any, to_count: Tensor, to_value: Tensor) -> tuple[Tensor, Tensor, None]:
        pre, threshold, above = ctx.saved_tensors
        near = ((pre - threshold).abs() < ctx.band / 2).to(pre.dtype) / ctx.band
        return to_value * above, -(near * (to_count + threshold * to_value)).sum(0), None


@dataclass(frozen=True)
class Gated(Sparsity):
    """One half of the encoder says whether, the other how much (Rajamanoharan et al. 2024a, eqs. 6 to 8).

    Examples
    --------
    >>> str(Gated("8x", l1=0.02))
    'gated:8x:l1=0.02'
    """

    l1: float = 0.02

    name = "gated"
    threshold = "each"

    def extra(self, size: int) -> dict[str, Tensor]:
        """Share the encoder's directions: only a stretch and an offset are the magnitude's own."""
        return {"stretch": torch.zeros(size), "magnitude": torch.zeros(size)}

    def losses(self, net: Dictionary, x: Tensor, target: Tensor) -> tuple[Losses, Tensor, Tensor]:
        """Rebuild by gate and magnitude; the gate alone has to rebuild as well, or nothing would teach it."""
        gate = F.linear(x, net.encoder, net.offset)
        code = (gate > 0) * F.relu((gate - net.offset) * net.extra["stretch"].exp() + net.extra["magnitude"])
        left = target - net.bias - code @ net.decoder
        open_ = F.relu(gate)
        alone = target - net.bias.detach() - open_ @ net.decoder.detach()
        losses = {
            "unexplained": net.unexplained(left),
            "gate": net.unexplained(alone),
            "l1": open_.sum(1).mean() / net.variance.sqrt(),
        }
        return losses, left, (code > 0).sum(0)

    def weights(self, share: float) -> dict[str, float]:
        """Warm the penalty up."""
        return {"gate": 1.0, "l1": self.l1 * min(1.0, share / WARM)}

    def activate(self, net: Dictionary, pre: Tensor) -> Tensor:
        """Read the size of what the gate lets through."""
        return (pre > 0) * F.relu((pre - net.offset) * net.extra["stretch"].exp() + net.extra["magnitude"])


SPARSITIES: dict[str, type[Sparsity]] = {
    kind.name: kind for kind in (BatchTopK, TopK, Matryoshka, ReLU, JumpReLU, Gated)
}


def parse_sparsity(text: object) -> Sparsity:
    """Read a kind from words such as `sparse:16x:k=32`, or give it back if it is one.

    Raises
    ------
    UsageError
        For an unknown name, an unknown option or a value out of range, naming it.

    Examples
    --------
    >>> parse_sparsity("jumprelu:8x:l0=20")
    JumpReLU(size='8x', l0=20.0)
    """
    if isinstance(text, Sparsity):
        return text
    name, *rest = str(text).strip().split(":")
    if name not in SPARSITIES:
        raise UsageError(f"code {text!r} is unknown; for activations: {', '.join(SPARSITIES)}, e.g. sparse:16x:k=32")
    kind = SPARSITIES[name]
    return kind(**read_options(str(text), kind, rest, lambda word: int(word) if word.isdigit() else word))


def from_facts(facts: dict[str, Any]) -> Sparsity:
    """Give the kind that `to_dict` wrote down."""
    return SPARSITIES[facts["name"]](**{key: value for key, value in facts.items() if key != "name"})


def weights_of(kind: Sparsity, size: int) -> nn.ParameterDict:
    """Give a kind's own weights, ready to be learnt."""
    return nn.ParameterDict({name: nn.Parameter(start) for name, start in kind.extra(size).items()})
