"""What else trains sparse autoencoders of activations: sae-lens with its defaults, and plain PyTorch."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LENS, PLAIN = "sae-lens", "plain top-k"


@dataclass(frozen=True)
class Coder:
    """A trained dictionary: raw activations to codes and back."""

    size: int
    encode: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]


class Trainee(Protocol):
    """Something that learns a batch (rows, width) at a time, and can be used at any point."""

    def step(self, batch: Tensor) -> None: ...  # noqa: D102
    def coder(self) -> Coder: ...  # noqa: D102


class SaeLens:
    """TopK of sae-lens: its trainer, its defaults, and activations scaled as it recommends."""

    def __init__(self, sample: Tensor, size: int, k: int, rows: int, batch: int) -> None:
        from sae_lens import SAETrainer, TopKTrainingSAE, TopKTrainingSAEConfig
        from sae_lens.config import SAETrainerConfig

        width = sample.shape[1]
        config = TopKTrainingSAEConfig(
            d_in=width, d_sae=size, k=k, normalize_activations="expected_average_only_in", device=str(sample.device)
        )
        plan = SAETrainerConfig(
            total_training_samples=rows, train_batch_size_samples=batch, lr_end=3e-5, device=str(sample.device)
        )
        self.trainer: Any = SAETrainer(plan, TopKTrainingSAE(config), data_provider=iter(()))
        self.trainer.activation_scaler.scaling_factor = width**0.5 / float(sample.norm(dim=1).mean())
        self.size = size

    def step(self, batch: Tensor) -> None:
        """Take one of its steps."""
        self.trainer.step(batch)
        self.trainer.n_training_steps += 1

    def coder(self) -> Coder:
        """Fold the scale into a copy, as it does at the end."""
        sae = copy.deepcopy(self.trainer.sae).eval()
        sae.fold_activation_norm_scaling_factor(self.trainer.activation_scaler.scaling_factor)
        return Coder(self.size, sae.encode, sae.decode)


class Plain(nn.Module):
    """A dense top-k in a few lines of PyTorch, with fused Adam, unit rows, and a start at the mean.

    Of rates from 1e-3 to 8e-3, the one that explained most of made-up activations while all features stayed alive.
    """

    def __init__(self, sample: Tensor, size: int, k: int, rows: int, batch: int) -> None:
        super().__init__()
        self.size, self.k = size, k
        self.scale = float(sample.square().mean().rsqrt())
        self.decoder = nn.Parameter(F.normalize(torch.randn(size, sample.shape[1]).to(sample.device), dim=1))
        self.encoder = nn.Parameter(self.decoder.detach().clone())
        self.offset = nn.Parameter(torch.zeros(size, device=sample.device))
        self.bias = nn.Parameter(sample.mean(0) * self.scale)
        self.optimizer = torch.optim.Adam(self.parameters(), lr=4e-3, fused=True)

    def code(self, x: Tensor) -> Tensor:
        """Keep the k largest of a row of scaled activations."""
        best = F.relu((x - self.bias) @ self.encoder.T + self.offset).topk(self.k, dim=1)
        return torch.zeros(len(x), self.size, device=x.device).scatter(1, best.indices, best.values)

    def step(self, batch: Tensor) -> None:
        """Take a step on the mean squared error."""
        x = batch * self.scale
        loss = (x - self.code(x) @ self.decoder - self.bias).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            self.decoder.copy_(F.normalize(self.decoder, dim=1))

    def coder(self) -> Coder:
        """Put the scale around a copy."""
        net = copy.deepcopy(self).eval().requires_grad_(False)
        scale = self.scale
        return Coder(self.size, lambda x: net.code(x * scale), lambda code: (code @ net.decoder + net.bias) / scale)


PEERS: dict[str, Callable[..., Trainee]] = {PLAIN: Plain}
if find_spec("sae_lens") is not None:
    PEERS = {LENS: SaeLens, **PEERS}


@dataclass(frozen=True)
class Trained:
    """A peer at the end of its run, and as it was when `seconds` had passed in which isthmus did the whole run."""

    end: Coder
    then: Coder
    seconds: float
    steps_then: int


def train(peer: Trainee, batch: Callable[[int], Tensor], steps: int, seconds: float) -> Trained:
    """Train a peer for so many steps, and look at it when the time is over."""
    spent, then, at = 0.0, None, steps
    for step in range(steps):
        started = time.monotonic()
        peer.step(batch(step))
        spent += time.monotonic() - started
        if then is None and spent >= seconds:
            then, at = peer.coder(), step + 1
    end = peer.coder()
    return Trained(end, then or end, spent, at)
