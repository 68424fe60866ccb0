"""Where training starts: at a principal component analysis of the rows, and at the columns' own frequencies.

From random weights a narrow code spends most of a run on finding out that numbers are numbers. Here the straight paths
of encoder and decoder start as a whitened PCA of standardised numbers and one-hot categories, and the decoder's biases
as log-frequencies; the residual blocks learn what PCA cannot say.
"""

from __future__ import annotations

import torch
from torch import Tensor

from isthmus.nets.columns import Columns
from isthmus.nets.hourglass import Hourglass

_MARK = 0.5
"""Length of the mark of a hidden cell in each number of the code, whose own spread is about one."""

_TOKENS = 1000
"""Categories that the analysis takes in at most, the most frequent ones: its cost grows with their cube."""

_FLOOR = 1e-3
"""Components of less than this share of the first one's variance are not whitened any further."""


@torch.no_grad()
def start_at_principal_components(net: Hourglass, x: Tensor) -> None:
    """Set the straight paths and biases of a fresh `net` from training values `x` (rows, columns)."""
    columns = net.columns
    cells = columns.tokenize(x)
    head, size = net.decoder.head, len(net.decoder.straight)
    head.bias[: columns.total] = columns.log_marginals(cells.token)
    head.bias[columns.total :] = 0
    head.weight[columns.total :] *= 0.1
    net.encoder.project.weight *= 0.1
    net.encoder.project.bias.zero_()
    token, number, bias, back = _whitened(columns, x, size, signed=net.code.signed)
    encoder = net.encoder
    encoder.straight.tokens[:, size:] = 0
    encoder.numbers[:, size:] = 0
    encoder.straight.tokens[:, :size] = token
    encoder.numbers[:, :size] = number
    net.encoder.project.bias[:size] = bias
    net.decoder.straight.copy_(back.T)


def _whitened(columns: Columns, x: Tensor, size: int, *, signed: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Give loadings of tokens (tokens and hidden, size) and numbers (numeric, size), bias (size,), and the way back.

    A code that cannot be negative takes every component twice, once for either sign.
    """
    cells = columns.tokenize(x)
    categorical = [j for j in range(len(columns.sizes)) if j not in columns.numeric]
    used = [k for j in categorical for k in range(columns.slices[j].start, columns.slices[j].stop)]
    if len(used) > _TOKENS:
        count = torch.bincount((cells.token + columns.offset).flatten(), minlength=columns.total)
        used = sorted(torch.tensor(used)[count[used].argsort(descending=True, stable=True)[:_TOKENS]].tolist())
    n = len(columns.numeric)
    inputs = len(used) + n
    gram, total = torch.zeros(inputs, inputs, dtype=torch.float64), torch.zeros(inputs, dtype=torch.float64)
    for token, number in zip(torch.split(cells.token, 4096), torch.split(cells.number, 4096), strict=True):
        one_hot = torch.zeros(len(token), columns.total, dtype=torch.float64)
        one_hot.scatter_(1, token + columns.offset, 1.0)
        rows = torch.cat([one_hot[:, used], number.double()], 1)
        gram += rows.T @ rows
        total += rows.sum(0)
    mean = total / len(x)
    variance, axes = torch.linalg.eigh(gram / len(x) - torch.outer(mean, mean))
    components = min(size if signed else max(size // 2, 1), inputs)
    variance, axes = variance.flip(0)[:components].clamp(min=1e-9), axes.flip(1)[:, :components]
    scale = variance.clamp(min=float(variance[0]) * _FLOOR).sqrt()
    if not signed and size >= 2 * components:
        axes, scale = torch.cat([axes, -axes], 1), torch.cat([scale, scale])
    kept = len(scale)
    into, back = (axes / scale).float(), (axes * scale).float()
    token_in = torch.zeros(columns.total + len(columns.sizes), size)
    token_in[used, :kept] = into[: len(used)]
    for j in categorical:  # a hidden cell counts as the average one ...
        own = [i for i, k in enumerate(used) if columns.slices[j].start <= k < columns.slices[j].stop]
        token_in[columns.total + j, :kept] = mean[own].float() @ into[own]
    number_in, bias, number_out = torch.zeros(n, size), torch.zeros(size), torch.zeros(n, size)
    number_in[:, :kept], number_out[:, :kept] = into[len(used) :], back[len(used) :]
    # ... and is marked, so that a hidden number is not taken for one that is average; in directions that the way
    # back does not read
    mark = _MARK * torch.randn(len(columns.sizes), size)
    token_in[columns.total :] += mark - mark @ torch.linalg.pinv(number_out) @ number_out
    bias[:kept] = -(mean.float() @ into)
    return token_in, number_in, bias, number_out
