"""How far a code depends on what the decoder is told anyway: a loss for conditional models.

A decoder that reads condition columns need not find them in the code, but nothing stops the code from holding them,
and a row decoded under another condition would then contradict itself. So codes are trained to be independent of the
conditions beside them (Lopez et al. 2018, "Information constraints on auto-encoding variational Bayes", section 3).
"""

from __future__ import annotations

import torch
from torch import Tensor

_LEAST = 1e-9

_FLOOR = 1e-4
"""Directions of less than this share of the mean variance are not stretched any further."""


def dependence(a: Tensor, b: Tensor) -> Tensor:
    """Tell how far two descriptions (rows, any) of the same rows depend on each other: 0 not at all, 1 entirely.

    The Hilbert-Schmidt criterion of normal kernels as wide as their rows lie apart, over what each has with itself
    (Gretton et al. 2005, "Measuring statistical dependence with Hilbert-Schmidt norms"; Cortes et al. 2012, "Algorithms
    for learning kernels based on centered alignment", definition 4). 0 where one of them does not vary.

    Examples
    --------
    >>> a, b = torch.randn(2, 200, 3, generator=torch.Generator().manual_seed(0))
    >>> bool(dependence(a, b) < 0.1 < 0.9 < dependence(a, 2 * a))
    True
    """
    one, other = _kernel(a), _kernel(b)
    own = one.square().sum() * other.square().sum()
    return (one * other).sum() / own.clamp(min=_LEAST).sqrt()


def _kernel(x: Tensor) -> Tensor:
    """Give the centred normal kernel (rows, rows) of values (rows, any)."""
    x = _whitened(x)
    length = x.square().sum(1)
    apart = (length[:, None] + length[None] - 2 * x @ x.T).clamp(min=0)
    kernel = (-apart / apart.detach().mean().clamp(min=_LEAST)).exp()
    centred: Tensor = kernel - kernel.mean(0, keepdim=True)
    return centred - centred.mean(1, keepdim=True)


def _whitened(x: Tensor) -> Tensor:
    """Stretch the directions of values (rows, any) alike: a decoder reads the narrow ones as well as the wide.

    With too few rows to tell directions apart they stay as they are.
    """
    rows, size = x.shape
    if rows <= 2 * size:
        return x
    centred = x - x.mean(0)
    spread = centred.T @ centred / rows
    floor = (_FLOOR * spread.diagonal().mean() + _LEAST) * torch.eye(size, device=x.device)
    stretched: Tensor = torch.linalg.solve_triangular(torch.linalg.cholesky(spread + floor), centred.T, upper=False)
    return stretched.T
