"""Whole samples as bytes, and back exactly: linear prediction with whole weights, and what it leaves over.

As in Shorten and FLAC (Robinson 1994, "SHORTEN: simple lossless and near-lossless waveform compression"), each frame
brings its own weights. Two things differ: a second channel is predicted from the first one too, at the same moment as
well, and what is left over is coded by how large it was of late. All frames of a block are decoded side by side.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from isthmus.errors import FileError
from isthmus.tasks.compress.coder import Decoder, Encoder
from isthmus.tasks.sound import residuals

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int32]

FRAMES = (4096, 8192)
ORDERS = (0, 4, 8, 16, 24, 32)
OWN, CROSS = 32, 8
_LEAST, _MOST = 8, 15  # bits of a weight behind the point
_WEIGHT = 1 << 19
_TAP_BITS = 8.0


def write(samples: Wholes) -> bytes:
    """Write samples (n, channels)."""
    return encode(samples, min(FRAMES, key=lambda frame: _price(samples, frame)))[0]


def _price(samples: Wholes, frame: int) -> float:
    """Roughly the bits that frames of some length take, by the first channel."""
    return float(_fit(_lanes(samples[:, :1].astype(np.int64), frame)[0][0], None)[3])


def encode(samples: Wholes, frame: int) -> tuple[bytes, list[tuple[Ints, Ints]]]:
    """Write samples in frames of one length; give the bytes, and of each channel symbols and tables."""
    coder, told = Encoder(), []
    head = [FRAMES.index(frame).to_bytes(1, "little")]
    lanes, active = _lanes(samples.astype(np.int64), frame)
    other: Ints | None = None
    for own in lanes:
        order, weights, shift, _ = _fit(own, other)
        left = (own - _predicted(own, other, weights, shift)).T
        start = _typical(left)
        head.append(bytes([shift]) + int(start).to_bytes(5, "little"))
        coder.below(order, np.full(len(order), len(ORDERS)))
        _write_weights(weights, order, other is not None, coder)
        told.append(residuals.write(left, active, np.full(len(own), start), chances(), coder))
        other = own
    return b"".join(head) + coder.bytes(), told


def read(data: bytes, length: int, channels: int) -> Wholes:
    """Read samples (length, channels); `FileError` where the bytes are nothing of the kind."""
    end = 1 + 6 * channels
    if len(data) < end or data[0] >= len(FRAMES) or (len(data) - end) % 4:
        raise FileError("a stretch of sound is damaged")
    frame, coder = FRAMES[data[0]], Decoder(data[end:])
    found = np.zeros((length, channels), np.int32)
    other: Ints | None = None
    for channel in range(channels):
        shift, start = data[1 + 6 * channel], int.from_bytes(data[2 + 6 * channel : 7 + 6 * channel], "little")
        count = -(-length // frame)
        active = _active(length, frame)
        order = coder.below(np.full(count, len(ORDERS)))
        weights = _read_weights(order, other is not None, coder)
        sizes = residuals.Sizes(np.full(count, start))
        own = np.zeros((count, len(active) + OWN), np.int64)
        beside = None if other is None else _padded(other, CROSS - 1)
        half = (1 << shift) >> 1
        for step, lanes in enumerate(active.tolist()):
            history = own[:lanes, step : step + OWN]
            total = (history[:, ::-1] * weights[:lanes, :OWN]).sum(1)
            if beside is not None:
                total += (beside[:lanes, step : step + CROSS][:, ::-1] * weights[:lanes, OWN:]).sum(1)
            guess = _simple(history, step) if step < OWN else (total + half) >> shift
            own[:lanes, step + OWN] = guess + residuals.read(sizes, lanes, chances(), coder)
        other = own[:, OWN:]
        found[:, channel] = other.ravel()[:length]
    return found


@cache
def chances() -> Floats:
    """Probabilities (tables, symbols) that come with isthmus, by one division each."""
    path = Path(__file__).parents[2] / "weights" / "signals-exact.safetensors"
    if not path.is_file():
        raise FileError(f"'{path.name}' is missing from the package: install isthmus anew")
    counts = load_file(path)["counts"].astype(np.float64)
    return np.asarray(counts / counts.sum(1, keepdims=True))


def _active(length: int, frame: int) -> Ints:
    """Frames (steps,) that have a sample at each step: all but the last one have at all."""
    last = length - (-(-length // frame) - 1) * frame
    steps = min(frame, length)
    return np.where(np.arange(steps) < last, -(-length // frame), -(-length // frame) - 1)


def _lanes(samples: Ints, frame: int) -> tuple[list[Ints], Ints]:
    """Lay channels out as frames (lanes, steps); samples that are not there are nought."""
    length = len(samples)
    active, count = _active(length, frame), -(-length // frame)
    padded = np.zeros((count * len(active), samples.shape[1]), np.int64)
    padded[:length] = samples
    return [padded[:, c].reshape(count, len(active)) for c in range(samples.shape[1])], active


def _padded(lanes: Ints, before: int) -> Ints:
    return np.pad(lanes, ((0, 0), (before, 0)))


def _simple(history: Ints, step: int) -> Ints:
    """Guess a frame's first samples: on a straight line through the last two, where there are two."""
    if step == 0:
        return np.zeros(len(history), np.int64)
    return history[:, -1] if step == 1 else 2 * history[:, -1] - history[:, -2]


