"""What every feature of a dictionary does: how often and how strongly it fires, where most, and what it does to words.

One pass over stored activations, in blocks; memory is bounded by the block and by what is kept of each feature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus.tasks.interpret.best import Best, Finds

__all__ = ["AFTER", "BEFORE", "OCTAVE", "Coder", "Collected", "Store", "collect", "logit_effects", "nearest"]

Wholes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

BEFORE, AFTER = 22, 12
"""Tokens shown on either side of one that a feature fires on."""
OCTAVE = 8
"""Bins of a histogram of activations to a doubling."""
_LOWEST, _BINS = -10 * OCTAVE, 24 * OCTAVE
_CELLS = 1 << 24
"""Numbers of a block's codes: 64 MB."""


class Store(Protocol):
    """Rows in blocks, each row a part of a passage."""

    def __len__(self) -> int: ...
    def block(self, start: int, stop: int, /) -> Floats:
        """Give rows that lie side by side."""

    def passages(self, rows: Wholes, /) -> npt.NDArray[np.int32]:
        """Give the passage of each row."""

    def texts(self, rows: Wholes, /) -> npt.NDArray[np.int32]:
        """Give the text of each row."""


class Coder(Protocol):
    """What turns rows into codes: a dictionary."""

    size: int

    def encode(self, x: Tensor, /) -> Tensor:
        """Give codes (n, size) of rows."""


@dataclass(frozen=True)
class Collected:
    """What was seen of every feature.

    Attributes
    ----------
    rows
        Rows read, those left out not counted.
    count
        (features,) rows on which each fires.
    histogram
        (features, bins) counts of activations by size, `OCTAVE` bins to a doubling, the first from
        2 ** (`lowest` / `OCTAVE`).
    peak
        (features,) the strongest activation.
    by_text
        (features, texts) rows of each text on which each fires, and `rows_by_text` (texts,) all rows of each.
    top
        The strongest, at most one a passage, and around each how strongly the feature fires: `BEFORE` rows, the row
        itself, `AFTER` rows.
    drawn
        Places drawn from all where it fires, each as likely, at most one a passage.
    """

    rows: int
    count: Wholes
    histogram: Wholes
    peak: Floats
    by_text: Wholes
    rows_by_text: Wholes
    top: Best
    drawn: Best
    lowest: int = _LOWEST


