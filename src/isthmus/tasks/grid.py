"""Pictures to small pictures of several planes, and back: what is diffused where whole pictures are too large."""

from __future__ import annotations

import dataclasses
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from isthmus.errors import FileError
from isthmus.nets.grids import BLOCK, GridAutoencoder
from isthmus.tasks.pictures import Training, train_on
from isthmus.training import checkpoints

Bytes = npt.NDArray[np.uint8]

AREA = 1 << 16
"""Pixels a step, and no fewer than so many pictures:"""
FEWEST = 8
RATE = 2e-3
JUDGED = 64
"""Pictures at least that a check is made on, and most that tell what a code loses."""
TOGETHER = 64
"""Pictures that go through at once."""


def learn_grid(
    pictures: Bytes, planes: int, width: int, training: Training, device: torch.device
) -> tuple[GridAutoencoder, dict[str, float]]:
    """Learn codes of so many planes from pictures (n, channels, rows, columns), by a network that wide at first.

    Told beside are the seconds that it took and the error of rebuilt pictures that were held out, as the root of its
    mean square, where white is 255. Where checkpoints are kept, so is what was learnt, until all that is learnt after
    it is done too: `forget_grid`.
    """
    n, channels, rows, columns = pictures.shape
    torch.manual_seed(training.seed)
    net = GridAutoencoder(channels, planes, width=width).to(device)
    identity = {"grid": net.config(), "pictures": n, "size": [rows, columns], "steps": training.steps}
    identity |= {"seed": training.seed, "data": zlib.crc32(np.ascontiguousarray(pictures).data)}
    kept = _kept(training.checkpoint)
    if kept is not None and training.resume and kept.exists():
        tensors, facts = checkpoints.read(kept, identity)
        try:
            net.load_state_dict(tensors)
        except RuntimeError:
            raise FileError(f"{kept}: not a usable checkpoint; delete it to start anew") from None
        return net.requires_grad_(False), facts
    own = dataclasses.replace(
        training,
        batch=max(FEWEST, AREA // (rows * columns)),
        judged=JUDGED,
        checks=12,
        optimizer="muon",
        learning_rate=RATE,
        patience=4,
        identity=identity,
    )
    history, held = train_on(net, pictures, np.zeros(n, np.uint8), own)
    judged = pictures[held][:JUDGED]
    codes = torch.from_numpy(to_codes(net, judged)).to(device)
    error = from_codes(net, codes.float() / 127.5 - 1, (rows, columns)) - torch.from_numpy(judged) / 255
    facts = {"seconds": history.seconds, "error": 255 * float(error.square().mean().sqrt())}
    if kept is not None:
        tensors = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
        checkpoints.write(kept, tensors, facts, identity)
    return net.requires_grad_(False), facts


def forget_grid(training: Training) -> None:
    """Delete what `learn_grid` kept to be gone on from."""
    if (kept := _kept(training.checkpoint)) is not None:
        kept.unlink(missing_ok=True)


def _kept(checkpoint: Path | None) -> Path | None:
    return None if checkpoint is None else checkpoint.with_name(checkpoint.name + ".code")


@torch.no_grad()
def to_codes(net: GridAutoencoder, pictures: Bytes) -> Bytes:
    """Turn pictures (n, channels, rows, columns) into codes (n, planes, rows / 8, columns / 8), as bytes.

    A byte is fine enough: the decoder has learnt to do with codes that are a dozen times as far off.
    """
    parts = torch.split(torch.from_numpy(pictures), TOGETHER)
    device = next(net.parameters()).device
    codes = torch.cat([net.encode(part.to(device).float() / 255).cpu() for part in parts])
    return ((codes + 1) * 127.5).round().to(torch.uint8).numpy()


@torch.no_grad()
def from_codes(net: GridAutoencoder, codes: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn codes between -1 and 1 into pixels between 0 and 1 of pictures of `size`."""
    return torch.cat([net.decode(part, size).cpu() for part in torch.split(codes, TOGETHER)])


def hidden_places(hidden: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell the places of a code (rows / 8, columns / 8) that hidden pixels (rows, columns) had a say in.

    Those are the pixels' own and, since kernels look around them, those beside.

    >>> hidden_places(np.arange(24)[None] > 20).tolist()
    [[False, True, True]]
    """
    marks = torch.from_numpy(hidden)[None, None].float()
    pooled = nn.functional.max_pool2d(marks, BLOCK, ceil_mode=True)
    near: npt.NDArray[np.bool_] = nn.functional.max_pool2d(pooled, 3, stride=1, padding=1)[0, 0].numpy() > 0
    return near
