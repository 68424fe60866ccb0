"""What a page of features shows of each: examples, words, labels and where it fires, as the browser reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isthmus.report.browser import Browser
from isthmus.tasks.interpret.ask import ask
from isthmus.tasks.interpret.aspects import Example
from isthmus.tasks.interpret.best import Best
from isthmus.tasks.interpret.features import BEFORE, OCTAVE, Collected
from isthmus.tasks.interpret.labels import Background, Label, label
from isthmus.tasks.interpret.shown import Shown

__all__ = ["WORDS", "Page", "histogram_of", "percent", "rounded"]

WORDS = 10
"""Words shown that a feature makes likelier, and as many that it makes less likely."""
_MOVES = (
    "Logits that one unit of the feature adds to the next token's, above the mean over all tokens: what it writes"
    " itself, before the last norm, not what later layers make of it."
)
_LEAD = (
    "Each feature is a direction that an autoencoder found in a language model's activations: every token is rebuilt"
    " from the few features that fire on it. Shading says how strongly; the underlined token is where it fires most.",
    "Labels are made from what a feature's strongest examples share and other places seldom have. They are guesses:"
    " each says how far it holds. What a feature does to words is what it writes itself, not what later layers make of"
    " it.",
)


@dataclass(frozen=True)
class Page:
    """What the page is made of."""

    found: Collected
    shown: tuple[Shown, npt.NDArray[np.int64]]
    names: list[str]

    def labels(self) -> list[Label]:
        """Label every feature."""
        found, (shown, drawn) = self.found, self.shown
        usual = Background.of(shown.example(row, self.names) for row in drawn.tolist())

        def of(best: Best, j: int) -> list[Example]:
            return [shown.example(row, self.names) for row in best.row[j].tolist() if row >= 0]

        return [label(of(found.top, j), of(found.drawn, j), usual) for j in range(len(found.count))]

    def asked(self, labels: list[Label], endpoint: str, most: int) -> list[Label]:
        """Let a chat model label the features that fire most often."""
        new = list(labels)
        for j in np.argsort(-self.found.count, kind="stable")[:most].tolist():
            rows = self.found.top.row[j]
            if rows[0] >= 0:
                told = [self.shown[0].example(row, self.names) for row in rows[:10].tolist() if row >= 0]
                new[j] = Label(ask(endpoint, told), written=True)
        return new

    def browser(
        self,
        labels: list[Label],
        effects: list[list[tuple[str, float]]] | None,
        near: tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]],
        title: str,
        start: Sequence[tuple[int, str]],
    ) -> Browser:
        """Put the page together."""
        found, shown = self.found, self.shown[0]
        density = found.count / max(found.rows, 1)
        words = [" ".join(word for word, _ in effects[j][:WORDS]) if effects else "" for j in range(len(labels))]
        dead = float(np.mean(found.count == 0))
        return Browser(
            "tokens",
            title,
            "tokens",
            _MOVES,
            {
                "label": [each.text for each in labels],
                "density": [rounded(each, 3) for each in density.tolist()],
                "peak": [rounded(each) for each in found.peak.tolist()],
                "clear": [round(each.clear, 3) for each in labels],
                "words": words,
            },
            self._features(labels, effects, near),
            lead=_LEAD,
            facts=[
                ("tokens read", f"{found.rows:,}"),
                ("features", f"{len(labels):,}"),
                ("fire on a token", f"{found.count.sum() / max(found.rows, 1):.1f}"),
                ("never fire here", f"{100 * dead:.1f} %"),
            ],
            more={"pieces": shown.words, "tokens": shown.word.tolist()},
            start=start,
            extra={"octave": OCTAVE},
        )

    def _features(self, labels: list[Label], effects: Any, near: Any) -> Iterator[dict[str, Any]]:
        for j, given in enumerate(labels):
            yield {
                "count": int(self.found.count[j]),
                "peak": rounded(float(self.found.peak[j])),
                "told": _told(given),
                "histogram": histogram_of(self.found, j),
                "examples": self._examples(self.found.top, j, None),
                "drawn": self._examples(self.found.drawn, j, set(self.found.top.row[j].tolist())),
                "up": effects[j][:WORDS] if effects else [],
                "down": effects[j][WORDS:] if effects else [],
                "near": [
                    [int(other), round(float(cosine), 3)] for other, cosine in zip(near[0][j], near[1][j], strict=True)
                ],
                "where": self._where(j),
            }

    def _examples(self, best: Best, j: int, but: set[int] | None) -> list[dict[str, Any]]:
        """List the places kept of a feature: all, or a few of those drawn, strong to weak, that are not in `but`."""
        places = [
            k for k in range(best.keep) if best.row[j, k] >= 0 and (but is None or int(best.row[j, k]) not in but)
        ]
        if but is not None:
            places = sorted(places, key=lambda k: -best.value[j, k])
            places = (
                [places[at] for at in sorted({*np.linspace(0, len(places) - 1, 6).round().astype(int)})]
                if places
                else []
            )
        return [
            self._example(int(best.row[j, k]), float(best.value[j, k]), best.beside[j, k], self.found.peak[j])
            for k in places
        ]

    def _example(self, row: int, value: float, around: npt.NDArray[np.float32], strongest: float) -> dict[str, Any]:
        shown = self.shown[0]
        at, length, peak = shown.span(row)
        mine = around[BEFORE - peak : BEFORE - peak + length]
        levels = np.minimum(np.ceil(255 * mine / strongest), 255).astype(int)
        pairs = [int(each) for place in np.flatnonzero(levels).tolist() for each in (place, levels[place])]
        source = self.names[shown.text[at]] if len(self.names) > 1 else ""
        return {"at": at, "length": length, "peak": peak, "value": rounded(value), "levels": pairs, "source": source}

    def _where(self, j: int) -> list[tuple[str, float]]:
        """Give the share of each text's tokens that a feature fires on, most first."""
        if len(self.names) < 2 or not self.found.count[j]:
            return []
        share = self.found.by_text[j] / np.maximum(self.found.rows_by_text, 1)
        return [
            (self.names[text], rounded(float(share[text]), 3))
            for text in np.argsort(-share)[:6].tolist()
            if share[text]
        ]


def _told(given: Label) -> str:
    """Say how far a label holds."""
    if given.written:
        return "Label written by a chat model from the strongest examples; not checked."
    if given.top is None:
        return ""
    drawn = "" if given.drawn is None else f", for {100 * given.drawn:.0f} % of those drawn from all where it fires"
    return (
        f"Label found by itself: it holds for {100 * given.top:.0f} % of the strongest examples{drawn}, and for"
        f" {percent(given.usual)} of all tokens."
    )


def percent(share: float) -> str:
    """Write a share, small ones too.

    >>> percent(0.25), percent(0.0004)
    ('25 %', '0.04 %')
    """
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1g} %"


def histogram_of(found: Collected, j: int) -> dict[str, Any]:
    """Cut a feature's histogram to the bins that are not empty."""
    filled = np.flatnonzero(found.histogram[j])
    if not len(filled):
        return {"first": 0, "counts": []}
    counts = found.histogram[j, filled[0] : filled[-1] + 1]
    return {"first": int(filled[0]) + found.lowest, "counts": counts.tolist()}


def rounded(value: float, digits: int = 4) -> float:
    """Round to a few digits, so that the page stays small."""
    return float(f"{value:.{digits}g}")
