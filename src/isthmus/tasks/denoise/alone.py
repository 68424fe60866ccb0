"""Denoising without clean data: every small part is rebuilt from those most like it in the very same picture or signal.

A group of similar parts has a linear autoencoder of its own. Its weights have closed forms: those that are best by
Stein's unbiased estimate of the error, which needs no clean data but the level of the noise; and once more, those that
would have been best had the first answer been the truth (Herbreteau and Kervrann 2022, "Towards a unified view of
unsupervised non-local methods for image denoising: the NL-Ridge approach", equations 9 and 12).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

Pair = tuple[int, int]
TOGETHER = 64
"""Shifts that are compared before only the best are kept."""
STRIPE = 1 << 15
"""Parts that are looked up at once, which bounds memory."""
ROUNDS, HIGH = 6, 0.5
"""Times that what is missing is filled anew by what was made of it, and the level it is taken to have at first, in
standard deviations of all: without noise a part is rebuilt from itself, gap and all, and nothing would change."""


@dataclass(frozen=True)
class Search:
    """How parts are cut out and compared: their rows and columns, how far apart, and how far is looked."""

    part: Pair
    step: Pair
    reach: Pair
    few: int = 18
    many: int = 55


PICTURES = Search((7, 7), (4, 4), (18, 18))
LONG, FAR = 64, 2000
"""Samples of a signal's part, and how far away others like it are looked for."""


