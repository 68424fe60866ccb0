"""`make train-signals`: learn the models of sound that isthmus ships, from recordings in the folder of shared data.

python benchmarks/train_signals.py             all models, to src/isthmus/weights
python benchmarks/train_signals.py --only ear  one of error, ear and exact

No recording named in `HELD_OUT` is read, nor a speaker or a fold: benchmarks/sound.py measures on them.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save_file
from sounds import a_weight

from isthmus.data.signals import open_signal
from isthmus.files import writing
from isthmus.nets.signals import EDGES, SoundNet, analyse, bands
from isthmus.tasks.signals import octaves
from isthmus.tasks.sound import levels, lossless, residuals
from isthmus.tasks.sound.fit import Stretch, settle, to_arrays, whole
from isthmus.tasks.sound.frames import resolution, rotated
from isthmus.tasks.sound.lossy import EAR_FRAMES, HOPS, fineness
from isthmus.training.loop import train
from isthmus.training.plan import Plan
from isthmus.training.progress import Lines

ROOT = Path(__file__).resolve().parents[1]
HELD_OUT = ("5703-47212-0000", "speechService", "Kevin_MacLeod_-_Vibe_Ace", "sorohanro_-_solo-trumpet-06")
SPEAKER, FOLD = "yweweler", "5"
FRAMES, BINS, WARM, MARGIN = 24, 72, 8, 4
SEED = 0
SHAPES = {"error": 0.0, "ear": 0.7}
FILL = 0.5
NAMES = {"error": "signals", "ear": "signals-perceptual", "exact": "signals-exact"}


@dataclass(frozen=True)
class Recording:
    """Samples (channels, n) of root mean square 1, the first channel the stronger, at a rate."""

    samples: torch.Tensor
    rate: int


def recordings(folder: Path) -> Iterator[Recording]:
    """Read what may be learnt from."""
    digits: dict[str, list[npt.NDArray[np.float32]]] = {}
    for path in sorted((folder / "fsdd").glob("*.wav")):
        speaker = path.stem.split("_")[1]
        if speaker != SPEAKER:
            digits.setdefault(speaker, []).append(open_signal(path).samples)
    for parts in digits.values():
        yield _recording(np.concatenate(parts), 8000)
    for path in sorted((folder / "esc10").glob("*.wav")):
        if path.stem.split("__")[1].split("-")[0] != FOLD:
            signal = open_signal(path)
            yield _recording(signal.samples, signal.rate)
    for path in sorted((folder / "speech_music").iterdir()):
        if path.suffix in {".wav", ".ogg"} and path.stem not in HELD_OUT:
            signal = open_signal(path)
            yield _recording(signal.samples, signal.rate)


def _recording(samples: npt.NDArray[np.float32], rate: int) -> Recording:
    channels = torch.from_numpy(np.ascontiguousarray(rotated(samples.astype(np.float32))[0].T))
    return Recording(channels / channels.square().mean().sqrt().clamp_min(1e-6), rate)


def patches(found: list[Recording], count: int, shape: float, rng: np.random.Generator) -> torch.Tensor:
    """Cut patches (count, planes, frames, bins) for `SoundNet.losses` out of recordings, long ones more often."""
    kept: list[torch.Tensor] = []
    seconds = np.array([r.samples.shape[1] / r.rate for r in found])
    share = np.sqrt(np.minimum(seconds, 60) * np.array([r.rate for r in found]))
    while len(kept) < count:
        recording = found[rng.choice(len(found), p=share / share.sum())]
        hop = int(rng.choice([hop for hop in HOPS if not shape or hop * EAR_FRAMES <= 2 * recording.rate]))
        length = min(recording.samples.shape[1], hop * 160)
        start = int(rng.integers(0, recording.samples.shape[1] - length + 1))
        numbers, level = _shaped(analyse(recording.samples[:, start : start + length], hop), recording.rate, shape)
        around = (MARGIN, BINS, WARM, 0)
        grid, level = torch.nn.functional.pad(numbers, around), torch.nn.functional.pad(level, around)
        band = torch.nn.functional.pad(torch.from_numpy(bands(recording.rate, hop)).float(), (MARGIN, BINS))
        for _ in range(24):
            t = int(rng.integers(0, max(1, grid.shape[1] - FRAMES)))
            k = int(rng.integers(0, hop - min(hop, BINS - 2 * MARGIN) + 1))
            c = int(rng.integers(0, len(grid)))
            part = (slice(None), slice(t, t + FRAMES), slice(k, k + BINS))
            if grid[part].shape[1:] != (FRAMES, BINS) or (grid[part][c].abs().max() < 0.05 and rng.random() < 0.9):
                continue
            facts = torch.zeros(FRAMES, BINS)
            facts[0, 0], facts[0, 1] = resolution(recording.rate, hop), 16.0 * c
            other = grid[part][0] if c else torch.zeros(FRAMES, BINS)
            kept.append(
                torch.stack([grid[part][c], other, band[k : k + BINS].expand(FRAMES, BINS), level[part][c], facts])
            )
    return torch.stack(kept[:count])


def _shaped(numbers: torch.Tensor, rate: int, shape: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Divide numbers (channels, frames, bins) by what their bands' levels hide; give the levels too."""
    if not shape:
        return numbers, torch.zeros_like(numbers)
    zone = levels.zones(rate, numbers.shape[2], numbers.shape[2])
    level = torch.from_numpy(levels.spread(levels.measure(numbers.double().numpy(), zone), zone, numbers.shape[1]))
    return torch.where(level > 0, numbers / torch.exp2(shape / 2 * (level + levels.FLOOR)), 0.0), level.float()


