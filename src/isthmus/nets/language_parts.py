"""Where the blocks of a causal language model are, and in them attention and the layers after it, by structure."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from isthmus.errors import DataError, UsageError

__all__ = ["SITES", "blocks_of", "check_causal", "final_norm", "first_of", "norm_weight", "part_of", "with_first"]

SITES = ("residual", "mlp", "attention")
_NAMES = {
    "attention": ("self_attn", "attn", "attention", "self_attention"),
    "mlp": ("mlp", "feed_forward", "ffn", "block_sparse_moe"),
}


def blocks_of(model: Any) -> nn.ModuleList:
    """Find the list of a model's blocks: the first that is as long as its configuration says it has layers."""
    count = model.config.get_text_config().num_hidden_layers
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == count:
            return module
    raise DataError(f"no list of {count} blocks was found in a {type(model).__name__}: its activations cannot be read")


def part_of(block: nn.Module, site: str) -> nn.Module:
    """Give the module whose output is a site of a block: the block itself, its attention, or its feed-forward part."""
    if site == "residual":
        return block
    if site not in SITES:
        raise UsageError(f"site {site!r} is unknown; known are {', '.join(SITES)}")
    children = dict(block.named_children())
    for name in _NAMES[site]:
        if name in children:
            return children[name]
    for child in children.values():
        if site in type(child).__name__.lower():
            return child
    raise DataError(f"no {site} was found in a {type(block).__name__}; it has {', '.join(children)}")


def final_norm(model: Any, blocks: nn.ModuleList) -> nn.Module | None:
    """Find the norm between the last block and the output weights, if there is one."""
    for module in model.modules():
        children = list(module.children())
        if any(child is blocks for child in children):
            norms = [child for child in children if "norm" in type(child).__name__.lower()]
            return norms[-1] if norms else None
    return None


def norm_weight(norm: nn.Module, width: int, like: Tensor) -> tuple[Tensor, bool]:
    """Give what a norm multiplies each of `width` numbers by, and whether it takes off their mean first."""
    if isinstance(norm, nn.LayerNorm):
        weight = norm.weight if norm.weight is not None else like.new_ones(width)
        return weight.detach(), True
    # Of ones the root mean square is one, so that a norm by it gives its weight, whichever way it keeps that.
    return norm(like.new_ones(1, width))[0].detach(), False


def first_of(output: Any) -> Tensor:
    """Give the activations in a module's output: the output, or the first thing in it."""
    found: Tensor = output if isinstance(output, Tensor) else output[0]
    return found


def with_first(output: Any, value: Tensor) -> Any:
    """Put other activations into a module's output."""
    return value if isinstance(output, Tensor) else type(output)((value, *output[1:]))


@torch.no_grad()
def check_causal(model: Any, blocks: nn.ModuleList, size: int, device: torch.device) -> bool:
    """Say whether a token leaves what the model makes of earlier tokens as it is."""
    seen: list[Tensor] = []
    hook = blocks[0].register_forward_hook(lambda _, __, output: seen.append(first_of(output)[:, :2].clone()))
    try:
        for last in (size - 1, size // 2):
            model(torch.tensor([[size // 3, size // 4, last]], device=device), use_cache=False)
    finally:
        hook.remove()
    return torch.allclose(seen[0], seen[1], rtol=1e-3, atol=1e-4)
