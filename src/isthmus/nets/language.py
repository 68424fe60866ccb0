"""A causal language model, opened: its tokens, its activations at a layer, edits of them, and what it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isthmus.errors import FileError, UsageError
from isthmus.nets.language_files import fingerprint, open_language
from isthmus.nets.language_parts import (
    blocks_of,
    check_causal,
    final_norm,
    first_of,
    norm_weight,
    part_of,
    with_first,
)
from isthmus.nets.pieces import Pieces

__all__ = ["Language", "draw"]

Edit = Callable[[Tensor], Tensor]


class _ReachedError(Exception):
    """The layer that was asked for has been computed: nothing after it needs to be."""


class Language:
    """A causal language model and its tokenizer, to be read and edited at any layer.

    Parameters
    ----------
    model, tokenizer
        As `transformers` opens them.
    name
        What to call the model.
    sha
        What tells it from other models.
    """

    def __init__(self, model: Any, tokenizer: Any, name: str, sha: str) -> None:
        self.model, self.tokenizer, self.name, self.sha = model, tokenizer, name, sha
        self._blocks = blocks_of(model)
        config = model.config.get_text_config()
        self.layers = len(self._blocks)
        self.width = int(config.hidden_size)
        self.vocabulary = int(config.vocab_size)
        self.context = int(getattr(config, "max_position_embeddings", 1 << 20))
        self.device = next(model.parameters()).device
        self._pieces = Pieces(tokenizer)
        self._start: list[int] = self._tokens("")
        end = model.generation_config.eos_token_id if model.generation_config is not None else None
        self.ends: set[int] = set(end if isinstance(end, list) else [] if end is None else [end])

    @classmethod
    def open(cls, path: Path, device: str | torch.device = "cpu") -> Self:
        """Open a folder in transformers' layout, or a .gguf file; nothing is fetched.

        Raises
        ------
        FileError
            It is missing, broken, of an unknown kind, or no causal language model.
        UsageError
            The extra `lm` is not installed.
        """
        place = torch.device(device)
        model, tokenizer = open_language(path, place)
        self = cls(model, tokenizer, path.stem if path.is_file() else path.resolve().name, fingerprint(path))
        if not check_causal(model.base_model, self._blocks, self.vocabulary, place):
            raise FileError(f"'{path}' is no causal language model: what it makes of a token hangs on those after it")
        return self

    def encode(self, text: str, limit: int | None = None) -> list[int]:
        """Give a text's tokens, at most `limit` of them, after the model's own first token where it has one."""
        return self._tokens(text)[:limit]

    def chunks(self, ids: Sequence[int], context: int) -> list[list[int]]:
        """Cut a text's tokens into parts of at most `context`, each with the model's own first token in front."""
        if len(ids) <= context:
            return [list(ids)] if len(ids) else []
        start, rest = self._start, list(ids[len(self._start) :])
        step = context - len(start)
        return [[*start, *rest[place : place + step]] for place in range(0, len(rest), step)]

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Give each token as text; joined, they are the text."""
        return self._pieces.texts(ids)

    def batch(self, ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Lay rows of tokens side by side (B, T), filled up on the right, with a mask (B, T) of those that are real."""
        longest = max(map(len, ids))
        tokens = torch.zeros(len(ids), longest, dtype=torch.long)
        mask = torch.zeros(len(ids), longest, dtype=torch.bool)
        for row, each in enumerate(ids):
            tokens[row, : len(each)] = torch.tensor(each, dtype=torch.long)
            mask[row, : len(each)] = True
        return tokens.to(self.device), mask.to(self.device)

    def site(self, layer: int, site: str = "residual") -> nn.Module:
        """Give the module whose output is a site.

        Parameters
        ----------
        layer
            The block, counted from 0.
        site
            "residual", the stream after the block; or what its "mlp" or "attention" adds to the stream.
        """
        if not 0 <= layer < self.layers:
            raise UsageError(f"layer {layer}: {self.name} has layers 0 to {self.layers - 1}")
        return part_of(self._blocks[layer], site)

    def activations(self, ids: Tensor, mask: Tensor | None, layer: int, site: str = "residual") -> Tensor:
        """Give the activations (B, T, W) of tokens (B, T) at a layer; the layers after it are not computed."""
        return self.activations_at(ids, mask, [layer], site)[0]

    @torch.no_grad()
    def activations_at(
        self, ids: Tensor, mask: Tensor | None, layers: Sequence[int], site: str = "residual"
    ) -> list[Tensor]:
        """Give the activations (B, T, W) at several layers in one pass, which ends with the highest."""
        found: dict[int, Tensor] = {}
        last = max(layers)

        def keep(layer: int) -> Callable[..., None]:
            def hook(_: nn.Module, __: Any, output: Any) -> None:
                found[layer] = first_of(output)
                if layer == last:
                    raise _ReachedError

            return hook

        hooks = [self.site(layer, site).register_forward_hook(keep(layer)) for layer in set(layers)]
        try:
            self.model.base_model(ids, attention_mask=_needed(mask), use_cache=False)
        except _ReachedError:
            pass
        finally:
            for handle in hooks:
                handle.remove()
        return [found[layer] for layer in layers]

    @torch.no_grad()
    def logits(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Give the logits (B, T, V) of the token after each of (B, T)."""
        found: Tensor = self.model(ids, attention_mask=_needed(mask), use_cache=False).logits
        return found

    @contextmanager
    def edited(self, layer: int, site: str, edit: Edit) -> Iterator[None]:
        """Replace the activations at a site by what `edit` makes of them, wherever the model runs within the block.

        Parameters
        ----------
        layer, site
            As in `site`.
        edit
            Takes activations (B, T, W) and gives as many; while a text is written, T is 1 after the prompt.
        """

        def hook(_: nn.Module, __: Any, output: Any) -> Any:
            return with_first(output, edit(first_of(output)))

        handle = self.site(layer, site).register_forward_hook(hook)
        try:
            yield
        finally:
            handle.remove()

    def generate(
        self, ids: Sequence[int], new: int, *, temperature: float = 0.0, top_p: float = 1.0, seed: int = 0
    ) -> list[int]:
        """Give at most `new` tokens that follow some; see `written`."""
        return list(islice(self.written(ids, temperature=temperature, top_p=top_p, seed=seed), new))

    def written(
        self, ids: Sequence[int], *, temperature: float = 0.0, top_p: float = 1.0, seed: int = 0
    ) -> Iterator[int]:
        """Write on, a token at a time, until the model ends its text.

        Parameters
        ----------
        ids
            The tokens so far.
        temperature
            0 takes the likeliest token each time; 1 draws from what the model says.
        top_p
            Draw only from the likeliest tokens that make up so much of the probability (Holtzman et al. 2020).
        seed
            Of the draws.
        """
        if not len(ids):
            raise UsageError("there is nothing to write on from: give a prompt of one token or more")
        random = torch.Generator().manual_seed(seed)
        seen = torch.tensor([list(ids)], dtype=torch.long, device=self.device)
        cache = None
        while True:
            with torch.no_grad():
                out = self.model(seen, cache=cache, use_cache=True)
            cache = out.cache
            token = draw(out.logits[0, -1].float().cpu(), temperature, top_p, random)
            if token in self.ends:
                return
            yield token
            seen = torch.tensor([[token]], dtype=torch.long, device=self.device)

    @torch.no_grad()
    def unembed(self) -> Tensor:
        """Give the weights (W, V) from the stream to the logits, the last norm's weight in them.

        A direction times this is how far it raises each token's logit, but for the norm's scale.
        """
        weight: Tensor = self.model.get_output_embeddings().weight.detach().float()
        norm = final_norm(self.model, self._blocks)
        if norm is None:
            return weight.T
        scale, centred = norm_weight(norm, self.width, next(norm.parameters()))
        folded = weight.T * scale.float()[:, None]
        return folded - folded.mean(0) if centred else folded

    def _tokens(self, text: str) -> list[int]:
        return list(self.tokenizer(text, verbose=False)["input_ids"])


def _needed(mask: Tensor | None) -> Tensor | None:
    """Leave a mask out where only the right is filled up: what comes later is never seen, and without is faster."""
    return None if mask is None or bool(mask[:, 0].all()) else mask.long()


def draw(logits: Tensor, temperature: float, top_p: float, random: torch.Generator) -> int:
    """Take the likeliest token, or draw one."""
    if temperature <= 0:
        return int(logits.argmax())
    shares = F.softmax(logits / temperature, dim=-1)
    if top_p < 1:
        ordered, places = shares.sort(descending=True)
        shares = shares.index_fill(0, places[ordered.cumsum(0) - ordered >= top_p], 0.0)
    return int(torch.multinomial(shares, 1, generator=random))
