"""The page that a tour of a language model ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isthmus.report.html import Html, facts, h, page, section, table
from isthmus.tasks.interpret.steer import Change

__all__ = ["Told", "tour_page"]

SHOWN = 5
"""Features named of the many that are silenced."""


@dataclass(frozen=True)
class Told:
    """A kind of text and the feature that tells it best from the others.

    `auroc` is measured on passages that did not choose the feature; `strength` is its usual height in that text.
    """

    kind: str
    feature: int
    auroc: float
    strength: float


def tour_page(
    lm: str,
    layer: int,
    fitted: Mapping[str, Any],
    browsed: Mapping[str, Any],
    told: Sequence[Told],
    steered: Sequence[Mapping[str, Any]],
    seconds: float,
) -> Html:
    """Tell what was harvested and fitted, which features tell the texts apart, and what steering does.

    Parameters
    ----------
    lm, layer
        The language model, and the layer that was read.
    fitted
        Facts of the autoencoder.
    browsed
        What `browse` gave.
    told
        Kinds of text, with the feature that tells each.
    steered
        What `steer` gave, with the `kind` and the `changes`.
    seconds
        What all took.
    """
    lead = (
        f"isthmus read {browsed['tokens']:,} tokens with {lm}, learnt {browsed['features']:,} features of what its"
        f" layer {layer} computes, and looked for those that tell one kind of text from the others."
    )
    strip = facts(
        [
            ("tokens", f"{browsed['tokens']:,}"),
            ("features", f"{browsed['features']:,}"),
            ("fire on a token", f"{browsed['l0']:.0f}"),
            ("of the variance kept", f"{100 * fitted['explained']:.0f} %"),
            ("never fire", f"{100 * browsed['dead']:.1f} %"),
            ("minutes", f"{seconds / 60:.1f}"),
        ]
    )
    return page(f"What {lm} thinks of", lead, strip, _look(), _found(told), _changed(steered), _limits())


def _look() -> Html:
    return section(
        "Every feature",
        h("p", h("a", "The browser of all features", href="features.html"), " shows where each fires, which words it"
          " makes likelier, and a label. Search it for a word, or sort it."),
    )  # fmt: skip


def _found(told: Sequence[Told]) -> Html:
    rows = [
        [each.kind, h("a", each.feature, href=f"features.html#{each.feature}"), f"{each.auroc:.3f}"]
        for each in sorted(told, key=lambda each: -each.auroc)
    ]
    return section(
        "One feature tells a kind of text from the rest",
        h("p", "For every kind of text the one feature whose mean over a passage tells it best from all the others. It"
          " was chosen on half of the passages set apart, and is judged on the other half: the AUROC is the share of"
          " pairs, one passage of the kind and one of another, that it puts in order; .5 is chance."),
        table(["kind of text", "feature", "AUROC"], rows),
    )  # fmt: skip


def _changed(steered: Sequence[Mapping[str, Any]]) -> Html:
    parts = []
    for kind in dict.fromkeys(each["kind"] for each in steered):
        mine = [each for each in steered if each["kind"] == kind]
        rows = [[each["prompt"], each["without"], each["with"], _next(each["next"])] for each in mine]
        parts += [
            h("h3", kind[0].upper() + kind[1:]),
            _done(mine[0]["changes"]),
            h("div", table(["prompt", "without", "with", "next token"], rows), class_="prose"),
        ]
    style = h(
        "style", Html(".prose td { min-width: 11rem; white-space: normal; } .prose td:first-child { min-width: 6rem; }")
    )
    return section(
        "Steering",
        style,
        h(
            "p",
            "The model writes on, drawing each token, from prompts that have nothing to do with it.",
        ),
        *parts,
    )


def _done(changes: Sequence[Change]) -> Html:
    """Say what is done on every token, with links to features; of those that are silenced, to the first few."""
    held = [change for change in changes if change.how == "clamp"]
    silenced = [change for change in changes if change.how == "ablate"]
    parts: list[Any] = ["On every token, whatever it was: held "]
    for change in held:
        then = "" if change.later is None else f", then {change.later:.1f}"
        parts += [_link(change), f" at {change.by:.1f}{then}", ", "]
    parts.pop()
    if silenced:
        parts.append(f"; silenced {len(silenced)}, first of all ")
        parts += [part for change in silenced[:SHOWN] for part in (_link(change), ", ")][:-1]
    return h("p", *parts, ".")


def _link(change: Change) -> Html:
    return h("a", f"feature {change.feature}", href=f"features.html#{change.feature}")


def _next(changes: Sequence[Mapping[str, Any]]) -> str:
    """Say whose probability rose most."""
    risen = sorted(changes, key=lambda each: each["without"] - each["with"])[:3]
    return ", ".join(
        f"“{each['piece'].strip()}” {100 * each['without']:.1g} to {100 * each['with']:.2g} %" for each in risen
    )


def _limits() -> Html:
    words = (
        "A tour on few tokens: features get sharper with more of them, and one that tells these texts apart may tell"
        " their topics as well as their languages.",
        "Held too high, a feature breaks the model's grammar before its point is made; held low, nothing is seen. What"
        " is shown here was chosen by nobody: it is what came out.",
        "Labels in the browser are counted, not understood.",
    )
    return section("What to make of it", h("ul", *(h("li", each) for each in words)))
