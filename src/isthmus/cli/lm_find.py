"""``lm find``, ``lm monitor`` and ``lm steer``: features put to use."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from isthmus.cli import options
from isthmus.cli.lm_options import LM, Column, Unit
from isthmus.cli.terminal import print_rows, say, to_json
from isthmus.cli.words import several, whole, word
from isthmus.errors import UsageError

SAE = Annotated[Path, word(metavar="SAE", type=Path, help="a sparse autoencoder that `isthmus fit ACTS` wrote")]
Device = Annotated[str, word("--device", metavar="NAME", help="cpu, cuda or mps; by default the best there is")]
Features = Annotated[list[str], several("--feature", metavar="F", help="number of a feature; several may be given")]


def find(
    sae: SAE,
    lm: LM,
    text: Annotated[list[str], several("--text", metavar="FILE", help="passages that have what is looked for")],
    against: Annotated[list[str], several("--against", metavar="FILE", help="passages that do not")],
    n: Annotated[int, word("-n", metavar="N", type=whole(1), help="features to give; 10")] = 10,
    column: Column = None,
    unit: Unit = None,
    device: Device = "auto",
    json: options.Json = False,
) -> None:
    """Give the features that best tell one text from another, each by itself.

    A passage (a line, or a paragraph where there are blank lines) scores the feature's mean over its tokens. `auroc` is
    the probability that a passage of the text scores higher than one of the other; `strength` is how high the feature
    rises in a passage of the text, which tells what to clamp it to. Judge what was found on text that it was not found
    in.

    For example:

      isthmus lm find sae.isthmus model.gguf --text fr.txt --against en.txt de.txt
      isthmus lm find sae.isthmus model.gguf --text spam.jsonl --against mail.jsonl -n 3 --json
    """
    from isthmus.concepts import find as found
    from isthmus.language import LanguageModel

    features = found(LanguageModel(lm, device=device), sae, text, against, n=n, column=column, unit=unit)
    if json:
        print(to_json({"features": features}))
    else:
        print_rows(features)


def monitor(
    sae: SAE,
    lm: LM,
    text: Annotated[
        list[Path], word(metavar="TEXT", type=Path, nargs="+", help="texts: .txt, .jsonl, .parquet, source code, ...")
    ],
    feature: Features,
    threshold: Annotated[
        list[str], several("--threshold", metavar="T", help="flag what is above; one for all features, or one for each")
    ],
    column: Column = None,
    unit: Unit = None,
    device: Device = "auto",
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Tell where features fire in texts, line by line, as soon as a passage is read.

    With --json each line is one JSON object: source, passage, token, piece, feature, value, context.

    For example:

      isthmus lm monitor sae.isthmus model.gguf mail.txt --feature 17 --threshold 3
      isthmus lm monitor sae.isthmus model.gguf mail.jsonl --feature 17 404 --threshold 3 1.5 --json
    """
    from dataclasses import asdict

    limits = paired("threshold", _wholes(feature), _numbers("threshold", threshold))
    from isthmus.concepts import monitor as watch
    from isthmus.language import LanguageModel

    flags = 0
    for flag in watch(LanguageModel(lm, device=device), sae, text, limits, column=column, unit=unit):
        flags += 1
        if json:
            print(to_json(asdict(flag)), flush=True)
        else:
            around = " ".join(flag.context.split())
            print(f"{flag.source}:{flag.passage}:{flag.token}  {flag.feature}  {flag.value:.3g}  {around}", flush=True)
    if not quiet and not json:
        say(f"{flags:,} flags")


