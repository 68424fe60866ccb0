"""What is trained to measure a GPU by: modules of every kind, as their estimators make them, and made-up data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from sae import Mixture
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.nets.codes import Dense
from isthmus.nets.columns import Columns
from isthmus.nets.corruptions import Mask
from isthmus.nets.denoisers import DenoisingNet
from isthmus.nets.dictionaries import Dictionary
from isthmus.nets.hourglass import Hourglass
from isthmus.nets.likelihoods import Categorical, Numeric
from isthmus.nets.noises import parse_noise
from isthmus.nets.pictures import PictureHourglass
from isthmus.nets.sparsity import BatchTopK
from isthmus.nets.start import start_at_principal_components
from isthmus.nets.unet import UNet
from isthmus.tasks.denoise.fit import AREA, PART

HELD = 256
APART, REPEATED = "farthest from the CPU", "weights that a second run makes otherwise"


@dataclass(frozen=True)
class Job:
    """A run ready to go: how its module is made, the same every time, its rows, those held out, and rows a step."""

    make: Callable[[], nn.Module]
    rows: Tensor
    held: Tensor
    batch: int
    rate: float


@dataclass(frozen=True)
class Case:
    """A run that is measured; `prepare` makes it, in full size or a `small` one of the same kind.

    Parameters
    ----------
    apart
        By how much its held-out loss may differ from the CPU's after as many steps: where noise is drawn, which is
        other noise on other devices, by more. None where the CPU would take too long.
    """

    name: str
    title: str
    prepare: Callable[[bool, int], Job]
    apart: float | None = 0.02

    @property
    def goals(self) -> Mapping[str, str]:
        """What must come out for the device to be trusted."""
        return {} if self.apart is None else {APART: f"≤ {self.apart:g}", REPEATED: "0"}

    def load(self, folder: Path) -> Case:
        """Need no data but its own."""
        return self


def table(
    numbers: int, categories: int, width: int, blocks: int, batch: int, masked: bool = True
) -> Callable[..., Job]:
    """Rows of a table: numbers and categories that depend on a few hidden ones."""

    def prepare(small: bool, seed: int) -> Job:
        rng = torch.Generator().manual_seed(seed)
        few, wide = (4, 16) if small else (numbers + categories, width)
        count = 2 * HELD if small else max(20_000, 8 * batch)
        hidden = torch.randn(count, 6, generator=rng)
        shown = hidden @ torch.randn(6, few, generator=rng) + 0.3 * torch.randn(count, few, generator=rng)
        share = max(1, round(few * numbers / (numbers + categories)))
        sizes = [2 + j % 15 for j in range(few - share)]
        cuts = [torch.linspace(-3, 3, size - 1) if size > 2 else torch.zeros(1) for size in sizes]
        chosen = [torch.bucketize(shown[:, share + j].contiguous(), cut).double() for j, cut in enumerate(cuts)]
        rows = torch.cat([shown[:, :share].double(), torch.stack(chosen, 1)], 1)

        def make() -> nn.Module:
            torch.manual_seed(seed)
            learnt = [Numeric.learn(rows[:, j]) for j in range(share)]
            likelihoods = [*learnt, *(Categorical.learn(rows[:, share + j], size) for j, size in enumerate(sizes))]
            code = Dense(min(3 * few, 256))
            net = Hourglass(
                Columns(likelihoods), code, width=wide, blocks=blocks, corruption=(Mask(),) if masked else ()
            )
            start_at_principal_components(net, rows)
            return net

        return Job(make, rows[HELD:], rows[:HELD], min(batch, len(rows) - HELD), 3e-3)

    return prepare


def dictionary(width: int, times: int, batch: int) -> Callable[..., Job]:
    """Activations made of known directions, for a sparse autoencoder of `times` the width, 32 active."""

    def prepare(small: bool, seed: int) -> Job:
        wide, count = (16, 2 * HELD) if small else (width, 8 * batch)
        rows, _ = Mixture(wide, 2 * wide, 8.0, 0.5, 0.05).rows(count + HELD, seed)

        def make() -> nn.Module:
            torch.manual_seed(seed)
            net = Dictionary(BatchTopK(times * wide, k=4 if small else 32), wide)
            net.start(rows[:HELD] if small else rows[:4096])
            return net

        return Job(make, rows[HELD:], rows[:HELD], min(batch, count), 4e-3)

    return prepare


def denoiser(small: bool, seed: int) -> Job:
    """Squares of pictures, for the denoiser as it is by default."""
    side = 16 if small else PART
    rows = pictures_of(2 * HELD if small else 2048, 1, 2 * side, seed)

    def make() -> nn.Module:
        torch.manual_seed(seed)
        sizes = {"widths": (8, 8), "depths": (1, 1)} if small else {}
        return DenoisingNet(1, parse_noise("gaussian:0-75"), UNet(2, 1, **sizes), (side, side))

    return Job(make, rows[HELD:], rows[:HELD], max(4, AREA // PART**2), 1e-3)


def pictures(small: bool, seed: int) -> Job:
    """Small pictures, for the autoencoder of pictures as it is by default."""
    side = 12 if small else 28
    rows = pictures_of(2 * HELD if small else 8192, 1, side, seed)
    rows = torch.cat([rows, torch.zeros_like(rows[:, :1])], 1)  # the plane that would tell what they show

    def make() -> nn.Module:
        torch.manual_seed(seed)
        return PictureHourglass(1, (side, side), Dense(4 if small else 32), width=8 if small else 32)

    return Job(make, rows[HELD:], rows[:HELD], 16 if small else 128, 2e-3)


def pictures_of(count: int, channels: int, side: int, seed: int) -> Tensor:
    """Make smooth pictures of bytes (count, channels, side, side)."""
    rng = torch.Generator().manual_seed(seed)
    rough = torch.rand(count, channels, 5, 5, generator=rng)
    smooth = F.interpolate(rough, (side, side), mode="bilinear", align_corners=True)
    return (255 * smooth).to(torch.uint8)


CASES = (
    Case("table", "A table of 6 numbers and 9 categories, as by default", table(6, 9, 192, 2, 256), 0.05),
    Case("table_wide", "100 columns, width 1,024, 4 blocks, batches of 4,096", table(40, 60, 1024, 4, 4096), None),
    Case("table_plain", "The same table as at first, no cell hidden", table(6, 9, 192, 2, 256, masked=False)),
    Case("sae_576", "Sparse autoencoder, 16 times 576 numbers, batches of 2,048", dictionary(576, 16, 2048)),
    Case("sae_4096", "Sparse autoencoder, 16 times 4,096 numbers, batches of 4,096", dictionary(4096, 16, 4096), None),
    Case("denoiser", "Denoiser of pictures, 16 parts of 64 x 64 pixels a step", denoiser, 0.05),
    Case("pictures", "Autoencoder of pictures of 28 x 28 pixels, 128 a step", pictures),
)