def _views(own: Ints, other: Ints | None) -> Ints:
    """Lay out what each sample (lanes, steps) is predicted from: the last ones, latest first, then the other's."""
    windows = np.lib.stride_tricks.sliding_window_view(_padded(own, OWN)[:, :-1], OWN, 1)[:, :, ::-1]
    if other is None:
        return windows
    beside = np.lib.stride_tricks.sliding_window_view(_padded(other, CROSS - 1), CROSS, 1)[:, :, ::-1]
    return np.concatenate([windows, beside], 2)


def _predicted(own: Ints, other: Ints | None, weights: Ints, shift: int) -> Ints:
    """Predict every sample (lanes, steps)."""
    total = np.zeros(own.shape, np.int64)
    padded = _padded(own, OWN)
    for tap in range(OWN):
        total += weights[:, tap, None] * padded[:, OWN - 1 - tap : OWN - 1 - tap + own.shape[1]]
    if other is not None:
        beside = _padded(other, CROSS - 1)
        for tap in range(CROSS):
            total += weights[:, OWN + tap, None] * beside[:, CROSS - 1 - tap : CROSS - 1 - tap + own.shape[1]]
    guess = (total + ((1 << shift) >> 1)) >> shift
    for step in range(min(OWN, own.shape[1])):
        guess[:, step] = _simple(own[:, max(step - 2, 0) : step], step)
    return guess


def _fit(own: Ints, other: Ints | None) -> tuple[Ints, Ints, int, float]:
    """Find each frame's order and whole weights (lanes, taps), their bits behind the point, and bits in all, roughly.

    Least squares over the frame (the covariance method), for each order; the order whose errors and weights together
    are likely to take fewest bits is kept.
    """
    views = _views(own, other)
    count, taps = views.shape[0], views.shape[2]
    best, weights = np.full(count, np.inf), np.zeros((count, taps))
    order, gains = np.zeros(count, np.int64), np.zeros(count, np.float64)
    for lane in range(count):
        rows = views[lane, OWN:].astype(np.float64)
        aim = own[lane, OWN:].astype(np.float64)
        if not len(aim):
            continue
        square, cross, power = rows.T @ rows, rows.T @ aim, float(aim @ aim)
        square += np.eye(taps) * (1e-9 * np.trace(square) / taps + 1e-3)
        for number, each in enumerate(ORDERS):
            used = np.r_[0:each, OWN:taps]
            found = np.linalg.solve(square[np.ix_(used, used)], cross[used]) if len(used) else np.zeros(0)
            error = max(power - float(cross[used] @ found), 0.0) / len(aim) + 0.1
            bits = 0.5 * np.log2(error) * len(aim) + _TAP_BITS * len(used)
            if bits < best[lane]:
                best[lane], order[lane] = bits, number
                weights[lane] = 0.0
                weights[lane, used] = found
                gains[lane] = power / len(aim) / error
    shift = int(np.clip(np.ceil(0.5 * np.log2(float(np.median(gains)) * 130 + 1)), _LEAST, _MOST)) if count else _LEAST
    whole = np.clip(np.round(weights * (1 << shift)), -_WEIGHT, _WEIGHT - 1).astype(np.int64)
    return order, whole, shift, float(best.sum())


def _typical(left: Ints) -> int:
    """Mean size of what was left over after the first samples: where its running mean starts."""
    return int(np.clip(np.abs(left[OWN:] if len(left) > OWN else left).mean(), 0, 1 << 39)) if left.size else 0


def _used(order: Ints, cross: bool) -> npt.NDArray[np.bool_]:
    """Which taps (lanes, taps) each frame's order has."""
    own = np.arange(OWN) < np.array(ORDERS)[order][:, None]
    return np.concatenate([own, np.ones((len(order), CROSS * cross), np.bool_)], 1)


def _write_weights(weights: Ints, order: Ints, cross: bool, coder: Encoder) -> None:
    """Write weights tap by tap, each tap's as far from their middle as they typically are."""
    used = _used(order, cross)
    for tap in range(used.shape[1]):
        some = weights[used[:, tap], tap]
        if len(some):
            middle = int(np.median(some))
            left = some - middle
            typical = int(np.abs(left).mean())
            coder.below(np.array([middle + _WEIGHT, typical]), np.full(2, 2 * _WEIGHT))
            table, shift = residuals.Sizes(np.full(len(some), typical)).expected(len(some))
            symbols, remains, below = residuals.parts(left, shift)
            coder.symbols(symbols, chances()[table])
            coder.below(remains, below)


def _read_weights(order: Ints, cross: bool, coder: Decoder) -> Ints:
    """Read weights (lanes, taps)."""
    used = _used(order, cross)
    weights = np.zeros((len(order), OWN + CROSS), np.int64)
    for tap in range(used.shape[1]):
        count = int(used[:, tap].sum())
        if count:
            middle, typical = coder.below(np.full(2, 2 * _WEIGHT))
            table, shift = residuals.Sizes(np.full(count, typical)).expected(count)
            symbols = coder.symbols(chances()[table])
            left = residuals.joined(symbols, coder.below(residuals.below(symbols, shift)), shift)
            weights[used[:, tap], tap] = left + middle - _WEIGHT
    return weights
