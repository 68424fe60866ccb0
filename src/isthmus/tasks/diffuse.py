"""Noise into structure: a picture made by denoising again and again, at ever lower levels."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from isthmus.nets.diffusion import SPREAD, DiffusionNet
from isthmus.nets.noises import Noisy

HIGHEST, LOWEST, BEND = 80.0, 0.002, 7.0
"""Levels from which to which pictures between -1 and 1 go, and how their steps crowd towards the low ones."""


def levels(steps: int) -> Tensor:
    """Give the levels (steps + 1,) of so many steps, the last of them nothing (Karras et al. 2022, equation 5).

    >>> [round(level, 3) for level in levels(3).tolist()]
    [80.0, 2.515, 0.002, 0.0]
    """
    place = torch.arange(steps) / max(1, steps - 1)
    high, low = HIGHEST ** (1 / BEND), LOWEST ** (1 / BEND)
    return torch.cat([(high + place * (low - high)) ** BEND, torch.zeros(1)])


@torch.no_grad()
def diffuse(
    net: DiffusionNet,
    n: int,
    size: tuple[int, int],
    *,
    kind: Tensor | None = None,
    steps: int = 18,
    sampler: str = "heun",
    guidance: float = 1.0,
    churn: float = 0.0,
    known: Tensor | None = None,
    hidden: Tensor | None = None,
    rng: torch.Generator | None = None,
    watch: Callable[[Tensor], None] | None = None,
) -> Tensor:
    """Make pictures (n, channels, rows, columns), between -1 and 1, out of noise.

    Parameters
    ----------
    net
        A denoiser of all levels.
    n, size
        How many pictures, and their rows and columns.
    kind
        (n,) what each is to show; -1, or None, for anything.
    steps
        Levels that are gone through; "heun" asks the network twice at each.
    sampler
        "heun", of second order (Karras et al. 2022, algorithm 1), or "ddim", of first (Song et al. 2021, equation 12).
    guidance
        How much more than in nature the pictures are to look like their kind: what telling the kind changes is
        multiplied by it (Ho and Salimans 2022, "Classifier-free diffusion guidance", equation 6).
    churn
        Noise that is added again at every step, as a share of the level, 0 for none: mistakes are forgotten with it.
    known, hidden
        Pictures like those made, and (n, 1, rows, columns) which pixels of them to make; the others stay.
    watch
        Is shown what is there before every step, scaled to the size of a picture, and what comes out.
    """
    rng = torch.Generator().manual_seed(0) if rng is None else rng
    device = net.frequencies.device
    shape = (n, net.channels, *size)

    def noise() -> Tensor:
        return torch.randn(shape, generator=rng).to(device)

    def likely(x: Tensor, level: Tensor) -> Tensor:
        noisy = Noisy(x, level.expand(n, 1, *size))
        found: Tensor = net(noisy, kind)
        if guidance != 1.0 and kind is not None:
            usual = net(noisy)
            found = usual + guidance * (found - usual)
        if known is not None and hidden is not None:
            found = torch.where(hidden, found, known)
        return found.clamp(-1, 1)

    schedule = levels(steps).to(device)
    x = schedule[0] * noise()
    for level, then in pairwise(schedule):
        if churn > 0 and then > 0:
            higher = level * (1 + churn)
            x, level = x + (higher.square() - level.square()).sqrt() * noise(), higher  # noqa: PLW2901 (this step's level)
        if watch is not None:
            watch(x * SPREAD / (level.square() + SPREAD**2).sqrt())
        first = likely(x, level)
        slope = (x - first) / level
        moved = x + (then - level) * slope
        if sampler == "heun" and then > 0:
            again = (moved - likely(moved, then)) / then
            moved = x + (then - level) * (slope + again) / 2
        x = moved
    x = torch.where(hidden, x, known) if known is not None and hidden is not None else x
    if watch is not None:
        watch(x)
    return x
