"""Pictures in, pictures out: how noisy they are, what is missing, and one of two ways to take the noise away."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from isthmus.nets.denoisers import DenoisingNet
from isthmus.nets.noises import Noisy
from isthmus.tasks.denoise import alone, tiles
from isthmus.tasks.denoise.level import light_levels, noise_level

Floats = npt.NDArray[np.float32]
Tell = Callable[[float], None] | None
KINDS = ("gaussian", "poisson", "salt")
HIGH, LEAST = 50 / 255, 4 / 255
STEPS, MORE, MUCH = 15, 40, 0.6
"""Levels at which what is missing is made, from the first to the last; how many, and how many where `MUCH` is missing:
of four fifths of a flower, 40 steps make .8 dB more than 15, and of a tenth .3 less."""
AROUND = 15
"""Rows and columns over which it is seen how far off what is made is from what is known."""
CLIPPED, FAR = 1e-3, 2.5
"""Share of pixels at the ends of the range from which on noise is judged away from them, by so many of its levels."""
JUMP = 0.12
"""By how much a pixel at the end of its range must differ from the middle one around it to be taken for salt."""


@dataclass(frozen=True)
class Found:
    """A picture without its noise (rows, columns, channels), and how noisy it was, in 255ths of the range."""

    pixels: Floats
    level: float
    hidden: float


def denoise_picture(
    pixels: Floats,
    net: DenoisingNet | None,
    *,
    level: float | None = None,
    noise: str = "gaussian",
    hidden: npt.NDArray[np.bool_] | None = None,
    thorough: bool = False,
    tell: Tell = None,
) -> Found:
    """Estimate a clean picture from a noisy one.

    Parameters
    ----------
    pixels
        (rows, columns, channels) between 0 and 1, but for noise.
    net
        What was learnt of clean pictures; None to use nothing but the picture itself.
    level
        Standard deviation of the noise in 255ths; estimated where not given.
    noise
        `gaussian`, alike everywhere; `poisson`, stronger where it is brighter; `salt`, single pixels black or white.
    hidden
        (rows, columns), true where nothing is known.
    thorough
        Whether to use both what was learnt and the picture itself, of noise that is alike everywhere. The network is
        asked about the picture turned and mirrored in all eight ways; with the answer, parts that are like each other
        are found and rebuilt, and count for a quarter.
    """
    planes = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
    gaps = torch.zeros(planes.shape[1:], dtype=torch.bool) if hidden is None else torch.from_numpy(hidden)
    if noise == "salt":
        gaps = gaps | _salt(planes)
    if noise == "poisson":
        found, sigma = _poisson(planes, net, gaps, tell)
    else:
        sigma = _level(planes, gaps) if level is None else level / 255
        found = _even(planes, sigma, net, gaps, tell)
        if thorough and net is not None and sigma > 0:
            whole = torch.where(gaps, found, planes)
            turned = _from_all_sides(whole, torch.full_like(planes[:1], sigma), net)
            rebuilt = alone.rebuild(whole, turned, sigma, alone.PICTURES)
            found = torch.where(gaps, found, (3 * turned + rebuilt) / 4)
    share = float(gaps.float().mean())
    return Found(found.permute(1, 2, 0).numpy(), 255 * sigma, share)


def _even(planes: Tensor, sigma: float, net: DenoisingNet | None, hidden: Tensor, tell: Tell) -> Tensor:
    """Take away noise that is alike everywhere."""
    if net is None:
        return alone.denoise_alone(planes, sigma, alone.PICTURES, hidden, tell)
    return _learnt(planes, torch.full_like(planes[:1], sigma), net, hidden, tell)


def _learnt(planes: Tensor, level: Tensor, net: DenoisingNet, hidden: Tensor, tell: Tell) -> Tensor:
    """Take away noise of some level (1, rows, columns) by what was learnt, and fill what is missing.

    A gap is first filled smoothly. What stands there is then noisy, as it were, of a high level; denoised again and
    again at ever lower levels, while what is known is put back each time, it becomes what belongs there (as
    Venkatakrishnan et al. 2013, "Plug-and-play priors", with levels as of Zhang et al. 2021).
    """
    if not bool(hidden.any()):
        return _at(planes, level, net, tell)
    filled = alone.smooth_fill(planes, hidden)
    lowest = max(float(level[:, ~hidden].mean()) if not bool(hidden.all()) else 0.0, LEAST)
    steps = STEPS if float(hidden.float().mean()) < MUCH else MORE
    for step, high in enumerate(torch.logspace(math.log10(max(HIGH, lowest)), math.log10(lowest), steps).tolist()):
        again = _at(filled, level.clamp_min(high), net, None)
        filled = torch.where(hidden, (again + _off(planes - again, hidden)).clamp(0, 1), planes)
        if tell is not None:
            tell((step + 1) / (steps + 1))
    return torch.where(hidden, filled, _at(filled, level, net, None))


def _off(error: Tensor, hidden: Tensor) -> Tensor:
    """Average errors (c, rows, columns) over the known pixels around each: what drifts is brought back by that."""
    known = (~hidden).to(error.dtype)[None]
    sums, counts = (
        functional.avg_pool2d(each[None], AROUND, 1, AROUND // 2, count_include_pad=False)[0]
        for each in (error * known, known)
    )
    return sums / counts.clamp_min(1e-6)


def _at(planes: Tensor, level: Tensor, net: DenoisingNet, tell: Tell) -> Tensor:
    """Apply the network once; to colours one by one where it is of grey.

    White noise of one level is that in any orthonormal mix of the planes too, and brightness and two colours depend
    less on each other than red, green and blue.
    """
    if len(planes) == net.channels:
        return tiles.denoise(net, Noisy(planes[None], level[None]), tell)[0]
    turned = torch.einsum("ij,jyx->iyx", _MIX, planes) + _SHIFT if len(planes) == len(_MIX) else planes
    found = torch.cat([tiles.denoise(net, Noisy(plane[None, None], level[None]))[0] for plane in turned])
    return torch.einsum("ji,jyx->iyx", _MIX, found - _SHIFT) if len(planes) == len(_MIX) else found


def _from_all_sides(planes: Tensor, level: Tensor, net: DenoisingNet) -> Tensor:
    """Average what the network makes of a picture turned and mirrored in all eight ways: its errors differ."""
    answers = []
    for quarters in range(4):
        for mirrored in (False, True):
            seen, its = (plane.flip(2) if mirrored else plane for plane in (planes, level))
            found = _at(seen.rot90(quarters, (1, 2)), its.rot90(quarters, (1, 2)), net, None).rot90(-quarters, (1, 2))
            answers.append(found.flip(2) if mirrored else found)
    return torch.stack(answers).mean(0)


def _poisson(planes: Tensor, net: DenoisingNet | None, hidden: Tensor, tell: Tell) -> tuple[Tensor, float]:
    """Take away noise whose variance grows with brightness; give its mean level too.

    Brightness is put on a scale on which noise is alike everywhere (Anscombe's; Starck, Murtagh and Bijaoui 1998, for
    readout noise), and back without bias (Makitalo and Foi 2011).
    """
    gain, floor = light_levels(planes, hidden)
    mean = float((gain * planes.mean().clamp_min(0) + floor) ** 0.5)
    if gain <= 0:
        return _even(planes, mean, net, hidden, tell), mean
    even = _scaled(planes, gain, floor)
    white = float(_scaled(torch.ones(()), gain, floor))
    found = white * _even(even / white, 1 / white, net, hidden, tell).clamp_min(1e-3 / white)
    light = found**2 / 4 + 0.306 / found - 1.375 / found**2 + 0.765 / found**3 - 0.125
    return gain * light - floor / gain, mean


def _scaled(light: Tensor, gain: float, floor: float) -> Tensor:
    """Put brightness on a scale on which noise has a standard deviation of one."""
    return 2 / gain * (gain * light + 0.375 * gain**2 + floor).clamp_min(0).sqrt()


def _level(planes: Tensor, hidden: Tensor) -> float:
    """Estimate the level of noise, of which bytes cut off what goes beyond black and white: not judged near those."""
    sigma = noise_level(planes, hidden)
    if float(((planes == 0) | (planes == 1)).float().mean()) < CLIPPED:
        return sigma
    around = functional.avg_pool2d(planes[None], 7, 1, 3, count_include_pad=False)[0]
    for _ in range(2):
        near = hidden | ((around < FAR * sigma) | (around > 1 - FAR * sigma)).any(0)
        if float(near.float().mean()) > 0.9:
            break
        sigma = noise_level(planes, near)
    return sigma


def _salt(planes: Tensor) -> Tensor:
    """Mark (rows, columns) pixels that are black or white in every plane, or in any, where their neighbours are not."""
    padded = functional.pad(planes[None], (2, 2, 2, 2), mode="replicate")
    around = functional.unfold(padded, 5).reshape(len(planes), 25, -1).median(1).values.reshape(planes.shape)
    ends = (planes <= 0) | (planes >= 1)
    return (ends & ((planes - around).abs() > JUMP)).any(0)


_MIX = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]])
_MIX = _MIX / _MIX.norm(dim=1, keepdim=True)
_SHIFT = torch.tensor([0.5 - 0.5 * 3**0.5, 0.5, 0.5])[:, None, None]
"""What makes middle grey the middle of all three planes."""
