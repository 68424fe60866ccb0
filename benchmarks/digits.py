"""A judge of digits, a plain VAE of them, and the distance of Frechet."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
CODE, BATCH = 16, 128


class Judge:
    """A convolutional network that tells digits, trained on real ones shifted by up to two pixels."""

    def __init__(self, pictures: Bytes, labels: Labels, epochs: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.body = nn.Sequential(
            *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 49, 64), nn.ReLU()),
        )
        self.head = nn.Linear(64, 10)
        x, y = _floats(pictures), torch.from_numpy(labels.astype(np.int64))
        weights = [*self.body.parameters(), *self.head.parameters()]
        steps = max(1, epochs * len(x) // BATCH)
        optimizer = torch.optim.AdamW(weights, lr=2e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for _ in range(steps):
            rows = torch.randint(len(x), (BATCH,))
            shift = torch.randint(-2, 3, (2,)).tolist()
            loss = functional.cross_entropy(self.head(self.body(x[rows].roll(shift, (2, 3)))), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        self.body.eval()

    @torch.no_grad()
    def sees(self, pictures: Bytes) -> Floats:
        """Give what its last hidden layer makes of pictures (n, 64)."""
        return torch.cat([self.body(part) for part in _floats(pictures).split(500)]).double().numpy()

    @torch.no_grad()
    def says(self, pictures: Bytes) -> Labels:
        """Tell what digits they are (n,)."""
        found: Labels = self.head(torch.from_numpy(self.sees(pictures)).float()).argmax(1).numpy()
        return found


class Vae(nn.Module):
    """A conditional variational autoencoder of digits (Kingma and Welling 2014, with labels as Sohn et al. 2015)."""

    def __init__(self, pictures: Bytes, labels: Labels, seconds: float, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.encoder = nn.Sequential(
            *(nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(64 * 49, 256), nn.ReLU()),
        )
        self.code = nn.Linear(256 + 10, 2 * CODE)
        self.decoder = nn.Sequential(
            *(nn.Linear(CODE + 10, 256), nn.ReLU(), nn.Linear(256, 64 * 49), nn.ReLU(), nn.Unflatten(1, (64, 7, 7))),
            *(nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1)),
        )
        self.spread = nn.Parameter(torch.zeros(()))
        x, y = _floats(pictures), functional.one_hot(torch.from_numpy(labels.astype(np.int64)), 10).float()
        optimizer = torch.optim.Adam(self.parameters(), lr=1e-3)
        started, self.steps = time.monotonic(), 0
        while time.monotonic() - started < seconds:
            rows = torch.randint(len(x), (BATCH,))
            middle, wide = self.code(torch.cat([self.encoder(x[rows]), y[rows]], 1)).chunk(2, 1)
            drawn = middle + (wide / 2).exp() * torch.randn_like(middle)
            error = (self.decoder(torch.cat([drawn, y[rows]], 1)) - x[rows]).square().flatten(1)
            fit = (error / (2 * (2 * self.spread).exp()) + self.spread).sum(1)
            pull = 0.5 * (wide.exp() + middle.square() - 1 - wide).sum(1)
            optimizer.zero_grad()
            (fit + pull).mean().backward()
            optimizer.step()
            self.steps += 1

    @torch.no_grad()
    def sample(self, labels: Labels, seed: int) -> Bytes:
        """Make digits (n, 28, 28)."""
        rng = torch.Generator().manual_seed(seed)
        told = functional.one_hot(torch.from_numpy(labels.astype(np.int64)), 10).float()
        made = self.decoder(torch.cat([torch.randn(len(labels), CODE, generator=rng), told], 1))
        return np.asarray((made[:, 0].clamp(0, 1) * 255).round().to(torch.uint8).numpy())


def frechet(one: Floats, other: Floats) -> float:
    """Give the distance of Frechet between two clouds (n, d), taken for normal (Heusel et al. 2017, equation 6).

    The trace of the root of a product of two spreads is that of a symmetric matrix as well, whose root exists where
    numbers that never vary make the spreads singular.
    """
    spread, its = np.cov(one.T), np.cov(other.T)
    sizes, ways = np.linalg.eigh(spread)
    root = (ways * np.sqrt(sizes.clip(0))) @ ways.T
    both = np.sqrt(np.linalg.eigvalsh(root @ its @ root).clip(0)).sum()
    return float(np.square(one.mean(0) - other.mean(0)).sum() + np.trace(spread) + np.trace(its) - 2 * both)


def _floats(pictures: Bytes) -> Tensor:
    return torch.from_numpy(pictures).float()[:, None] / 255
