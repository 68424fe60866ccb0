"""What a language model still predicts when what a dictionary rebuilds takes the place of activations.

Cross-entropy recovered is ``(CE(ablated) - CE(rebuilt)) / (CE(ablated) - CE(clean))``: 1 where the model predicts as
well as from the activations themselves, 0 where no better than with each at the mean of all, or at zero (Bricken et al.
2023, "Towards Monosemanticity").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from isthmus.errors import DataError
from isthmus.nets.language import Language
from isthmus.tasks.interpret.measure import Coder

__all__ = ["SINK", "Place", "Predictions", "Replaced"]

SINK = 4.0
"""Tokens whose activation is so many times longer than the median are sinks, the first of a text, and left alone."""
TOKENS = 512
"""Tokens whose logits are computed at a time."""

Edit = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Place:
    """Where a dictionary reads a language model, and where what it rebuilds belongs: later on if it is a transcoder."""

    layer: int
    site: str = "residual"
    target: tuple[int, str] | None = None

    @property
    def end(self) -> tuple[int, str]:
        """Where what it rebuilds belongs."""
        return self.target or (self.layer, self.site)


@dataclass(frozen=True)
class Predictions:
    """What a language model predicts: mean cross-entropy in nats a token, and the likeliest token everywhere (n,)."""

    loss: float
    likeliest: Tensor


def norms_and_mean(
    language: Language, ids: Sequence[Sequence[int]], place: Place, sink_norm: float | None = None
) -> tuple[float, Tensor]:
    """Measure, on tokens: the norm beyond which one is a sink, and the others' mean activation where it is replaced."""
    read = [(first[mask].norm(dim=1), last[mask]) for first, last, mask in _both(language, ids, place)]
    norms, rows = (torch.cat(part) for part in zip(*read, strict=True))
    limit = SINK * float(norms.median()) if sink_norm is None else sink_norm
    return limit, rows[norms <= limit].mean(0)


def _both(language: Language, ids: Sequence[Sequence[int]], place: Place) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Give activations (B, T, W) where they are read and where they are replaced, with the mask (B, T)."""
    layer, site = place.end
    for tokens, mask in _batches(language, ids):
        if site == place.site:
            first, last = language.activations_at(tokens, mask, [place.layer, layer], site)
        else:
            first = language.activations(tokens, mask, place.layer, place.site)
            last = language.activations(tokens, mask, layer, site)
        yield first, last, mask


class Replaced:
    """A language model on some text, with its activations at one place replaced.

    Parameters
    ----------
    language
        The model.
    ids
        Texts as tokens.
    place
        Where activations are replaced.
    sink_norm
        Tokens with longer activations stay as they are; by default `SINK` times the median.
    """

    def __init__(
        self, language: Language, ids: Sequence[Sequence[int]], place: Place, sink_norm: float | None = None
    ) -> None:
        self.language, self.place = language, place
        self.ids = [row for row in ids if len(row) > 1]
        if not self.ids:
            raise DataError("there is no text of two tokens or more to predict: give more text")
        self.sink_norm, self.mean = norms_and_mean(language, self.ids, place, sink_norm)
        self.clean = self._predict(None)
        self.by_mean = self._predict(lambda x: self.mean.expand(*x.shape[:-1], -1))
        self.by_zero = self._predict(lambda x: torch.zeros_like(self.mean).expand(*x.shape[:-1], -1))

    def by(self, coder: Coder) -> dict[str, float]:
        """Tell what is predicted when a dictionary's reconstruction replaces the activations.

        Returns
        -------
        dict
            `recovered` and `recovered_zero`, the share of cross-entropy recovered against mean and zero ablation;
            `loss`, `loss_clean`, `loss_mean` and `loss_zero`, in nats a token; `added`, the nats that it costs; `same`,
            the share of tokens whose likeliest successor stays; `tokens` predicted.
        """
        found = self._predict(lambda x: coder.decode(coder.encode(x.flatten(0, -2))).view(*x.shape[:-1], -1))
        clean, mean, zero = self.clean.loss, self.by_mean.loss, self.by_zero.loss
        return {
            "recovered": (mean - found.loss) / _gap(mean, clean),
            "recovered_zero": (zero - found.loss) / _gap(zero, clean),
            "loss": found.loss,
            "loss_clean": clean,
            "loss_mean": mean,
            "loss_zero": zero,
            "added": found.loss - clean,
            "same": float((found.likeliest == self.clean.likeliest).float().mean()),
            "tokens": len(found.likeliest),
        }

    def rows(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Give activations (n, width) where they are read and where they are replaced, sinks left out."""
        for first, last, mask in _both(self.language, self.ids, self.place):
            kept = mask & (first.norm(dim=-1) <= self.sink_norm)
            yield first[kept], last[kept]

    @torch.no_grad()
    def _predict(self, change: Edit | None) -> Predictions:
        """Predict every token from those before it, activations changed on the way."""
        losses, likeliest = 0.0, []
        for tokens, mask in _batches(self.language, self.ids):
            with ExitStack() as stack:
                if change is not None:
                    self._hook(stack, change)
                logits = self.language.logits(tokens, mask)[:, :-1][mask[:, 1:]]
            wanted = tokens[:, 1:][mask[:, 1:]]
            losses += float(F.cross_entropy(logits.float(), wanted, reduction="sum"))
            likeliest.append(logits.argmax(1))
        found = torch.cat(likeliest)
        return Predictions(losses / len(found), found)

    def _hook(self, stack: ExitStack, change: Edit) -> None:
        """Replace activations while the stack is open; what a transcoder reads is kept until its target is reached."""
        read: list[Tensor] = []

        def keep(x: Tensor) -> Tensor:
            read[:] = [x]
            return x

        def replace(x: Tensor) -> Tensor:
            source = read[0] if read else x
            sinks = source.norm(dim=-1, keepdim=True) > self.sink_norm
            return torch.where(sinks, x, change(source).to(x.dtype))

        if self.place.target is not None:
            stack.enter_context(self.language.edited(self.place.layer, self.place.site, keep))
        stack.enter_context(self.language.edited(*self.place.end, replace))


def _gap(ablated: float, clean: float) -> float:
    """Give what there is to recover; none at all would make any share of it meaningless."""
    return ablated - clean if ablated - clean > 1e-9 else float("nan")


def _batches(language: Language, ids: Sequence[Sequence[int]]) -> Iterator[tuple[Tensor, Tensor]]:
    """Lay texts of about the same length side by side, some `TOKENS` tokens at a time."""
    held: list[Sequence[int]] = []
    for row in sorted(ids, key=len):
        if held and (len(held) + 1) * len(row) > TOKENS:
            yield language.batch(held)
            held = []
        held.append(row)
    if held:
        yield language.batch(held)
