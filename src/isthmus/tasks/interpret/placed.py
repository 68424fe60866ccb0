"""A dictionary at its place in a language model: where it reads, and which tokens it leaves alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isthmus.data.passages import Passage
from isthmus.errors import DataError, UsageError
from isthmus.nets.dictionaries import Dictionary
from isthmus.nets.language import Language
from isthmus.tasks.interpret.reading import Reading, compute, windows
from isthmus.tasks.interpret.replaced import Place

__all__ = ["Placed"]

Floats = npt.NDArray[np.float32]
Wholes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Placed:
    """A language model, a dictionary of its activations, where those are, and how many tokens are read at a time.

    Tokens with an activation longer than `sink_norm` are left out: the first of a text, which is alike in all.
    """

    language: Language
    net: Dictionary
    place: Place
    sink_norm: float
    context: int = 128

    @classmethod
    def of(cls, language: Language, net: Dictionary, facts: Mapping[str, Any]) -> Placed:
        """Put a dictionary where its facts say it belongs, or refuse one that does not.

        Raises
        ------
        DataError
            It was learnt from another model, from nothing that a model computed, or from activations of another width.
        """
        if facts.get("layer") is None:
            raise DataError("this autoencoder was not learnt from a language model's activations: harvest some first")
        if facts.get("lm_sha") not in (None, language.sha):
            raise DataError(f"this autoencoder is of the language model '{facts.get('lm')}', not of '{language.name}'")
        if net.width != language.width:
            raise DataError(
                f"this autoencoder reads activations of {net.width:,} numbers; those of '{language.name}' have "
                f"{language.width:,}"
            )
        end = facts.get("target")
        target = None if end is None else (int(end["layer"]), str(end["site"]))
        place = Place(int(facts["layer"]), facts.get("site") or "residual", target)
        language.site(place.layer, place.site)
        return cls(language, net, place, float(facts.get("sink_norm") or np.inf), min(128, language.context))

    def check(self, features: Iterable[int]) -> list[int]:
        """Refuse features that are not there."""
        chosen = list(features)
        wrong = [feature for feature in chosen if not 0 <= feature < self.net.size]
        if wrong:
            raise UsageError(
                f"there is no feature {wrong[0]}: features of this autoencoder are 0 to {self.net.size - 1}"
            )
        if not chosen:
            raise UsageError("no feature is given; `isthmus lm find` gives those that tell one text from another")
        return chosen

    def read(self, passages: Iterable[Passage]) -> Iterator[tuple[Floats, Wholes]]:
        """Give activations (n, width) and the passage (n,) of each, counted from 0, whole passages at a time."""
        reading = Reading((self.place.layer,), self.place.site, self.context)
        reading.check(self.language)
        for window in windows(self.language, passages, self.context):
            values = compute(self.language, window, reading)[0]
            kept = np.linalg.norm(values, axis=1) <= self.sink_norm
            yield values[kept], window.columns()[1][kept]

    @torch.no_grad()
    def values(self, ids: Sequence[int], features: Sequence[int]) -> Tensor:
        """Give how strongly some features fire (n, len(features)) at each of some tokens, 0 at sinks."""
        batch, mask = self.language.batch([ids])
        return self.fire(self.language.activations(batch, mask, self.place.layer, self.place.site)[0], features)

    @torch.no_grad()
    def fire(self, x: Tensor, features: Sequence[int]) -> Tensor:
        """Give some features' codes (n, len(features)) of activations (n, width), computed alone, 0 at sinks."""
        x = x.float()
        usable = x.norm(dim=1, keepdim=True) <= self.sink_norm
        code: Tensor = self.net.encode_feature(x, features) * usable
        return code.cpu()