def signal_search(samples: int) -> Search:
    """Give the parts of a signal of so many samples.

    >>> signal_search(40)
    Search(part=(10, 1), step=(1, 1), reach=(40, 0), few=24, many=64)
    """
    part = max(2, min(LONG, samples // 4))
    return Search((part, 1), (max(1, part // 8), 1), (min(FAR, samples), 0), few=24, many=64)


def denoise_alone(
    noisy: Tensor,
    level: float,
    search: Search,
    hidden: Tensor | None = None,
    tell: Callable[[float], None] | None = None,
) -> Tensor:
    """Estimate clean planes (c, rows, columns) from noisy ones, of noise of one known level everywhere.

    Parameters
    ----------
    noisy
        Planes; of a signal, channels of one column.
    level
        Standard deviation of the noise, in the units of the planes.
    search
        Parts: `PICTURES`, or what `signal_search` gives.
    hidden
        (rows, columns), true where nothing is known: what stands there is filled from similar parts too.
    tell
        Is told the share of the work that is done.

    Examples
    --------
    >>> stripes = torch.sin(torch.arange(40) / 3).expand(1, 40, 40)
    >>> noisy = stripes + 0.2 * torch.randn(1, 40, 40, generator=torch.Generator().manual_seed(0))
    >>> found = denoise_alone(noisy, 0.2, PICTURES)
    >>> bool((found - stripes).square().mean() < 0.2 * (noisy - stripes).square().mean())
    True
    """
    gaps = torch.zeros(noisy.shape[1:], dtype=torch.bool) if hidden is None else hidden
    missing = bool(gaps.any())
    if (level <= 0 and not missing) or bool(gaps.all()):
        return noisy.clone()
    spread = float(noisy[:, ~gaps].std(unbiased=False))
    least = max(level, 1e-3 * spread + 1e-12)
    levels = torch.logspace(math.log10(max(HIGH * spread, least)), math.log10(least), ROUNDS).tolist()
    levels = levels if missing else [least]
    found = smooth_fill(noisy, gaps)
    for turn, high in enumerate(levels):
        filled = torch.where(gaps, found, noisy)
        pilot = filled
        for half, first in enumerate((True, False)):

            def said(share: float, done: float = turn + half / 2) -> None:
                if tell is not None:
                    tell((done + share / 2) / len(levels))

            pilot = _pass(filled, pilot, high, search, first=first, tell=said)
        found = pilot
    return found


def rebuild(noisy: Tensor, pilot: Tensor, level: float, search: Search) -> Tensor:
    """Rebuild noisy planes as if `pilot`, somebody's estimate of the clean ones, were the truth.

    >>> stripes = torch.sin(torch.arange(40) / 3).expand(1, 40, 40)
    >>> noisy = stripes + 0.2 * torch.randn(1, 40, 40, generator=torch.Generator().manual_seed(0))
    >>> found = rebuild(noisy, stripes, 0.2, PICTURES)
    >>> bool((found - stripes).square().mean() < 0.1 * (noisy - stripes).square().mean())
    True
    """
    return _pass(noisy, pilot, level, search, first=False, tell=lambda _: None)


def smooth_fill(planes: Tensor, hidden: Tensor) -> Tensor:
    """Fill what is hidden from the nearest that is known, by means over ever larger surroundings.

    >>> planes, hidden = torch.ones(1, 6, 6), torch.zeros(6, 6, dtype=torch.bool)
    >>> planes[0, 2:4, 2:4], hidden[2:4, 2:4] = 9.0, True
    >>> float(smooth_fill(planes, hidden).max())
    1.0
    """
    known = (~hidden).to(planes.dtype)[None]
    if not known.any():
        return torch.zeros_like(planes)
    if bool(known.all()):
        return planes
    rows, columns = planes.shape[1:]
    size = (2 if rows > 1 else 1, 2 if columns > 1 else 1)
    weight = functional.avg_pool2d(known[None], size, ceil_mode=True)[0]
    means = functional.avg_pool2d((planes * known)[None], size, ceil_mode=True)[0] / weight.clamp_min(1e-9)
    coarse = smooth_fill(means, (weight[0] == 0))
    scaled = functional.interpolate(coarse[None], (rows, columns), mode="bilinear", align_corners=False)[0]
    return torch.where(hidden, scaled, planes)


def _pass(
    noisy: Tensor, guide: Tensor, level: float, search: Search, *, first: bool, tell: Callable[[float], None]
) -> Tensor:
    """Rebuild all parts from those that are like them in `guide`, in stripes."""
    part, step, reach = search.part, search.step, search.reach
    part = (min(part[0], noisy.shape[1]), min(part[1], noisy.shape[2]))
    noisy, guide, size = _padded(noisy, part, step), _padded(guide, part, step), noisy.shape
    rows, columns = noisy.shape[1:]
    across = (columns - part[1]) // step[1] + 1
    down = (rows - part[0]) // step[0] + 1
    lines = max(1, STRIPE // across)
    total, weight = torch.zeros_like(noisy), torch.zeros_like(noisy[:1])
    for line in range(0, down, lines):
        top = line * step[0]
        bottom = (min(line + lines, down) - 1) * step[0] + part[0]
        start, stop = max(0, top - reach[0]), min(rows, bottom + reach[0])
        inside = (slice(None), slice(start, stop))
        like = _similar(guide[inside], (top - start, bottom - start), part, search, first)
        parts = _parts(noisy[inside], part)[like]
        mix = _unbiased(parts, level) if first else _as_if_true(_parts(guide[inside], part)[like], level)
        worth = 1 / mix.square().sum(1).clamp_min(1e-3)
        for found, into in zip(
            _laid(mix.mT @ parts, worth, like, noisy[inside].shape, part), (total, weight), strict=True
        ):
            into[inside] += found
        tell(min(1.0, (line + lines) / down))
    return (total / weight)[:, : size[1], : size[2]]


def _padded(planes: Tensor, part: Pair, step: Pair) -> Tensor:
    """Repeat the last row and column until whole parts cover everything."""
    more = [-(size - p) % s for size, p, s in zip(planes.shape[1:], part, step, strict=True)]
    return functional.pad(planes[None], (0, more[1], 0, more[0]), mode="replicate")[0]


def _similar(planes: Tensor, lines: Pair, part: Pair, search: Search, first: bool) -> Tensor:
    """Find parts like those of some lines: (groups, few or many) numbers of parts, counted row by row."""
    rows, columns = planes.shape[1:]
    high, wide = rows - part[0] + 1, columns - part[1] + 1
    many = min(search.few if first else search.many, high * wide)
    band = planes[:, lines[0] : lines[1]]
    ys = torch.arange(lines[0], lines[1] - part[0] + 1, search.step[0])
    xs = torch.arange(0, wide, search.step[1])
    at = (ys[:, None] * wide + xs).flatten()
    best, which = torch.zeros(0, len(at)), torch.zeros(0, len(at), dtype=torch.long)
    far, place = [], []
    up, left = min(search.reach[0], rows), min(search.reach[1], columns)
    padded = functional.pad(planes, (left, left, up, up), value=float("nan"))
    for dy in range(-up, up + 1):
        for dx in range(-left, left + 1):
            moved = padded[:, up + dy + lines[0] : up + dy + lines[1], left + dx : left + dx + columns]
            error = (band - moved).square_().sum(0, keepdim=True)
            apart = functional.avg_pool2d(error[None], part, search.step)[0, 0].flatten()
            far.append(apart)
            place.append(at + (dy * wide + dx))
            if len(far) == TOGETHER or (dy, dx) == (up, left):
                best = torch.cat([best, torch.stack(far).nan_to_num_(nan=float("inf"))])
                which = torch.cat([which, torch.stack(place)])
                best, order = best.topk(min(many, len(best)), 0, largest=False)
                which = which.gather(0, order)
                far, place = [], []
    which = torch.where(best.isinf(), at, which)  # beyond the edge: the part itself once more
    return which.T.contiguous()


def _parts(planes: Tensor, part: Pair) -> Tensor:
    """Cut out all parts (number, c * rows * columns)."""
    return functional.unfold(planes[None], part)[0].T


def _unbiased(parts: Tensor, level: float) -> Tensor:
    """Weights (groups, k, k) that are best by Stein's estimate, given noisy parts (groups, k, n)."""
    many, numbers = parts.shape[1:]
    one = torch.eye(many, dtype=torch.float64)
    spread = numbers * level**2
    inner = (parts @ parts.mT).double()  # nearly singular where parts are all alike
    found: Tensor = one - spread * torch.linalg.inv(inner + 1e-3 * spread * one)
    return found.to(parts.dtype)


def _as_if_true(parts: Tensor, level: float) -> Tensor:
    """Weights (groups, k, k) that are best if these parts (groups, k, n) are the truth."""
    inner = (parts @ parts.mT).double()
    one = torch.eye(parts.shape[1], dtype=torch.float64)
    found: Tensor = torch.linalg.solve(inner + parts.shape[2] * level**2 * one, inner)
    return found.to(parts.dtype)


def _laid(parts: Tensor, worth: Tensor, which: Tensor, size: torch.Size, part: Pair) -> tuple[Tensor, Tensor]:
    """Lay parts (groups, k, n) back where they are from, and add up their worth (groups, k)."""
    number, numbers = (size[1] - part[0] + 1) * (size[2] - part[1] + 1), part[0] * part[1]
    total, weight = torch.zeros(number, parts.shape[2]), torch.zeros(number)
    total.index_add_(0, which.flatten(), (parts * worth[..., None]).flatten(0, 1))
    weight.index_add_(0, which.flatten(), worth.flatten())
    laid = functional.fold(total.T[None], size[1:], part)[0]
    return laid, functional.fold(weight.expand(1, numbers, number), size[1:], part)[0]
