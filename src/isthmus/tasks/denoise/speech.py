"""From recordings of clean speech to a network that takes noise out of others, and its use on samples of any length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.signal import resample_poly
from torch import Tensor

from isthmus.nets.backgrounds import Backgrounds
from isthmus.nets.speech import OVERLAP, PLANES, SECONDS, SILENCE, SpeechNet, window_of
from isthmus.nets.unet import UNet
from isthmus.training.loop import train
from isthmus.training.plan import History, Plan
from isthmus.training.progress import Progress
from isthmus.training.seeds import generator

Floats = npt.NDArray[np.floating]
Sound = tuple[Floats, int]
"""Samples (n,) and how many a second."""

RATES = (8000, 16000)
"""What is learnt from has these; a recording serves every one that it reaches."""
LEAST_RATE = 4000
PART = 20
"""Seconds that go through at once."""
RATE = 2e-3
_FACTOR = (4, 2)
_SPEEDS = (85, 92, 100, 109, 118)
"""Per cent: voices are also heard slower and lower, and faster and higher, so that few stand for more."""
_PAUSE = 0.5
_NOISE = 5
"""Seconds of a piece of noise."""
_BATCH = 8
_HELD_OUT = 0.05


@dataclass(frozen=True)
class Settings:
    """What was asked for."""

    widths: Sequence[int]
    depths: Sequence[int]
    steps: int
    budget: float | None = None
    learning_rate: float = RATE
    seed: int = 0
    checkpoint: Path | None = None
    resume: bool = False


class Clips:
    """Clips at several rates: each step takes some of one, drawn by the root of how many there are.

    Examples
    --------
    >>> source = Clips([torch.zeros(9, 16000), torch.zeros(4, 32000)], size=2, seed=0)
    >>> len(source), sorted({source.batch(step).shape[1] for step in range(9)})
    (13, [16000, 32000])
    """

    def __init__(self, groups: Sequence[Tensor], size: int, seed: int) -> None:
        self.groups, self.size, self.seed = list(groups), size, seed
        self.chances = torch.tensor([float(len(group)) ** 0.5 for group in groups])

    def __len__(self) -> int:
        return sum(map(len, self.groups))

    def batch(self, step: int) -> Tensor:
        """Give a step's clips."""
        rng = generator(torch.device("cpu"), self.seed, step, 1)
        group = self.groups[int(torch.multinomial(self.chances, 1, generator=rng))]
        return group[torch.randint(len(group), (self.size,), generator=rng)]


def train_speech(
    speech: Sequence[Sound],
    noises: Sequence[Sound],
    settings: Settings,
    device: torch.device,
    progress: Progress | None = None,
) -> tuple[SpeechNet, History]:
    """Train on clean recordings, spoilt by recorded and made noise; a twentieth of them are held out to judge by."""
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    order = rng.permutation(len(speech))
    count = max(1, round(_HELD_OUT * len(speech))) if len(speech) > 1 else 0
    held, kept = [speech[i] for i in order[:count]], [speech[i] for i in order[count:]]
    groups = {rate: clips(kept, rate, rng) for rate in RATES}
    rate = max(RATES, key=lambda each: len(groups[each]))
    judged = clips(held, rate, rng, (100,))
    recorded = {each: pieces(noises, each) for each in RATES}
    net = UNet(PLANES, 1, widths=settings.widths, depths=settings.depths, factor=_FACTOR)
    module = SpeechNet(net, Backgrounds(recorded)).to(device)
    source = Clips([group for group in groups.values() if len(group)], _BATCH, settings.seed)
    plan = Plan(
        steps=settings.steps,
        batch_size=_BATCH,
        learning_rate=settings.learning_rate,
        weight_decay=1e-3,
        warmup=100,
        patience=20,
        seed=settings.seed,
        budget=settings.budget,
    )
    history = train(
        module,
        source,
        judged if len(judged) else groups[rate][:16],
        plan,
        progress=progress,
        checkpoint=settings.checkpoint,
        resume=settings.resume,
        identity={"noises": len(noises), "speech": len(speech)},
    )
    return module.requires_grad_(False), history


