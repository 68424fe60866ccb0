"""Steps compiled by torch, for whoever asks: quicker on some machines, and a minute lost on others."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from isthmus.errors import IsthmusWarning, UsageError
from isthmus.training.memory import out_of_memory

Losses = dict[str, Tensor]
Step = Callable[[Tensor, torch.Generator], Losses]

_WORDS = {"": False, "0": False, "1": True}


def wants_compiling(asked: bool | None, device: torch.device) -> bool:
    """Tell whether to compile: as asked, else on CUDA as $ISTHMUS_COMPILE says (0 or 1), else not.

    >>> wants_compiling(True, torch.device("cpu")), wants_compiling(None, torch.device("cpu"))
    (True, False)
    """
    if asked is not None:
        return asked
    word = os.environ.get("ISTHMUS_COMPILE", "")
    if word not in _WORDS:
        raise UsageError(f"ISTHMUS_COMPILE is {word!r}; give 0 or 1")
    return _WORDS[word] and device.type == "cuda"


def compiled(module: Any, **options: Any) -> Step:
    """Give `module.losses` compiled, gradients and all; itself, with a warning, where that cannot be done.

    The module is left as it is, and so is its file. Whether compiling works shows in its first step, backwards too,
    which is tried out before it counts.

    Parameters
    ----------
    module
        With `losses(batch, generator)`.
    options
        Of `torch.compile`.
    """
    plain: Step = module.losses
    quick: Step = torch.compile(plain, **options)
    chosen: list[Step] = []

    def step(batch: Tensor, rng: torch.Generator) -> Losses:
        if not chosen:
            state = rng.get_state()
            chosen.append(quick if _works(quick, module, batch, rng) else plain)
            rng.set_state(state)
        return chosen[0](batch, rng)

    return step


def _works(quick: Step, module: nn.Module, batch: Tensor, rng: torch.Generator) -> bool:
    """Try a step out, without leaving gradients; running short of memory is not for here to judge."""
    weights = [weight for weight in module.parameters() if weight.requires_grad]
    try:
        total = torch.stack(list(quick(batch, rng).values())).sum()
        torch.autograd.grad(total, weights, allow_unused=True)
    except Exception as error:  # whatever compilers, drivers and torch may say
        if out_of_memory(error):
            raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
        warnings.warn(f"training is not compiled here ({reason}): it goes on as it is", IsthmusWarning, stacklevel=2)
        return False
    return True
