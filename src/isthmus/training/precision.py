"""How exactly a run computes: in bf16 where a processor gains by it and the network allows, else in float32.

Weights, moments, gradients, losses and held-out checks are float32 in every run; what "bf16" rounds are the costly
products of steps alone (`nets.precision`), as in Micikevicius et al. 2018, "Mixed precision training", where the range
of bf16 makes the scaling of losses needless. Held-out rows are judged in float32, because models are used in float32
and because the best of nearby checks is chosen by small differences.

TF32, float32 products rounded to 10 bits, is used by no run: the cards that have it have bf16, and what is not rounded
to that is kept exact for a reason.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from isthmus.errors import UsageError
from isthmus.nets.precision import Mixed

PRECISIONS = ("auto", "float32", "bf16")


def wants_bf16(word: str, device: torch.device) -> bool:
    """Tell whether a run is to take its costly products in bf16.

    Parameters
    ----------
    word
        "float32"; "bf16"; or "auto", which is float32 on a processor, elsewhere what $ISTHMUS_PRECISION says, and
        where that is not set bf16 on CUDA devices that compute in it.
    device
        Where the run computes.

    Raises
    ------
    UsageError
        For another word, and for "bf16" on a processor: one that has no instructions for it is hundreds of times
        slower so.

    Examples
    --------
    >>> wants_bf16("float32", torch.device("cuda")), wants_bf16("auto", torch.device("cpu"))
    (False, False)
    """
    asked = os.environ.get("ISTHMUS_PRECISION", "auto") if word == "auto" else word
    if asked not in PRECISIONS:
        raise UsageError(f"precision is {asked!r}; give {', '.join(PRECISIONS)}")
    if word == "bf16" and device.type == "cpu":
        raise UsageError("precision 'bf16' is for a GPU: processors may be hundreds of times slower; give float32")
    if asked == "auto":
        # without emulation: older cards can be made to, and lose by it
        return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return asked == "bf16" and device.type != "cpu"


@contextmanager
def mixed(module: nn.Module, wanted: bool) -> Iterator[None]:
    """Let those parts of a module that may take their costly products in bf16 do so, if that is wanted.

    Examples
    --------
    >>> part = Mixed()
    >>> with mixed(part, True):
    ...     part.bf16
    True
    >>> part.bf16
    False
    """
    parts = [part for part in module.modules() if isinstance(part, Mixed)] if wanted else []
    for part in parts:
        part.bf16 = True
    try:
        yield
    finally:
        for part in parts:
            part.bf16 = False


@contextmanager
def steady(device: torch.device) -> Iterator[None]:
    """Compute convolutions on CUDA alike in every run, and in float32 where they are not in bf16.

    The flags are the whole process's, and are put back.
    """
    if device.type != "cuda":
        yield
        return
    cudnn = torch.backends.cudnn
    with cudnn.flags(enabled=cudnn.enabled, benchmark=False, deterministic=True, allow_tf32=False):
        yield


def moved(rows: Tensor, device: torch.device) -> Tensor:
    """Bring rows to where a run computes; to CUDA by way of pinned memory, so that nothing waits until they are there.

    >>> moved(torch.ones(2), torch.device("cpu")).tolist()
    [1.0, 1.0]
    """
    if device.type != "cuda" or rows.is_cuda:
        return rows.to(device)
    return rows.pin_memory().to(device, non_blocking=True)


def finished(device: torch.device) -> None:
    """Wait until an accelerator has done what it was told to, so that time can be taken."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
