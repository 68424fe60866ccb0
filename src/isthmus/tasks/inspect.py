"""What survives the code, variable by variable, beside what the column alone would tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from isthmus.nets.hourglass import Hourglass
from isthmus.nets.likelihoods import Likelihood
from isthmus.tasks.batches import Floats
from isthmus.tasks.reconstruct import log_likelihood, reconstruct

_NATS_PER_BIT = np.log(2)


def survival(net: Hourglass, x: Floats, training: Floats) -> list[dict[str, Any]]:
    """Measure how well each column of `x` (rows, columns) comes back, against a guess from `training` rows.

    Returns
    -------
    list of dict
        For each column `measure` and `value`: "accuracy" (share of cells rebuilt exactly, 1 is best) or
        "nrmse" (root mean squared error in standard deviations of the training rows, 0 is best); `baseline`,
        the same for the column's mode or mean; `bits` that a cell still costs once the code is known, and
        `bits_alone` without it.
    """
    back = reconstruct(net, x)
    nats = -log_likelihood(net, x)
    rows = []
    for j, likelihood in enumerate(net.columns.likelihoods):
        measured = _number(likelihood, x[:, j], back[:, j]) if likelihood.numeric else None
        measured = measured or _category(x[:, j], back[:, j], training[:, j])
        alone = _entropy(likelihood, training[:, j], x[:, j])
        rows.append(measured | {"bits": float(nats[:, j].mean() / _NATS_PER_BIT), "bits_alone": alone})
    return rows


def _number(likelihood: Likelihood, x: Floats, back: Floats) -> dict[str, Any] | None:
    mean, spread = likelihood.unit.cpu().numpy()  # type: ignore[operator]
    known = ~np.isnan(x)
    if not known.any():
        return None
    error = (np.where(np.isnan(back), mean, back)[known] - x[known]) / spread
    value = float(np.sqrt((error**2).mean()))
    baseline = float(np.sqrt((((mean - x[known]) / spread) ** 2).mean()))
    return {"measure": "nrmse", "value": value, "baseline": baseline}


def _category(x: Floats, back: Floats, training: Floats) -> dict[str, Any]:
    values, counts = np.unique(training, return_counts=True, equal_nan=True)
    mode = values[counts.argmax()]
    same = (x == back) | (np.isnan(x) & np.isnan(back))
    guessed = (x == mode) | (np.isnan(x) & np.isnan(mode))
    return {"measure": "accuracy", "value": float(same.mean()), "baseline": float(guessed.mean())}


def _entropy(likelihood: Likelihood, training: Floats, x: Floats) -> float:
    """Bits a cell of `x` costs under the training rows' own frequencies of tokens."""
    device = next((buffer.device for buffer in likelihood.buffers()), torch.device("cpu"))
    tokens, asked = (likelihood.tokens(torch.tensor(column, device=device)) for column in (training, x))
    counts = torch.bincount(tokens[tokens >= 0], minlength=likelihood.size) + 0.5
    asked = asked[asked >= 0]
    return float(-(counts / counts.sum()).log2()[asked].mean()) if len(asked) else 0.0
