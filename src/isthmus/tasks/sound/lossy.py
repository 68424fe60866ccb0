"""A stretch of sound as bytes, and back: transform, round, and code what the model finds surprising."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from isthmus.errors import FileError
from isthmus.nets.signals import WORTH, analyse, bands, synthesise
from isthmus.tasks.compress.coder import Decoder, Encoder
from isthmus.tasks.sound import levels
from isthmus.tasks.sound.frames import resolution, rotated, turned
from isthmus.tasks.sound.whole import LARGEST, STARTS, WIDTHS, Around, Ints, WholeNet, walk

Samples = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

HOPS = (128, 256, 512, 1024, 2048)
EAR_FRAMES = 60
"""Frames a second, at least, where noise is shaped for the ear: in longer ones it is heard before what hides it."""
EAR_WORTH = 30.0
"""As `WORTH`, there: what is rounded to nought too easily is missed more than its energy tells."""
_SILENT = 0.6  # of a step: what is below everywhere is not coded
_FILL_FALLS, _MOST_FILL = -0.75, 0.6  # with each octave of fineness less noise stands in, at most so much
_LEVEL_BITS = 1.7  # of a level, when lengths of frames are compared


@dataclass(frozen=True)
class Fineness:
    """How finely to measure: steps are 2^(-size / 8); `fact` is eighths of octaves of loudness / step, and 16."""

    size: int
    fact: int

    @property
    def step(self) -> float:
        """Step in samples' units."""
        return float(2.0 ** (-self.size / 8))

    @property
    def loudness(self) -> float:
        """Root mean square of the whole sound, as far as it is written."""
        return float(2.0 ** ((self.fact - 16 - self.size) / 8))


def fineness(loudness: float, octaves: float) -> Fineness:
    """Make steps so many octaves finer than a root mean square.

    >>> fineness(0.25, 1.0).step, fineness(0.25, 1.0).loudness
    (0.125, 0.25)
    """
    fine = round(8 * octaves)
    return Fineness(round(-8 * float(np.log2(max(loudness, 1e-9)))) + fine, fine + 16)


@dataclass(frozen=True)
class Grid:
    """Numbers (channels, frames, bins) in steps, of channels that were turned, and their levels, if they have any."""

    hop: int
    turn: int
    numbers: Floats
    levels: Ints


def measured(channels: Samples, turn: int, rate: int, hop: int, fine: Fineness, net: WholeNet) -> Grid:
    """Transform channels (n, channels), turned by `turn`, and divide each number by its step."""
    turned_in = torch.from_numpy(np.ascontiguousarray(channels.T))
    numbers = analyse(turned_in, hop).numpy().astype(np.float64)
    zone = levels.zones(rate, hop, hop)
    found = np.zeros((numbers.shape[0], 0, levels.ZONES), np.int64)
    if net.shape:
        found = levels.measure(numbers / fine.loudness, zone)
    grid = Grid(hop, turn, numbers, found)
    return replace(grid, numbers=numbers / units(grid, rate, hop, fine, net))


def units(grid: Grid, rate: int, bins: int, fine: Fineness, net: WholeNet) -> Floats:
    """Step of each number (channels, frames, bins), endless where nothing is heard."""
    hop, frames = grid.hop, grid.numbers.shape[1]
    plain = fine.step / 2.0 ** net.gain[bands(rate, hop)[:bins]]
    if not net.shape:
        return np.broadcast_to(plain, (len(grid.levels), frames, bins))
    level = levels.spread(levels.hiding(grid.levels, grid.turn), levels.zones(rate, hop, bins), frames)
    return np.asarray(np.where(level > 0, plain * 2.0 ** (net.shape / 2 * (level + levels.FLOOR)), np.inf))


def write(samples: Samples, rate: int, fine: Fineness, net: WholeNet) -> bytes:
    """Write samples (n, channels) as bytes."""
    channels, turn = rotated(samples)
    return encode(chosen(channels, turn, rate, fine, net), rate, fine, net)[0]


def chosen(channels: Samples, turn: int, rate: int, fine: Fineness, net: WholeNet) -> Grid:
    """Measure channels (n, channels) in frames of the length that is likely to take the fewest bits."""
    hops = [hop for hop in HOPS if not net.shape or hop * EAR_FRAMES <= rate] or [HOPS[0]]
    return min((measured(channels, turn, rate, hop, fine, net) for hop in hops), key=_price)


def _price(grid: Grid) -> float:
    """Roughly the bits of a grid."""
    return float(np.log2(1 + np.abs(grid.numbers)).sum()) + _LEVEL_BITS * np.count_nonzero(grid.levels)


