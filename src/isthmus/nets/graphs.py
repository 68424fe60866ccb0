"""Networks as functions of plain tensors, nothing hidden and nothing random: what other runtimes can be given.

Each takes what its users have: cells as numbers, pictures as arrays (n, rows, columns, channels).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.nets.dictionaries import Dictionary
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.speech import HIGHEST, OVERLAP, SILENCE, SpeechNet, window_of

Axes = Mapping[str, Mapping[int, str]]


@dataclass(frozen=True)
class Graph:
    """A function to be handed on.

    Parameters
    ----------
    name
        What it is called: "encoder", "decoder", "denoiser".
    module
        What computes it.
    inputs
        An example of each input by its name, of two rows.
    outputs
        Names of what it gives.
    sides
        Axes of inputs, beside the first, that may be of any length.
    """

    name: str
    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: Sequence[str]
    sides: Axes = field(default_factory=dict)


def whole(planes: Tensor, sides: Sequence[int], step: Sequence[int]) -> Tensor:
    """Repeat the last pixels until blocks are whole: the network's own way asks how many are missing."""
    for axis, (side, block) in enumerate(zip(sides, step, strict=True), start=2):
        places = torch.arange((side + block - 1) // block * block, device=planes.device).clamp(max=side - 1)
        planes = planes.index_select(axis, places)
    return planes


def _keep_bins(net: Hourglass) -> None:
    """Have what is asked of numbers made before a graph is traced, of which it would else be part."""
    net.columns.bins(net.columns.numeric)


class RowsToCode(nn.Module):
    """Cells of a table to the code of their rows.

    Parameters
    ----------
    net
        The table's hourglass.
    low, high
        Ends (columns,) that numbers are brought within, infinite where there are none.
    """

    low: Tensor
    high: Tensor

    def __init__(self, net: Hourglass, low: Tensor, high: Tensor) -> None:
        super().__init__()
        self.net = net
        _keep_bins(net)
        self.register_buffer("low", low)
        self.register_buffer("high", high)

    def forward(self, rows: Tensor) -> Tensor:
        """Cells (n, columns), float64, NaN where missing and -1 where unseen, to codes (n, size)."""
        within = torch.where(rows.isnan(), rows, rows.clamp(self.low, self.high))
        return self.net.encode(self.net.columns.tokenize(within))

    def graph(self) -> Graph:
        """Give it with an example."""
        rows = torch.zeros(2, len(self.net.columns.sizes), dtype=torch.float64)
        return Graph("encoder", self, {"rows": rows}, ["code"])


class CodeToRows(nn.Module):
    """Codes to the cells that they most likely stand for, and to the distribution of each."""

    def __init__(self, net: Hourglass) -> None:
        super().__init__()
        self.net = net
        _keep_bins(net)

    def forward(self, code: Tensor, given: Tensor | None = None, known: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Codes (n, size) to cells (n, columns) and probabilities of all tokens (n, tokens).

        Of a model with condition columns `given` (n, conditions), float64, holds their cells, and `known` which of
        these are told; those come back as they were given.
        """
        if given is None or known is None:
            said = self.net.decode(code)
            return said.rebuilt(), said.all_probabilities()
        places = {column: place for place, column in enumerate(self.net.condition)}
        nothing, hidden = torch.full_like(given[:, 0], torch.nan), torch.ones_like(known[:, 0])
        columns = range(len(self.net.columns.sizes))
        cells = torch.stack([given[:, places[j]] if j in places else nothing for j in columns], 1)
        gone = torch.stack([~known[:, places[j]] if j in places else hidden for j in columns], 1)
        said = self.net.decode(code, self.net.columns.tokenize(cells, gone))
        return torch.where(gone | cells.isnan(), said.rebuilt(), cells), said.all_probabilities()

    def graph(self) -> Graph:
        """Give it with an example."""
        conditions = len(self.net.condition)
        inputs = {"code": torch.zeros(2, self.net.code.size or 0)}
        if conditions:
            inputs["given"] = torch.zeros(2, conditions, dtype=torch.float64)
            inputs["known"] = torch.ones(2, conditions, dtype=torch.bool)
        return Graph("decoder", self, inputs, ["rows", "probabilities"])


class DenoiseSpeech(nn.Module):
    """Samples of any rate to the voice in them, in blocks of 8 ms: how long a block is tells the rate.

    A spectrum is a product with waves, not a fast transform, so that windows of every rate are one graph, of operators
    that every runtime has.

    Examples
    --------
    >>> from isthmus.nets.speech import PLANES
    >>> from isthmus.nets.unet import UNet
    >>> net = SpeechNet(UNet(PLANES, 1, widths=(4, 4), depths=(1, 1), factor=(4, 2)))
    >>> blocks = torch.randn(1, 99, 64)
    >>> voice = DenoiseSpeech(net)(blocks, torch.ones(1)).flatten(1)
    >>> torch.allclose(voice, net(blocks.flatten(1), 8000, torch.ones(1, 1)), atol=1e-5)
    True
    """

    def __init__(self, net: SpeechNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, noisy: Tensor, level: Tensor) -> Tensor:
        """Blocks (n, blocks, samples) and the root of all samples' mean square (n,) to blocks of the voice."""
        blocks, hop = noisy.shape[1:]
        frames, size = blocks + OVERLAP - 1, OVERLAP * hop
        around = functional.pad(noisy, (0, 0, OVERLAP - 1, OVERLAP - 1))
        parts = torch.cat([around[:, first : first + frames] for first in range(OVERLAP)], 2)
        window, cosines, sines = _waves(size, noisy)
        real, imaginary = parts * window @ cosines.T, parts * window @ sines.T
        strength = (real.square() + imaginary.square()).sqrt() / level.clamp_min(SILENCE)[:, None, None]
        highest = torch.sym_min(HIGHEST, size // 2)  # type: ignore[no-untyped-call]
        mask = self._mask(strength.transpose(1, 2), highest).transpose(1, 2)
        rows = torch.arange(size // 2 + 1, device=noisy.device)
        twice = torch.where((rows == 0) | (rows == size // 2), 1, 2) * mask / size
        made = ((twice * real) @ cosines + (twice * imaginary) @ sines) * window * hop
        made = made.reshape(-1, frames, OVERLAP, hop)
        pieces = [made[:, OVERLAP - 1 - j : OVERLAP - 1 - j + blocks, j] for j in range(OVERLAP)]
        return torch.stack(pieces).sum(0)

    def _mask(self, strength: Tensor, known: int) -> Tensor:
        places = torch.arange(known, device=strength.device) + 1
        planes = self.net.planes(strength.index_select(1, places))
        net, frames = self.net.net, strength.shape[2]
        found = net(whole(planes, (known, frames), net.step))[:, 0, :known, :frames]
        return self.net.spread(found.sigmoid(), strength.shape[1])

    def graph(self) -> Graph:
        """Give it with an example, of 11,025 samples a second."""
        inputs = {"noisy": torch.zeros(2, 30, window_of(11025) // OVERLAP), "level": torch.ones(2)}
        return Graph("denoiser", self, inputs, ["voice"], {"noisy": {1: "blocks", 2: "samples"}})


def _waves(size: int, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Make the window (size,), and cosines and sines (size / 2 + 1, size) of whole turns in it."""
    samples = torch.arange(size, device=like.device)
    whole = torch.full((1,), size, device=like.device)  # what is left of whole turns in integers, so exactly
    turns = 2 * torch.pi / size * torch.remainder(samples[: size // 2 + 1, None] * samples, whole).to(like.dtype)
    window = (torch.pi / size * samples.to(like.dtype)).sin() / (size / 2) ** 0.5
    return window, turns.cos(), turns.sin()


class ActivationsToCode(nn.Module):
    """Activations to which features are in them, and how much."""

    def __init__(self, net: Dictionary) -> None:
        super().__init__()
        self.net = net

    def forward(self, activations: Tensor) -> Tensor:
        """Activations (n, width) to codes (n, features)."""
        return self.net.encode(activations)

    def graph(self) -> Graph:
        """Give it with an example."""
        return Graph("encoder", self, {"activations": torch.zeros(2, self.net.width)}, ["code"])


class CodeToActivations(nn.Module):
    """Codes to activations."""

    def __init__(self, net: Dictionary) -> None:
        super().__init__()
        self.net = net

    def forward(self, code: Tensor) -> Tensor:
        """Codes (n, features) to activations (n, width)."""
        return self.net.decode(code)

    def graph(self) -> Graph:
        """Give it with an example."""
        return Graph("decoder", self, {"code": torch.zeros(2, self.net.size)}, ["activations"])
