"""From squares of clean pictures to a network that takes noise away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus.nets.denoisers import PLANES, DenoisingNet
from isthmus.nets.noises import PixelNoise
from isthmus.nets.unet import UNet
from isthmus.training.loop import train
from isthmus.training.plan import History, Plan
from isthmus.training.progress import Progress

AREA = 1 << 16
"""Pixels a step."""
PART = 80
"""Rows and columns of what is learnt from at once, where squares are as large."""
HELD_OUT = 0.05
RATE, LONG = 2e-3, 4000
"""The highest rate, of runs of so many steps at most: at 2e-3 the loss of a run of 24,000 rose from step 1,300 on."""


@dataclass(frozen=True)
class Settings:
    """What was asked for; `start` is a trained network to go on from."""

    noises: Sequence[PixelNoise]
    widths: Sequence[int]
    depths: Sequence[int]
    steps: int
    budget: float | None = None
    learning_rate: float = RATE
    seed: int = 0
    start: DenoisingNet | None = None
    checkpoint: Path | None = None
    resume: bool = False


def train_denoiser(
    squares: npt.NDArray[np.uint8],
    picture: npt.NDArray[np.int64],
    settings: Settings,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[DenoisingNet, History]:
    """Train on squares (n, channels, side, side); whole pictures, by their numbers, are held out to judge by."""
    n, channels, side, _ = squares.shape
    torch.manual_seed(settings.seed)
    part = (min(PART, side),) * 2
    net = UNet(channels + PLANES, channels, widths=settings.widths, depths=settings.depths)
    module = DenoisingNet(channels, settings.noises, net, part)
    if settings.start is not None:
        module.load_state_dict(settings.start.state_dict())
    module.to(device)
    held = _held_out(picture, settings.seed)
    batch = max(4, AREA // (part[0] * part[1]))
    plan = Plan(
        steps=settings.steps,
        batch_size=min(batch, max(1, int((~held).sum()))),
        optimizer="muon",
        learning_rate=settings.learning_rate,
        long=LONG,
        weight_decay=1e-4,
        warmup=300,
        checks=40,
        patience=12,
        seed=settings.seed,
        budget=settings.budget,
    )
    data = torch.from_numpy(squares)
    judged = _repeated(data[torch.from_numpy(held)], 64)
    identity = {
        "squares": n,
        "side": side,
        "channels": channels,
        "noises": [each.to_dict() for each in settings.noises],
    }
    history = train(
        module,
        data[torch.from_numpy(~held)],
        judged,
        plan,
        progress=progress,
        checkpoint=settings.checkpoint,
        resume=settings.resume,
        identity=identity,
    )
    return module.requires_grad_(False), history


def _held_out(picture: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.bool_]:
    """Choose pictures to judge by: a twentieth, and where there is but one, it itself."""
    numbers = np.unique(picture)
    order = np.random.default_rng(seed).permutation(numbers)
    chosen = order[: max(1, round(HELD_OUT * len(numbers)))] if len(numbers) > 1 else numbers[:0]
    held: npt.NDArray[np.bool_] = np.isin(picture, chosen)
    if not held.any():
        held[0] = len(held) > 1
    return held


def _repeated(squares: Tensor, least: int) -> Tensor:
    """Take squares as often as it needs to judge by many parts of them."""
    return squares.repeat(-(-least // max(1, len(squares))), 1, 1, 1) if len(squares) else squares
