"""Which products of a network may be rounded to bf16 while it is trained: those of parts that say so, and no others.

Bf16 has the range of float32 and 8 of its 24 bits: enough for the products of wide layers, whose errors average out,
and far too few for a straight path that carries numbers almost exactly, for sums of probabilities or for a likelihood.
So it is not a whole module that is trained in bf16 and parts that are taken out: what is not marked stays float32.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn


class Mixed(nn.Module):
    """A module that takes its costly products in bf16 where it is told to; weights and what comes out stay float32.

    Attributes
    ----------
    bf16
        Whether it does now.

    Examples
    --------
    >>> class Twice(Mixed):
    ...     def forward(self, x):
    ...         with self.products(x):
    ...             return (x @ x).float()
    >>> part, x = Twice(), torch.full((1, 1), 1.5 + 2**-9)
    >>> exactly = part(x)
    >>> part.bf16 = True
    >>> exactly.item(), part(x).item(), part(x).dtype
    (2.2558631896972656, 2.25, torch.float32)
    """

    bf16: bool = False

    def products(self, like: Tensor) -> AbstractContextManager[object]:
        """Give the context of the costly products, which go where `like` is."""
        return torch.autocast(like.device.type, torch.bfloat16) if self.bf16 else nullcontext()


def rounded_product(rows: Tensor, weight: Tensor) -> Tensor:
    """Compute ``rows @ weight.T`` of numbers rounded to bf16, summed in float32 and not rounded again.

    >>> rounded_product(torch.tensor([[1.0, 2**-9]]), torch.tensor([[1.0, 1.0], [1 + 2**-9, 0.0]])).tolist()
    [[1.001953125, 1.0]]
    """
    one, other = rows.bfloat16(), weight.bfloat16()
    if one.is_cuda:
        return torch.mm(one, other.T, out_dtype=torch.float32)
    return one.float() @ other.float().T  # elsewhere torch has no product of this kind
