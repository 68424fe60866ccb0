"""How good a dictionary is by itself: what it keeps of activations, how often its features fire, and which others find.

Variance explained is ``1 - sum |x - rebuilt|^2 / sum |x - mean|^2``, over all rows and numbers at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus.errors import DataError

__all__ = ["Coder", "Fidelity", "fidelity", "histogram", "matched"]

EDGES = np.arange(-6.0, 0.5, 0.5)
"""Of the histogram of densities, in powers of ten."""


class Coder(Protocol):
    """A dictionary: rows to codes and back."""

    size: int

    def encode(self, x: Tensor, /) -> Tensor:
        """Give codes (n, size) of rows."""

    def decode(self, code: Tensor, /) -> Tensor:
        """Give rows of codes."""


@dataclass(frozen=True)
class Fidelity:
    """What a dictionary keeps of rows.

    Attributes
    ----------
    rows
        How many were seen.
    l0
        Features active in a row, on average.
    explained
        Share of the variance.
    density
        (features,) share of rows in which each is active.
    """

    rows: int
    l0: float
    explained: float
    density: npt.NDArray[np.float64]

    @property
    def dead(self) -> float:
        """Share of features that were active in none of the rows."""
        return float((self.density == 0).mean())


@torch.no_grad()
def fidelity(coder: Coder, blocks: Iterable[tuple[Tensor, Tensor]]) -> Fidelity:
    """Send rows through a dictionary and back.

    Parameters
    ----------
    coder
        The dictionary.
    blocks
        Rows (n, width), some at a time, sinks left out, and what is to come out for them: the same again, or another
        layer's activations of a transcoder.

    Examples
    --------
    >>> class Same:
    ...     size = 2
    ...     def encode(self, x): return torch.relu(x)
    ...     def decode(self, code): return code
    >>> rows = torch.tensor([[1.0, 0.0], [3.0, 0.0]])
    >>> found = fidelity(Same(), [(rows, rows)])
    >>> found.explained, found.l0, found.dead
    (1.0, 1.0, 0.5)
    """
    rows, left, squares, active = 0, 0.0, 0.0, 0
    total: Tensor | None = None
    counts = torch.zeros(coder.size, dtype=torch.long)
    for x, target in blocks:
        code = coder.encode(x)
        wanted = target.double()
        left += float((wanted - coder.decode(code).double()).square().sum())
        squares += float(wanted.square().sum())
        total = wanted.sum(0) if total is None else total + wanted.sum(0)
        fired = (code > 0).sum(0).cpu()
        counts += fired
        active, rows = active + int(fired.sum()), rows + len(x)
    if total is None or not rows:
        raise DataError("there are no activations to measure on: give more text")
    variance = squares - float(total.square().sum()) / rows
    return Fidelity(rows, active / rows, 1 - left / max(variance, 1e-30), counts.numpy() / rows)


def histogram(density: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Count features by how often they are active: half a power of ten a bin, and those that never are.

    Examples
    --------
    >>> found = histogram(np.array([0.0, 0.02, 0.5]))
    >>> found["never"], found["edges"][-3:], found["counts"][-3:]
    (1, [0.1, 0.31622776601683794, 1.0], [0, 0, 1])
    """
    seen = np.log10(density[density > 0]).clip(EDGES[0], EDGES[-1])
    counts, _ = np.histogram(seen, EDGES)
    return {"edges": (10.0**EDGES).tolist(), "counts": counts.tolist(), "never": int((density == 0).sum())}


def matched(one: Tensor, other: Tensor, near: float = 0.9) -> tuple[float, float]:
    """Look for each direction of `one` (m, width) in `other` (n, width): mean of the best cosines, share above `near`.

    Examples
    --------
    >>> matched(torch.eye(2), torch.tensor([[5.0, 0.0], [1.0, 1.0]]))
    (0.853..., 0.5)
    """
    one, other = F.normalize(one, dim=1), F.normalize(other, dim=1)
    best = torch.cat([(part @ other.T).amax(1) for part in torch.split(one, 1024)])
    return float(best.mean()), float((best > near).float().mean())
