"""A trained network as weights on disk, its guess in whole numbers, and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from isthmus.errors import FileError
from isthmus.files import writing
from isthmus.nets.expected import FACTS, INDICES, KINDS, LOWEST, PER_OCTAVE, QUALITIES, Guess
from isthmus.nets.images import PictureNet
from isthmus.nets.lapped import CHANNELS
from isthmus.tasks.picture.bands import Model
from isthmus.tasks.picture.whole import FINE, LARGEST, MEANS, WholeGuess

_TOTAL = 1 << 16
_HALVES = ("ease.", "mend.")
_WHOLE = ("first", "facts", "quality", "shared", "shared_bias", "own", "last", "usual", "means", "counts")


@torch.no_grad()
def whole(guess: Guess) -> WholeGuess:
    """Round a network's weights: inputs in sixteenths, those beside in sixty-fourths, quality in parts of FINE."""
    weight = guess.first.weight.T.double()
    first, facts = weight[:-FACTS], weight[-FACTS:]
    first = first * (1 << 16)
    first[-CHANNELS:] /= 4
    bias = guess.first.bias.double()
    scaled = {
        "first": first,
        "facts": (facts[:KINDS] / 2 + bias) * (1 << 20),
        "quality": facts[KINDS] * ((1 << 20) / (2 * QUALITIES * FINE)),
        "shared": guess.shared.weight.T.double() * (1 << 10),
        "shared_bias": guess.shared.bias.double() * (1 << 18),
        "own": (guess.own.weight * guess.lower).T.double() * (1 << 14),
        "last": (guess.last.weight * guess.member).T.double() * (PER_OCTAVE << 10),
        "usual": ((guess.last.bias + guess.usual).double() * PER_OCTAVE - LOWEST) * (1 << 18),
        "means": (guess.means * guess.allowed()).T.double() * (1 << 12),
    }
    return WholeGuess(**{name: array.round().numpy() for name, array in scaled.items()}, counts=tables(guess))


def tables(guess: Guess) -> npt.NDArray[np.int64]:
    """Turn the distributions that a network learnt into frequencies (indices x MEANS, symbols)."""
    index = torch.arange(INDICES)[:, None, None].float()
    mean = (torch.arange(MEANS) - MEANS // 2)[:, None] / MEANS
    symbol = torch.arange(-LARGEST, LARGEST + 1).float()
    chance = torch.exp2(-guess.double().bits(symbol.double(), index.double(), mean.double()))
    guess.float()
    beyond = (1 - chance.sum(-1)).clamp_min(0) / 2
    chance[..., 0] += beyond
    chance[..., -1] += beyond
    counts: npt.NDArray[np.int64] = (chance * _TOTAL).round().clamp_min(1).long().flatten(0, 1).numpy()
    return counts


def save(path: Path, net: PictureNet, worth: float) -> None:
    """Write all that a picture takes: networks of pixels in half precision, guesses in whole numbers."""
    guess = whole(net.guess)
    tensors = {
        name: tensor.half() if name.startswith(_HALVES) else tensor.clone()
        for name, tensor in net.state_dict().items()
        if not name.startswith("guess.")
    }
    for name in _WHOLE:
        tensors[f"guess.{name}"] = torch.from_numpy(np.ascontiguousarray(getattr(guess, name))).to(torch.int32)
    with writing(path) as temporary:
        save_file(
            {name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, {"worth": repr(float(worth))}
        )


def read(path: Path) -> Model:
    """Read what `save` wrote."""
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            worth = float(file.metadata()["worth"])
        guess = WholeGuess(
            **{name: tensors.pop(f"guess.{name}").numpy().astype(np.float64) for name in _WHOLE[:-1]},
            counts=tensors.pop("guess.counts").numpy().astype(np.int64),
        )
        net = PictureNet()
        net.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=False)
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise FileError(f"the weights of pictures in '{path}' cannot be read: {error}") from None
    return Model(net.eval().requires_grad_(False), guess, worth)
