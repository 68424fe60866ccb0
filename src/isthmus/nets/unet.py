"""A U-Net: what a small picture or signal is made into, at several sizes, each handed across to where it is rebuilt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.nets.precision import Mixed

Pair = tuple[int, int]


class Residual(nn.Module):
    """Two convolutions beside what they change: nothing at first."""

    def __init__(self, width: int, kernel: Pair) -> None:
        super().__init__()
        around = (kernel[0] // 2, kernel[1] // 2)
        self.first = nn.Conv2d(width, width, kernel, padding=around)
        self.second = nn.Conv2d(width, width, kernel, padding=around)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, rows, columns) to the same."""
        found: Tensor = x + self.second(torch.relu(self.first(x)))
        return found


class UNet(Mixed):
    """Planes in, planes of the same size out, by way of smaller ones; the convolutions may be trained in bf16.

    As Ronneberger et al. 2015, "U-Net: convolutional networks for biomedical image segmentation", but for residual
    blocks in place of plain ones and sums where it joins. Blocks of `factor` pixels become channels first, which costs
    no time and saves most (Shi et al. 2016, sub-pixel convolution; as in FFDNet, Zhang et al. 2018). A signal is a
    picture of one row, with kernels and factors of one.

    Parameters
    ----------
    inputs, outputs
        Planes given, and planes made.
    widths
        Channels at each size, finest first; every size has half the rows and columns of the one before.
    depths
        Residual blocks at each size: on the way down and, but for the last size, as many again and one on the way up.
    kernel, factor
        Rows and columns of kernels, and of the blocks that become channels.
    told
        Numbers that every picture comes with, such as what it is to show; at each size they shift all channels.

    Examples
    --------
    >>> net = UNet(2, 1, widths=(8, 12), depths=(1, 1))
    >>> net(torch.rand(3, 2, 21, 34)).shape
    torch.Size([3, 1, 21, 34])
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        widths: Sequence[int] = (48, 80, 112),
        depths: Sequence[int] = (1, 1, 2),
        kernel: Pair = (3, 3),
        factor: Pair = (2, 2),
        told: int = 0,
    ) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {
            "inputs": inputs,
            "outputs": outputs,
            "widths": list(widths),
            "depths": list(depths),
            "kernel": list(kernel),
            "factor": list(factor),
            "told": told,
        }
        self.factor, self.kernel = tuple(factor), tuple(kernel)
        self.halved = (min(2, kernel[0]), min(2, kernel[1]))
        self.step = tuple(f * h ** (len(widths) - 1) for f, h in zip(self.factor, self.halved, strict=True))
        kernel = (kernel[0], kernel[1])
        around, cells = (kernel[0] // 2, kernel[1] // 2), factor[0] * factor[1]
        self.first = nn.Conv2d(inputs * cells, widths[0], kernel, padding=around)
        self.last = nn.Conv2d(widths[0], outputs * cells, kernel, padding=around)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        self.before, self.after = nn.ModuleList(), nn.ModuleList()
        self.shift = nn.ModuleList(nn.Linear(told, width) for width in widths) if told else None
        for level, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            self.before.append(nn.Sequential(*(Residual(width, kernel) for _ in range(depth))))
            if level + 1 < len(widths):
                below = widths[level + 1]
                self.down.append(nn.Conv2d(width, below, self.halved, stride=self.halved))
                self.up.append(nn.ConvTranspose2d(below, width, self.halved, stride=self.halved))
                self.after.append(nn.Sequential(*(Residual(width, kernel) for _ in range(depth + 1))))

        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> UNet:
        """Make one from `settings`, as JSON gives them back."""
        kept: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in settings.items()}
        return cls(**kept)

    def matrices(self) -> list[nn.Parameter]:
        """Give the kernels between the first layer and the last."""
        ends = {id(self.first.weight), id(self.last.weight)}
        return [weight for weight in self.parameters() if weight.ndim == 4 and id(weight) not in ends]

    @property
    def reach(self) -> Pair:
        """Rows and columns around a pixel beyond which nothing changes what is made of it."""
        far, cell = [0, 0], list(self.factor)
        for level, blocks in enumerate(self.before):
            after = len(self.after[level]) if level < len(self.after) else 0  # type: ignore[arg-type]
            layers = 2 * (len(blocks) + after) + (2 if level == 0 else 0)  # type: ignore[arg-type]
            for axis in range(2):
                far[axis] += cell[axis] * (layers * (self.kernel[axis] // 2) + 1)
                cell[axis] *= self.halved[axis]
        return far[0], far[1]

    def forward(self, x: Tensor, told: Tensor | None = None) -> Tensor:
        """Planes (n, inputs, rows, columns) of any size, and what is told (n, told), to planes (n, outputs, ...)."""
        rows, columns = x.shape[2:]
        missing = (-rows % self.step[0], -columns % self.step[1])
        if any(missing):
            x = functional.pad(x, (0, missing[1], 0, missing[0]), mode="replicate")
        with self.products(x):
            found = to_pixels(self._convolved(to_channels(x, self.factor), told).float(), self.factor)
        return found[..., :rows, :columns]

    def _convolved(self, x: Tensor, told: Tensor | None) -> Tensor:
        hidden = self.first(x.contiguous(memory_format=torch.channels_last))
        across = []
        for level, down in enumerate(self.down):
            across.append(self.before[level](self._shifted(hidden, level, told)))
            hidden = down(across[-1])
        hidden = self.before[-1](self._shifted(hidden, -1, told))
        for level in reversed(range(len(self.up))):
            hidden = self.after[level](self._shifted(self.up[level](hidden) + across[level], level, told))
        out: Tensor = self.last(hidden)
        return out

    def _shifted(self, hidden: Tensor, level: int, told: Tensor | None) -> Tensor:
        if self.shift is None or told is None:
            return hidden
        moved: Tensor = hidden + self.shift[level](told)[:, :, None, None]
        return moved


def to_channels(x: Tensor, factor: Sequence[int]) -> Tensor:
    """Make blocks of `factor` pixels channels: (n, c, rows, columns) to (n, c * block, rows / f, columns / g).

    >>> x = torch.arange(8.0).reshape(1, 1, 2, 4)
    >>> to_channels(x, (1, 2))[0, :, 0].tolist()
    [[0.0, 2.0], [1.0, 3.0]]
    >>> bool((to_pixels(to_channels(x, (2, 2)), (2, 2)) == x).all())
    True
    """
    n, c, rows, columns = x.shape
    f, g = factor
    cut = x.reshape(n, c, rows // f, f, columns // g, g)
    return cut.permute(0, 1, 3, 5, 2, 4).reshape(n, c * f * g, rows // f, columns // g)


def to_pixels(x: Tensor, factor: Sequence[int]) -> Tensor:
    """Undo `to_channels`."""
    n, c, rows, columns = x.shape
    f, g = factor
    cut = x.reshape(n, c // (f * g), f, g, rows, columns)
    return cut.permute(0, 1, 4, 2, 5, 3).reshape(n, c // (f * g), rows * f, columns * g)
