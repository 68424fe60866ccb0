"""Products of a wide sparse code that touch only the active features: k rows of a matrix a token, not all.

Of the products of a training step only the encoder's own, which tells what is active, has to be dense. Decoding, and
the gradients of values and of both matrices, are sums of few rows: `embedding_bag` forwards, and backwards the same
with the active entries sorted by feature (Gao et al. 2024, "Scaling and evaluating sparse autoencoders", appendix D).
On CUDA the same calls run that device's kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus.nets.precision import rounded_product

GROUP = 8
"""Features that share one maximum in the search for the largest entries."""

PART, ENTRIES = 512, 1 << 28
"""Rows of a product that a processor searches at once, and entries that others do."""


@dataclass(frozen=True)
class Active:
    """Which features (m,) are active in which rows (m,), row after row, of `shape` (rows, features) in all."""

    rows: Tensor
    features: Tensor
    shape: tuple[int, int]

    @cached_property
    def starts(self) -> Tensor:
        """Where each row's entries begin (rows,)."""
        return _starts(self.rows, self.shape[0])

    @cached_property
    def by_feature(self) -> tuple[Tensor, Tensor]:
        """The entries' order by feature (m,), and where each feature's begin (features,)."""
        ordered, order = self.features.sort(stable=True)
        return order, _starts(ordered, self.shape[1])

    @cached_property
    def counts(self) -> Tensor:
        """How many rows each feature is active in (features,)."""
        starts = self.by_feature[1]
        return torch.diff(starts, append=starts.new_tensor([len(self.rows)]))


def _starts(ordered: Tensor, count: int) -> Tensor:
    return torch.searchsorted(ordered, torch.arange(count, device=ordered.device, dtype=ordered.dtype))


def encode(x: Tensor, encoder: Tensor, offset: Tensor, values: Tensor, active: Active) -> Tensor:
    """Let gradients flow from the active entries of ``x @ encoder.T + offset`` to encoder and offset.

    Parameters
    ----------
    x
        Rows (rows, width); no gradient flows to them.
    encoder, offset
        (features, width) and (features,).
    values
        The product's entries at `active` (m,), computed already.
    """
    result: Tensor = _Encode.apply(x, encoder, offset, values, active)  # type: ignore[no-untyped-call]
    return result


class _Encode(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, encoder: Tensor, offset: Tensor, values: Tensor, active: Active) -> Tensor:
        ctx.save_for_backward(x)
        ctx.active = active
        return values.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x,), active = ctx.saved_tensors, ctx.active
        order, starts = active.by_feature
        to_offset = _added(grad, active) if grad.device.type == "cpu" else _in_order(grad, active)
        return None, _bags(x, active.rows[order], starts, grad[order]), to_offset, None, None


def _added(entries: Tensor, active: Active) -> Tensor:
    """Sum entries (m,) by feature (features,)."""
    return entries.new_zeros(active.shape[1]).index_add_(0, active.features, entries)


def _in_order(entries: Tensor, active: Active) -> Tensor:
    """Do the same where `index_add_` adds in whatever order threads come, so that no two runs would be alike."""
    order, starts = active.by_feature
    if not len(entries):
        return _added(entries, active)
    return F.embedding_bag(order, entries[:, None], starts, mode="sum")[:, 0]


def decode(values: Tensor, active: Active, decoder: Tensor, bags: Tensor | None = None, count: int = 0) -> Tensor:
    """Sum decoder rows, each as often as its value says: (rows, width).

    With `bags` (m,), ascending numbers below `count`, entries of one number are summed instead of those of one row.
    """
    starts = active.starts if bags is None else _starts(bags, count)
    result: Tensor = _Decode.apply(values, decoder, active, starts, active.rows if bags is None else bags)  # type: ignore[no-untyped-call]
    return result


class _Decode(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, decoder: Tensor, active: Active, starts: Tensor, bags: Tensor) -> Tensor:
        ctx.save_for_backward(values, decoder, starts, bags)
        ctx.active = active
        return _bags(decoder, active.features, starts, values)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        values, decoder, starts, bags = ctx.saved_tensors
        grad = grad.contiguous()
        to_values = torch.ops.aten._embedding_bag_per_sample_weights_backward(
            grad, decoder, ctx.active.features, starts, bags, 0
        )
        order, by_feature = ctx.active.by_feature
        return to_values, _bags(grad, bags[order], by_feature, values[order]), None, None, None


def _bags(table: Tensor, rows: Tensor, starts: Tensor, weights: Tensor) -> Tensor:
    """Sum weighted rows of a table, those from each start to the next."""
    return F.embedding_bag(rows, table, starts, mode="sum", per_sample_weights=weights)


def product(x: Tensor, encoder: Tensor, offset: Tensor, *, bf16: bool = False) -> list[Tensor]:
    """Compute ``x @ encoder.T + offset`` in parts of some rows, by the quickest way there is; without gradients.

    With `bf16` of numbers rounded to that, but summed in float32. A processor searches parts of 512 rows while they are
    still in its cache; other devices have larger parts, because each is waited for. On a processor oneDNN takes four
    fifths of the time of the BLAS that `torch.addmm` calls (measured at 512 x 8,192 on AVX-512); `torch` calls it only
    for its own layers in inference, hence the private name, which the exact pin of torch allows.
    """
    weight, bias = encoder.detach(), offset.detach()
    parts = torch.split(x.detach(), PART if x.device.type == "cpu" else max(PART, ENTRIES // len(weight)))
    if bf16:
        return [rounded_product(part, weight).add_(bias) for part in parts]
    if x.device.type == "cpu" and torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return [torch.ops.mkldnn._linear_pointwise(part, weight, bias, "none", [], "") for part in parts]
    return [F.linear(part, weight, bias) for part in parts]


def largest(parts: Sequence[Tensor], count: int, guess: float = 0.0) -> tuple[Active, Tensor, float]:
    """Find the `count` largest positive entries of a matrix: where, their values (m,), and the least of them.

    Entries equal to the least are all kept, so that what is found does not depend on how it was searched: a right
    `guess` of the least, such as the last batch's, only saves time.

    Parameters
    ----------
    parts
        The matrix (rows, features), cut into some rows each.

    Examples
    --------
    >>> active, values, least = largest([torch.tensor([[1.0, 4.0], [-1.0, 3.0]])], 2)
    >>> active.rows.tolist(), active.features.tolist(), least
    ([0, 1], [1, 1], 3.0)
    """
    values, rows, features = above(parts, 0.97 * guess)
    if len(values) < count and guess > 0:
        values, rows, features = above(parts, 0.0)
    least = 0.0
    if len(values) > count:
        least = float(values.kthvalue(len(values) - count + 1).values)
        kept = values >= least
        values, rows, features = values[kept], rows[kept], features[kept]
    return Active(rows, features, (sum(map(len, parts)), parts[0].shape[1])), values, least


def above(parts: Sequence[Tensor], low: float) -> tuple[Tensor, Tensor, Tensor]:
    """List the entries above a limit, row after row: their values, rows and features, (m,) each."""
    found, start = [], 0
    for part in parts:
        rows, features = part.shape
        group = GROUP if features % GROUP == 0 else 1
        grouped = part.view(rows, group, features // group)
        row, column = (grouped.amax(1) > low).nonzero(as_tuple=True)
        entries = grouped[row, :, column]
        which, member = (entries > low).nonzero(as_tuple=True)
        found.append((entries[which, member], row[which] + start, member * grouped.shape[2] + column[which]))
        start += rows
    values, at, where = zip(*found, strict=True)
    return torch.cat(values), torch.cat(at), torch.cat(where)