@torch.no_grad()
def collect(
    store: Store,
    coder: Coder,
    usable: npt.NDArray[np.bool_],
    *,
    texts: int = 1,
    examples: int = 20,
    drawn: int = 12,
    device: torch.device | str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> Collected:
    """Read all rows once and keep what tells most of every feature.

    Parameters
    ----------
    store
        The rows.
    coder
        Turns them into codes.
    usable
        (rows,) those that count; on the others, the first tokens of texts, no feature fires.
    texts
        How many texts the store tells apart.
    examples, drawn
        Strongest and drawn places kept of each feature.
    device
        Where codes are computed.
    progress
        Told after each block how many rows have been read.

    Examples
    --------
    >>> class Two:
    ...     size = 2
    ...     def encode(self, x): return torch.relu(x)
    >>> class Rows:
    ...     x = np.array([[1, 0], [4, 0], [2, 8]], np.float32)
    ...     def __len__(self): return 3
    ...     def block(self, start, stop): return self.x[start:stop]
    ...     def passages(self, rows): return rows
    ...     def texts(self, rows): return 0 * rows
    >>> found = collect(Rows(), Two(), np.ones(3, bool), examples=2)
    >>> found.count.tolist(), found.peak.tolist(), found.top.row.tolist()
    ([3, 1], [4.0, 8.0], [[1, 2], [2, -1]])
    """
    size, total = coder.size, len(store)
    count = np.zeros(size, dtype=np.int64)
    histogram = np.zeros((size, _BINS), dtype=np.int64)
    by_text = np.zeros((size, texts), dtype=np.int64)
    peak = np.zeros(size, dtype=np.float32)
    top, chance = (Best(size, keep, BEFORE + 1 + AFTER) for keep in (examples, drawn))
    step = int(np.clip(_CELLS // size, 64, 8192))
    for start in range(0, total, step):
        stop = min(start + step, total)
        block = _Block.read(store, coder, usable, (start, stop), device)
        finds = block.finds(store)
        count += np.bincount(finds.feature, minlength=size)
        np.maximum.at(peak, finds.feature, finds.value)
        np.add.at(histogram, (finds.feature, _bins(finds.value)), 1)
        np.add.at(by_text, (finds.feature, store.texts(finds.row)), 1)
        _offer(top, finds, block)
        _offer(chance, Finds(finds.feature, _lots(finds, size), finds.row, finds.passage, finds.value), block)
        if progress is not None:
            progress(stop)
    rows_by_text = np.bincount(store.texts(np.flatnonzero(usable)), minlength=texts)
    return Collected(int(usable.sum()), count, histogram, peak, by_text, rows_by_text, top, chance)


@dataclass(frozen=True)
class _Block:
    """Codes (rows, features) of a few rows, of those before and after too, and which are asked for."""

    codes: Tensor
    first: int
    start: int
    stop: int

    @classmethod
    def read(
        cls,
        store: Store,
        coder: Coder,
        usable: npt.NDArray[np.bool_],
        span: tuple[int, int],
        device: torch.device | str,
    ) -> _Block:
        start, stop = span
        first, last = max(0, start - BEFORE), min(len(store), stop + AFTER)
        codes = coder.encode(torch.from_numpy(store.block(first, last)).to(device))
        out = torch.from_numpy(np.flatnonzero(~usable[first:last])).to(codes.device)
        return cls(codes.index_fill_(0, out, 0.0), first, start, stop)

    def finds(self, store: Store) -> Finds:
        """Give all places where a feature fires."""
        inner = self.codes[self.start - self.first : self.stop - self.first]
        at = (inner > 0).nonzero()
        value = inner[at[:, 0], at[:, 1]].cpu().numpy()
        row = at[:, 0].cpu().numpy() + self.start
        return Finds(at[:, 1].cpu().numpy(), value.astype(np.float64), row, store.passages(row).astype(np.int64), value)

    def around(self, finds: Finds) -> Floats:
        """Give how strongly the feature fires around each find (n, BEFORE + 1 + AFTER), nought beyond the store."""
        places = torch.from_numpy(finds.row - self.first)[:, None] + torch.arange(-BEFORE, AFTER + 1)
        inside = (places >= 0) & (places < len(self.codes))
        feature = torch.from_numpy(finds.feature)[:, None]
        found = self.codes[places.clamp(0, len(self.codes) - 1).to(self.codes.device), feature.to(self.codes.device)]
        around: Floats = np.where(inside.numpy(), found.cpu().numpy(), np.float32(0))
        return around


def _offer(best: Best, finds: Finds, block: _Block) -> None:
    worth = finds[best.worth(finds.feature, finds.rank)]
    best.offer(worth, block.around(worth))


def _bins(values: Floats) -> Wholes:
    octaves = np.floor(np.log2(values, dtype=np.float64) * OCTAVE).astype(np.int64)
    bins: Wholes = np.clip(octaves - _LOWEST, 0, _BINS - 1)
    return bins


def _lots(finds: Finds, size: int) -> npt.NDArray[np.float64]:
    """Draw a number from 0 to 1 for each find, the same in every run (SplitMix64; Steele, Lea and Flood 2014)."""
    z = (finds.row.astype(np.uint64) * np.uint64(size) + finds.feature.astype(np.uint64)) * np.uint64(
        0x9E3779B97F4A7C15
    )
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))).astype(np.float64) / 2.0**64


@torch.no_grad()
def logit_effects(directions: Tensor, unembed: Tensor, words: int = 10) -> tuple[Wholes, Floats]:
    """Give the tokens whose logits a unit of each feature raises and lowers most (nostalgebraist 2020, the logit lens).

    Parameters
    ----------
    directions
        (features, width), what a unit of each adds to the stream.
    unembed
        (width, vocabulary), from the stream to logits.
    words
        Tokens given on either side.

    Returns
    -------
    tokens, effects
        (features, 2 * words): those raised, strongest first, then those lowered, strongest first; effects are above the
        mean over the vocabulary, which the softmax does not see.
    """
    centred = unembed - unembed.mean(1, keepdim=True)
    words = min(words, unembed.shape[1] // 2)
    step = max(1, _CELLS // unembed.shape[1])
    tokens, effects = [], []
    for start in range(0, len(directions), step):
        logits = directions[start : start + step] @ centred
        up, down = logits.topk(words, dim=1), logits.topk(words, dim=1, largest=False)
        tokens.append(torch.cat([up.indices, down.indices], 1).cpu().numpy())
        effects.append(torch.cat([up.values, down.values], 1).cpu().numpy())
    return np.concatenate(tokens), np.concatenate(effects)


@torch.no_grad()
def nearest(directions: Tensor, count: int = 6) -> tuple[Wholes, Floats]:
    """Give the features whose directions are most alike to each one's (features, count), and the cosines.

    Examples
    --------
    >>> others, cosines = nearest(torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]), count=1)
    >>> others.tolist()
    [[2], [2], [0]]
    """
    unit = directions / directions.norm(dim=1, keepdim=True).clamp(min=1e-12)
    count = min(count, len(unit) - 1)
    others, cosines = [], []
    for start in range(0, len(unit), step := max(1, _CELLS // len(unit))):
        alike = unit[start : start + step] @ unit.T
        own = torch.arange(len(alike), device=unit.device)
        alike[own, own + start] = -2.0
        found = alike.topk(count, dim=1)
        others.append(found.indices.cpu().numpy())
        cosines.append(found.values.cpu().numpy())
    return np.concatenate(others), np.concatenate(cosines)