def encode(grid: Grid, rate: int, fine: Fineness, net: WholeNet) -> tuple[bytes, list[tuple[Ints, Ints, Floats]]]:
    """Write a grid; give its bytes, and each channel's symbols, lines of the table and sizes, as they were coded."""
    kept = np.flatnonzero((np.abs(grid.numbers) > _SILENT).any((0, 1)))
    bins = int(kept[-1]) + 1 if len(kept) else 0
    heard = np.flatnonzero(grid.levels.any((0, 1)))
    bins = grid.hop if len(heard) else bins
    used = int(heard[-1]) + 1 if len(heard) else 0
    band, chances = bands(rate, grid.hop)[:bins], net.chances()
    price = -np.log2(chances)
    worth = EAR_WORTH if net.shape else WORTH
    coder, told = Encoder(), []
    other: Ints | None = None
    for each in grid.levels[:, :, :used]:
        levels.write(each, coder, net.changes)
    inputs = _inputs(grid, rate, bins, net)
    for number, channel in enumerate(grid.numbers[:, :, :bins]):
        around = Around(band, _facts(fine, rate, grid.hop, number), inputs[number], other)
        sizes = np.abs(channel).ravel()
        chosen: list[tuple[Ints, Ints, Floats]] = []

        def choose(
            at: Ints, index: Ints, sizes: Floats = sizes, into: list[tuple[Ints, Ints, Floats]] = chosen
        ) -> Ints:
            found = cheapest(sizes[at], index, price, net.middles, worth)
            into.append((found, index, sizes[at]))
            return found

        other = walk(net, around, choose)
        if chosen:
            symbols, index, size = (np.concatenate(part) for part in zip(*chosen, strict=True))
            coder.symbols(symbols, chances[index])
            told.append((symbols, index, size))
        flat = other.ravel()
        some = np.flatnonzero(flat)
        start, width = STARTS[flat[some]], WIDTHS[flat[some]]
        whole = np.clip(np.round(sizes[some]), start, start + width - 1).astype(np.int64) - start
        coder.below((channel.ravel()[some] < 0) * width + whole, 2 * width)
    head = bytes([HOPS.index(grid.hop), grid.turn, used]) + bins.to_bytes(2, "little")
    return head + coder.bytes(), told


def read(data: bytes, length: int, channels: int, rate: int, fine: Fineness, net: WholeNet) -> Samples:
    """Read samples (length, channels) from what `write` wrote; `FileError` where it is nothing of the kind."""
    bins, used = int.from_bytes(data[3:5], "little"), data[2] if len(data) > 2 else 0
    if len(data) < 5 or data[0] >= len(HOPS) or bins > HOPS[data[0]] or used > levels.ZONES or (len(data) - 5) % 4:
        raise FileError("a stretch of sound is damaged")
    hop, turn = HOPS[data[0]], data[1]
    frames, band, chances = -(-length // hop) + 1, bands(rate, hop)[:bins], net.chances()
    coder, noise = Decoder(data[5:]), np.random.default_rng(length)
    numbers = np.zeros((channels, frames, hop))
    other: Ints | None = None
    found = np.zeros((channels, -(-frames // levels.GROUP) if net.shape else 0, levels.ZONES), np.int64)
    for each in found:
        each[:, :used] = levels.read(len(each), used, coder, net.changes)
    grid = Grid(hop, turn, numbers, found)
    unit, inputs = units(grid, rate, bins, fine, net), _inputs(grid, rate, bins, net)
    fill = min(net.fill * 2.0 ** (_FILL_FALLS * (fine.fact - 16) / 8), _MOST_FILL)
    for channel in range(channels):
        lines = np.zeros(frames * bins, np.int64)

        def decode(at: Ints, index: Ints, into: Ints = lines) -> Ints:
            into[at] = index
            return coder.symbols(chances[index])

        other = walk(net, Around(band, _facts(fine, rate, hop, channel), inputs[channel], other), decode)
        flat = other.ravel()
        some = np.flatnonzero(flat)
        start, width = STARTS[flat[some]], WIDTHS[flat[some]]
        negative, offset = np.divmod(coder.below(2 * width), width)
        size = np.where(width == 1, net.middles[lines[some], flat[some]], start + offset)
        values = fill * net.middles[lines, 0] * noise.choice((-1.0, 1.0), lines.shape)
        values[some] = np.where(negative > 0, -size, size)
        numbers[channel, :, :bins] = values.reshape(frames, bins) * np.where(
            np.isfinite(unit[channel]), unit[channel], 0.0
        )
    sound = synthesise(torch.from_numpy(numbers.astype(np.float32)), length).numpy()
    return turned(np.ascontiguousarray(sound.T), -turn)


def cheapest(sizes: Floats, index: Ints, price: Floats, middles: Floats, worth: float) -> Ints:
    """Choose symbols (n,) for sizes (n,): the nearest, or a lesser one where its bits make up for its error.

    That is rate-distortion optimised quantisation, one number at a time.
    """
    nearest = np.searchsorted(STARTS, np.minimum(np.round(sizes), LARGEST), "right") - 1
    best, cost = nearest, np.full(len(sizes), np.inf)
    for each in (nearest, np.maximum(nearest - 1, 0), np.zeros_like(nearest)):
        # Where symbols are wide the nearest is kept: any other would be many steps off.
        error = np.where(
            WIDTHS[nearest] > 1, np.where(each == nearest, 0.0, np.inf), sizes - _middle(middles, index, each)
        )
        now = worth * error * error + price[index, each] + (each > 0)
        best = np.where(now < cost, each, best)
        cost = np.minimum(cost, now)
    return np.asarray(best)


def _middle(middles: Floats, index: Ints, symbols: Ints) -> Floats:
    return np.asarray(np.where(symbols > 0, middles[index, symbols], 0.0))


def _facts(fine: Fineness, rate: int, hop: int, channel: int) -> tuple[int, int, int]:
    return fine.fact, resolution(rate, hop), 16 * (channel > 0)


def _inputs(grid: Grid, rate: int, bins: int, net: WholeNet) -> Ints:
    """Levels (channels, frames, bins) as the network is given them; nought where there are none."""
    frames = grid.numbers.shape[1]
    if not net.shape:
        return np.zeros((len(grid.levels), frames, bins), np.int64)
    heard = levels.expected(grid.levels, levels.hiding(grid.levels, grid.turn), net.shape)
    return levels.spread(heard, levels.zones(rate, grid.hop, bins), frames)