def stretches(
    found: list[Recording], count: int, ladder: Callable[[float], float], rng: np.random.Generator
) -> list[Stretch]:
    """Choose stretches to count tables from, at qualities of all kinds."""
    some: list[Stretch] = []
    seconds = np.array([r.samples.shape[1] / r.rate for r in found])
    for place in rng.choice(len(found), count, p=np.sqrt(seconds) / np.sqrt(seconds).sum()):
        recording = found[place]
        length = min(recording.samples.shape[1], 5 * recording.rate)
        start = int(rng.integers(0, recording.samples.shape[1] - length + 1))
        samples = recording.samples[:, start : start + length].T.numpy()
        some.append((samples, recording.rate, fineness(1.0, ladder(rng.uniform(1, 8)))))
    return some


def lossy_model(name: str, folder: Path) -> dict[str, npt.NDArray[Any]]:
    """Learn the model for least error, or for the ear."""
    found, shape = list(recordings(folder)), SHAPES[name]
    data = patches(found, 20_000, shape, np.random.default_rng(SEED))
    held_out = patches(found, 600, shape, np.random.default_rng(SEED + 1))
    torch.manual_seed(SEED)
    net = SoundNet(emphasis() if shape else None)
    plan = Plan(steps=6000, batch_size=32, learning_rate=4e-3, patience=99, checks=10, seed=SEED)
    history = train(net, data, held_out, plan, progress=Lines(name))
    print(f"{name}: {history.seconds:.0f} s, held-out loss {history.best_loss:.4f}", flush=True)
    some = stretches(found, 90, lambda quality: octaves(quality, name), np.random.default_rng(SEED + 2))
    return dict(to_arrays(settle(whole(net, shape, FILL if shape else 0.0), some)))


def emphasis() -> torch.Tensor:
    """Half of the A curve (IEC 61672-1) at the middle of each band, in octaves."""
    middles = np.array(EDGES) + np.diff(EDGES, append=28000) / 2
    return torch.tensor(0.5 * np.log2(np.maximum(a_weight(middles), 0.05)), dtype=torch.float32)


def exact_model(folder: Path) -> dict[str, npt.NDArray[Any]]:
    """Count the tables that residuals of prediction are coded by, starting from geometric ones."""
    seen = np.zeros((residuals.CONTEXTS, residuals.SYMBOLS))
    _keep("exact", {"counts": residuals.tables(seen)})
    lossless.chances.cache_clear()
    for path in sorted((folder / "speech_music").iterdir()) + sorted((folder / "esc10").glob("*.wav"))[::4]:
        held_out = path.stem in HELD_OUT or f"__{FOLD}-" in path.stem
        if path.suffix in {".wav", ".ogg"} and not held_out:
            signal = open_signal(path)
            samples = np.round(signal.samples[: 10 * signal.rate] * 32767).astype(np.int32)
            for symbols, table in lossless.encode(samples, lossless.FRAMES[0])[1]:
                np.add.at(seen, (table, symbols), 1.0)
    return {"counts": residuals.tables(seen)}


def _keep(name: str, arrays: dict[str, npt.NDArray[Any]]) -> None:
    path = ROOT / "src" / "isthmus" / "weights" / f"{NAMES[name]}.safetensors"
    path.parent.mkdir(exist_ok=True)
    with writing(path) as temporary:
        save_file(arrays, temporary)


def main() -> int:
    """Learn what is asked for; give the exit code."""
    parser = argparse.ArgumentParser(prog="train-signals", description="learn the models of sound that isthmus ships")
    data = Path(os.environ.get("ISTHMUS_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data, help="folder of data files (default: $ISTHMUS_DATA)")
    parser.add_argument("--only", choices=NAMES, help="one model")
    options = parser.parse_args()
    if lacking := [name for name in ("fsdd", "esc10", "speech_music") if not (options.data / name).is_dir()]:
        print(
            f"there is no {options.data / lacking[0]}: name its data folder with --data or ISTHMUS_DATA",
            file=sys.stderr,
        )
        return 1
    torch.set_num_threads(1)
    for name in (options.only,) if options.only else NAMES:
        started = time.monotonic()
        _keep(name, exact_model(options.data) if name == "exact" else lossy_model(name, options.data))
        print(f"{name}: {(time.monotonic() - started) / 60:.1f} minutes in all", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
