"""What moves the weights, by name."""

from __future__ import annotations

from typing import Any

import torch

from isthmus.training.muon import Muon

__all__ = ["OPTIMIZERS"]


def _adamw(module: Any, rate: float, decay: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=decay, fused=True)


def _muon(module: Any, rate: float, decay: float) -> torch.optim.Optimizer:
    return Muon(module.parameters(), module.matrices(), rate, decay)


OPTIMIZERS = {"adamw": _adamw, "muon": _muon}
"""Each takes a module, a rate and the share of a weight that decays in a step of rate one."""