def steer(
    sae: SAE,
    lm: LM,
    prompt: Annotated[str, word(metavar="PROMPT", help="text to write on from")],
    feature: Annotated[
        list[str] | None, several("--feature", metavar="F", help="number of a feature; several may be given")
    ] = None,
    by: Annotated[
        list[str] | None, several("--by", metavar="X", help="amount, for all features or for each, in units of codes")
    ] = None,
    how: Annotated[
        str, word("--how", metavar="HOW", help="clamp to X, add X units, or ablate, which is to clamp to 0; clamp")
    ] = "clamp",
    towards: Annotated[
        list[str] | None, several("--towards", metavar="FILE", help="choose features: write more as these passages")
    ] = None,
    away: Annotated[
        list[str] | None, several("--away", metavar="FILE", help="with --towards: and less as these passages")
    ] = None,
    strength: Annotated[
        float, word("--strength", metavar="S", type=float, help="with --towards: times a feature's mean there; 3")
    ] = 3.0,
    new: Annotated[int, word("--new", metavar="N", type=whole(1), help="tokens to write; 40")] = 40,
    temperature: Annotated[
        float, word("--temperature", metavar="T", type=float, help="0 takes the likeliest token, 1 draws; 0")
    ] = 0.0,
    top_p: Annotated[
        float, word("--top-p", metavar="P", type=float, help="draw only from the likeliest that make up P; 1")
    ] = 1.0,
    device: Device = "auto",
    seed: options.Seed = 0,
    json: options.Json = False,
) -> None:
    """Write on from a prompt, without and with features changed at every token.

    Shows both texts, and the tokens whose probability to come next changes most. Name the features and the amount, or
    two texts: of the features that tell them apart, those of --towards are clamped high and those of --away ablated.

    For example:

      isthmus lm steer sae.isthmus model.gguf "The weather today is" --feature 17 --by 20
      isthmus lm steer sae.isthmus model.gguf "La ville est" --feature 17 --how ablate
      isthmus lm steer sae.isthmus model.gguf "I think" --feature 17 404 --by 8 2 --how add --temperature 0.7
      isthmus lm steer sae.isthmus model.gguf "My name is" --towards fr.txt --away en.txt --temperature 0.7
    """
    if not 0 < top_p <= 1 or not 0 <= temperature < math.inf:
        raise UsageError(f"--temperature {temperature} --top-p {top_p}: give 0 or more, and a share up to 1")
    if (towards is None) != (away is None) or (towards is None) == (feature is None):
        raise UsageError("name what to change: --feature F --by X, or two texts, --towards FILE --away FILE")
    if towards is not None and (by is not None or how != "clamp"):
        raise UsageError("--towards chooses features and amounts: leave out --by and --how, or set --strength")
    named = _amounts(feature, by, how) if feature is not None else {}
    from isthmus.concepts import steer as steered
    from isthmus.language import LanguageModel

    model = LanguageModel(lm, device=device)
    changes = model.towards(sae, towards, away, strength=strength) if towards and away else named
    found = steered(model, sae, prompt, changes, how=how, new=new, temperature=temperature, top_p=top_p, seed=seed)
    if json:
        print(to_json(found))
    else:
        _show(found)
        if not isinstance(changes, dict):
            say(f"changed: {_words(changes)}")


def _amounts(feature: Sequence[str], by: Sequence[str] | None, how: str) -> dict[int, float]:
    """Read what is to be done to which features."""
    chosen = _wholes(feature)
    if how == "ablate" and by is not None:
        raise UsageError("--by: to ablate takes no amount; leave it out, or choose --how clamp")
    if how != "ablate" and by is None:
        raise UsageError(f"--by: say how much to {how}; `isthmus lm find` gives a feature's usual strength")
    return paired("by", chosen, _numbers("by", by or ["0"]))


def _words(changes: Sequence[Any]) -> str:
    """Say which features are raised, and how many are ablated."""
    raised = [f"{change.feature} at {change.by:.3g}" for change in changes if change.how != "ablate"]
    return ", ".join([*raised, f"{len(changes) - len(raised)} ablated"])


def _show(found: Mapping[str, Any]) -> None:
    for name in ("without", "with"):
        print(f"--- {name}\n{found['prompt']}{found[name]}\n")
    rows = [{"next": repr(row["piece"]), "without": row["without"], "with": row["with"]} for row in found["next"]]
    print_rows(rows)


def paired(name: str, features: Sequence[int], amounts: Sequence[float]) -> dict[int, float]:
    """Give every feature its amount: one for all, or one each.

    >>> paired("by", [3, 5], [2.0])
    {3: 2.0, 5: 2.0}
    """
    if len(set(features)) < len(features):
        raise UsageError(f"--feature: {next(f for f in features if features.count(f) > 1)} is given twice")
    amounts = list(amounts) * len(features) if len(amounts) == 1 else amounts
    if len(amounts) != len(features):
        raise UsageError(f"--{name}: {len(amounts)} for {len(features)} features; give one for all, or one for each")
    return dict(zip(features, amounts, strict=True))


def _wholes(words: Sequence[str]) -> list[int]:
    wrong = [text for text in words if not text.isdecimal()]
    if wrong:
        raise UsageError(f"--feature {wrong[0]}: give the number of a feature, counted from 0")
    return [int(text) for text in words]


def _numbers(name: str, words: Sequence[str]) -> list[float]:
    try:
        found = [float(text) for text in words]
    except ValueError:
        found = [math.nan]
    if not all(map(math.isfinite, found)):
        raise UsageError(f"--{name} {' '.join(words)}: give a number")
    return found