def clips(
    sounds: Sequence[Sound], rate: int, rng: np.random.Generator, speeds: Sequence[int] = _SPEEDS
) -> torch.Tensor:
    """Join recordings that reach a rate, in any order and with pauses, and cut them into clips of 16 bits.

    Examples
    --------
    >>> tone = np.sin(np.arange(20000) / 9)
    >>> clips([(tone, 8000), (tone, 8000)], 8000, np.random.default_rng(0), (100,)).shape
    torch.Size([2, 16000])
    """
    stream = []
    for speed in speeds:
        for number in rng.permutation(len(sounds)):
            samples, had = sounds[number]
            if had < rate:
                continue
            found = resampled(samples, had * speed // 100, rate)
            most = float(np.abs(found).max(initial=0.0))
            if most > 0:
                stream.append(found / most * 10 ** (rng.uniform(-16, -4) / 20))
                stream.append(np.zeros(int(_PAUSE * rate * rng.random() ** 2)))
    size = SECONDS * rate
    if not stream:
        return torch.zeros(0, size, dtype=torch.int16)
    whole = np.concatenate(stream)
    whole = np.resize(whole, max(size, len(whole) // size * size))
    return torch.from_numpy((whole * 32767).astype(np.int16).reshape(-1, size))


def pieces(noises: Sequence[Sound], rate: int) -> torch.Tensor:
    """Cut recordings of noise that reach a rate into pieces (n, samples) of one length, repeating what is shorter."""
    size, found = _NOISE * rate, []
    for samples, had in noises:
        if had >= rate and np.any(samples):
            given = resampled(samples, had, rate)
            given = given / np.sqrt(np.square(given).mean())
            found += list(np.resize(given, (max(1, round(len(given) / size)), size)))
    return torch.from_numpy(np.asarray(found, np.float32).reshape(-1, size))


def resampled(samples: Floats, had: int, wanted: int) -> npt.NDArray[np.float64]:
    """Give samples (n,) at another rate.

    >>> resampled(np.ones(100), 16000, 8000).shape
    (50,)
    """
    shared = int(np.gcd(had, wanted))
    return np.asarray(resample_poly(np.asarray(samples, np.float64), wanted // shared, had // shared))


@torch.no_grad()
def denoise_speech(
    samples: Floats, rate: int, net: SpeechNet, tell: Callable[[float], None] | None = None, part: float = PART
) -> npt.NDArray[np.float32]:
    """Give the voice in samples (n,), in parts that see all that they depend on, so that no seam can be.

    Examples
    --------
    >>> net = SpeechNet(UNet(PLANES, 1, widths=(4, 4), depths=(1, 1), factor=(4, 2)))
    >>> noise = np.random.default_rng(0).normal(size=40000)
    >>> whole, cut = (denoise_speech(noise, 8000, net, part=seconds) for seconds in (20, 0.5))
    >>> bool(np.abs(whole - cut).max() < 1e-5)
    True
    """
    device = next(net.parameters()).device
    given = torch.from_numpy(np.asarray(samples, np.float32))[None]
    n, level = given.shape[1], given.double().square().mean().sqrt().float().clamp_min(SILENCE).reshape(1, 1).to(device)
    hop = window_of(rate) // OVERLAP
    around, step = (blocks * hop for blocks in net.around)
    size = max(1, round(part * rate / step)) * step
    found = torch.empty(n)
    for start in range(0, n, size):
        first, last = max(0, start - around), min(n, start + size + around)
        made = net(given[:, first:last].to(device), rate, level)[0].cpu()
        found[start : start + size] = made[start - first : start - first + size]
        if tell is not None:
            tell(min(1.0, (start + size) / n))
    return np.asarray(found.numpy())
