"""The bins of many numeric columns as one rectangle: read together, not column by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from isthmus.nets.likelihoods import Numeric


@dataclass(frozen=True)
class Bins:
    """Bins (columns, widest) of numeric columns, and facts (columns,) of each; shorter rows are filled up.

    Attributes
    ----------
    order
        Each column's place among the numeric ones.
    token
        Each bin's place in the long alphabet.
    start, last
        Smallest value of each bin, in data units, infinite where it fills up; and the last bin's place.
    real
        1 for a bin, 0 for what fills up.
    centre, atom
        Mean of each bin's training values, in data units, and whether it holds one value only.
    low, high, mean, spread
        Of each column's training values, in data units.
    """

    order: Tensor
    token: Tensor
    start: Tensor
    last: Tensor
    real: Tensor
    centre: Tensor
    atom: Tensor
    low: Tensor
    high: Tensor
    mean: Tensor
    spread: Tensor

    @classmethod
    def of(cls, numerics: Sequence[Numeric], starts: Sequence[int]) -> Bins:
        """Put columns side by side, whose first tokens are at `starts`."""
        counts = torch.tensor([numeric.present for numeric in numerics])
        first, device = torch.tensor(starts), numerics[0].centre.device
        step = torch.arange(int(counts.max()))
        real = step < counts[:, None]
        ends = torch.stack([torch.stack([numeric.inside[0, 0], numeric.inside[-1, -1]]) for numeric in numerics])
        units = torch.stack([numeric.unit for numeric in numerics])
        return cls(
            order=torch.arange(len(numerics), device=device),
            token=(first[:, None] + step * real).to(device),
            start=_rectangle([numeric.starts for numeric in numerics], torch.inf),
            last=(counts - 1).to(device),
            real=real.float().to(device),
            centre=_rectangle([numeric.centre for numeric in numerics]),
            atom=_rectangle([numeric.atoms for numeric in numerics]),
            low=ends[:, 0],
            high=ends[:, 1],
            mean=units[:, 0],
            spread=units[:, 1],
        )

    def take(self, columns: Tensor) -> Bins:
        """Keep some of the columns."""
        return Bins(**{name: values[columns] for name, values in vars(self).items()})

    def find(self, x: Tensor) -> Tensor:
        """Give the bins (rows, columns) that values (rows, columns) are of, which are numbers."""
        found = torch.searchsorted(self.start, x.T.contiguous(), right=True).T - 1
        return found.clamp(min=0).minimum(self.last)

    def at(self, values: Tensor, bins: Tensor) -> Tensor:
        """Values (rows, columns), of values (columns, widest), at one bin (rows, columns) each."""
        return values[torch.arange(len(values), device=values.device), bins]


def _rectangle(rows: Sequence[Tensor], filling: float = 0.0) -> Tensor:
    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=filling)
