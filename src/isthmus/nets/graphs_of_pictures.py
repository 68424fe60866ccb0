"""Networks of pictures as functions of plain tensors: arrays (n, rows, columns, channels) in and out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from isthmus.nets.denoisers import DenoisingNet
from isthmus.nets.diffusion import DiffusionNet
from isthmus.nets.graphs import Graph, whole
from isthmus.nets.grids import BLOCK, GridAutoencoder
from isthmus.nets.noises import Noisy
from isthmus.nets.pictures import PictureHourglass


class PicturesToCode(nn.Module):
    """Pictures of one size to their codes."""

    def __init__(self, net: PictureHourglass) -> None:
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> Tensor:
        """Bytes (n, rows, columns, channels) to codes (n, size)."""
        return self.net.encode(pictures.permute(0, 3, 1, 2).float() / 255)

    def graph(self) -> Graph:
        """Give it with an example."""
        pictures = torch.zeros(2, *self.net.size, self.net.channels, dtype=torch.uint8)
        return Graph("encoder", self, {"pictures": pictures}, ["code"])


class CodeToPictures(nn.Module):
    """Codes to pictures, of some kind where the network knows kinds."""

    def __init__(self, net: PictureHourglass) -> None:
        super().__init__()
        self.net = net

    def forward(self, code: Tensor, kind: Tensor | None = None) -> Tensor:
        """Codes (n, size) and kinds (n,), -1 for any, to pixels (n, rows, columns, channels), 0 to 1 or about."""
        return self.net.decode(self.net.code.decode(code), kind).permute(0, 2, 3, 1)

    def graph(self) -> Graph:
        """Give it with an example."""
        inputs = {"code": torch.zeros(2, self.net.code.size or 0)}
        if self.net.kinds:
            inputs["kind"] = torch.zeros(2, dtype=torch.long)
        return Graph("decoder", self, inputs, ["pictures"])


class Denoise(nn.Module):
    """Noisy pictures of any size to likely clean ones."""

    def __init__(self, net: DenoisingNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, noisy: Tensor, level: Tensor) -> Tensor:
        """Pixels (n, rows, columns, channels) of 0 to 1 and the deviation of each one's noise (n, rows, columns)."""
        rows, columns = noisy.shape[1:3]
        planes = whole(torch.cat([noisy, level[..., None]], 3).permute(0, 3, 1, 2), (rows, columns), self.net.net.step)
        clean: Tensor = self.net(Noisy(planes[:, :-1], planes[:, -1:]))
        return clean.permute(0, 2, 3, 1)[:, :rows, :columns]

    def graph(self) -> Graph:
        """Give it with an example, not of whole blocks."""
        rows, columns = (3 * step - 1 for step in self.net.net.step)
        inputs = {"noisy": torch.zeros(2, rows, columns, self.net.channels), "level": torch.zeros(2, rows, columns)}
        sides = {1: "rows", 2: "columns"}
        return Graph("denoiser", self, inputs, ["pictures"], {"noisy": sides, "level": sides})


class DiffusionStep(nn.Module):
    """Pictures as noisy as it may be to the mean of what they may have been: one look of the many that make one."""

    def __init__(self, net: DiffusionNet, size: Sequence[int]) -> None:
        super().__init__()
        self.net, self.size = net, tuple(size)

    def forward(self, noisy: Tensor, level: Tensor, kind: Tensor | None = None) -> Tensor:
        """Pixels (n, rows, columns, channels) of -1 to 1, their noise's deviation (n,), and kinds (n,), -1 for any."""
        planes = noisy.permute(0, 3, 1, 2)
        levels = level[:, None, None, None].expand(-1, 1, *self.size)
        found: Tensor = self.net(Noisy(planes, levels), kind)
        return found.permute(0, 2, 3, 1)

    def graph(self) -> Graph:
        """Give it with an example."""
        inputs = {"noisy": torch.zeros(2, *self.size, self.net.channels), "level": torch.ones(2)}
        if self.net.kinds:
            inputs["kind"] = torch.zeros(2, dtype=torch.long)
        return Graph("denoiser", self, inputs, ["pictures"])


class PicturesToGrid(nn.Module):
    """Pictures of one size to codes that are small pictures, for a diffusion that goes through them."""

    def __init__(self, net: GridAutoencoder, size: Sequence[int]) -> None:
        super().__init__()
        self.net, self.size = net, tuple(size)

    def forward(self, pictures: Tensor) -> Tensor:
        """Bytes (n, rows, columns, channels) to codes (n, rows / 8, columns / 8, planes) of -1 to 1."""
        return self.net.encode(pictures.permute(0, 3, 1, 2).float() / 255).permute(0, 2, 3, 1)

    def graph(self) -> Graph:
        """Give it with an example."""
        pictures = torch.zeros(2, *self.size, self.net.channels, dtype=torch.uint8)
        return Graph("encoder", self, {"pictures": pictures}, ["code"])


class GridToPictures(nn.Module):
    """Codes that are small pictures, such as a diffusion makes, to pictures of one size."""

    def __init__(self, net: GridAutoencoder, size: tuple[int, int]) -> None:
        super().__init__()
        self.net, self.size = net, size

    def forward(self, code: Tensor) -> Tensor:
        """Codes (n, rows / 8, columns / 8, planes) to pixels (n, rows, columns, channels), 0 to 1 or about."""
        return self.net.decode(code.permute(0, 3, 1, 2), self.size).permute(0, 2, 3, 1)

    def graph(self) -> Graph:
        """Give it with an example."""
        rows, columns = (-(-side // BLOCK) for side in self.size)
        return Graph("decoder", self, {"code": torch.zeros(2, rows, columns, self.net.planes)}, ["pictures"])
